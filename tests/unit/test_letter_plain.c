/* The text form of HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/letter/letter_plain.h"
#include "tests/unit/letter_try.h"

static struct arena a, work;

static void forms(void **state)
{
	static const struct {
		const char *html, *text;
	} cases[] = {
		{ "", "" },
		{ "   \n ", "" },
		{ "a  b\n c", "a b c\n" },
		{ "<p>a</p><p>b</p>", "a\n\nb\n" },
		{ "a<br>b<br><br>c", "a\nb\n\nc\n" },
		{ "<div>a</div><div>b <b>c</b></div>", "a\nb c\n" },
		{ "<h1>T</h1><p>x", "T\n\nx\n" },
		{ "a&nbsp;b &lt; &eacute;", "a b < \xc3\xa9\n" },
		{ "<head><title>t</title><style>s</style></head><body>b<script>x</script><!-- c --></body>", "b\n" },
		{ "<div style=\"DISPLAY : none\">pre</div><span hidden>x</span>y", "y\n" },
		{ "<div style=\"color:red;max-height:0;overflow:hidden\">preheader</div>y", "y\n" },
		{ "<ul><li>a<li>b<ul><li>c</ul></ul>d", "- a\n- b\n  - c\n\nd\n" },
		{ "<ol start=9><li>a<li>b</ol>", "9. a\n10. b\n" },
		{ "<ol><li><p>a</p><p>b</p></li></ol>", "1. a\n\n   b\n" },
		{ "<blockquote>a<p>b</blockquote>c", "> a\n>\n> b\n\nc\n" },
		{ "<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc\n" },
		{ "a<hr>b", "a\n\n----------\n\nb\n" },
		{ "<a href=\"https://e.example/x\">go</a>.", "go [1].\n\n[1] https://e.example/x\n" },
		{ "<a href=\"https://e.example/\">a</a> <a href=\"https://e.example/\">b</a> <a href=\"mailto:x@e.example\">c</a>",
		  "a [1] b [1] c [2]\n\n[1] https://e.example/\n[2] mailto:x@e.example\n" },
		{ "<a href=\"https://e.example/x\">https://e.example/x</a>", "https://e.example/x\n" },
		{ "<a href=\"mailto:x@e.example?subject=y\">x@e.example</a>", "x@e.example\n" },
		{ "<a href=\"#top\">top</a> <a name=x></a><a href=\"https://e.example\"></a>", "top\n" },
		{ "<a href=\"https://e.example\"><img src=x alt=\"Shop\"></a><img src=y alt=\"\">", "[Shop] [1]\n\n[1] https://e.example\n" },
		{ "<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a  b\n1  2\n" },
		{ "<table><tr><td><p>left</p></td><td><div>right</div></td></tr></table>", "left\n\nright\n" },
		{ "x\xe2\x80\x8c\xc2\xa0\xe2\x80\x8c\xc2\xa0y", "x y\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span text;

		assert_int_equal(letter_plain(span_str(cases[i].html), &work, &a, &text, NULL), 0);
		if (!span_eq(text, span_str(cases[i].text)))
			fail_msg("case %zu <%s>:\n<%.*s>", i, cases[i].html, SPAN_ARG(text));
	}
}

static void deep_and_long(void **state)
{
	enum { DEPTH = 20000 };
	static const char *const tags[] = { "<div>", "<ul><li>", "<blockquote>", "<b>", "<a href=http://x>" };

	(void)state;
	for (size_t k = 0; k < sizeof tags / sizeof tags[0]; k++) {
		size_t n = strlen(tags[k]);
		char *html = mem_new(DEPTH * n + 2);
		struct span text;

		for (size_t i = 0; i < DEPTH; i++)
			memcpy(html + i * n, tags[k], n);
		html[DEPTH * n] = 'x';
		if (k < 3 || n < 4) /* unclosed formatting is copied by HTML's own rules: quadratic, so short */
			assert_int_equal(letter_plain(span_of(html, DEPTH * n + 1), &work, &a, &text, NULL), 0);
		assert_int_equal(letter_plain(span_of(html + (DEPTH - 100) * n, 100 * n + 1), &work, &a, &text, NULL), 0);
		assert_true(span_search(text, SPAN("x")) < text.n);
		mem_free(html);
		arena_reset(&a);
	}
}

static void memory_runs_out(void **state)
{
	static const char html[] = "<table><tr><td>a<p>b<ul><li>c</table><a href=https://e.example>x</a>";
	long n = 0;
	int rc;

	(void)state;
	for (rc = -1; rc < 0; n++) {
		struct arena small, w;
		struct span text;
		struct err e = { 0 };

		arena_init(&small, 64, 1 << 20);
		arena_init(&w, 64, 1 << 24);
		mem_fail_after(n);
		rc = letter_plain(SPAN(html), &w, &small, &text, &e);
		mem_fail_after(-1);
		if (rc < 0)
			assert_int_equal(e.kind, ERR_NOMEM);
		arena_release(&small);
		arena_release(&w);
	}
	assert_true(n > 3);
}

static void a_letter_of_html_has_a_text(void **state)
{
	struct letter_try t;
	struct letter_view v;

	(void)state;
	try_begin(&t, "name,email");
	assert_int_equal(try_open(&t, "From: a@example.com\nTo: {{ email }}\nSubject: x\nContent-Type: text/html\n\n"
				      "<p>Dear {{ name }},</p><p>see <a href=\"https://e.example/?n={{ name | url_encode }}\">this</a>"), 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "A <b> & C", "a@example.com" }), 0);
	assert_true(try_has(&t, "multipart/alternative"));
	assert_true(try_has(&t, "\r\n\r\nDear A <b> & C,\r\n\r\nsee this [1]\r\n\r\n[1] https://e.example/?n=3DA+%3Cb%3E+%26+C\r\n"));
	assert_int_equal(try_view(&t, (const char *const[]){ "A", "a@example.com" }, &v), 0);
	assert_true(v.has_text && v.has_html && span_begins(v.text, SPAN("Dear A,\n")));
	assert_int_equal(try_open(&t, "From: a@example.com\nTo: {{ email }}\nSubject: x\nContent-Type: text/html\nText-Body: none\n\n<p>x"), 0);
	assert_int_equal(try_write(&t, (const char *const[]){ "A", "a@example.com" }), 0);
	assert_false(try_has(&t, "multipart"));
	try_end(&t);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&a, 1 << 16, SIZE_MAX / 2);
	arena_init(&work, 1 << 16, SIZE_MAX / 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&a);
	arena_release(&work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(deep_and_long),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(a_letter_of_html_has_a_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
