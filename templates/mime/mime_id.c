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

void mime_id(const struct mime_seed *s, struct span kind, uint64_t number, char out[MIME_ID_SIZE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct wide w = hash_of(s, kind, number);

	for (int i = 0; i < MIME_ID_SIZE - 1; i++) {
		out[i] = letters[w.low & 31];
		w.low = w.low >> 5 | w.high << 59;
		w.high >>= 5;
	}
	out[MIME_ID_SIZE - 1] = '\0';
}

void mime_boundary(const struct mime_seed *s, uint64_t number, char out[MIME_BOUNDARY_SIZE])
{
	struct wide w = hash_of(s, SPAN("boundary"), number);
	int n = snprintf(out, MIME_BOUNDARY_SIZE, "=_%016llx%016llx", (unsigned long long)w.high,
			 (unsigned long long)w.low);

	MUST(n == MIME_BOUNDARY_SIZE - 1);
}
