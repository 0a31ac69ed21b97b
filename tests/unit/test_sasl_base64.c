/* test_sasl_base64.c - strict base64, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "transport/sasl/sasl_base64.h"

static void test_known(void **state)
{
	static const char *const pairs[][2] = { /* RFC 4648 10 */
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char out[16];
		size_t n;

		n = sasl_base64_put(span_str(pairs[i][0]), out);
		assert_true(span_eq(span_of(out, n), span_str(pairs[i][1])));
		assert_int_equal(sasl_base64_take(span_str(pairs[i][1]), out, &n), 0);
		assert_true(span_eq(span_of(out, n), span_str(pairs[i][0])));
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "====", "=Zg=", "Z===", "Zg==Zg==", "Zm9v\n", " Zm9", "Zm9v ", "Zm-_",
		"Zh==", "Zm9=", "Zm=v", "Zm9\xc3", "*",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char out[16];
		size_t n;

		if (sasl_base64_take(span_str(bad[i]), out, &n) == 0)
			fail_msg("taken: '%s'", bad[i]);
	}
}

static void test_round(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3, 4);
	for (int i = 0; i < 20000; i++) {
		char raw[40], text[60], back[60];
		size_t n = rng_below(&rng, sizeof raw), m;

		for (size_t k = 0; k < n; k++)
			raw[k] = (char)rng_next(&rng);
		m = sasl_base64_put(span_of(raw, n), text);
		assert_int_equal(m, sasl_base64_size(n));
		assert_int_equal(sasl_base64_take(span_of(text, m), back, &m), 0);
		assert_true(span_eq(span_of(back, m), span_of(raw, n)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
