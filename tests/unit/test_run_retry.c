/* Waits between tries. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
