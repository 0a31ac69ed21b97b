/* The form of a letter file, and every mistake of a letter with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "templates/letter/letter_source.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;

static void fields_and_places(void **state)
{
	static const char text[] = "From: a@x.example\nsubject :  two\n\twords\nX:\n  \xc3\xa9 late\nEmpty:\n \t \nbody\n\nmore";
	static const struct {
		const char *name, *value;
		uint64_t line, column;
	} want[] = {
		{ "From", "a@x.example", 1, 7 },
		{ "subject", "two\n\twords", 2, 12 },
		{ "X", "\xc3\xa9 late", 5, 3 },
		{ "Empty", "", 6, 7 },
	};
	struct letter_source s;
	struct err e;

	(void)state;
	t.findings[0] = '\0';
	assert_int_equal(letter_source_parse(&s, span_str(text), "x", 1, &t.a, &t.sink, &e), 0);
	assert_string_equal(t.findings, "");
	assert_int_equal(s.n_headers, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(span_eq(s.headers[i].name, span_str(want[i].name)));
		assert_true(span_eq(s.headers[i].value, span_str(want[i].value)));
		assert_int_equal(s.headers[i].line, want[i].line);
		assert_int_equal(s.headers[i].column, want[i].column);
	}
	assert_true(span_eq(s.body, SPAN("body\n\nmore")));
	assert_int_equal(s.body_line, 8);
}

static void every_cut_is_parsed(void **state)
{
	static const char text[] = "From: a\nTo: b\n c\n\nbody {{ x";
	struct letter_source s;
	struct err e;

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n ? n : 1); /* exact: ASan sees one byte more */

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_int_equal(letter_source_parse(&s, span_of(copy, n), "x", 1, &t.a, &t.sink, &e), 0);
		free(copy);
		arena_reset(&t.a);
	}
}

static void clean_text(void **state)
{
	struct span out;
	uint64_t line, column;

	(void)state;
	out = letter_source_clean(SPAN("\xef\xbb\xbf" "a\r\nb\rc\r\n\r"), &t.a);
	assert_true(span_eq(out, SPAN("a\nb\rc\n\r")));
	letter_source_place(SPAN("ab\nc\xc3\xa9 d"), 7, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 4);
}

#define FROM "From: s@x.example\n"

static void mistakes(void **state)
{
	static const struct {
		const char *letter, *finding;
	} cases[] = {
		{ "", "1:1: this does not look like a letter" },
		{ "Hello you,\nthis is no letter\n", "1:1: this does not look like a letter" },
		{ "<html>\n<p style=\"a: b\">\n", "1:1: this does not look like a letter" },
		{ FROM "Subject x\n\nx", "2:1: this line is no header" },
		{ FROM "\xff\n\nx", "2:1: a byte (0xff) that is not UTF-8" },
		{ "To: a@x.example\n\nx", "1:1: the letter has no 'From:'" },
		{ "From:\n\nx", "1:6: the 'From:' is empty" },
		{ "From: Ann Lee ann@x.example\n\nx", "1:7: " },
		{ "From: a@x.example, b@x.example\n\nx", "1:7: a 'From:' with several addresses wants a 'Sender:'" },
		{ FROM "To: <a@x.example\n\nx", "2:5: " },
		{ FROM "Subject: a\nX-A: b\nSUBJECT: c\n\nx",
		  "4:1: header 'SUBJECT' may stand in a letter once; the first is in line 2" },
		{ FROM "Subject: a\x01\n\nx", "2:10: header 'Subject' has a control character" },
		{ FROM "Subject: {{ nome }}\n\nx", "2:" },
		{ FROM "\nHello\n  {{ name | nofilter }}\n", "4:" },
		{ FROM "\n{% if name %}\n", "3:" },
		{ FROM "References: <\xc3\xa9@x>\n\nx", "2:13: header 'References' takes ASCII only" },
		{ FROM "Message-ID: abc\n\nx", "2:13: Message-ID 'abc' is not of the form <left@right>" },
		{ FROM "List-Id: news\n\nx", "2:10: header 'List-Id' wants the form: words <id.domain>" },
		{ FROM "Attachment: none.pdf\n\nx", "2:13: file 'none.pdf' does not exist" },
		{ FROM "Attachment: ../x.pdf\n\nx", "2:13: file '../x.pdf' is outside the letter's folder" },
		{ FROM "Attachment: .\n\nx", "2:13: '.' is not a regular file" },
		{ FROM "Attachment: a.txt; typ=text/plain\n\nx", "2:13: parameter 'typ' is none of" },
		{ FROM "Attachment: a.txt; type=text\n\nx", "2:13: type 'text' is not like" },
		{ FROM "Attachment: a.txt; name=\"x\n\nx", "2:13: a quotation mark is not closed" },
		{ FROM "Attachment: a.txt; disposition=hidden\n\nx", "2:13: disposition is 'inline' or 'attachment'" },
		{ FROM "Attachment:\n\nx", "2:1: header 'Attachment' names no file" },
		{ FROM "Inline: {{ code }}.png\n\nx", "2:9: an Inline whose file differs" },
		{ FROM "Html-Body: none.html\n\n", "2:12: file 'none.html' does not exist" },
		{ FROM "Html-Body: {{ code }}.html\n\n", "2:12: header 'Html-Body' takes no values" },
		{ FROM "Html-Body: a.txt\nContent-Type: text/html\n\n<p>", "5:1: the letter's own body would not be used" },
		{ FROM "Text-Body: a.txt\n\nx", "4:1: the letter's own body would not be used" },
		{ FROM "Text-Body: a.txt\nHtml-Body: a.txt\n\nx", "5:1: the letter's own body would not be used" },
		{ FROM "Html-Body: bad.html\n\n", "1:3: a byte (0xff) that is not UTF-8" },
		{ FROM "Html-Body: hole.html\n\n", "2:" },
		{ FROM "Content-Type: text/rtf\n\nx", "2:15: a letter of type 'text/rtf'" },
		{ FROM "Content-Type: text\n\nx", "2:15: Content-Type 'text' is not of the form" },
		{ FROM "Content-Type: text/plain; charset=gb-x\n\nx", "2:15: charset 'gb-x'" },
		{ FROM "Charset: koi9\n\nx", "2:10: charset 'koi9'" },
		{ FROM "Content-Type: {{ name }}\n\nx", "2:15: header 'Content-Type' takes no values" },
		{ FROM "Content-Type: multipart/mixed\n\nx", "4:1: a multipart type needs boundary" },
		{ FROM "Content-Type: multipart/mixed; boundary=b\n\nx\n", "the parts of boundary 'b' do not begin" },
		{ FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n", "the parts of boundary 'b' are not closed" },
		{ FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\n\xc3\xa9\n--b--\n",
		  "7:1: a line of an encoded part" },
		{ FROM "Calendar: a.ics\n\nx", "2:11: file 'a.ics' does not exist" },
	};

	(void)state;
	try_file(&t, "a.txt", "x", 1);
	try_file(&t, "bad.html", "ok\xff", 3);
	try_file(&t, "hole.html", "\n{{ nome }}", 11);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[900];

		assert_int_equal(try_open(&t, cases[i].letter), -1);
		if (!strstr(t.findings, cases[i].finding))
			fail_msg("%s\nfinds\n%s\nnot %s", cases[i].letter, t.findings, cases[i].finding);
		assert_int_equal(t.e.kind, ERR_INPUT);
		snprintf(text, sizeof text, "%llu:%llu: %s\n", (unsigned long long)t.e.line,
			 (unsigned long long)t.e.column, t.e.text);
		if (strncmp(t.findings, text, strlen(text)) != 0)
			fail_msg("e is not the first finding: %s%s", text, t.findings);
	}
}

static void all_mistakes_at_once(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, "From: x\nSubject: {{ nome }}\nAttachment: none.pdf\n\n{{ code | nofilter }}\n"), -1);
	assert_true(t.sink.errors >= 4);
}

static void no_recipients(void **state)
{
	struct letter_try other;

	(void)state;
	try_begin(&other, "name,code");
	assert_int_equal(try_open(&other, FROM "\nx"), -1);
	assert_non_null(strstr(other.findings, "no 'To:' and the list has no column 'email'"));
	assert_int_equal(try_open(&other, FROM "Bcc: {{ code }}\n\nx"), 0);
	try_end(&other);
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
		cmocka_unit_test(fields_and_places),
		cmocka_unit_test(every_cut_is_parsed),
		cmocka_unit_test(clean_text),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(all_mistakes_at_once),
		cmocka_unit_test(no_recipients),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
