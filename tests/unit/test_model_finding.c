/* Findings reach their sink, counted and clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/err.h"
#include "engine/model/finding.h"

struct memory {
	struct finding_sink sink;
	struct finding last;
};

static void remember(struct finding_sink *self, const struct finding *f)
{
	((struct memory *)self)->last = *f;
}

static void findings_are_counted(void **state)
{
	struct memory m = { .sink = { .report = remember } };

	(void)state;
	finding_say(&m.sink, FINDING_ERROR, "unknown column", "a.eml", 3, 7, "use x", "no '%s'\x1b", "y");
	assert_int_equal(m.sink.errors, 1);
	assert_int_equal(m.sink.warnings, 0);
	assert_string_equal(m.last.text, "no 'y'?");
	assert_string_equal(m.last.hint, "use x");
	assert_string_equal(m.last.path, "a.eml");
	assert_int_equal(m.last.line, 3);
	assert_int_equal(m.last.column, 7);
	finding_say(&m.sink, FINDING_WARNING, "k", NULL, 0, 0, NULL, "%2000d", 1);
	assert_int_equal(m.sink.warnings, 1);
	assert_string_equal(m.last.hint, "");
	assert_int_equal(strlen(m.last.text), FINDING_TEXT_MAX - 1);
}

static void errors_become_findings(void **state)
{
	struct memory m = { .sink = { .report = remember } };
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_INPUT, "100%% wrong");
	finding_of_err(&m.sink, "bad address", &e);
	assert_null(m.last.path);
	assert_string_equal(m.last.text, "100% wrong");
	err_at(&e, "b.csv", 4, 2);
	err_hint(&e, "h");
	finding_of_err(&m.sink, "bad address", &e);
	assert_string_equal(m.last.path, "b.csv");
	assert_int_equal(m.last.line, 4);
	assert_string_equal(m.last.hint, "h");
	assert_string_equal(m.last.kind, "bad address");
	assert_int_equal(m.sink.errors, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_counted),
		cmocka_unit_test(errors_become_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
