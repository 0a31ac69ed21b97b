/* Spans: cutting, searching, comparing, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "engine/base/span.h"

static void assert_span(struct span got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	if (got.n)
		assert_memory_equal(got.p, want, got.n);
}

static void parts_are_cut_to_what_is_there(void **state)
{
	struct span s = SPAN("abcdef");

	(void)state;
	assert_span(span_sub(s, 2, 3), "cde");
	assert_span(span_sub(s, 4, 99), "ef");
	assert_span(span_sub(s, 99, 1), "");
	assert_span(span_sub(s, 2, SIZE_MAX), "cdef");
	assert_span(span_skip(s, 6), "");
	assert_span(span_sub((struct span){ NULL, 0 }, 1, 1), "");
	assert_null(span_sub((struct span){ NULL, 0 }, 1, 1).p);
}

static void comparing(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN(""), (struct span){ NULL, 0 }));
	assert_false(span_eq(SPAN("a"), SPAN("b")));
	assert_true(span_begins(SPAN("abc"), SPAN("ab")));
	assert_false(span_begins(SPAN("a"), SPAN("ab")));
	assert_true(span_ends(SPAN("abc"), SPAN("bc")));
	assert_true(span_ends(SPAN("abc"), SPAN("")));
	assert_true(span_case_eq(SPAN("Content-TYPE"), SPAN("content-type")));
	assert_false(span_case_eq(SPAN("[@"), SPAN("{`"))); /* 32 apart, but no letters */
	assert_false(span_case_eq(SPAN("\xc3\x84"), SPAN("\xc3\xa4")));
	assert_true(span_case_begins(SPAN("XN--abc"), SPAN("xn--")));
	assert_false(span_case_begins(SPAN("xn"), SPAN("xn--")));
}

static void searching(void **state)
{
	(void)state;
	assert_int_equal(span_find(SPAN("a,b"), ','), 1);
	assert_int_equal(span_find(SPAN("ab"), ','), 2);
	assert_int_equal(span_find((struct span){ NULL, 0 }, ','), 0);
	assert_int_equal(span_search(SPAN("aab"), SPAN("ab")), 1);
	assert_int_equal(span_search(SPAN("aab"), SPAN("abc")), 3);
	assert_int_equal(span_search(SPAN("aab"), SPAN("")), 0);
	assert_int_equal(span_search((struct span){ NULL, 0 }, SPAN("a")), 0);
}

static void trimming(void **state)
{
	(void)state;
	assert_span(span_trim(SPAN(" \t\r\n\v\f a b \f")), "a b");
	assert_span(span_trim(SPAN(" \n ")), "");
	assert_span(span_trim(SPAN("a")), "a");
	assert_span(span_trim((struct span){ NULL, 0 }), "");
}

static void cutting(void **state)
{
	struct span rest = SPAN("a,,b");

	(void)state;
	assert_span(span_cut(&rest, ','), "a");
	assert_span(span_cut(&rest, ','), "");
	assert_span(rest, "b");
	assert_non_null(rest.p);
	assert_span(span_cut(&rest, ','), "b");
	assert_null(rest.p);
	rest = SPAN("a,");
	assert_span(span_cut(&rest, ','), "a");
	assert_non_null(rest.p); /* an empty last piece is still a piece */
	assert_int_equal(rest.n, 0);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		unsigned long long max;
		int rc;
		unsigned long long value;
	} cases[] = {
		{ "0", 0, 0, 0 },
		{ "1", 0, -1, 0 },
		{ "7", 7, 0, 7 },
		{ "8", 7, -1, 0 },
		{ "007", 9, 0, 7 },
		{ "65535", 65535, 0, 65535 },
		{ "65536", 65535, -1, 0 },
		{ "18446744073709551615", ULLONG_MAX, 0, ULLONG_MAX },
		{ "18446744073709551616", ULLONG_MAX, -1, 0 },
		{ "99999999999999999999999", ULLONG_MAX, -1, 0 },
		{ "", 9, -1, 0 },
		{ "-1", 9, -1, 0 },
		{ "+1", 9, -1, 0 },
		{ "1 ", 9, -1, 0 },
		{ "1x", 9, -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned long long v = 42;

		assert_int_equal(span_number(span_str(cases[i].text), cases[i].max, &v), cases[i].rc);
		assert_true(v == (cases[i].rc == 0 ? cases[i].value : 42));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_cut_to_what_is_there),
		cmocka_unit_test(comparing),
		cmocka_unit_test(searching),
		cmocka_unit_test(trimming),
		cmocka_unit_test(cutting),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
