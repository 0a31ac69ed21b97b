/* Letters in charsets beside UTF-8: whole messages, the second skeleton, findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/unit/letter_try.h"
#include "tests/unit/mail_reader.h"

static struct letter_try t;

#define HEAD "From: Caf\xc3\xa9 <a@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: caf\xc3\xa9 {{ name }}\n"

static void write_ok(const char *source, const char *name)
{
	try_open_ok(&t, source);
	try_write_ok(&t, (const char *const[]){ name, "ann@example.org" });
	assert_null(lines_wrong(try_message(&t).p, t.m.size, 78));
}

static void latin(void **state)
{
	(void)state;
	write_ok(HEAD "Charset: ISO-8859-1\n\nna\xc3\xafve {{ name }}\n", "\xc3\x96zil");
	assert_false(t.m.utf8_instead);
	try_must_have(&t, "From: =?iso-8859-1?Q?Caf=E9?= <a@example.com>\r\n");
	try_must_have(&t, "To: =?iso-8859-1?Q?=D6zil?= <ann@example.org>\r\n");
	try_must_have(&t, "Subject: =?iso-8859-1?B?Y2Fm6SDWemls?=\r\n");
	try_must_have(&t, "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "na=EFve =D6zil\r\n");
}

static void a_value_that_does_not_fit_makes_the_mail_utf8(void **state)
{
	(void)state;
	write_ok(HEAD "Charset: latin1\n\nna\xc3\xafve {{ name }}\n", "\xe6\xbc\xa2");
	assert_true(t.m.utf8_instead);
	try_must_have(&t, "From: =?UTF-8?B?Q2Fmw6k=?= <a@example.com>\r\n");
	try_must_have(&t, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "na=C3=AFve =E6=BC=A2\r\n");
	assert_null(strstr(try_message(&t).p, "iso-8859"));
	/* The next one is in the letter's charset again. */
	assert_int_equal(try_write(&t, (const char *const[]){ "Ann", "ann@example.org" }), 0);
	assert_false(t.m.utf8_instead);
	try_must_have(&t, "na=EFve Ann\r\n");
	/* In a body alone, or in a header alone. */
	write_ok("From: a@example.com\nTo: {{ email }}\nSubject: x\nCharset: koi8-r\n\n{{ name }}\n", "\xe6\xbc\xa2");
	assert_true(t.m.utf8_instead);
	write_ok("From: a@example.com\nTo: {{ email }}\nSubject: {{ name }}\nCharset: koi8-r\n\nx\n", "\xe6\xbc\xa2");
	assert_true(t.m.utf8_instead);
}

static void where_it_is_said(void **state)
{
	(void)state;
	write_ok(HEAD "Content-Type: text/html; charset=windows-1252\nText-Body: none\n\n<p>{{ name }}</p>", "\xe2\x82\xac");
	try_must_have(&t, "Content-Type: text/html; charset=windows-1252\r\n");
	try_must_have(&t, "<p>=80</p>\r\n");
	t.opt.ways.charset = "iso-8859-15";
	write_ok(HEAD "\n{{ name }}", "\xe2\x82\xac");
	try_must_have(&t, "\r\n\r\n=A4\r\n");
	t.opt.ways.charset = "utf-8";
	write_ok(HEAD "Charset: latin1\n\n{{ name }}", "\xc3\xa9");
	try_must_have(&t, "charset=utf-8");
	t.opt.ways.charset = NULL;
	write_ok(HEAD "Charset: gb2312\nContent-Type: text/markdown\n\n*\xe4\xbd\xa0\xe5\xa5\xbd* {{ name }}", "\xe5\xbc\xa0");
	try_must_have(&t, "text/plain; charset=gb2312");
	try_must_have(&t, "text/html; charset=gb2312");
}

static void findings(void **state)
{
	static const struct {
		const char *letter;
		int rc;
		const char *says;
	} cases[] = {
		{ HEAD "Charset: ebcdic\n\nx", -1, "charset 'ebcdic'" },
		{ HEAD "Charset: latin1\n\n\xe6\xbc\xa2", 0, "does not fit into charset 'iso-8859-1'" },
		{ HEAD "Charset: latin1\nX-A: \xe6\xbc\xa2\n\nx", 0, "does not fit into charset 'iso-8859-1'" },
		{ HEAD "Charset: latin1\nContent-Type: text/plain; charset=koi8-r\n\nx", -1, "one charset beside UTF-8" },
		{ HEAD "Content-Type: text/plain; charset=x-y\n\nx", -1, "charset 'x-y'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = try_open(&t, cases[i].letter);

		if (rc != cases[i].rc || !strstr(t.findings, cases[i].says))
			fail_msg("case %zu: %d, %s", i, rc, t.findings);
		if (rc == 0) {
			assert_int_equal(try_write(&t, (const char *const[]){ "\xe6\xbc\xa2", "a@example.org" }), 0);
			try_must_have(&t, "charset=utf-8");
			assert_false(t.m.utf8_instead); /* the letter, not the value */
		}
	}
}

static void every_allocation_fails(void **state)
{
	long n = 0;
	int rc;

	(void)state;
	for (rc = -1; rc < 0; n++) {
		mem_fail_after(n);
		rc = try_open(&t, HEAD "Charset: latin1\n\nna\xc3\xafve {{ name }}\n");
		if (rc == 0)
			rc = try_write(&t, (const char *const[]){ "\xe6\xbc\xa2", "a@example.com" });
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
		cmocka_unit_test(latin),
		cmocka_unit_test(a_value_that_does_not_fit_makes_the_mail_utf8),
		cmocka_unit_test(where_it_is_said),
		cmocka_unit_test(findings),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
