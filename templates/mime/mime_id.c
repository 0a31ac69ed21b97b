/* mime_id.c - SipHash under two keys of the seed gives 128 bits for each name. Held by
 * tests/unit/test_mime_id.c. */
#include "templates/mime/mime_id.h"

#include <stdio.h>

#include "engine/base/bytes.h"
#include "engine/base/must.h"

struct wide {
	uint64_t high, low;
};

void mime_seed_init(struct mime_seed *s, const unsigned char seed[16])
{
	uint64_t a = get_le64(seed), b = get_le64(seed + 8);

	s->low = (struct hash_key){ a, b };
	s->high = (struct hash_key){ ~b, a ^ 0x6c65747465727368 }; /* any fixed difference will do */
}

static struct wide hash_of(const struct mime_seed *s, struct span kind, uint64_t number)
{
	char name[32] = { 0 };
	struct span all = { name, kind.n + 8 };

	MUST(all.n <= sizeof name);
	memcpy(name, kind.p, kind.n);
	put_le64(name + kind.n, number);
	return (struct wide){ hash_span(s->high, all), hash_span(s->low, all) };
}

/* The lowest 40 bits as eight letters of "abcdefghijklmnopqrstuvwxyz234567", the lowest five in the lowest byte. */
static uint64_t eight_letters(uint64_t bits)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t x = (bits & 0xfffff) | (bits & 0xfffff00000) << 12, digits;

	x = (x & 0x000003ff000003ff) | (x & 0x000ffc00000ffc00) << 6;
	x = (x & 0x001f001f001f001f) | (x & 0x03e003e003e003e0) << 3;
	digits = (x + (0x80 - 26) * each) >> 7 & each; /* 1 where it is '2' and up */
	return x + 'a' * each - digits * ('a' + 26 - '2');
}

void mime_id(const struct mime_seed *s, struct span kind, uint64_t number, char out[MIME_ID_SIZE])
{
	struct wide w = hash_of(s, kind, number);
	uint64_t last = eight_letters(w.high >> 56); /* of 128 bits there are eight left */

	put_le64(out, eight_letters(w.low));
	put_le64(out + 8, eight_letters(w.low >> 40 | w.high << 24));
	put_le64(out + 16, eight_letters(w.high >> 16));
	out[24] = (char)last;
	out[25] = (char)(last >> 8);
	out[MIME_ID_SIZE - 1] = '\0';
}

void mime_boundary(const struct mime_seed *s, uint64_t number, char out[MIME_BOUNDARY_SIZE])
{
	struct wide w = hash_of(s, SPAN("boundary"), number);
	int n = snprintf(out, MIME_BOUNDARY_SIZE, "=_%016llx%016llx", (unsigned long long)w.high,
			 (unsigned long long)w.low);

	MUST(n == MIME_BOUNDARY_SIZE - 1);
}
