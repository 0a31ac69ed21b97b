/* Rate limits: words, exact windows whatever the pattern of asking, spreading, and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/throttle.h"

#define MS 1000000LL
#define SECOND (1000 * MS)

static void words(void **state)
{
	static const struct { const char *text; int rc; int64_t window_ms; size_t memory; } cases[] = {
		{ "100/s", 0, 1000, 100 },
		{ "30/min", 0, 60000, 30 },
		{ " 30 / minute , 2000/day", 0, 86400000, 2000 },
		{ "5/10s", 0, 10000, 5 },
		{ "1/200ms", 0, 200, 1 },
		{ "1000/h,5/s", 0, 3600000, 1000 },
		{ "", -1, 0, 0 },
		{ "100", -1, 0, 0 },
		{ "0/s", -1, 0, 0 },
		{ "-3/s", -1, 0, 0 },
		{ "3/", -1, 0, 0 },
		{ "/s", -1, 0, 0 },
		{ "3/fortnight", -1, 0, 0 },
		{ "3/s,", -1, 0, 0 },
		{ "99999999999999999999/s", -1, 0, 0 },
		{ "1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s", -1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct throttle *t = NULL;
		struct err e = { 0 };
		int rc = throttle_new(&t, cases[i].text, &e);

		if (rc != cases[i].rc)
			fail_msg("'%s' gave %d", cases[i].text, rc);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_INPUT);
			assert_true(e.text[0] != '\0');
			continue;
		}
		assert_true(throttle_window_ms(t) >= cases[i].window_ms);
		assert_true(throttle_window_ms(t) <= cases[i].window_ms + cases[i].window_ms / 40 + 1);
		assert_int_equal(throttle_memory(t), cases[i].memory);
		throttle_free(&t);
		assert_null(t);
	}
}

/* Asks at random moments; no window of a limit ever holds more than its N. */
static void no_window_is_overfull(void **state)
{
	enum { N1 = 7, N2 = 20, PLACES = 5000 };
	static int64_t taken[PLACES];
	struct throttle *t = NULL;
	struct rng r;
	int64_t now = 12345;
	int n = 0;

	(void)state;
	rng_seed(&r, 1, 2);
	assert_int_equal(throttle_new(&t, "7/s,20/10s", NULL), 0);
	while (n < PLACES) {
		int64_t wait = throttle_take(t, now);

		if (wait == 0)
			taken[n++] = now;
		else if (rng_below(&r, 3) == 0)
			now += wait; /* exactly when it said */
		now += (int64_t)rng_below(&r, 4) ? (int64_t)rng_below(&r, 50) * MS : (int64_t)rng_below(&r, 30) * SECOND / 10;
	}
	for (int i = N1; i < n; i++)
		assert_true(taken[i] - taken[i - N1] >= SECOND);
	for (int i = N2; i < n; i++)
		assert_true(taken[i] - taken[i - N2] >= 10 * SECOND);
	throttle_free(&t);
}

/* Somebody who asks as soon as told gets all of the rate but the margin, evenly. */
static void full_use_is_even(void **state)
{
	struct throttle *t = NULL;
	int64_t now = SECOND, begun = SECOND, last = 0, longest = 0;
	int n = 0;

	(void)state;
	assert_int_equal(throttle_new(&t, "200/s", NULL), 0);
	while (n < 2000) {
		int64_t wait = throttle_take(t, now);

		if (wait) {
			assert_true(wait <= 2 * SECOND);
			now += wait;
			continue;
		}
		if (last && now - last > longest)
			longest = now - last;
		last = now;
		n++;
	}
	assert_true(now - begun >= 9 * SECOND);
	assert_true(now - begun <= 10 * SECOND + SECOND / 2); /* within 5 % of N / rate */
	assert_true(longest < 20 * MS);
	throttle_free(&t);
}

/* A minute's limit lets its number go at once, then waits for the window. */
static void a_minute_is_a_burst(void **state)
{
	struct throttle *t = NULL;
	int64_t wait;

	(void)state;
	assert_int_equal(throttle_new(&t, "30/min", NULL), 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(throttle_take(t, SECOND + i), 0);
	wait = throttle_take(t, SECOND + 31);
	assert_true(wait > 59 * SECOND && wait < 61 * SECOND);
	assert_true(throttle_take(t, SECOND + 59 * SECOND) > 0);
	assert_int_equal(throttle_take(t, SECOND + 31 + wait), 0);
	throttle_free(&t);
}

/* Messages of an earlier run fill the window, also when its clock was ahead of ours. */
static void earlier_runs_count(void **state)
{
	static const int64_t ages[] = { 50000, 30000, 1000, -5000 };
	struct throttle *t = NULL;
	int64_t now = 1000 * SECOND;

	(void)state;
	assert_int_equal(throttle_new(&t, "5/min", NULL), 0);
	throttle_remember(t, ages, 4, now);
	assert_int_equal(throttle_take(t, now), 0);
	int64_t wait = throttle_take(t, now);

	assert_true(wait > 10 * SECOND - MS && wait < 11 * SECOND);
	throttle_free(&t);
}

/* Places are used up to 300 ms after they were taken, by chance; no window of the uses is overfull. */
static void windows_run_from_the_use(void **state)
{
	enum { N = 20, PLACES = 2000 };
	static int64_t used[PLACES], due[PLACES], taken[PLACES];
	struct throttle *t;
	struct err e;
	struct rng r;
	int n = 0, told = 0;

	(void)state;
	rng_seed(&r, 9, 10);
	assert_int_equal(throttle_new(&t, "20/3s", &e), 0);
	for (int64_t now = 0; n < PLACES; now += MS) {
		for (; told < n && due[told] <= now; told++) {
			used[told] = now;
			throttle_used(t, &taken[told], 1, now);
		}
		while (n < PLACES && throttle_take(t, now) == 0) {
			taken[n] = now;
			due[n] = now + (int64_t)rng_below(&r, 300) * MS;
			if (n > 0 && due[n] < due[n - 1])
				due[n] = due[n - 1];
			n++;
		}
	}
	for (int i = 0; i + N < told; i++)
		assert_true(used[i + N] - used[i] >= 3 * SECOND);
	throttle_free(&t);
}

/* A place whose use takes longer than the window: another one has its entry in the ring by then. */
static void a_use_after_the_window_counts(void **state)
{
	struct throttle *t;
	struct err e;

	(void)state;
	assert_int_equal(throttle_new(&t, "1/s", &e), 0);
	assert_int_equal(throttle_take(t, SECOND), 0);
	assert_int_equal(throttle_take(t, 3 * SECOND), 0);
	throttle_used(t, &(int64_t){ SECOND }, 1, 4 * SECOND);
	assert_true(throttle_take(t, 4 * SECOND + 900 * MS) > 0);
	assert_int_equal(throttle_take(t, 5 * SECOND + 100 * MS), 0);
	throttle_free(&t);
}

static void survives_no_memory(void **state)
{
	struct throttle *t = NULL;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = throttle_new(&t, "5/s,7/min", &e);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0 && n < 20);
	mem_fail_after(-1);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	throttle_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(no_window_is_overfull),
		cmocka_unit_test(full_use_is_even),
		cmocka_unit_test(a_minute_is_a_burst),
		cmocka_unit_test(earlier_runs_count),
		cmocka_unit_test(windows_run_from_the_use),
		cmocka_unit_test(a_use_after_the_window_counts),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
