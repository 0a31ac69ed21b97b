/* test_liquid_links.c - values in href, src and action: which schemes go out, and which make a finding. */
#include "tests/unit/liquid_kit.h"

#include "templates/liquid/link.h"

static const struct span names[] = { { "u", 1 }, { "v", 1 }, { "none", 4 } };
static const struct columns columns = { .n = 3, .names = names };
static struct kit kit;

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	(void)ctx, (void)e;
	*path = "part";
	*text = span_eq(name, SPAN("attribute")) ? SPAN("href=\"{{ u }}\"") : SPAN("{{ u }}{{ v }}");
	return 0;
}

/* Text of a program that escapes, or NULL. */
static const char *render(const char *source, struct span u, struct span v, bool html)
{
	const struct span cells[] = { u, v, SPAN("") };
	const struct row row = { .number = 1, .line = 2, .n_cells = 3, .cells = cells };
	const struct liquid_options opt = { .columns = &columns, .html = html, .loader = { load, NULL } };
	const struct liquid_input in = { .row = &row };

	return kit_render(&kit, source, &opt, &in);
}

static void values(void **state)
{
	static const struct {
		struct span value;
		bool good;
	} cases[] = {
		{ { "https://a.example/", 18 }, true },
		{ { "HTTP://a", 8 }, true },
		{ { "mailto:a@b.c", 12 }, true },
		{ { "tel:+1", 6 }, true },
		{ { "cid:logo", 8 }, true },
		{ { "//host/x", 8 }, true },
		{ { "/path:x", 7 }, true },
		{ { "page.html", 9 }, true },
		{ { "page?a=b:c", 10 }, true },
		{ { "#part:x", 7 }, true },
		{ { "", 0 }, true },
		{ { "1a:b", 4 }, true },
		{ { "\xC3\xA4:b", 4 }, true },
		{ { "javascript&#58;x", 16 }, true }, /* escaped: the browser sees an & */
		{ { "javascript:alert(1)", 19 }, false },
		{ { "JaVaScRiPt:x", 12 }, false },
		{ { " javascript:x", 13 }, false },
		{ { "\x01javascript:x", 13 }, false },
		{ { "java\tscript:x", 13 }, false },
		{ { "java\nscript:x", 13 }, false },
		{ { "java\r\nscript\t:x", 16 }, false },
		{ { "java\0script:x", 13 }, false },
		{ { "javascript\t:x", 13 }, false },
		{ { "data:text/html,x", 16 }, false },
		{ { "vbscript:x", 10 }, false },
		{ { "file:///etc/passwd", 18 }, false },
		{ { "averyveryverylongschemethatnobodyknows:x", 40 }, false },
		{ { "httpx:y", 7 }, false },
	};
	static const char *const places[] = {
		"<a href=\"{{ u }}\">", "<a href='{{ u }}'>", "<a href={{ u }}>", "<a href = \"{{ u }}\">", "<A HREF=\"{{ u }}\">",
		"<img\nsrc=\"{{ u }}\">", "<form action=\"{{ u }}\">", "<a class=x href=\" {{ u }}\">", "<a b c='d'href=\"{{ u }}\">",
		"<a href=\"{{ none }}{{ u }}\">", "<a href=\"{% if u %}{{ u }}{% endif %}\">", "<!--[if mso]><a href=\"{{ u }}\">",
		"<!-- <p> --><a href=\"{{ u }}\">", "<script>a<b</script><a href=\"{{ u }}\">", "<a {% include 'attribute' %}>",
		"<a href=\"{% for x in u %}{{ x }}{% endfor %}\">", "<a href=\"{% include 'value' %}\">",
		"<a href=\"{% render 'value', u: u, v: none %}\">", "<a href=\"{{ u | raw }}\">", "<br/><a\thref=\"{{ u }}\">",
		"<a href=\"{% cycle u %}\">", "<a href=\"{% ifchanged %}{{ u }}{% endifchanged %}\">", "<button formaction=\"{{ u }}\">",
		"{% capture c %}{{ u }}{% endcapture %}<a href=\"{{ c }}\">", "<?xml ?><!doctype html><a href=\"{{ u }}\">",
		"{% if u %}<a href=\"{% else %}<a href=\"#{% endif %}{{ u }}\">", "<style>a>b{}</style><a href=\"{{ u }}\">",
		"<a href={% if u %}\"{{ u }}\"{% else %}'#'{% endif %}>", "<a data-x=\"<\" href=\"{{ u }}\">", "<!--><a href=\"{{ u }}\">",
	};

	(void)state;
	for (size_t p = 0; p < sizeof places / sizeof places[0]; p++)
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			const char *got = render(places[p], cases[i].value, SPAN(""), true);
			bool raw = strstr(places[p], "raw") != NULL, entity = memchr(cases[i].value.p, '&', cases[i].value.n);
			bool good = cases[i].good && !(raw && entity);

			if ((got != NULL) != good)
				fail_msg("%s with '%.*s': %s", places[p], SPAN_ARG(cases[i].value), got ? got : kit.e.text);
			if (!got)
				assert_int_equal(kit.e.kind, ERR_INPUT);
		}
}

static void elsewhere(void **state)
{
	static const char *const places[] = {
		"{{ u }}", "<p>{{ u }}</p>", "<a title=\"{{ u }}\">", "<a href=\"https://x/{{ u }}\">", "<a href=\"/{{ u }}\">",
		"<a href=\"?q={{ u }}\">", "<a href=\"#{{ u }}\">", "<a href=\"x\" title=\"{{ u }}\">", "<a href=x title={{ u }}>",
		"<a hrefs=\"{{ u }}\">", "<a xhref=\"{{ u }}\">", "<!-- <a href=\"{{ u }}\"> -->", "<a href=\"x\">{{ u }}</a>",
		"<script>x='<a href=\"{{ u }}\">'</script>", "<a href>{{ u }}", "<a href=>{{ u }}", "{% capture x %}{{ u }}{% endcapture %}",
		"<a href=\"mailto:{{ u }}\">", "<a href=\"mailto:a@b?subject={{ u }}\">", "<a href=\"{{ 'https:' }}{{ u }}\">",
		"<a href=\"{{ none }}/{{ u }}\">", "<a href=\"{{ none }}?{{ u }}\">", "<a href='x'alt='{{ u }}'>", "< a href=\"{{ u }}\">",
		"<a href=\"{% if u %}https{% else %}http{% endif %}://{{ u }}\">",
	};

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (!render(places[i], SPAN("javascript:x"), SPAN(""), true))
			fail_msg("%s: %s", places[i], kit.e.text);
	assert_non_null(render("<a href=\"{{ u }}\">", SPAN("javascript:x"), SPAN(""), false));
}

static void in_pieces(void **state)
{
	(void)state;
	assert_null(render("<a href=\"{{ u }}{{ v }}\">", SPAN("java"), SPAN("script:x"), true));
	assert_null(render("<a href=\"{{ u }}:{{ v }}\">", SPAN("javascript"), SPAN("x"), true));
	assert_null(render("<a href=\"java{{ u }}\">", SPAN("script:x"), SPAN(""), true));
	assert_null(render("<a href=\"{{ u }}script&colon;{{ v }}\">", SPAN("java"), SPAN("x"), true));
	assert_null(render("<a href=\"&#106;ava{{ u }}\">", SPAN("script:x"), SPAN(""), true));
	assert_non_null(render("<a href=\"{{ u }}{{ v }}\">", SPAN("ht"), SPAN("tps:x"), true));
	assert_non_null(render("<a href=\"{{ u }}://{{ v }}\">", SPAN("https"), SPAN("a:b"), true));
	assert_null(render("<a href=\"{{ u }}\"><a href=\"{{ v }}\">", SPAN("https://a"), SPAN("data:x"), true));
	assert_non_null(render("<a href=\"{{ u }}\"><a href=\"{{ v }}\">", SPAN("java"), SPAN("script/x:"), true));
	assert_null(render("{% for i in (1..2) %}<a href=\"{% cycle u, v %}\">{% endfor %}", SPAN("a"), SPAN("data:x"), true));
}

static void messages(void **state)
{
	(void)state;
	assert_null(render("a\n<a href=\"{{ u }}\">", SPAN("Java\tScript:x"), SPAN(""), true));
	assert_string_equal(kit.e.text, "a link 'javascript:' is not sent; links may be http, https, mailto, tel and cid");
	assert_int_equal(kit.e.line, 2);
	assert_int_equal(kit.e.column, 13);
	assert_null(render("<a href=\"javascript:f('{{ u }}')\">", SPAN("x"), SPAN(""), true));
	assert_string_equal(kit.found, "1:24: a value inside of a link 'javascript:'; a link with a value in it may be http, "
				       "https, mailto, tel and cid\n");
	assert_non_null(render("<a href=\"javascript:f()\">{{ u }}", SPAN("x"), SPAN(""), true));
}

static void markdown(void **state)
{
	static const struct {
		const char *source;
		bool good;
	} cases[] = {
		{ "[x]({{ u }})", false },	   { "[x](<{{ u }}>)", false },	 { "![x]( {{ u }} \"t\")", false },
		{ "<{{ u }}>", false },		   { "[x]: {{ u }}", false },	 { "a\n[x]: <{{ u }}>", false },
		{ "[x]({{ none }}{{ u }})", false }, { "<a href=\"{{ u }}\">", false }, { "[x]({% if u %}{{ u }}{% endif %})", false },
		{ "{{ u }}", true },		   { "[{{ u }}](x)", true },	 { "(x) ({{ u }})", true },
		{ "[x](/{{ u }})", true },	   { "[x](https://a/{{ u }})", true }, { "[x](a) {{ u }}", true },
		{ "see [x]: {{ u }}", true },	   { "[x]: a {{ u }}", true },	 { "a < {{ u }}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct span cells[] = { SPAN("javascript:x"), SPAN(""), SPAN("") };
		const struct row row = { .n_cells = 3, .cells = cells };
		const struct liquid_options opt = { .columns = &columns, .html = true, .markdown = true };
		const struct liquid_input in = { .row = &row };

		if ((kit_render(&kit, cases[i].source, &opt, &in) != NULL) != cases[i].good)
			fail_msg("%s: %s", cases[i].source, kit.e.text);
	}
}

/* However it is cut, a value has one verdict. */
static void every_cut(void **state)
{
	static const struct {
		const char *text;
		enum link_verdict verdict;
	} cases[] = {
		{ "javascript:x", LINK_BAD },	       { "&#106;avascript:x", LINK_BAD },
		{ "&#x6A;avascript&colon;x", LINK_BAD }, { "java&#9;script&#58x", LINK_BAD },
		{ "java&Tab;script&#x3a", LINK_OPEN },  { "java&NewLine;script&#x3a;", LINK_BAD },
		{ "&#0000000000000000000106avascript:", LINK_BAD }, { "&#99999999999;x:", LINK_GOOD },
		{ "a&amp;b:c", LINK_GOOD },	       { "a&b:c", LINK_GOOD },
		{ "a&#;b:c", LINK_GOOD },	       { "https&#58;//x", LINK_GOOD },
		{ "abc", LINK_OPEN },		       { "", LINK_OPEN },
		{ "&", LINK_OPEN },		       { "&averylongname;:", LINK_GOOD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span all = span_str(cases[i].text);

		for (size_t cut = 0; cut <= all.n; cut++) {
			struct link l = { 0 }, byte = { 0 };

			link_feed(&l, span_sub(all, 0, cut));
			if (link_feed(&l, span_skip(all, cut)) != cases[i].verdict)
				fail_msg("'%s' cut at %zu: %d", cases[i].text, cut, (int)l.verdict);
			for (size_t k = 0; k < all.n; k++)
				link_feed(&byte, span_sub(all, k, 1));
			assert_int_equal(byte.verdict, cases[i].verdict);
		}
	}
}

/* What a render may find where it keeps its own. */
__attribute__((noinline))
static void soil_stack(void)
{
	volatile char soil[64 << 10];

	for (size_t i = 0; i < sizeof soil; i++)
		soil[i] = LINK_GOOD;
}

/* A way around the begin of the link: what is printed is followed from nothing. */
static void beside(void **state)
{
	const char *source = "{% if v == 'x' %}<a href=\"{% else %}<b title=\"{% endif %}{{ u }}\">";
	const struct liquid_options opt = { .columns = &columns, .html = true };
	static const struct {
		struct span cells[2];
		int rc;
	} cases[] = {
		{ { { "javascript:x", 12 }, { "y", 1 } }, -1 },
		{ { { "https://a.example/", 18 }, { "y", 1 } }, 0 },
		{ { { "javascript:x", 12 }, { "x", 1 } }, -1 },
	};
	struct liquid_program *p = NULL;

	(void)state;
	arena_reset(&kit.memory);
	assert_int_equal(liquid_compile(&p, span_str(source), &opt, &kit.sink, &kit.e), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct row row = { .number = 1, .line = 2, .n_cells = 2, .cells = cases[i].cells };
		const struct liquid_input in = { .row = &row };
		struct liquid_text_sink sink;

		liquid_text_sink_init(&sink, &kit.memory);
		soil_stack();
		assert_int_equal(liquid_render(p, kit.scratch, &kit.memory, &in, &sink.sink, &kit.e), cases[i].rc);
	}
	liquid_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(elsewhere), cmocka_unit_test(in_pieces),
					    cmocka_unit_test(messages), cmocka_unit_test(every_cut),
					    cmocka_unit_test(markdown), cmocka_unit_test(beside) };
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
