/* The breaker against the plain definition: of the last `window` verdicts, at least that share refused alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/run/breaker.h"

static struct verdict refused(int c)
{
	return (struct verdict){ .kind = VERDICT_REFUSED, .code = 550, .enhanced = { 5, 7, c } };
}

static void as_defined(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct breaker_limit limit = { 5 + (unsigned)(seed * 7 % 90), 10 + (uint32_t)(seed * 13 % 190) };
		uint32_t most = (limit.window * limit.percent + 99) / 100, n;
		char class[REFUSAL_CLASS_SIZE];
		struct breaker *b;
		int kinds[2000];
		struct err e;
		struct rng r;

		rng_seed(&r, seed, 0);
		assert_int_equal(breaker_new(&b, limit, &e), 0);
		for (int i = 0; i < 2000; i++) {
			uint32_t alike = 0;
			struct verdict v;
			bool trips;

			kinds[i] = rng_below(&r, 100) < limit.percent ? 1 + (int)rng_below(&r, 8) / 6 : 0; /* 1 often, 2 rarely */
			v = kinds[i] ? refused(kinds[i]) : (struct verdict){ .kind = VERDICT_SENT };
			trips = breaker_take(b, &v, class, &n);
			for (int k = i; k >= 0 && k > i - (int)limit.window; k--)
				alike += kinds[i] && kinds[k] == kinds[i];
			if (trips != (kinds[i] && alike >= most))
				fail_msg("seed %d: verdict %d, %u of %u", (int)seed, i, alike, most);
			if (!trips)
				continue;
			assert_int_equal(n, alike);
			assert_string_equal(class, kinds[i] == 1 ? "5.7.1" : "5.7.2");
			break;
		}
		breaker_free(&b);
	}
}

static void trips_once(void **state)
{
	struct breaker_limit limit = { 50, 20 };
	struct verdict v = refused(1);
	char class[REFUSAL_CLASS_SIZE];
	struct breaker *b;
	struct err e;
	uint32_t n;
	int trips = 0;

	(void)state;
	assert_int_equal(breaker_new(&b, limit, &e), 0);
	for (int i = 0; i < 100; i++)
		trips += breaker_take(b, &v, class, &n);
	assert_int_equal(trips, 1);
	breaker_free(&b);
}

static void more_classes_than_places(void **state)
{
	struct breaker_limit limit = { 50, 20 };
	char class[REFUSAL_CLASS_SIZE];
	struct breaker *b;
	struct err e;
	uint32_t n;
	int i;

	(void)state;
	assert_int_equal(breaker_new(&b, limit, &e), 0);
	for (i = 0; i < 500; i++) { /* each class rarely: never */
		struct verdict v = refused(i % 50);

		assert_false(breaker_take(b, &v, class, &n));
	}
	for (i = 0; i < 10; i++) {
		struct verdict v = refused(99);

		assert_int_equal(breaker_take(b, &v, class, &n), i == 9);
	}
	breaker_free(&b);
}

static void written(void **state)
{
	static const char *const wrong[] = { "", "20", "0%", "101%", "20%/", "20%/9", "20%/100001", "20%/x", "off/200", "-1%", "%" };
	struct breaker_limit l;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(breaker_parse("20%/200", &l, &e), 0);
	assert_true(l.percent == 20 && l.window == 200);
	assert_int_equal(breaker_parse("7%", &l, &e), 0);
	assert_true(l.percent == 7 && l.window == BREAKER_WINDOW_DEFAULT);
	assert_int_equal(breaker_parse("off", &l, &e), 0);
	assert_int_equal(l.percent, 0);
	assert_int_equal(breaker_parse(BREAKER_DEFAULT, &l, &e), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (breaker_parse(wrong[i], &l, &e) == 0)
			fail_msg("'%s' was taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_defined), cmocka_unit_test(trips_once),
					    cmocka_unit_test(more_classes_than_places), cmocka_unit_test(written) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
