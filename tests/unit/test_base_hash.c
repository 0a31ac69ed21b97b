/* SipHash-2-4, CRC-32C, random numbers: against published numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/crc32c.h"
#include "engine/base/hash.h"
#include "engine/base/rng.h"

/* Key 00 01 .. 0f, input 00 01 .. of growing length: appendix A and the reference vectors. */
static void siphash_vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} cases[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },
		{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
	};
	const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	char in[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		in[i] = (char)i;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_true(hash_span(key, span_of(in, cases[i].n)) == cases[i].hash);
	assert_true(hash_span(key, (struct span){ NULL, 0 }) == cases[0].hash);
}

/* The same key; of nothing: the first of the reference vectors for 128 bits. */
static void wide_siphash_vector(void **state)
{
	const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	struct hash_wide h = hash_spans(key, NULL, 0);

	(void)state;
	assert_true(h.a == 0xe6a825ba047f81a3 && h.b == 0x930255c71472f66d);
}

/* The paper's rounds over bytes one at a time, for what hash_spans() reads by words. */
static struct hash_wide slowly(struct hash_key key, const unsigned char *p, size_t n)
{
	uint64_t v[4] = { key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d ^ 0xee,
			  key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573 };
	struct hash_wide out = { 0, 0 };

	for (size_t at = 0, words = n / 8 + 3; words > 0; words--, at += 8) { /* the last two end it */
		uint64_t w = words == 3 ? (uint64_t)n << 56 : 0;

		for (size_t i = at; words > 2 && i < n && i < at + 8; i++)
			w |= (uint64_t)p[i] << 8 * (i - at);
		v[3] ^= w;
		if (words < 3)
			v[words == 2 ? 2 : 1] ^= words == 2 ? 0xee : 0xdd;
		for (int round = words < 3 ? 4 : 2; round > 0; round--) {
			v[0] += v[1]; v[2] += v[3];
			v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0]; v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
			v[0] = v[0] << 32 | v[0] >> 32;
			v[2] += v[1]; v[0] += v[3];
			v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2]; v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
			v[2] = v[2] << 32 | v[2] >> 32;
		}
		v[0] ^= w;
		if (words < 3)
			*(words == 2 ? &out.a : &out.b) = v[0] ^ v[1] ^ v[2] ^ v[3];
	}
	return out;
}

/* As hash.c says: seven bytes and the length, or 255 and the length in a word of its own; the others; zeros. */
static size_t frame(unsigned char *out, const unsigned char *p, size_t n)
{
	size_t head = n < 7 ? n : 7, len = n < 255 ? 8 : 16;

	memset(out, 0, len + n + 8);
	memcpy(out, p, head);
	out[7] = (unsigned char)(n < 255 ? n : 255);
	if (n >= 255)
		memcpy(out + 8, &n, sizeof n); /* little-endian here */
	memcpy(out + len, p + head, n - head);
	return len + (n - head + 7) / 8 * 8;
}

/* Spans of every length at every alignment, and behind one another. */
static void spans_are_hashed_as_defined(void **state)
{
	enum { LONGEST = 280 };
	const struct hash_key key = { 3, 4 };
	unsigned char in[LONGEST + 8], framed[2 * LONGEST + 64];

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (unsigned char)(i * 37 + 200);
	for (size_t n = 0; n <= LONGEST; n++) {
		for (size_t from = 0; from < 8; from++) {
			struct span spans[] = { span_of(in + from, n), span_of(in + from, n / 3) };
			struct hash_wide got = hash_spans(key, spans, 2), want;
			size_t len = frame(framed, in + from, n);

			len += frame(framed + len, in + from, n / 3);
			want = slowly(key, framed, len);
			assert_true(got.a == want.a && got.b == want.b);
		}
	}
}

/* RFC 3720, B.4 */
static void crc_vectors(void **state)
{
	unsigned char zeros[32] = { 0 }, ones[32], up[32];

	(void)state;
	for (int i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (unsigned char)i;
	}
	assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
	assert_int_equal(crc32c(0, zeros, 32), 0x8A9136AA);
	assert_int_equal(crc32c(0, ones, 32), 0x62A8AB43);
	assert_int_equal(crc32c(0, up, 32), 0x46DD794E);
	assert_int_equal(crc32c(0, "", 0), 0);
}

static void crc_by_table_and_by_pieces_is_the_same(void **state)
{
	unsigned char bytes[300];
	struct rng r;

	(void)state;
	rng_seed(&r, 5, 6);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)rng_next(&r);
	for (size_t n = 0; n < sizeof bytes; n += 3) {
		uint32_t whole = crc32c(0, bytes, n);

		assert_int_equal(crc32c_by_table(0, bytes, n), whole);
		for (size_t cut = 0; cut <= n; cut += 5) {
			assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, n - cut), whole);
			assert_int_equal(crc32c_by_table(crc32c(0, bytes, cut), bytes + cut, n - cut), whole);
		}
	}
}

static void same_seed_same_numbers(void **state)
{
	struct rng x, y, z;
	int same = 0;

	(void)state;
	rng_seed(&x, 1, 2);
	rng_seed(&y, 1, 2);
	rng_seed(&z, 2, 1);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_next(&x);

		assert_true(v == rng_next(&y));
		same += v == rng_next(&z);
	}
	assert_int_equal(same, 0);
}

/* The generator's published algorithm, stepped by hand from the state 1, 2, 3, 4. */
static void xoshiro_vectors(void **state)
{
	static const uint64_t want[] = { 11520, 0, 1509978240, 1215971899390074240 };
	struct rng r = { { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_true(rng_next(&r) == want[i]);
}

static void below_is_below_and_reaches_all(void **state)
{
	unsigned seen[7] = { 0 };
	struct rng r;

	(void)state;
	rng_seed(&r, 0, 0);
	for (int i = 0; i < 7000; i++)
		seen[rng_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 850, 1150);
	/* 2^64 is no multiple of 3 * 2^62: a plain modulo would give the first third twice as often. */
	unsigned low = 0;

	for (int i = 0; i < 3000; i++)
		low += rng_below(&r, 3ULL << 62) < 1ULL << 62;
	assert_in_range(low, 850, 1150);
	for (int i = 0; i < 100; i++) {
		assert_true(rng_below(&r, 1) == 0);
		assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
		assert_true(rng_below(&r, (1ULL << 63) + 1) <= 1ULL << 63);
	}
}

static void secrets_differ(void **state)
{
	unsigned char x[4096], y[4096];

	(void)state;
	assert_int_equal(rng_secret(x, sizeof x, NULL), 0);
	assert_int_equal(rng_secret(y, sizeof y, NULL), 0);
	assert_memory_not_equal(x, y, sizeof x);
	assert_int_equal(rng_secret(NULL, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vectors),
		cmocka_unit_test(wide_siphash_vector),
		cmocka_unit_test(spans_are_hashed_as_defined),
		cmocka_unit_test(crc_vectors),
		cmocka_unit_test(crc_by_table_and_by_pieces_is_the_same),
		cmocka_unit_test(same_seed_same_numbers),
		cmocka_unit_test(xoshiro_vectors),
		cmocka_unit_test(below_is_below_and_reaches_all),
		cmocka_unit_test(secrets_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
