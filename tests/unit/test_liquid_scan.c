/* test_liquid_scan.c - tokens joined are the text, whatever the text; and what closes what. */
#include "tests/unit/liquid_kit.h"

#include "templates/liquid/scan.h"

/* A letter a token: t text, o output, g tag, O G N broken ones. */
static void kinds(const char *text, char *out)
{
	static const char letters[] = "togOGN";
	struct source source = { .text = span_str(text), .first_line = 1, .first_column = 1 };
	struct scan s;
	struct token t;
	uint32_t at = 0;

	scan_begin(&s, &source);
	for (scan_next(&s, &t); t.kind != TOKEN_END; scan_next(&s, &t)) {
		static const int order[] = { [TOKEN_TEXT] = 0, [TOKEN_OUTPUT] = 1, [TOKEN_TAG] = 2,
					     [TOKEN_BROKEN_OUTPUT] = 3, [TOKEN_BROKEN_TAG] = 4, [TOKEN_NAMELESS_TAG] = 5 };

		assert_int_equal(t.from, at);
		assert_true(t.to > t.from);
		at = t.to;
		*out++ = letters[order[t.kind]];
	}
	assert_int_equal(at, strlen(text));
	*out = '\0';
}

static void tokens(void **state)
{
	static const struct {
		const char *text, *kinds;
	} cases[] = {
		{ "", "" },
		{ "plain { text } % }} %}", "t" },
		{ "a{{b}}c{%d%}e", "totgt" },
		{ "{{-a-}}{%-b-%}", "og" },
		{ "{{ a", "O" },
		{ "{{ a }", "O" },
		{ "{{ a } b }}", "Ot" },
		{ "{% a", "G" },
		{ "{% %}", "N" },
		{ "{%-%}x", "Nt" },
		{ "{{ a {% b %} c }}", "Ot" },
		{ "{%# note %}{{}}", "go" },
		{ "{", "t" },
		{ "{{", "O" },
		{ "{%", "G" },
		{ "{{{{{{", "O" },
		{ "x{{{a}}}y", "tot" },
	};
	char got[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kinds(cases[i].text, got);
		assert_string_equal(got, cases[i].kinds);
	}
}

/* Every beginning of a text that has all of it scans to its end. */
static void every_cut(void **state)
{
	static const char all[] = "a {{ x | f: 'y' }} b {%- if c -%} d {% raw %}{{ {% endraw %} {{- e {% f %} {# %} {{ } {%";
	char text[sizeof all], got[sizeof all];

	(void)state;
	for (size_t cut = 0; cut < sizeof all; cut++) {
		memcpy(text, all, cut);
		text[cut] = '\0';
		kinds(text, got);
	}
}

static void verbatim(void **state)
{
	static const struct {
		const char *text;
		bool found;
		const char *body, *rest;
	} cases[] = {
		{ " {{ x }} {% endraw %} z", true, " {{ x }} ", " z" },
		{ "{{ x {%- endraw -%}z", true, "{{ x ", "z" },
		{ "{% endrawx %}{% endraw %}", true, "{% endrawx %}", "" },
		{ "{% raw %}{% endraw extra %}", true, "{% raw %}", "" },
		{ "{% endraw", false, NULL, NULL },
		{ "", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct source source = { .text = span_str(cases[i].text) };
		struct scan s;
		struct token end;
		struct span body;

		scan_begin(&s, &source);
		assert_int_equal(scan_verbatim(&s, SPAN("endraw"), &body, &end), cases[i].found);
		if (!cases[i].found)
			continue;
		assert_true(span_eq(body, span_str(cases[i].body)));
		assert_true(span_eq(span_skip(source.text, s.at), span_str(cases[i].rest)));
	}
}

static void parts_of_tags(void **state)
{
	struct source source = { .text = SPAN("{%-  assign\n x = 1 \t-%}") };
	struct scan s;
	struct token t;

	(void)state;
	scan_begin(&s, &source);
	scan_next(&s, &t);
	assert_true(t.trim_before && t.trim_after);
	assert_true(span_eq(t.name, SPAN("assign")));
	assert_true(span_eq(t.markup, SPAN("x = 1")));
	assert_true(source.text.p + t.markup_at == t.markup.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(verbatim),
		cmocka_unit_test(parts_of_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
