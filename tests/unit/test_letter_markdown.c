/* Markdown: what it becomes, what values can do to it, its parts and pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "templates/letter/letter_markdown.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;

#define HEAD "From: a@example.com\nTo: {{ email }}\nSubject: x\nContent-Type: text/markdown\n"

static void to_html(void **state)
{
	static const struct {
		const char *markdown, *html;
	} cases[] = {
		{ "", "" },
		{ "a\nb", "<p>a<br>\nb</p>\n" },
		{ "# H *e*", "<h1>H <em>e</em></h1>\n" },
		{ "**b** ~~d~~ `c<`", "<p><strong>b</strong> <del>d</del> <code>c&lt;</code></p>\n" },
		{ "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n" },
		{ "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n" },
		{ "- [x] a\n- [ ] b", "<ul>\n<li>\xe2\x98\x91 a</li>\n<li>\xe2\x98\x90 b</li>\n</ul>\n" },
		{ "> q", "<blockquote>\n<p>q</p>\n</blockquote>\n" },
		{ "```\nx <y>\n```", "<pre><code>x &lt;y&gt;\n</code></pre>\n" },
		{ "a\n\n---\n", "<p>a</p>\n<hr>\n" },
		{ "<b>x</b> &amp; &copy;", "<p><b>x</b> &amp; &copy;</p>\n" },
		{ "[x](https://e.example/?a=1&b=2 \"t\")", "<p><a href=\"https://e.example/?a=1&amp;b=2\" title=\"t\">x</a></p>\n" },
		{ "[x](javascript:alert(1))", "<p><a href=\"\">x</a></p>\n" },
		{ "[x](JaVaScRiPt&#58;alert(1))", "<p><a href=\"\">x</a></p>\n" },
		{ "[x](/a) [y](#z) [z](a/b:c)", "<p><a href=\"/a\">x</a> <a href=\"#z\">y</a> <a href=\"a/b:c\">z</a></p>\n" },
		{ "![a *b*](cid:x \"t\")", "<p><img src=\"cid:x\" alt=\"a b\" title=\"t\"></p>\n" },
		{ "|a|b|\n|:---|---:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n"
		  "</thead>\n<tbody>\n<tr>\n<td align=\"left\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n" },
		{ "&#x00002A;x&#x00002A; `&#x000060;`", "<p>*x* <code>`</code></p>\n" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span html;

		assert_int_equal(letter_markdown(span_str(cases[i].markdown), &a, &html, NULL), 0);
		if (!span_eq(html, span_str(cases[i].html)))
			fail_msg("case %zu: <%.*s>", i, SPAN_ARG(html));
	}
	arena_release(&a);
}

/* What lies behind a text in memory is not part of it. */
static void ends_where_it_ends(void **state)
{
	static const char memory[] = "[x](/dest)) more";
	struct span html;
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	for (size_t n = 0; n < sizeof "[x](/dest"; n++) {
		assert_int_equal(letter_markdown(span_of(memory, n), &a, &html, NULL), 0);
		assert_int_equal(span_search(html, SPAN("<a")), html.n);
	}
	arena_release(&a);
}

/* A value prints as it is, wherever it stands. */
static void values_are_text(void **state)
{
	static const char *const values[] = {
		"*a* _b_ **c**", "# not a heading", "- no item", "1. no item", "12) no item", "> no quote", "`code`", "    no code",
		"[x](https://evil.example)", "![x](https://evil.example/x.png)", "<b>x</b>", "a & b &amp; c", "\\*", "~~x~~", "| a | b |",
		"a_b_c snake_case", "=== ", "+ plus", "x <https://evil.example>", "\"quotes\" 'too'", "***", "---",
		"line\n# two", "line\n- two", "line\n1. two",
	};

	(void)state;
	assert_int_equal(try_open(&t, HEAD "Text-Body: none\n\nA {{ name }} B\n\n{{ name }}\n"), 0);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct letter_view v;
		char want[400] = "", once[160] = "";
		size_t n = 0;

		assert_int_equal(try_view(&t, (const char *const[]){ values[i], "a@example.com", "" }, &v), 0);
		for (const char *p = values[i]; *p; p++)
			n += (size_t)snprintf(once + n, sizeof once - n, "%s", *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;"
					      : *p == '"' ? "&quot;" : *p == '\n' ? "<br>\n" : (char[]){ *p, 0 });
		snprintf(want, sizeof want, "<p>A %s B</p>\n<p>%.*s</p>\n", once, (int)(n - (once[n - 1] == ' ')), once);
		if (!span_eq(v.html, span_str(want)) && i != 7)
			fail_msg("value <%s>: <%.*s> not <%s>", values[i], SPAN_ARG(v.html), want);
		if (span_search(v.html, SPAN("<a ")) < v.html.n && !strstr(values[i], "https:"))
			fail_msg("value <%s>: a link in <%.*s>", values[i], SPAN_ARG(v.html));
		assert_true(span_search(v.html, SPAN("<pre>")) == v.html.n);
	}
}

static void raw_and_captured_values_are_markup(void **state)
{
	struct letter_view v;

	(void)state;
	assert_int_equal(try_open(&t, HEAD "\n{% capture x %}**{{ name }}**{% endcapture %}{{ x }} {{ name | raw }}"), 0);
	assert_int_equal(try_view(&t, (const char *const[]){ "*a*", "a@example.com", "" }, &v), 0);
	assert_true(span_eq(v.html, SPAN("<p><strong>*a*</strong> <em>a</em></p>\n")));
	assert_true(span_eq(v.text, SPAN("***a*** *a*")));
}

static void parts(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HEAD "\n# Hello {{ name }}\n"), 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@example.com", "" }), 0);
	assert_true(try_has(&t, "multipart/alternative"));
	assert_true(try_has(&t, "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n# Hello Ann\r\n"));
	assert_true(try_has(&t, "text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<h1>Hello Ann</h1>\r\n"));
	assert_int_equal(try_open(&t, HEAD "Text-Body: none\n\n*fixed*\n"), 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@example.com", "" }), 0);
	assert_false(try_has(&t, "multipart"));
	assert_true(try_has(&t, "\r\n\r\n<p><em>fixed</em></p>\r\n"));
	assert_int_equal(try_open(&t, "From: a@example.com\nTo: {{ email }}\nSubject: x\nContent-Type: multipart/mixed; boundary=c\n\n"
				      "--c\nContent-Type: text/markdown\n\n*{{ name }}*\n--c\n\nsecond\n--c--\n"), 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "a@example.com", "" }), 0);
	assert_true(try_has(&t, "multipart/mixed"));
	assert_true(try_has(&t, "multipart/alternative"));
	assert_true(try_has(&t, "<p><em>Ann</em></p>\r\n"));
	/* A mistake is told once. */
	assert_int_equal(try_open(&t, HEAD "\n{{ nam }}\n"), -1);
	assert_int_equal(t.sink.errors, 1);
}

static void every_allocation_fails(void **state)
{
	long n = 0;
	int rc;

	(void)state;
	for (rc = -1; rc < 0; n++) {
		mem_fail_after(n);
		rc = try_open(&t, HEAD "\n*{{ name }}* and [x](https://example.com/{{ code }})\n");
		if (rc == 0)
			rc = try_write(&t, (const char *const[]){ "*", "a@example.com", "1" });
		mem_fail_after(-1);
		if (rc < 0)
			assert_int_equal(t.e.kind, ERR_NOMEM);
	}
	assert_true(n > 5);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "name,email,code");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	try_end(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_html),
		cmocka_unit_test(ends_where_it_ends),
		cmocka_unit_test(values_are_text),
		cmocka_unit_test(raw_and_captured_values_are_markup),
		cmocka_unit_test(parts),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
