/* Pictures named by file in HTML and Markdown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "templates/letter/letter_images.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;

#define HEAD "From: a@example.com\nTo: {{ email }}\nSubject: x\nText-Body: none\n"
#define HTML HEAD "Content-Type: text/html\n"
#define ANN ((const char *const[]){ "Ann", "ann@example.org" })

static void attributes(void **state)
{
	static const struct {
		const char *s, *value; /* NULL: none */
		size_t n;
	} cases[] = {
		{ "src=\"a.png\">", "a.png", 11 }, { "SRC = 'a b.png' x", "a b.png", 15 }, { "src=a.png>", "a.png", 9 },
		{ "src=a.png alt", "a.png", 9 }, { "src=\"a.png", NULL, 0 }, { "src=a.png", NULL, 0 },
		{ "src", NULL, 0 }, { "srcset=\"x\"", NULL, 0 }, { "src=", NULL, 0 }, { "sr", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span value = { NULL, 0 };

		assert_int_equal(letter_image_src(span_str(cases[i].s), &value), cases[i].n);
		if (cases[i].value)
			assert_true(span_eq(value, span_str(cases[i].value)));
	}
}

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *p = try_message(&t).p; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void html(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HTML "\n<IMG alt=x src='./l.png'><img src=l.png > <img src=\"https://e.example/r.png\"> {{ name }}"), 0);
	assert_string_equal(t.findings, "");
	assert_int_equal(try_write(&t, ANN), 0);
	assert_int_equal(count("image/png"), 1); /* one part, however often it is shown */
	assert_int_equal(count("src=3D\"cid:l.png."), 2);
	assert_int_equal(count("https://e.example/r.png"), 1);
	assert_int_equal(count("multipart/related"), 1);
}

static void an_attachment_that_is_shown_is_inline(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HTML "ATTACHMENT: l.png\n\n<img src=\"l.png\">"), 0);
	assert_int_equal(try_write(&t, ANN), 0);
	assert_int_equal(count("image/png"), 1);
	assert_int_equal(count("Content-Disposition: inline"), 1);
	assert_int_equal(count("cid:l.png."), 1);
	assert_int_equal(try_open(&t, HTML "Inline: l.png; cid=logo\n\n<img src=\"l.png\"><img src=\"cid:logo\">"), 0);
	assert_int_equal(try_write(&t, ANN), 0);
	assert_int_equal(count("image/png"), 1);
	assert_int_equal(count("cid:logo."), 2);
}

static void markdown(void **state)
{
	struct letter_view v;

	(void)state;
	assert_int_equal(try_open(&t, HEAD "Content-Type: text/markdown\n\n![Our logo](l.png \"T\") {{ name }}"), 0);
	assert_int_equal(try_write(&t, ANN), 0);
	assert_int_equal(count("image/png"), 1);
	assert_int_equal(count("cid:l.png."), 1);
	assert_int_equal(try_view(&t, ANN, &v), 0);
	assert_true(span_begins(v.html, SPAN("<p><img src=\"cid:l.png\" alt=")));
	assert_true(span_eq(v.parts[0].cid, SPAN("l.png")));
}

static void what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HTML "\n<img src=\"none.png\">"), 0);
	assert_non_null(strstr(t.findings, "the picture 'none.png' is no file beside the letter"));
	assert_int_equal(try_open(&t, HTML "\n<img src=\"{{ name }}.png\"><img src=\"/x.png\"><img src=\"//h/x\"><img src=\"data:x\">"
				      "<img src=\"a%20b.png\"><p src=\"none.png\">"), 0);
	assert_string_equal(t.findings, "");
	assert_int_equal(try_write(&t, (const char *const[]){ "l", "ann@example.org" }), 0);
	assert_int_equal(count("image/png"), 0); /* a name from data takes no file */
	assert_int_equal(try_open(&t, HTML "\n<img src=\"../outside.png\">"), 0);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "name,email");
	try_file(&t, "l.png", "\x89PNG", 4);
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
		cmocka_unit_test(attributes),
		cmocka_unit_test(html),
		cmocka_unit_test(an_attachment_that_is_shown_is_inline),
		cmocka_unit_test(markdown),
		cmocka_unit_test(what_is_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
