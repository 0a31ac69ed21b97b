/* Digests against RFC 1321, RFC 3174, FIPS 180, RFC 2202 and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

static const struct vector {
	enum digest_kind kind;
	const char *text, *hex;
} vectors[] = {
	{ DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void vectors_at_every_cut_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct span s = span_str(vectors[i].text);
		struct digest *d;
		unsigned char out[DIGEST_MAX];
		char hex[2 * DIGEST_MAX + 1];

		assert_int_equal(digest_new(&d, vectors[i].kind, NULL), 0);
		for (size_t cut = 0; cut <= s.n; cut++) {
			digest_add(d, span_sub(s, 0, cut));
			digest_add(d, span_skip(s, cut));
			digest_hex(out, digest_end(d, out), hex);
			assert_string_equal(hex, vectors[i].hex);
		}
		digest_free(&d);
		assert_null(d);
		digest_free(&d);
		if (vectors[i].kind == DIGEST_SHA256) {
			assert_int_equal(digest_sha256(s, out), 0);
			digest_hex(out, SHA256_SIZE, hex);
			assert_string_equal(hex, vectors[i].hex);
		}
	}
}

static void hmac(void **state)
{
	static const struct {
		enum digest_kind kind;
		size_t size;
		const char *hex;
	} cases[] = {
		{ DIGEST_MD5, 16, "750c783e6ab0b503eaa86e310a5db738" },
		{ DIGEST_SHA1, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ DIGEST_SHA256, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};
	unsigned char out[DIGEST_MAX];
	char hex[2 * DIGEST_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(digest_hmac(cases[i].kind, SPAN("Jefe"), SPAN("what do ya want for nothing?"), out),
				 cases[i].size);
		digest_hex(out, cases[i].size, hex);
		assert_string_equal(hex, cases[i].hex);
	}
	assert_int_equal(digest_hmac(DIGEST_SHA256, (struct span){ NULL, 0 }, (struct span){ NULL, 0 }, out), 32);
	digest_hex(out, 32, hex);
	assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void no_memory(void **state)
{
	struct err e = { 0 };
	struct digest *d;

	(void)state;
	mem_fail_after(0);
	assert_int_equal(digest_new(&d, DIGEST_SHA256, &e), -1);
	mem_fail_after(-1);
	assert_int_equal(e.kind, ERR_NOMEM);
	assert_null(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_at_every_cut_twice),
		cmocka_unit_test(hmac),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
