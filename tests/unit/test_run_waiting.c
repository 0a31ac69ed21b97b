/* The room where rows wait: in due order whatever is in memory and what in the file, bounded, nobody lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/run/waiting.h"

enum { ROWS = 60000, NEAR = 64 };

static struct waiting_row a_row(uint64_t number, int64_t due_ms)
{
	return (struct waiting_row){ .due_ms = due_ms, .place = { number, number + 1, 7 * number }, .item = { .attempts = (uint32_t)number } };
}

static void put(struct waiting *w, uint64_t number, int64_t due_ms)
{
	struct waiting_row row = a_row(number, due_ms);

	assert_int_equal(waiting_put(w, &row), 0);
}

/* Takes all that is due and ticks each off in `seen`; they must come in order. */
static uint64_t take_all(struct waiting *w, int64_t now_ms, unsigned char *seen)
{
	struct waiting_row row;
	struct err e;
	int64_t last = INT64_MIN;
	uint64_t n = 0;

	assert_true(waiting_due_ms(w) > now_ms || w->n > 0);
	while (waiting_take(w, now_ms, &row, &e) == 1) {
		assert_true(row.due_ms >= last && row.due_ms <= now_ms);
		assert_int_equal(row.place.line, row.place.number + 1);
		assert_int_equal(row.place.offset, 7 * row.place.number);
		assert_int_equal(row.item.attempts, row.place.number);
		assert_int_equal(seen[row.place.number]++, 0);
		last = row.due_ms;
		n++;
	}
	assert_true(waiting_due_ms(w) > now_ms);
	return n;
}

static void rows_come_when_they_are_due(void **state)
{
	static const uint32_t bounds[] = { 0, NEAR, 3 }; /* all in memory; 1,900 runs; 30,000 runs of one or two rows */
	static unsigned char seen[ROWS + 1];
	struct rng r;

	(void)state;
	for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
		struct waiting w = { .near_max = bounds[k] };
		uint64_t n = 0;
		struct waiting_row ignored;
		struct err e;

		rng_seed(&r, 5, k);
		memset(seen, 0, sizeof seen);
		assert_true(waiting_due_ms(&w) == INT64_MAX);
		assert_int_equal(waiting_take(&w, INT64_MAX, &ignored, &e), 0);
		for (uint64_t i = 1; i <= ROWS; i++) {
			put(&w, i, (int64_t)(i / 4 + rng_below(&r, i % 3 ? 300 : 20000)));
			if (i % 16 == 0)
				n += take_all(&w, (int64_t)i / 4, seen);
			if (bounds[k])
				assert_true(w.n_near <= bounds[k] && w.n_runs <= 256);
		}
		assert_true(w.has_file == (bounds[k] != 0));
		assert_true(n > ROWS / 2 && w.n == ROWS - n);
		n += take_all(&w, INT64_MAX - 1, seen);
		assert_int_equal(n, ROWS);
		assert_int_equal(w.n, 0);
		waiting_release(&w);
	}
}

/* Rows that go round for ever: the file does not grow with them. */
static void the_file_is_bounded(void **state)
{
	struct waiting w = { .near_max = NEAR };
	struct waiting_row row;
	struct err e;
	struct rng r;

	(void)state;
	rng_seed(&r, 8, 9);
	for (uint64_t i = 1; i <= 1000; i++)
		put(&w, i, (int64_t)i);
	for (int i = 0; i < 200000; i++) {
		assert_int_equal(waiting_take(&w, INT64_MAX, &row, &e), 1);
		row.due_ms += 900 + (int64_t)rng_below(&r, 200);
		assert_int_equal(waiting_put(&w, &row), 0);
		assert_true(w.file_bytes <= 6 * 1000 * sizeof row);
	}
	assert_int_equal(w.n, 1000);
	waiting_release(&w);
}

static void a_file_that_takes_nothing_loses_nobody(void **state)
{
	static unsigned char seen[1001];
	struct waiting w = { .near_max = NEAR };
	uint64_t n = 0;

	(void)state;
	log_show(LOG_ERROR);
	memset(seen, 0, sizeof seen);
	setenv("TMPDIR", "/nonexistent", 1);
	for (uint64_t i = 1; i <= 1000; i++) {
		put(&w, i, (int64_t)i);
		assert_true(waiting_is_full(&w) == (i > NEAR));
	}
	n = take_all(&w, 1000 - NEAR / 4, seen);
	assert_false(waiting_is_full(&w));
	unsetenv("TMPDIR");
	for (uint64_t i = 1; i <= 1000 - NEAR / 4; i++) { /* the same ones again: there is room now */
		seen[i] = 0;
		put(&w, i, (int64_t)i + 2000);
		assert_false(waiting_is_full(&w));
	}
	assert_true(w.n_near <= NEAR && w.has_file);
	n += take_all(&w, 3000, seen);
	assert_int_equal(n, 1000 + 1000 - NEAR / 4);
	waiting_release(&w);
}

static void no_memory_loses_nobody(void **state)
{
	for (long fail = 0; fail < 60; fail++) {
		static unsigned char seen[3001];
		struct waiting w = { .near_max = NEAR };
		uint64_t in = 0, out;

		(void)state;
		memset(seen, 0, sizeof seen);
		mem_fail_after(fail);
		for (uint64_t i = 1; i <= 3000; i++) {
			struct waiting_row row = a_row(i, (int64_t)(i * 7919 % 3001));

			in += waiting_put(&w, &row) == 0;
		}
		mem_fail_after(-1);
		out = take_all(&w, INT64_MAX - 1, seen);
		assert_int_equal(in, out);
		assert_true(in >= 2999); /* one call fails once */
		waiting_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_when_they_are_due),
		cmocka_unit_test(the_file_is_bounded),
		cmocka_unit_test(a_file_that_takes_nothing_loses_nobody),
		cmocka_unit_test(no_memory_loses_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
