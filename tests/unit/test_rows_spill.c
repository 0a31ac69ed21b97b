/* A sort in bounded memory gives what a sort in memory gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/rows/spill.h"

struct record {
	uint64_t key, load[2];
};

enum { RECORDS = 5000 };

static int by_key(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void expect(struct spill *s, const struct record *sorted, size_t n)
{
	const void *got;
	struct err e;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(spill_next(s, &got, &e), 1);
		assert_memory_equal(got, &sorted[i], sizeof sorted[i]);
	}
	assert_int_equal(spill_next(s, &got, &e), 0);
	assert_int_equal(spill_next(s, &got, &e), 0);
}

static void sorted_whatever_the_memory(void **state)
{
	static const size_t memory[] = { 1, 100 * sizeof(struct record), 1 << 16, 1 << 30 };
	static const size_t counts[] = { 0, 1, 99, 100, 101, RECORDS };
	struct record *all = mem_array(RECORDS, sizeof *all), *sorted = mem_array(RECORDS, sizeof *all);
	struct rng r;
	struct err e;

	(void)state;
	assert_non_null(all);
	assert_non_null(sorted);
	rng_seed(&r, 1, 2);
	for (size_t i = 0; i < RECORDS; i++)
		all[i] = (struct record){ rng_next(&r), { i, ~i } };
	for (size_t m = 0; m < sizeof memory / sizeof *memory; m++)
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
			size_t n = counts[c];
			struct spill *s;

			if (memory[m] == 1 && n > 101)
				continue; /* a run a record: over the bound of runs */
			memcpy(sorted, all, n * sizeof *all);
			qsort(sorted, n, sizeof *sorted, by_key);
			assert_int_equal(spill_new(&s, sizeof *all, memory[m], by_key, &e), 0);
			for (size_t i = 0; i < n;) {
				size_t some = n - i < 7 ? n - i : 7;

				assert_int_equal(spill_add(s, all + i, some, &e), 0);
				i += some;
			}
			assert_int_equal(spill_count(s), n);
			for (int turn = 0; turn < 2; turn++) {
				assert_int_equal(spill_rewind(s, &e), 0);
				expect(s, sorted, n);
			}
			assert_int_equal(spill_rewind(s, &e), 0); /* also from the middle */
			spill_free(&s);
			assert_null(s);
		}
	mem_free(all);
	mem_free(sorted);
}

static int once(struct err *e)
{
	struct record r = { 0 };
	const void *got;
	struct spill *s;
	int rc = spill_new(&s, sizeof r, 2 * sizeof r, by_key, e);

	for (uint64_t i = 0; i < 7 && rc == 0; i++) {
		r.key = 7 - i;
		rc = spill_add(s, &r, 1, e);
	}
	if (rc == 0)
		rc = spill_rewind(s, e);
	while (rc == 0 && (rc = spill_next(s, &got, e)) == 1)
		rc = 0;
	spill_free(&s);
	return rc;
}

static void without_memory(void **state)
{
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = once(&e);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0 && n < 100);
	mem_fail_after(-1);
	assert_int_equal(rc, 0);
	assert_true(n > 5);
}

static void without_a_folder(void **state)
{
	struct err e = { 0 };
	char *was = getenv("TMPDIR") ? mem_strdup(getenv("TMPDIR")) : NULL;

	(void)state;
	setenv("TMPDIR", "/no/such/folder", 1);
	assert_int_equal(once(&e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_non_null(strstr(e.text, "/no/such/folder"));
	if (was)
		setenv("TMPDIR", was, 1);
	else
		unsetenv("TMPDIR");
	mem_free(was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_whatever_the_memory),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(without_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
