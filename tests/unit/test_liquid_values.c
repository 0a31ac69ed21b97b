/* test_liquid_values.c - cells, texts, numbers and the others: truth, equality, order, escaping. */
#include "tests/unit/liquid_kit.h"

static const struct span names[] = { { "name", 4 }, { "age", 3 }, { "empty_one", 9 }, { "code", 4 },
				     { "one", 3 },  { "html", 4 }, { "First Name", 10 }, { "spaces", 6 } };
static const struct span cells[] = { { "Ann", 3 }, { "34", 2 }, { "", 0 }, { "007", 3 },
				     { "7.0", 3 }, { "<b>&\"'", 6 }, { "Ann-Lee", 7 }, { "  ", 2 } };
enum { N_COLUMNS = sizeof names / sizeof names[0] };
static const struct columns columns = { .n = N_COLUMNS, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = N_COLUMNS, .cells = cells };

struct case_ {
	const char *source, *out; /* out NULL: cannot be rendered */
};

static void run(const struct case_ *cases, size_t n, bool html)
{
	static struct kit k;
	const struct liquid_options opt = { .columns = &columns, .html = html };
	const struct liquid_input in = { .row = &row, .now_ms = 1790000000000 };

	kit_open(&k);
	for (size_t i = 0; i < n; i++) {
		const char *got = kit_render(&k, cases[i].source, &opt, &in);

		if ((got == NULL) != (cases[i].out == NULL) || (got && strcmp(got, cases[i].out) != 0))
			fail_msg("%s\n  got:    %s\n  wanted: %s\n  %s%s", cases[i].source, got ? got : "an error",
				 cases[i].out ? cases[i].out : "an error", k.found, k.e.text);
	}
	kit_close(&k);
}

#define RUN(cases, html) run(cases, sizeof(cases) / sizeof((cases)[0]), html)
#define YES(condition) { "{% if " condition " %}yes{% else %}no{% endif %}", "yes" }
#define NO(condition) { "{% if " condition " %}yes{% else %}no{% endif %}", "no" }

static void cells_are_untyped(void **state)
{
	static const struct case_ cases[] = {
		{ "{{ code }}", "007" },
		{ "{{ age | plus: 1 }}", "35" },
		{ "{{ one | plus: 1 }}", "8.0" },
		{ "{{ FirstName }} {{ first name }}", NULL },
		{ "{{ FirstName }} {{ ['First Name'] }}", "Ann-Lee Ann-Lee" },
		YES("name"), NO("empty_one"), YES("spaces"), YES("age == 34"), YES("age == '34'"), NO("age == '34.0'"),
		YES("age == 34.0"), YES("age > 30"), YES("age >= 34"), NO("age < 34"), YES("code == 7"),
		YES("code == one"), NO("code == '7'"), YES("code == '007'"), YES("code < age"), YES("code <= one"),
		YES("empty_one == nil"), YES("empty_one == empty"), YES("empty_one == blank"), YES("empty_one == ''"),
		YES("spaces == blank"), NO("spaces == empty"), NO("spaces == nil"), NO("empty_one > 0"),
		NO("empty_one < 1"), NO("empty_one == 0"), NO("empty_one == false"), YES("name < 'B'"),
		YES("name contains 'nn'"), YES("code contains 0"), NO("empty_one contains 'a'"), NO("name == 5"),
		{ "{% if name > 5 %}x{% endif %}", NULL },
		{ "{% if 'a' > 5 %}x{% endif %}", NULL },
		{ "{{ empty_one | default: 'friend' }}", "friend" },
		{ "{{ empty_one | strip | default: 'friend' }}", "friend" },
		{ "{{ spaces | strip | default: 'friend' }}", "friend" },
		{ "{% assign a = age | strip %}{% if a > 30 %}typed{% endif %}", "typed" },
		{ "{% case code %}{% when 7 %}seven{% endcase %}", "seven" },
		{ "{% case name %}{% when 'Bob', 'Ann' %}she{% else %}else{% endcase %}", "she" },
		{ "{% for x in name %}{{ x }}{% endfor %}{% for x in empty_one %}{{ x }}{% else %}none{% endfor %}", "Annnone" },
		{ "{{ name.size }} {{ name | size }} {{ name | first }} {{ name.last }}", "3 3 A n" },
		{ "{{ 'b,10,9' | split: ',' | sort | join }}", "10 9 b" },
		{ "{% assign l = '10,9,100' | split: ',' %}{{ l | sort | join }}", "10 100 9" },
	};

	(void)state;
	RUN(cases, false);
}

static void other_kinds(void **state)
{
	static const struct case_ cases[] = {
		YES("1 == 1.0"), NO("1 == '1'"), YES("nil == nil"), NO("nil == false"), NO("0 == false"), YES("0"), YES("''"),
		NO("nil < 1"), NO("true > 0"), YES("(1..3) == (1..3)"), NO("(1..3) == (1..4)"), YES("(1..3) contains 2"),
		NO("(1..3) contains 4"), YES("99999999999999999999 > 1"), YES("'abc' < 'abd'"), YES("'ab' < 'abc'"),
		YES("true and false or true"), NO("false and true or true"), YES("true or false and false"),
		{ "{{ 1.0 }} {{ 2 }} {{ true }} {{ nil }} {{ (1..3) }}", "1.0 2 true  1..3" },
		{ "{{ 10 | divided_by: 3 }} {{ 10 | divided_by: 4.0 }}", "3 2.5" },
		{ "{{ 10 | divided_by: 0 }}", NULL },
		{ "{{ 12345678901234567890 | times: 10 }}", "123456789012345678900" },
	};

	(void)state;
	RUN(cases, false);
}

static void html_escapes(void **state)
{
	static const struct case_ cases[] = {
		{ "{{ html }}", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ name }}", "Ann" },
		{ "{{ html | raw }}", "<b>&\"'" },
		{ "{{ html | escape }}", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ html | escape | escape }}", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ html | escape_once }}", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ '<i>' }}", "&lt;i&gt;" },
		{ "{{ '<i>' | raw }}", "<i>" },
		{ "{{ '<i>' | raw | append: html }}", "<i>&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ html | append: '<i>' }}", "&lt;b&gt;&amp;&quot;&#39;&lt;i&gt;" },
		{ "{% assign br = '<br>' | raw %}{{ '<,>' | split: ',' | join: br }}", "&lt;<br>&gt;" },
		{ "{% assign br = '<br>' | raw %}{{ '<-<' | replace: '-', br }}", "&lt;<br>&lt;" },
		{ "{% capture c %}<p>{{ html }}</p>{% endcapture %}{{ c }}{{ c | strip }}",
		  "<p>&lt;b&gt;&amp;&quot;&#39;</p><p>&lt;b&gt;&amp;&quot;&#39;</p>" },
		{ "{% capture c %}<p>{% endcapture %}{{ c | append: '<q>' }}", "<p>&lt;q&gt;" },
		{ "{{ '<a\nb' | newline_to_br }}", "&lt;a<br />\nb" },
		{ "{{ html | upcase }}", "&lt;B&gt;&amp;&quot;&#39;" },
		{ "{% for x in (1..2) %}{{ html | slice: 0 }}{% endfor %}", "&lt;&lt;" },
		{ "{% assign l = '<,>' | split: ',' %}{{ l }}", "&lt;&gt;" },
		{ "{{ html | json }}", "&quot;&lt;b&gt;&amp;\\&quot;&#39;&quot;" },
		{ "{{ html | size }}", "6" },
	};
	static const struct case_ plain[] = {
		{ "{{ html }}", "<b>&\"'" },
		{ "{{ html | escape }}", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "{{ '<' | escape | escape }}", "&amp;lt;" },
		{ "{{ '&lt;<' | escape_once }}", "&lt;&lt;" },
		{ "{{ html | raw }}", "<b>&\"'" },
	};

	(void)state;
	RUN(cases, true);
	RUN(plain, false);
}

/* What comes from the list is never read as template text. */
static void foreign_text_is_literal(void **state)
{
	static const struct span hostile[] = { { "{{ secret }}{% raw %}", 21 } };
	static const struct columns one = { .n = 1, .names = names };
	const struct row r = { .n_cells = 1, .cells = hostile };
	const struct liquid_options opt = { .columns = &one };
	const struct liquid_input in = { .row = &r };
	static struct kit k;

	(void)state;
	kit_open(&k);
	assert_string_equal(kit_render(&k, "{{ name }}{% assign x = name %}{{ x }}{% capture y %}{{ x }}{% endcapture %}{{ y }}",
				       &opt, &in),
			    "{{ secret }}{% raw %}{{ secret }}{% raw %}{{ secret }}{% raw %}");
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_untyped),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(html_escapes),
		cmocka_unit_test(foreign_text_is_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
