/* Findings are counted by kind, and the first places of each survive in whatever order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/run/report.h"

static void lowest_lines_survive(void **state)
{
	struct report a, b;
	struct rng r;

	(void)state;
	rng_seed(&r, 7, 8);
	assert_int_equal(report_init(&a), 0);
	assert_int_equal(report_init(&b), 0);
	for (uint64_t line = 1000; line >= 1; line--)
		finding_say(line % 2 ? &a.sink : &b.sink, FINDING_ERROR, "bad address", "list.csv", line, 0, NULL,
			    "line %llu", (unsigned long long)line);
	finding_say(&b.sink, FINDING_WARNING, "bad address", "list.csv", 1, 0, NULL, "a warning stands apart");
	a.largest = 5;
	b.largest = 9;
	b.largest_line = 77;
	report_merge(&a, &b);
	assert_int_equal(a.n_groups, 2);
	assert_int_equal(a.groups[0].count, 1000);
	assert_int_equal(a.groups[0].n_places, REPORT_PLACES);
	for (uint32_t i = 0; i < REPORT_PLACES; i++)
		assert_int_equal(a.groups[0].places[i].line, i + 1);
	assert_int_equal(a.sink.errors, 1000);
	assert_int_equal(a.sink.warnings, 1);
	assert_int_equal(a.largest_line, 77);
	b.largest_line = 33; /* as large: the line does not depend on which thread had it */
	report_merge(&a, &b);
	assert_int_equal(a.largest_line, 33);
	report_release(&a);
	report_release(&b);
}

static void kinds_are_bounded(void **state)
{
	static char kinds[200][16];
	struct report a;

	(void)state;
	assert_int_equal(report_init(&a), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(kinds[i], sizeof kinds[i], "kind %d", i);
		finding_say(&a.sink, FINDING_ERROR, kinds[i], NULL, 0, 0, "mend it", "x");
	}
	assert_int_equal(a.n_groups, REPORT_KINDS_MAX);
	assert_int_equal(a.sink.errors, 200);
	report_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_lines_survive),
		cmocka_unit_test(kinds_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
