/* test_liquid_amounts.c - number, money, pluralize, and the digests of links. */
#include "tests/unit/liquid_kit.h"

static const struct span names[] = { { "whole", 5 }, { "part", 4 }, { "none", 4 }, { "word", 4 }, { "spaced", 6 } };
static const struct span cells[] = { { "1234567", 7 }, { "-1234.565", 9 }, { "", 0 }, { "12 apples", 9 }, { " 5 ", 3 } };
static const struct columns columns = { .n = 5, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = 5, .cells = cells };
static struct kit kit;

static const char *render(const char *source, bool html)
{
	const struct liquid_options opt = { .columns = &columns, .html = html };
	const struct liquid_input in = { .row = &row };

	return kit_render(&kit, source, &opt, &in);
}

static void what_prints(void **state)
{
	static const struct {
		const char *source, *wanted;
	} cases[] = {
		{ "{{ whole | number }}", "1,234,567" },
		{ "{{ part | number }}", "-1,234.565" },
		{ "{{ part | number: 2 }}", "-1,234.57" },
		{ "{{ part | number: 0 }}", "-1,235" },
		{ "{{ part | number: 2, '.', ',' }}", "-1.234,57" },
		{ "{{ part | number: 4, ' ' }}", "-1 234.5650" },
		{ "{{ part | number: 1, '' }}", "-1234.6" },
		{ "{{ 0.5 | number: 0 }} {{ -0.5 | number: 0 }} {{ 2.5 | number: 0 }} {{ -2.5 | number: 0 }}", "1 -1 3 -3" },
		{ "{{ -0.004 | number: 2 }} {{ -0.4 | number: 0 }}", "0.00 0" },
		{ "{{ 1.005 | number: 2 }} {{ 0.285 | number: 2 }}", "1.01 0.29" },
		{ "{{ 100 | number }} {{ 1000 | number }} {{ 5.0 | number }} {{ 12 | number: 2 }}", "100 1,000 5 12.00" },
		{ "{{ 123456789012345678901234567890 | number: 1 }}", "123,456,789,012,345,678,901,234,567,890.0" },
		{ "{{ 1234 | number: nil, ' ' }} {{ spaced | number: 2 }}", "1 234 5.00" },
		{ "[{{ none | number: 2 }}{{ nil | number }}{{ '' | money: 'EUR' }}]", "[]" },
		{ "{{ whole | money: 'EUR' }} {{ part | money: 'EUR' }}", "EUR 1,234,567.00 EUR -1,234.57" },
		{ "{{ 5 | money: '$' }} {{ -5.5 | money: '$' }} {{ 0.995 | money: '\xE2\x82\xAC' }}",
		  "$5.00 -$5.50 \xE2\x82\xAC" "1.00" },
		{ "{{ 1234.5 | money: 'JPY' }} {{ 1.2345 | money: 'KWD' }} {{ -0.004 | money: 'USD' }}",
		  "JPY 1,235 KWD 1.235 USD 0.00" },
		{ "{{ 1 | pluralize: 'letter', 'letters' }} {{ 2 | pluralize: 'letter', 'letters' }}", "letter letters" },
		{ "{{ 0 | pluralize: 'a', 'b' }}{{ -1 | pluralize: 'a', 'b' }}{{ 1.0 | pluralize: 'a', 'b' }}"
		  "{{ 1.5 | pluralize: 'a', 'b' }}{{ '1' | pluralize: 'a', 'b' }}{{ none | pluralize: 'a', 'b' }}",
		  "bbabab" },
		{ "{{ 'abc' | md5 }}", "900150983cd24fb0d6963f7d28e17f72" },
		{ "{{ 'abc' | sha1 }}", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "{{ 'abc' | sha256 }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "{{ none | md5 }}", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "{{ 'what do ya want for nothing?' | hmac_sha1: 'Jefe' }}", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ "{{ 'what do ya want for nothing?' | hmac_sha256: 'Jefe' }}",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = render(cases[i].source, false);

		if (got && strcmp(got, cases[i].wanted) == 0)
			continue;
		print_error("%s\n  got:    %s\n  wanted: %s\n", cases[i].source, got ? got : kit.e.text, cases[i].wanted);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void what_is_no_number(void **state)
{
	static const struct {
		const char *source, *text;
	} cases[] = {
		{ "{{ word | number: 2 }}", "'12 apples' is not a number" },
		{ "{{ word | money: 'EUR' }}", "'12 apples' is not a number" },
		{ "{{ word | pluralize: 'a', 'b' }}", "'12 apples' is not a number" },
		{ "{{ '1,234.50' | money: 'EUR' }}", "'1,234.50' is not a number" },
		{ "{{ true | number }}", "'true' is not a number" },
		{ "{{ 5 | number: -1 }}", "a number has 0 to 30 decimals" },
		{ "{{ 5 | number: 31 }}", "a number has 0 to 30 decimals" },
		{ "{{ 5 | number: 'x' }}", "'x' is not a whole number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_null(render(cases[i].source, false));
		assert_string_equal(kit.e.text, cases[i].text);
		assert_int_equal(kit.e.kind, ERR_INPUT);
	}
}

static void marks_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(render("{{ 1234 | number: 0, '<' }} {{ 5 | money: '<' }}", true), "1&lt;234 &lt;5.00");
	assert_string_equal(render("{{ 1 | pluralize: '<', 'b' }}", true), "&lt;");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_prints), cmocka_unit_test(what_is_no_number),
					    cmocka_unit_test(marks_are_escaped) };
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
