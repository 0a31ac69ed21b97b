/* Canonical bodies: every cut of every body has the digest of its canonical form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/rng.h"
#include "templates/dkim/dkim_body.h"

static struct digest *digest;

static void hash_pieces(enum dkim_canon canon, const struct span *pieces, size_t n, const struct dkim_known *known,
			unsigned char *out)
{
	struct dkim_body b;

	dkim_body_begin(&b, digest, canon, known);
	for (size_t i = 0; i < n; i++)
		dkim_body_add(&b, pieces[i]);
	assert_int_equal(dkim_body_end(&b, out), 0);
}

/* The same, whether pieces are known or not. */
static void hash_cut(enum dkim_canon canon, struct span body, size_t one, size_t two, unsigned char *out)
{
	struct span pieces[] = { span_sub(body, 0, one), span_sub(body, one, two - one), span_skip(body, two) };
	struct dkim_known known = { .n = 0 };
	unsigned char again[SHA256_SIZE];

	hash_pieces(canon, pieces, 3, NULL, out);
	for (size_t i = 0; i < 3; i++)
		dkim_body_know(&known, pieces[i]);
	hash_pieces(canon, pieces, 3, &known, again);
	assert_memory_equal(out, again, sizeof again);
}

static void check_all_cuts(enum dkim_canon canon, struct span body, struct span canonical)
{
	unsigned char want[SHA256_SIZE], got[SHA256_SIZE];

	assert_int_equal(digest_sha256(canonical, want), 0);
	for (size_t i = 0; i <= body.n; i++) {
		for (size_t k = i; k <= body.n; k++) {
			hash_cut(canon, body, i, k, got);
			if (memcmp(got, want, sizeof got) != 0)
				fail_msg("canon %d, cuts %zu and %zu of <%.*s>", canon, i, k, SPAN_ARG(body));
		}
	}
}

static void forms(void **state)
{
	static const struct {
		const char *body, *relaxed, *simple;
	} cases[] = {
		{ "", "", "\r\n" }, /* RFC 6376 3.4.3, 3.4.4 */
		{ "\r\n", "", "\r\n" },
		{ "\r\n\r\n\r\n", "", "\r\n" },
		{ " \r\n\t\r\n", "", " \r\n\t\r\n" },
		{ "a", "a\r\n", "a\r\n" },
		{ "a\r\n", "a\r\n", "a\r\n" },
		{ "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
		{ "a \r\n \t \r\n", "a\r\n", "a \r\n \t \r\n" },
		{ " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n", " C \r\nD \t E\r\n" }, /* RFC 6376 3.4.5 */
		{ "a  b\tc \t d\r\n", "a b c d\r\n", "a  b\tc \t d\r\n" },
		{ "\r\n\r\na\r\n\r\nb\r\n", "\r\n\r\na\r\n\r\nb\r\n", "\r\n\r\na\r\n\r\nb\r\n" },
		{ "\t a\r\n  \r\n b", " a\r\n\r\n b\r\n", "\t a\r\n  \r\n b\r\n" },
		{ "one two three  four\r\nfive six\t\r\n", "one two three four\r\nfive six\r\n",
		  "one two three  four\r\nfive six\t\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		check_all_cuts(DKIM_RELAXED, span_str(cases[i].body), span_str(cases[i].relaxed));
		check_all_cuts(DKIM_SIMPLE, span_str(cases[i].body), span_str(cases[i].simple));
	}
}

/* RFC 6376 3.4.4, step by step over the whole text. */
static size_t relax(const char *body, size_t n, char *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		char c = body[i] == '\t' ? ' ' : body[i];

		if (c == ' ' && k > 0 && out[k - 1] == ' ')
			continue;
		if (c == '\r' && k > 0 && out[k - 1] == ' ')
			k--;
		out[k++] = c;
	}
	if (k > 0 && out[k - 1] == ' ')
		k--;
	if (k > 0 && out[k - 1] != '\n') {
		out[k++] = '\r';
		out[k++] = '\n';
	}
	while (k >= 4 && memcmp(out + k - 4, "\r\n\r\n", 4) == 0)
		k -= 2;
	return k == 2 ? 0 : k;
}

static void random_bodies(void **state)
{
	static const char *const pieces[] = { " ", "  ", "\t", "\r\n", "\r\n", "a", "bc", "long words", ".", "=20" };
	struct rng r;

	(void)state;
	rng_seed(&r, 6376, 0);
	for (int round = 0; round < 3000; round++) {
		char body[400], canonical[402];
		unsigned char want[SHA256_SIZE], got[SHA256_SIZE];
		size_t n = 0, pieces_n = rng_below(&r, 30), one, two;

		for (size_t i = 0; i < pieces_n; i++) {
			const char *piece = pieces[rng_below(&r, 10)];

			memcpy(body + n, piece, strlen(piece));
			n += strlen(piece);
		}
		one = rng_below(&r, n + 1);
		two = one + rng_below(&r, n - one + 1);
		assert_int_equal(digest_sha256(span_of(canonical, relax(body, n, canonical)), want), 0);
		hash_cut(DKIM_RELAXED, span_of(body, n), one, two, got);
		if (memcmp(got, want, sizeof got) != 0)
			fail_msg("round %d, cuts %zu and %zu of <%.*s>", round, one, two, (int)n, body);
	}
}

static int setup(void **state)
{
	(void)state;
	return digest_new(&digest, DIGEST_SHA256, NULL);
}

static int teardown(void **state)
{
	(void)state;
	digest_free(&digest);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(forms), cmocka_unit_test(random_bodies) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
