/* Which rows take part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/select.h"

static const struct select_case {
	const char *ranges;
	uint64_t limit;
	const char *taken, *text; /* of rows 1..12; "-" where asking ended */
} cases[] = {
	{ NULL, 0, "1 2 3 4 5 6 7 8 9 10 11 12 ", "" },
	{ NULL, 3, "1 2 3 -", "at most 3" },
	{ "1-", 0, "1 2 3 4 5 6 7 8 9 10 11 12 ", "" },
	{ "1-", 2, "1 2 -", "at most 2" },
	{ "3", 0, "3 -", "rows 3" },
	{ "3-5,9", 0, "3 4 5 9 -", "rows 3-5,9" },
	{ " 9 , 3 - 5 ", 0, "3 4 5 9 -", "rows 3-5,9" },
	{ "10-", 0, "10 11 12 ", "rows 10-" },
	{ "2-4,3-6,7", 0, "2 3 4 5 6 7 -", "rows 2-7" },
	{ "5,5,5", 0, "5 -", "rows 5" },
	{ "2-9,4-5", 0, "2 3 4 5 6 7 8 9 -", "rows 2-9" },
	{ "8-,2", 0, "2 8 9 10 11 12 ", "rows 2,8-" },
	{ "8-,9-,10", 0, "8 9 10 11 12 ", "rows 8-" },
	{ "2,4,6,8", 3, "2 4 6 -", "rows 2,4,6,8, at most 3" },
	{ "18446744073709551615", 0, "", "rows 18446744073709551615-" },
};

static void take(struct selection *s, struct buf *out)
{
	buf_reset(out);
	for (uint64_t row = 1; row <= 12; row++) {
		int wants = selection_wants(s, row);

		if (wants > 0)
			buf_addf(out, "%d ", (int)row);
		if (wants < 0) {
			buf_add_char(out, '-');
			assert_int_equal(selection_wants(s, row + 1), -1);
			return;
		}
	}
}

static void rows_that_take_part(void **state)
{
	struct selection *s;
	struct buf got;
	struct err e;

	(void)state;
	buf_init(&got, 1000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (selection_new(&s, cases[i].ranges, cases[i].limit, &e) < 0)
			fail_msg("%s: %s", cases[i].ranges, e.text);
		assert_string_equal(selection_text(s), cases[i].text);
		for (int pass = 0; pass < 2; pass++) {
			take(s, &got);
			assert_string_equal(buf_str(&got), cases[i].taken);
			selection_rewind(s);
		}
		selection_free(&s);
		assert_null(s);
	}
	buf_release(&got);
}

static void refused(void **state)
{
	static const char *const bad[] = { "", ",", "1,", "0", "0-3", "5-3", "a", "1-b", "-", "-3", "1--2", "1 2",
					   "99999999999999999999", "3-9,x", "1,,2" };
	struct selection *s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (selection_new(&s, bad[i], 0, &e) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_non_null(strstr(e.hint, "3-9,14,20-"));
		assert_null(s);
	}
}

/* The text must fit a field of the journal whatever the ranges are, and still tell them apart. */
static void long_choices(void **state)
{
	struct selection *a, *b;
	struct buf text;
	struct err e;

	(void)state;
	buf_init(&text, 100000);
	for (int i = 1; i < 4000; i += 2)
		buf_addf(&text, "%d,", i);
	buf_add_str(&text, "9000");
	assert_int_equal(selection_new(&a, buf_str(&text), 7, &e), 0);
	text.p[text.n - 1] = '1';
	assert_int_equal(selection_new(&b, buf_str(&text), 7, &e), 0);
	assert_true(strlen(selection_text(a)) < 1000);
	assert_string_not_equal(selection_text(a), selection_text(b));
	assert_non_null(strstr(selection_text(a), "at most 7"));
	selection_free(&a);
	selection_free(&b);
	buf_release(&text);
}

static void survives_no_memory(void **state)
{
	struct selection *s = NULL;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = selection_new(&s, "3-9,14", 5, &e);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0);
	mem_fail_after(-1);
	assert_true(n > 2);
	selection_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_take_part),
		cmocka_unit_test(refused),
		cmocka_unit_test(long_choices),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
