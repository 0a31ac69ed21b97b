/* What a letter says and probably did not mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/model/value.h"
#include "tests/unit/letter_try.h"

#define HEAD "From: a@x.org\nTo: {{ email }}\nSubject: Hi\n"

static struct letter_try t;

static const struct advice {
	const char *letter, *findings;
	bool opens;
} cases[] = {
	{ HEAD "\nHi {{ name }}\n", "", true },
	{ HEAD "Attachmnt: a.pdf\n\nHi\n", "4:1: 'Attachmnt:' is sent as it is: it is no header that means something here\n", true },
	{ HEAD "Repyl-To: a@x.org\n\nHi\n", "4:1: 'Repyl-To:' is sent as it is: it is no header that means something here\n", true },
	{ HEAD "X-Attachment: 1\nComments: x\nKeywords: y\nOrganization: z\n\nHi\n", "", true },
	{ "From: a@x.org\nTo: {{ email }}\n\nHi\n", "1:1: the letter has no 'Subject:'\n", true },
	{ "From: a@x.org\nTo: {{ email }}\nSubject:\n\nHi\n", "3:9: the 'Subject:' is empty\n", true },
	{ HEAD "\n \n", "5:1: the letter has no text\n", true },
	{ HEAD "\nHi {name}, [Name] {Name} %name% ${name}\n",
	  "5:4: '{name}' is printed as it stands\n5:12: '[Name]' is printed as it stands\n"
	  "5:19: '{Name}' is printed as it stands\n5:26: '%name%' is printed as it stands\n"
	  "5:33: '${name}' is printed as it stands\n", true },
	{ "From: a@x.org\nTo: {{ email }}\nSubject: Hi {name}\n\nHi\n", "3:13: '{name}' is printed as it stands\n", true },
	{ HEAD "\n{{ name }} {% if name %}{ x }{% endif %} [1] [see there] {unknown} 5% of 100%\n", "", true },
	{ "From: a@x.org\nTo: boss@x.org\nSubject: Hi\n\nHi\n",
	  "2:5: every row would be sent to 'boss@x.org': the letter has a 'To:' of its own, and the list has a column "
	  "'email'\n", false },
	{ "From: a@x.org\nTo: boss@x.org\nBcc: {{ email }}\nSubject: Hi\n\nHi\n", "", true },
	{ HEAD "Date: tomorrow\n\nHi\n", "4:7: Date 'tomorrow' is not of the form 'Mon, 23 Nov 2026 09:30:00 +0100'\n", false },
	{ HEAD "Date: Mon, 23 Nov 2026 09:30:00 +0100\n\nHi\n", "", true },
	{ HEAD "Date: 3 Nov 2026 09:30 GMT\n\nHi\n", "", true },
};

static void advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool opened = try_open(&t, cases[i].letter) == 0;

		if (opened != cases[i].opens || strcmp(t.findings, cases[i].findings) != 0)
			fail_msg("%s\n%s", cases[i].letter, t.findings);
	}
}

static void variables_that_columns_hide(void **state)
{
	static const struct member vars[] = { { { "name", 4 }, { .kind = VALUE_TEXT, .n = 1, .text = "x" } },
					      { { "other", 5 }, { .kind = VALUE_TEXT, .n = 1, .text = "x" } } };

	(void)state;
	t.opt.vars = vars;
	t.opt.n_vars = 2;
	assert_int_equal(try_open(&t, HEAD "\nHi {{ name }} {{ other }}\n"), 0);
	assert_string_equal(t.findings, "0:0: --var name has no effect: the list's column 'name' goes first\n");
}

static int set_up(void **state)
{
	(void)state;
	try_begin(&t, "name,email");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	try_end(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(advice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(variables_that_columns_hide, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
