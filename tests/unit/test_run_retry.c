/* Waits between tries, and the room where deferred rows wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/run/retry.h"

static void waits_grow_and_end(void **state)
{
	static const int64_t retry_for[] = { 3000, 60000, 900000, 86400000 };
	struct rng r;

	(void)state;
	rng_seed(&r, 3, 4);
	for (size_t k = 0; k < sizeof retry_for / sizeof *retry_for; k++) {
		int64_t since = 0, before = 0;
		uint32_t tries = 0;

		for (;;) {
			int64_t wait = retry_wait_ms(++tries, since, retry_for[k], &r);

			if (wait < 0)
				break;
			assert_true(wait >= 180 && wait <= 330000);
			assert_true(wait * 10 >= before * 8 && (before >= 200000 || wait >= before)); /* growing but for chance */
			since += wait;
			before = wait;
			assert_true(tries < 500);
		}
		assert_true(since <= retry_for[k]);
		assert_true(tries >= 3);
	}
	assert_int_equal(retry_wait_ms(1, 0, 0, &r), -1); /* --retry-for 0: never */
}

static void rows_come_when_they_are_due(void **state)
{
	struct waiting w = { 0 };
	struct waiting_row row = { 0 }, out;
	struct rng r;
	int64_t last = 0;
	int n = 0;

	(void)state;
	rng_seed(&r, 5, 6);
	assert_int_equal(waiting_due_ms(&w), INT64_MAX);
	assert_int_equal(waiting_take(&w, INT64_MAX, &out), 0);
	for (uint64_t i = 1; i <= 1000; i++) {
		row.due_ms = (int64_t)rng_below(&r, 300);
		row.place.number = i;
		assert_int_equal(waiting_put(&w, &row), 0);
	}
	for (int64_t now = 0; now < 300; now++) {
		assert_true(waiting_due_ms(&w) >= now || w.n == 0);
		while (waiting_take(&w, now, &out)) {
			assert_true(out.due_ms == now && out.due_ms >= last);
			last = out.due_ms;
			n++;
		}
	}
	assert_int_equal(n, 1000);
	waiting_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_end),
		cmocka_unit_test(rows_come_when_they_are_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
