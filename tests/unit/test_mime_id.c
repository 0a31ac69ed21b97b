/* Message-IDs and boundaries: the same again, never twice the same, no octet that would need care. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "templates/mime/mime_id.h"

static const unsigned char seed[16] = "0123456789abcde";

static void same_again(void **state)
{
	struct mime_seed one, two;
	char a[MIME_ID_SIZE], b[MIME_ID_SIZE], c[MIME_BOUNDARY_SIZE], d[MIME_BOUNDARY_SIZE];

	(void)state;
	mime_seed_init(&one, seed);
	mime_seed_init(&two, seed);
	for (uint64_t n = 0; n < 1000; n++) {
		mime_id(&one, SPAN("message"), n, a);
		mime_id(&two, SPAN("message"), n, b);
		assert_string_equal(a, b);
		mime_boundary(&one, n, c);
		mime_boundary(&two, n, d);
		assert_string_equal(c, d);
	}
}

static void form(void **state)
{
	struct mime_seed s;
	char id[MIME_ID_SIZE], boundary[MIME_BOUNDARY_SIZE];

	(void)state;
	mime_seed_init(&s, seed);
	for (uint64_t n = 0; n < 1000; n++) {
		mime_id(&s, SPAN("message"), n * n * n, id);
		assert_int_equal(strlen(id), MIME_ID_SIZE - 1);
		assert_int_equal(strspn(id, "abcdefghijklmnopqrstuvwxyz234567"), MIME_ID_SIZE - 1);
		mime_boundary(&s, n * n * n, boundary);
		assert_int_equal(strlen(boundary), MIME_BOUNDARY_SIZE - 1);
		assert_int_equal(strncmp(boundary, "=_", 2), 0);
		assert_int_equal(strspn(boundary + 2, "0123456789abcdef"), MIME_BOUNDARY_SIZE - 3);
	}
}

/* The ids of a campaign that goes on are what they were: five bits a letter, the lowest first. */
static void five_bits_a_letter(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct mime_seed s;
	char id[MIME_ID_SIZE];

	(void)state;
	mime_seed_init(&s, seed);
	for (uint64_t n = 0; n < 5000; n++) {
		char name[16] = "message";
		uint64_t low, high;

		for (int i = 0; i < 8; i++)
			name[7 + i] = (char)(n >> 8 * i);
		low = hash_span(s.low, span_of(name, 15));
		high = hash_span(s.high, span_of(name, 15));
		mime_id(&s, SPAN("message"), n, id);
		for (int i = 0; i < MIME_ID_SIZE - 1; i++) {
			assert_int_equal(id[i], letters[low & 31]);
			low = low >> 5 | high << 59;
			high >>= 5;
		}
		assert_int_equal(id[MIME_ID_SIZE - 1], '\0');
	}
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, MIME_ID_SIZE);
}

/* Kinds, numbers and seeds that differ give different ids: 4 x 10,000 of them, sorted. */
static void never_twice(void **state)
{
	enum { MANY = 10000 };
	static char ids[4 * MANY][MIME_ID_SIZE];
	unsigned char other[16];
	struct mime_seed s, t;

	(void)state;
	memcpy(other, seed, sizeof other);
	other[15] ^= 1; /* one bit */
	mime_seed_init(&s, seed);
	mime_seed_init(&t, other);
	for (uint64_t n = 0; n < MANY; n++) {
		mime_id(&s, SPAN("message"), n, ids[n]);
		mime_id(&s, SPAN("token"), n, ids[MANY + n]);
		mime_id(&s, SPAN("message"), (n + 1) << 40, ids[2 * MANY + n]);
		mime_id(&t, SPAN("message"), n, ids[3 * MANY + n]);
	}
	qsort(ids, 4 * MANY, MIME_ID_SIZE, order);
	for (size_t i = 1; i < 4 * MANY; i++)
		assert_int_not_equal(order(ids[i - 1], ids[i]), 0);
}

/* One bit of the number changes about half of an id's letters' bits: nothing of it can be read off. */
static void neighbours_have_nothing_in_common(void **state)
{
	struct mime_seed s;
	char a[MIME_ID_SIZE], b[MIME_ID_SIZE];
	size_t same = 0, all = 0;

	(void)state;
	mime_seed_init(&s, seed);
	for (uint64_t n = 0; n < 2000; n++) {
		mime_id(&s, SPAN("token"), n, a);
		mime_id(&s, SPAN("token"), n ^ 1, b);
		for (size_t i = 0; i < MIME_ID_SIZE - 2; i++, all++)
			same += a[i] == b[i];
	}
	assert_in_range(same * 32, all * 9 / 10, all * 11 / 10); /* one letter of 32, as by chance */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_again),
		cmocka_unit_test(form),
		cmocka_unit_test(five_bits_a_letter),
		cmocka_unit_test(never_twice),
		cmocka_unit_test(neighbours_have_nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
