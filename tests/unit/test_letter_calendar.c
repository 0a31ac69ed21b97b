/* Invitations, parts by order, encodings of attachments, tokens, filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "templates/letter/letter_calendar.h"
#include "templates/mime/mime_out.h"
#include "tests/unit/letter_try.h"
#include "tests/unit/mail_reader.h"

static struct letter_try t;

#define HEAD "From: a@example.com\nTo: {{ email }}\nSubject: x\n"
#define ANN ((const char *const[]){ "Ann; Lee, \\", "ann@example.org" })

static const char ics[] =
	"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Meeting with {{ name }}\r\n"
	"{% if name == \"\" %}\r\nX-NONE:1\r\n{% endif %}\r\nATTENDEE:mailto:{{ email }}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

static void open_and_write(const char *source)
{
	try_open_ok(&t, source);
	try_write_ok(&t, ANN);
	assert_null(lines_wrong(try_message(&t).p, t.m.size, 78));
}

static void values_and_folds(void **state)
{
	static const struct {
		const char *text, *folded;
	} cases[] = {
		{ "", "" },
		{ "A\r\n\r\n  \nB", "A\nB\n" },
		{ "123456789012345678901234567890123456789012345678901234567890123456789012345",
		  "123456789012345678901234567890123456789012345678901234567890123456789012345\n" },
		{ "1234567890123456789012345678901234567890123456789012345678901234567890123456",
		  "123456789012345678901234567890123456789012345678901234567890123456789012345\n 6\n" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234\xc3\xa9",
		  "12345678901234567890123456789012345678901234567890123456789012345678901234\n \xc3\xa9\n" },
	};
	struct mime_out o;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_true(span_eq(letter_calendar_fold(span_str(cases[i].text), &t.a), span_str(cases[i].folded)));
	mime_out_init(&o, &t.a);
	assert_int_equal(letter_calendar_value(&o, SPAN("a,b;c\\d\r\ne\nf\rg")), 0);
	assert_true(span_eq(mime_out_flat(&o, &t.a), SPAN("a\\,b\\;c\\\\d\\ne\\nf\\ng")));
}

static void invitations(void **state)
{
	(void)state;
	open_and_write(HEAD "Calendar: i.ics\n\nplease come\n");
	try_must_have(&t, "multipart/alternative");
	try_must_have(&t, "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n");
	try_must_have(&t, "SUMMARY:Meeting with Ann\\; Lee\\, \\\\\r\nATTENDEE:mailto:ann@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	open_and_write(HEAD "Calendar: i.ics; method=PUBLISH\nContent-Type: text/html\nAttachment: b.txt\n\n<p>come</p>\n");
	try_must_have(&t, "multipart/mixed");
	try_must_have(&t, "method=PUBLISH");
	assert_int_equal(try_open(&t, HEAD "Calendar: none.ics\n\nx"), -1);
	assert_int_equal(try_open(&t, HEAD "Calendar: i.ics; x=y\n\nx"), -1);
}

static void parts_by_order(void **state)
{
	(void)state;
	open_and_write(HEAD "Multipart: mixed; boundary=\"=_mine-1\"\n\ntext\n");
	try_must_have(&t, "Content-Type: multipart/mixed;\r\n boundary=\"=_mine-1\"\r\n\r\n--=_mine-1\r\nContent-Type: text/plain");
	try_must_have(&t, "\r\n--=_mine-1--\r\n");
	open_and_write(HEAD "Multipart: mixed\nContent-Type: text/html\n\n<p>text</p>\n"); /* two forms stay two forms of one text */
	try_must_have(&t, "Content-Type: multipart/mixed;");
	try_must_have(&t, "Content-Type: multipart/alternative;");
	open_and_write(HEAD "Multipart: report\nAttachment: b.txt\n\ntext\n");
	try_must_have(&t, "Content-Type: multipart/report;");
	assert_int_equal(try_open(&t, HEAD "Multipart: mixed; boundary=simple\n\nx"), -1);
	assert_int_equal(try_open(&t, HEAD "Multipart: mi xed\n\nx"), -1);
}

static void encodings(void **state)
{
	(void)state;
	open_and_write(HEAD "Attachment: b.txt; encoding=quoted-printable; charset=iso-8859-1; disposition=inline\n\nx\n");
	try_must_have(&t, "Content-Type: text/plain; charset=iso-8859-1; name=b.txt\r\nContent-Transfer-Encoding: quoted-printable\r\n"
		  "Content-Disposition: inline; filename=b.txt\r\n\r\ncaf=E9\r\n=2E\r\n");
	open_and_write(HEAD "Attachment: i.ics; encoding=base64; type=text/plain\n\nx\n");
	try_must_have(&t, "Content-Transfer-Encoding: base64");
	open_and_write(HEAD "Attachment: plain.txt; encoding=7bit\n\nx\n");
	try_must_have(&t, "Content-Transfer-Encoding: 7bit");
	assert_int_equal(try_open(&t, HEAD "Attachment: b.txt; encoding=7bit\n\nx"), -1);
	assert_int_equal(try_open(&t, HEAD "Attachment: b.pdf; encoding=quoted-printable\n\nx"), -1);
	assert_int_equal(try_open(&t, HEAD "Attachment: b.txt; encoding=uuencode\n\nx"), -1);
}

static void tokens_and_return_paths(void **state)
{
	char first[200];

	(void)state;
	open_and_write(HEAD "Return-Path: bounce+{{ row }}-{{ token }}@example.com\nContent-Language: de, en\n\n{{ token }}\n");
	try_must_have(&t, "\r\nContent-Language: de, en\r\n");
	assert_true(span_begins(t.m.sender, SPAN("bounce+7-")));
	assert_int_equal(t.m.sender.n, strlen("bounce+7-") + 26 + strlen("@example.com"));
	snprintf(first, sizeof first, "%.26s\r\n", t.m.sender.p + 9);
	try_must_have(&t, first); /* the same in all of the mail */
	t.row.number = 8;
	assert_int_equal(try_write(&t, ANN), 0);
	assert_false(try_has(&t, first));
	t.row.number = 7;
}

static void filters(void **state)
{
	(void)state;
	open_and_write(HEAD "X-To: {{ name | phrase }} <{{ email | upcase | address }}>\n\n{{ \"Ann Lee\" | phrase }}\n");
	try_must_have(&t, "X-To: \"Ann; Lee, \\\\\" <ANN@example.org>\r\n");
	try_must_have(&t, "\r\n\r\nAnn Lee\r\n");
	assert_int_equal(try_open(&t, HEAD "\n{{ name | address }}\n"), 0);
	assert_int_equal(try_write(&t, ANN), -1);
	assert_int_equal(t.e.kind, ERR_INPUT);
}

static void every_allocation_fails(void **state)
{
	long n = 0;
	int rc;

	(void)state;
	for (rc = -1; rc < 0; n++) {
		mem_fail_after(n);
		rc = try_open(&t, HEAD "Calendar: i.ics\nMultipart: mixed\nAttachment: b.txt; encoding=quoted-printable\n\n{{ token }}\n");
		if (rc == 0)
			rc = try_write(&t, ANN);
		mem_fail_after(-1);
		if (rc < 0)
			assert_int_equal(t.e.kind, ERR_NOMEM);
	}
	assert_true(n > 5);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "name,email");
	try_file(&t, "i.ics", ics, sizeof ics - 1);
	try_file(&t, "b.txt", "caf\xe9\n.\n", 7);
	try_file(&t, "plain.txt", "plain\n", 6);
	try_file(&t, "b.pdf", "%PDF", 4);
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
		cmocka_unit_test(values_and_folds),
		cmocka_unit_test(invitations),
		cmocka_unit_test(parts_by_order),
		cmocka_unit_test(encodings),
		cmocka_unit_test(tokens_and_return_paths),
		cmocka_unit_test(filters),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
