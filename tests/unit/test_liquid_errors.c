/* test_liquid_errors.c - every mistake of a template: what is said, and where. */
#include "tests/unit/liquid_kit.h"

#include "engine/base/mem.h"
#include "engine/base/utf8.h"

static const struct span names[] = { { "first_name", 10 }, { "email", 5 }, { "plan", 4 } };
static const struct columns columns = { .n = 3, .names = names };

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	(void)ctx;
	*path = "part.liquid";
	if (span_eq(name, SPAN("part")))
		*text = SPAN("line one\n{{ emial }}");
	else if (span_eq(name, SPAN("again")))
		*text = SPAN("{% include 'again' %}");
	else if (span_eq(name, SPAN("loop")))
		*text = SPAN("{% render 'loop' %}");
	else
		return err_set(e, ERR_INPUT, "no file '%.*s' beside the letter", SPAN_ARG(name));
	return 0;
}

static struct kit kit;

static const char *findings(const char *source, const struct liquid_options *given)
{
	struct liquid_options opt = *given;
	struct liquid_program *p = NULL;
	int rc;

	kit.n_found = 0;
	kit.found[0] = '\0';
	kit.sink.errors = 0;
	memset(&kit.e, 0, sizeof kit.e);
	rc = liquid_compile(&p, span_str(source), &opt, &kit.sink, &kit.e);
	assert_true((rc == 0) == (kit.n_found == 0));
	assert_true((rc == 0) == (p != NULL));
	if (rc < 0)
		assert_int_equal(kit.e.kind, ERR_INPUT);
	liquid_free(&p);
	return kit.found;
}

/* A name that is cut to fit a message is cut between characters. */
static void long_names(void **state)
{
	static const struct liquid_options opt = { .path = "t", .columns = &columns };
	char source[3000];

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		size_t n = (size_t)snprintf(source, sizeof source, "{{ ['%.*s", (int)shift, "abc");

		for (int i = 0; i < 400; i++, n += 3)
			memcpy(source + n, "\xe0\xb8\xa3", 3);
		snprintf(source + n, sizeof source - n, "'] }}");
		assert_true(utf8_valid(span_str(findings(source, &opt))));
		assert_true(kit.n_found > 0 && utf8_valid(span_str(kit.e.text)));
	}
}

static void each_mistake(void **state)
{
	static const struct {
		const char *source, *found;
	} cases[] = {
		{ "Dear {{ first_name }}", "" },
		{ "Dear\n  {{ frist_name }}", "2:6: there is no column 'frist_name'; did you mean 'first_name'?\n" },
		{ "{% if emial %}{% endif %}", "1:7: there is no column 'emial'; did you mean 'email'?\n" },
		{ "{{ emial | default: 'x' }}", "1:4: there is no column 'emial'; did you mean 'email'?\n" },
		{ "{{ 'x' | append: emial }}", "1:18: there is no column 'emial'; did you mean 'email'?\n" },
		{ "{{ zzzzzz }}", "1:4: there is no column 'zzzzzz'; the list has 'first_name', 'email', 'plan'\n" },
		{ "{% assign x = 1 %}{{ x }}{{ y }}", "1:29: there is no column 'y'; did you mean 'x'?\n" },
		{ "{{ x }}{% assign x = 1 %}", "" },
		{ "{% for i in (1..2) %}{{ i }}{{ forloop.index }}{% endfor %}", "" },
		{ "{{ forloop.index }}", "1:4: there is no column 'forloop'; forloop is known inside of its loop only\n" },
		{ "{{ plan | upcaze }}", "1:11: there is no filter 'upcaze'; did you mean 'upcase'?\n" },
		{ "{{ plan | zzzzzz }}", "1:11: there is no filter 'zzzzzz'\n" },
		{ "{{ plan | append }}", "1:11: filter 'append' needs 1 argument\n" },
		{ "{{ plan | replace }}", "1:11: filter 'replace' needs at least 1 argument\n" },
		{ "{{ plan | upcase: 1 }}", "1:11: filter 'upcase' takes 0 arguments, not 1\n" },
		{ "{{ plan | truncate: 1, 'a', 3 }}", "1:11: filter 'truncate' takes at most 2 arguments, not 3\n" },
		{ "{{ plan | upcase: to: 1 }}", "1:19: filter 'upcase' takes no argument named 'to'\n" },
		{ "{% fi plan %}", "1:1: there is no tag {% fi %}; did you mean {% if %}?\n" },
		{ "{% frobnicate %}", "1:1: there is no tag {% frobnicate %}\n" },
		{ "{% endif %}", "1:1: {% endif %} closes nothing\n" },
		{ "{% else %}", "1:1: {% else %} stands outside of a block that has one\n" },
		{ "{% when 1 %}", "1:1: {% when %} stands outside of {% case %}\n" },
		{ "{% if plan %}{% elif email %}{% endif %}", "1:14: there is no tag {% elif %}; the language says elsif\n" },
		{ "{% if plan %}{% elseif email %}{% endif %}",
		  "1:14: there is no tag {% elseif %}; the language says elsif\n" },
		{ "{% if plan %}{% else if email %}{% endif %}",
		  "1:14: there is no tag {% else if %}; the language says elsif\n" },
		{ "a\n {% if plan %} b", "2:2: {% if %} opened here is never closed; add {% endif %} where it ends\n" },
		{ "{% for i in plan %}{% if i %}{% endfor %}",
		  "1:20: {% if %} opened here is never closed; add {% endif %} where it ends\n" },
		{ "{% if plan %}{% endfor %}{% endif %}",
		  "1:14: {% endfor %} closes nothing; open here is {% if %}, which {% endif %} closes\n" },
		{ "{% comment %} x", "1:1: {% comment %} opened here is never closed; add {% endcomment %} where it ends\n" },
		{ "{% raw %} x", "1:1: {% raw %} opened here is never closed; add {% endraw %} where it ends\n" },
		{ "Hi {{ plan", "1:4: {{ opened here is never closed; write the closing }}\n" },
		{ "Hi {{ plan } x", "1:4: {{ opened here is never closed; write the closing }}\n" },
		{ "Hi {% if plan", "1:4: {% opened here is never closed; write the closing %}\n" },
		{ "{% %}", "1:1: a tag without a name\n" },
		{ "{{ plan | }}", "1:10: the name of a filter is missing here\n" },
		{ "{{ 'x }}", "1:4: a quote is never closed; a text ends with the quote it begins with\n" },
		{ "{{ plan email }}", "1:9: unexpected 'email' after the value\n" },
		{ "{{ plan & }}", "1:9: unexpected '&' after the value\n" },
		{ "{{ & }}", "1:4: unexpected '&', a name or a value was expected\n" },
		{ "{% if %}{% endif %}", "1:7: a name or a value is missing here\n" },
		{ "{% if plan = 'x' %}{% endif %}", "1:12: unexpected '=' in the condition; equality is written ==\n" },
		{ "{% if plan == %}{% endif %}", "1:14: a name or a value is missing here\n" },
		{ "{% assign = 1 %}", "1:11: unexpected '=', the name of a variable was expected\n" },
		{ "{% assign x 1 %}", "1:13: unexpected '1', '=' and a value was expected\n" },
		{ "{% assign x = %}", "1:14: a value is missing here\n" },
		{ "{% for i of plan %}{% endfor %}", "1:10: unexpected 'of', 'in' was expected\n" },
		{ "{% for i in plan limt: 3 %}{% endfor %}",
		  "1:18: unexpected 'limt', reversed, limit: or offset: was expected\n" },
		{ "{% case plan %}{% when %}{% endcase %}", "1:24: a name or a value is missing here\n" },
		{ "{{ (1..) }}", "1:8: unexpected ')', a name or a value was expected\n" },
		{ "{{ plan[1 }}", "1:10: ']' is missing here\n" },
		{ "{% # one\n two %}", "2:2: each line of an inline comment begins with #\n" },
		{ "{% liquid\n assign a = 1\n ecoh a\n%}", "3:2: there is no tag {% ecoh %}; did you mean {% echo %}?\n" },
		{ "{% if plan %}{% liquid endif %}{% endif %}", "1:24: {% endif %} closes nothing\n" },
		{ "\xC3\xA4\xC3\xB6 {{ emial }}", "1:7: there is no column 'emial'; did you mean 'email'?\n" },
		{ "{% include 'part' %}", "part.liquid:2:4: there is no column 'emial'; did you mean 'email'?\n" },
		{ "{% include 'none' %}", "1:12: no file 'none' beside the letter\n" },
		{ "{% include '../up' %}",
		  "1:12: a partial is named by a path below the letter's folder, without '..'\n" },
		{ "{% include '/etc/passwd' %}",
		  "1:12: a partial is named by a path below the letter's folder, without '..'\n" },
		{ "{% include plan %}",
		  "1:12: the name of a partial must be a text in quotes; write {% include 'name' %}\n" },
		{ "{% render 'loop' %}", "" },
		/* Several at once. */
		{ "{{ emial }}\n{{ plan | upcaze }}\n{% if plan %}",
		  "3:1: {% if %} opened here is never closed; add {% endif %} where it ends\n"
		  "1:4: there is no column 'emial'; did you mean 'email'?\n" },
	};
	const struct liquid_options opt = { .columns = &columns, .loader = { load, NULL } };
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = findings(cases[i].source, &opt);

		if (i + 1 == sizeof cases / sizeof cases[0]) {
			assert_non_null(strstr(got, "2:11: there is no filter 'upcaze'"));
			assert_non_null(strstr(got, "1:4: there is no column 'emial'"));
			assert_non_null(strstr(got, "3:1: {% if %} opened here is never closed"));
		} else if (strcmp(got, cases[i].found) != 0) {
			print_error("%s\n  got:    %s  wanted: %s", cases[i].source, got, cases[i].found);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void places_begin_where_the_text_does(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .path = "letter.eml", .first_line = 12, .first_column = 10 };

	(void)state;
	assert_string_equal(findings("{{ emial }}", &opt),
			    "letter.eml:12:13: there is no column 'emial'; did you mean 'email'?\n");
	assert_string_equal(findings("\n{{ emial }}", &opt),
			    "letter.eml:13:4: there is no column 'emial'; did you mean 'email'?\n");
	assert_string_equal(kit.e.path, "letter.eml");
	assert_int_equal(kit.e.line, 13);
}

static void who_may_be_unknown(void **state)
{
	static const struct columns open = { .n = 3, .names = names, .open = true };
	static const struct span specials[] = { { "unsubscribe", 11 } };
	static const struct member globals[] = { { { "sender", 6 }, { .kind = VALUE_NIL } } };
	struct liquid_options opt = { .columns = &columns, .lax = true };

	(void)state;
	assert_string_equal(findings("{{ nobody }}", &opt), "");
	opt = (struct liquid_options){ .columns = &open };
	assert_string_equal(findings("{{ nobody }}", &opt), "");
	opt = (struct liquid_options){ .columns = &columns, .specials = specials, .n_specials = 1, .globals = globals,
				       .n_globals = 1 };
	assert_string_equal(findings("{{ unsubscribe }}{{ sender }}", &opt), "");
	assert_string_equal(findings("{{ sendre }}", &opt), "1:4: there is no column 'sendre'; did you mean 'sender'?\n");
	opt = (struct liquid_options){ 0 };
	assert_string_equal(findings("{{ nobody }}", &opt), "1:4: there is no column 'nobody'\n");
}

static void errors_of_a_row(void **state)
{
	static const struct span cells[] = { { "Ann", 3 }, { "a@b", 3 }, { "pro", 3 } };
	static const struct {
		const char *source, *text;
		uint64_t line, column;
	} cases[] = {
		{ "a\n{{ 5 | divided_by: 0 }}", "divided by 0", 2, 8 },
		{ "{% if plan > 5 %}{% endif %}", "cannot compare the text 'pro' with the number '5'", 1, 12 },
		{ "{% for i in (1..3) limit: 'x' %}{% endfor %}", "limit of the loop is not a whole number", 1, 1 },
		{ "{{ plan | slice: 'x' }}", "'x' is not a whole number", 1, 11 },
		{ "{{ plan | where: 5 }}", NULL, 1, 11 },
		{ "{{ 5 | where: 'x' }}", "cannot select the property 'x'", 1, 8 },
		{ "{{ plan | concat: 'x' }}", "filter 'concat' needs a list to add", 1, 11 },
	};
	const struct liquid_options opt = { .columns = &columns, .path = "t" };
	const struct row row = { .n_cells = 3, .cells = cells };
	const struct liquid_input in = { .row = &row };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = kit_render(&kit, cases[i].source, &opt, &in);

		assert_int_equal(got == NULL, cases[i].text != NULL);
		if (!cases[i].text)
			continue;
		assert_string_equal(kit.e.text, cases[i].text);
		assert_int_equal(kit.e.kind, ERR_INPUT);
		assert_int_equal(kit.e.line, cases[i].line);
		assert_int_equal(kit.e.column, cases[i].column);
		assert_string_equal(kit.e.path, "t");
	}
}

/* Every beginning of a template is compiled or refused, never a crash. */
static void every_cut(void **state)
{
	static const char all[] =
		"{% assign a = plan | split: ',' %}{% for x in a reversed limit: 2 offset: continue %}{{ x[0].y | append: 'q' "
		"}}{% if x == a and (1..3) contains x or a.size > 2 %}{% break %}{% elsif a %}{% else %}b{% endif %}{% else %}"
		"c{% endfor %}{% case plan %}{% when 1, 'a' or b %}{% else %}{% endcase %}{% capture z %}{% cycle 'a': 1, 2 %}"
		"{% endcapture %}{% tablerow i in (1..2) cols: 2 %}{{ i }}{% endtablerow %}{% render 'loop' for a as i, k: 1 %}"
		"{% liquid echo 1\n if a\n endif %}{% raw %}{{ {% endraw %}{% # c %}";
	const struct liquid_options opt = { .columns = &columns, .loader = { load, NULL } };
	char text[sizeof all];

	(void)state;
	for (size_t cut = 0; cut < sizeof all; cut++) {
		memcpy(text, all, cut);
		text[cut] = '\0';
		findings(text, &opt);
		findings(all + cut, &opt);
	}
}

static void compiling_survives_no_memory(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .path = "t", .loader = { load, NULL } };
	const char *source = "{% assign a = plan | split: ',' %}{% for x in a %}{{ x | append: [email] }}{% endfor %}"
			     "{% render 'loop', a: 1 %}{% cycle 1, 2 %}{% increment i %}";
	struct liquid_program *p = NULL;
	struct err e;
	long n = 0;
	int rc;

	(void)state;
	do {
		memset(&e, 0, sizeof e);
		mem_fail_after(n++);
		rc = liquid_compile(&p, span_str(source), &opt, &kit.sink, &e);
		mem_fail_after(-1);
		assert_true(rc == 0 || (e.kind == ERR_NOMEM && p == NULL));
	} while (rc < 0 && n < 1000);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	liquid_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_names),
		cmocka_unit_test(each_mistake),       cmocka_unit_test(places_begin_where_the_text_does),
		cmocka_unit_test(who_may_be_unknown), cmocka_unit_test(errors_of_a_row),
		cmocka_unit_test(every_cut),          cmocka_unit_test(compiling_survives_no_memory),
	};
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
