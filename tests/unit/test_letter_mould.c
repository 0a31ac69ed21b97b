/* The text form of HTML that is made once: mails are as those of the long way, which a filter takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "templates/letter/letter_parts.h"
#include "tests/unit/letter_pair.h"

enum { HTML_MAX = 4000 };

/* The HTML with {a}, {b} and {c} as values, for the long way behind a filter. */
static void open_html(struct letter_try *t, const char *html)
{
	char source[4 * HTML_MAX] = "From: Shop <shop@example.com>\nTo: x@y.example\nSubject: x\nContent-Type: text/html\n\n";
	size_t n = strlen(source);

	for (; *html; html++) {
		if (html[0] == '{' && html[1] >= 'a' && html[1] <= 'c' && html[2] == '}') {
			n += (size_t)snprintf(source + n, sizeof source - n, "{{ %c%s }}", html[1], t == &slow ? " | append: ''" : "");
			html += 2;
		} else {
			source[n++] = *html;
		}
	}
	source[n] = '\0';
	if (try_open(t, source) < 0)
		fail_msg("%s\n%s", source, t->findings);
}

static void open_both(const char *html)
{
	open_html(&quick, html);
	open_html(&slow, html);
	assert_int_equal(slow.l->bodies[0]->mould.n, 0);
}

static bool has_mould(void)
{
	return quick.l->bodies[0]->form == FORM_PLAIN && quick.l->bodies[0]->mould.n > 0;
}

static void same_mails(const char *html, const char *a, const char *b, const char *c)
{
	pair_must_agree(html, (const char *const[]){ a, b, c });
}

static const char *const values[] = {
	"Ann", "Ann Lee", "O'Neil & <Sons>", "1", "lt", "amp;", "#39;", "", " ", " Ann", "Ann ", "a  b", "a\tb", "a\nb", "a\r\nb",
	"J\xc3\xbcrgen", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\xc2\xa0x", "x\xe2\x80\x8by", "\xef\xbb\xbfx", "\xff", "\x01",
	"https://x.example/1", "x.example/1", "1?x=1", "ann@x.example", "mailto:ann@x.example", "\"", "'", "-->", "]]>", "</p>",
	"display:none", "hidden", "x hidden", "qzvalue00000", "{{ a }}", "\xc2\x85", "\xef\xbf\xbd", "tel:1", "javascript:1",
};

enum { VALUES = sizeof values / sizeof values[0] };

static void all_values(const char *html)
{
	for (size_t i = 0; i < VALUES; i++) {
		same_mails(html, values[i], "b", "c");
		same_mails(html, "a", values[i], values[(i + 1) % VALUES]);
		same_mails(html, values[i], values[i], values[i]);
	}
}

static const struct {
	const char *html;
	bool mould;
} forms[] = {
	{ "<p>Dear {a},</p><p>{b}{c} x {a}</p>", true },
	{ "{a}", true },
	{ "<html><head><title>T</title></head><body><h1>{a}</h1><ul><li>{b}<li>{c}</ul><pre>{a}\n  {b}</pre>", true },
	{ "<table><tr><td>{a}</td><td><p>{b}</p></td></tr>{c}</table>", true },
	{ "<table>x {a}<tr><td width=\"{b}\">1<tr><td>{c}", true },
	{ "<blockquote>{a}<br>{b}</blockquote><hr><img src=\"x.png\" alt=\"Logo\">{c}", true },
	{ "<select><option>{a}</option></select><textarea>{b}</textarea>", true },
	{ "<a href=\"https://x.example/u?{a}\">out</a> <a href=\"https://x.example/v?{a}\">in</a>{b}", true },
	{ "<a href=\"https://x.example/{a}/1\">one</a> <a href=\"https://x.example/{a}/2\">two</a>", true },
	{ "<a href=\"https://x.example/{a}\">one</a> <a href=\"https://x.example/{a}\">two</a> {b}", true },
	{ "<a href=\"https://x.example/\">{a}</a> {b} <a href=\"mailto:x@y.example\">{c}</a>", true },
	{ "<a href=\"https://x.example/{a}\"></a>{b}", true },
	{ "<a href=\"https://x.example/{a}\">{a}</a> <a href=\"tel:123{b}\">{c}</a>", true },
	{ "<b title=\"{a}\"><p>x</p>{b}</b>", true },
	{ "&amp;{a} &lt; {b} & {c}", true },
	{ "<p class=\"{a}\" data-x='{b}'>x{c}", true },
	{ "<p>x<b hidden title=\"{a}\"><b hidden title=\"{b}\"><b hidden title=\"v\">t</p><p>x</b></b></b>y", true },
	/* the text form depends on the value, or is not looked through */
	{ "<a href=\"https://x.example/{a}\">one</a> <a href=\"https://x.example/{b}\">two</a>", false },
	{ "<a href=\"https://x.example/{a}\">one</a> <a href=\"https://x.example/1\">two</a>", false },
	{ "<a href=\"https://x.example/{a}\">x.example: {a}</a>", false },
	{ "<a href=\"https://x.example/1\">https://x.example/{a}</a>", false },
	{ "<a href=\"https://x.example/{a}\">https://x.example/1</a>", false },
	{ "<a href=\"mailto:{a}\">{a}</a>", false },
	{ "<a href=\"{a}\">x</a>", false },
	{ "<a href=\"mailto:ann\">{a}</a>", false },
	{ "<p style=\"{a}\">x</p>", false },
	{ "<p style=\"color:red;{a}\">x</p>", false },
	{ "<img alt=\"{a}\">x", false },
	{ "<ol start=\"{a}\"><li>x</ol>", false },
	{ "<table><td width={a}>x", false },
	{ "<p class={a}>x</p>", false },
	{ "<a href=\"#{a}\">x</a>", false },
	{ "<a href=\"mailto:x@y.example?subject={a}\">x</a>", false },
	{ "<p {a}>x</p>", false },
	{ "<{a}>x", false },
	{ "x</{a}>", false },
	{ "x<!-- {a} -->", false },
	{ "<title>{a}</title>x", false },
	{ "<p>x<b hidden title=\"{a}\"><b hidden title=\"{a}\"><b hidden title=\"{b}\"><b hidden title=\"{c}\">t</p><p>x</b></b></b>y", false },
	{ "<p>x<i hidden lang=\"b\"><i hidden lang=\"b\"><i hidden lang=\"b\"><i hidden lang=\"{b}\">t</p><p>x</i></i></i>y", false },
	{ "<div hidden>{a}</div>x", false },
	{ "<iframe>{a}</iframe>x", false },
	{ "<xmp>x</xmp>{a}", false },
	{ "x &{a}", false },
	{ "x &am{a}{b}", false },
	{ "x &#{a}", false },
	{ "<math><mi><![CDATA[{a}]]></mi></math>", false },
	{ "qzvalue00000 {a}", false },
	{ "<p class=\"{a}\">x</p><a href=\"https://x.example/qzvalue00000\">y</a>", false },
};

static void forms_and_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		open_both(forms[i].html);
		if (has_mould() != forms[i].mould)
			fail_msg("%s", forms[i].html);
		all_values(forms[i].html);
	}
}

/* HTML put together by chance, good and bad. */
static void by_chance(void **state)
{
	static const char *const bits[] = {
		"{a}", "{b}", "{c}", " ", "\n", "word ", "x", "<p>", "</p>", "<br>", "<b>", "</b>", "<div>", "</div>", "<table>", "<tr>",
		"<td>", "</td>", "</table>", "<ul>", "<li>", "</ul>", "<ol>", "</ol>", "<pre>", "</pre>", "<blockquote>", "</blockquote>",
		"<a href=\"https://x.example/{a}\">", "<a href=\"https://x.example/1\">", "<a href='https://x.example/{b}/{a}?x={c}'>",
		"<a href=\"mailto:ann@x.example\">", "<a href=\"mailto:b\">", "<a href=\"#{a}\">", "</a>", "</a>", "<a title=\"{a}\">", "&", "&amp;",
		"&#", ";", "<span hidden>", "</span>", "<p class=\"{a}\">", "<!-- {a} -->", "<hr>", "<img src=\"{b}\" alt=\"Logo\">", "<h1>",
		"</h1>", "<i lang='{c}'>", "</i>", "<select>", "<option>", "</select>", "<style>", "</style>", "<math>", "</math>", "@", "https:",
		"//x.example/", "<template>", "</template>", "<font color=\"{a}\">", "</font>", "<td style=\"{a}\">", "<form>", "<input value=\"{a}\">",
		"<button>", "</button>", "<caption>", "<colgroup>", "<frameset>", "<body>", "</body>", "</html>", "<title>", "</title>",
	};
	struct rng r;
	unsigned moulds = 0;

	(void)state;
	rng_seed(&r, 31, 32);
	for (int turn = 0; turn < 6000; turn++) {
		char html[HTML_MAX] = "<p>{a}";
		size_t kinds = turn % 2 ? 36 : sizeof bits / sizeof bits[0]; /* every other time only what is common */

		for (uint64_t left = rng_below(&r, 14); left > 0; left--)
			strcat(html, bits[rng_below(&r, kinds)]);
		open_both(html);
		if (!has_mould())
			continue;
		moulds++;
		for (int k = 0; k < 12; k++)
			same_mails(html, values[rng_below(&r, VALUES)], values[rng_below(&r, k % 2 ? 4 : VALUES)], values[rng_below(&r, VALUES)]);
	}
	assert_true(moulds > 1000);
}

static void no_memory(void **state)
{
	bool done = false;

	(void)state;
	for (long n = 0; n < 3000 && !done; n++) {
		char source[] = "From: a@b.example\nTo: x@y.example\nSubject: x\nContent-Type: text/html\n\n<a href=\"https://x.example/{{ a }}\">x</a>{{ b }}";

		mem_fail_after(n);
		done = try_open(&quick, source) == 0;
		mem_fail_after(-1);
		assert_true(done || quick.e.kind == ERR_NOMEM || quick.e.kind == ERR_SYS || quick.e.kind == ERR_INPUT);
	}
	assert_true(done && has_mould());
}

static int setup(void **state)
{
	(void)state;
	pair_begin("a,b,c");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_and_values),
		cmocka_unit_test(by_chance),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, setup, pair_end);
}
