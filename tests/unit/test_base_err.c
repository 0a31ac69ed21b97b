/* Errors: words, places, hints, and what outsiders put into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"

static void everything_returns_minus_one_also_without_err(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(NULL, ERR_INPUT, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_nomem(NULL, "x"), -1);
	assert_int_equal(err_at(NULL, "x", 1, 1), -1);
	assert_int_equal(err_hint(NULL, "x"), -1);
	assert_int_equal(err_set(&e, ERR_INPUT, "x"), -1);
	assert_int_equal(err_hint(&e, "x"), -1);
	assert_int_equal(err_at(&e, "x", 1, 1), -1);
}

static void sentences_are_formatted(void **state)
{
	struct err e = { 0 };
	char out[2048];

	(void)state;
	err_set(&e, ERR_INPUT, "column '%s' does not exist", "nmae");
	assert_string_equal(err_format(&e, out, sizeof out), "column 'nmae' does not exist");
	err_hint(&e, "did you mean '%s'?", "name");
	err_at(&e, "letter.eml", 3, 7);
	assert_string_equal(err_format(&e, out, sizeof out),
			    "letter.eml:3:7: column 'nmae' does not exist\n  did you mean 'name'?");
	err_set(&e, ERR_LIMIT, "next");
	assert_int_equal(e.line, 0);
	assert_string_equal(err_format(&e, out, sizeof out), "next");
	err_at(&e, "a.csv", 9, 0);
	assert_string_equal(err_format(&e, out, sizeof out), "a.csv:9: next");
	err_set(&e, ERR_INPUT, "alone");
	err_at(&e, NULL, 4, 0);
	assert_string_equal(err_format(&e, out, sizeof out), "line 4: alone");
	assert_string_equal(err_format(&e, out, 5), "line");
}

static void first_place_wins(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_INPUT, "x");
	err_at(&e, "inner", 3, 4);
	err_at(&e, "outer", 5, 6);
	assert_string_equal(e.path, "inner");
	assert_int_equal(e.line, 3);
	err_set(&e, ERR_INPUT, "x");
	err_at(&e, NULL, 3, 4); /* the line is known before the file's name */
	err_at(&e, "file", 9, 9);
	assert_string_equal(e.path, "file");
	assert_int_equal(e.line, 3);
	err_set(&e, ERR_INPUT, "x");
	err_at(&e, "inner", 0, 0);
	err_at(&e, "outer", 5, 6); /* line 5 of another file says nothing */
	assert_string_equal(e.path, "inner");
	assert_int_equal(e.line, 0);
	err_at(&e, "inner", 5, 6);
	assert_int_equal(e.line, 5);
}

static void errno_is_told_and_kept(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = ENOENT;
	err_sys(&e, "cannot open '%s'", "x");
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(e.text, "cannot open 'x': No such file or directory");
	err_nomem(&e, "a letter");
	assert_int_equal(e.kind, ERR_NOMEM);
	assert_int_equal(e.sys_errno, 0);
	assert_string_equal(e.text, "no memory for a letter");
}

static void texts_are_clean_and_whole(void **state)
{
	struct err e = { 0 };
	char longest[4000];

	(void)state;
	err_set(&e, ERR_PROTO, "%s", "a\r\nb\x1b[2J\xff\x7f");
	assert_string_equal(e.text, "a??b?[2J??");
	err_at(&e, "p\nq", 1, 1);
	assert_string_equal(e.path, "p?q");
	for (size_t shift = 0; shift < 3; shift++) {
		memset(longest, 'a', shift);
		for (size_t i = shift; i + 2 < sizeof longest; i += 2)
			memcpy(longest + i, "\xc3\xa4", 3);
		err_set(&e, ERR_INPUT, "%s", longest);
		assert_true(strlen(e.text) >= ERR_TEXT_MAX - 2);
		assert_true(utf8_valid(span_str(e.text)));
		errno = EIO;
		err_sys(&e, "%s", longest);
		assert_non_null(strstr(e.text, ": Input/output error"));
		err_hint(&e, "%s", longest);
		assert_true(utf8_valid(span_str(e.hint)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_returns_minus_one_also_without_err),
		cmocka_unit_test(sentences_are_formatted),
		cmocka_unit_test(first_place_wins),
		cmocka_unit_test(errno_is_told_and_kept),
		cmocka_unit_test(texts_are_clean_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
