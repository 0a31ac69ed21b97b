/* Letters to many: what is added, what is refused, what is warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;

#define HEAD "From: News <news@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: News\n"
#define LEAVE "List-Unsubscribe: <https://example.com/u/{{ code }}>, <mailto:leave@example.com?subject={{ code }}>\n"
#define BODY "\nHello\nhttps://example.com/u/{{ code }} to Unsubscribe\n"
#define ANN ((const char *const[]){ "Ann", "ann@example.org", "4711" })

static void everything_is_added(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HEAD LEAVE "Bulk: yes\n" BODY), 0);
	assert_string_equal(t.findings, "");
	assert_int_equal(try_write(&t, ANN), 0);
	try_must_have(&t, "\r\nList-Unsubscribe: <https://example.com/u/4711>,\r\n <mailto:leave@example.com?subject=4711>\r\n");
	try_must_have(&t, "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
	try_must_have(&t, "\r\nList-Id: <bulk.example.com>\r\n");
	try_must_have(&t, "\r\nPrecedence: bulk\r\n");
	try_must_have(&t, "::bulk:example-com\r\n");
	assert_false(try_has(&t, "Auto-Submitted"));
	assert_false(try_has(&t, "Bulk:"));
}

static void what_the_letter_has_stays(void **state)
{
	(void)state;
	assert_int_equal(try_open(&t, HEAD LEAVE "Bulk: Our n\xc3\xa4ws <news.example.com>\nFeedback-ID: a:b:c:sender\n"
					"Precedence: list\nReturn-Path: <>\n" BODY), 0);
	assert_string_equal(t.findings, "");
	assert_int_equal(try_write(&t, ANN), 0);
	try_must_have(&t, "<news.example.com>\r\n");
	try_must_have(&t, "\r\nFeedback-ID: a:b:c:sender\r\n");
	try_must_have(&t, "\r\nPrecedence: list\r\n");
	try_must_have(&t, "\r\nAuto-Submitted: auto-generated\r\n");
	assert_int_equal(try_open(&t, HEAD LEAVE "Bulk: news.example.com\n" BODY), 0);
	assert_int_equal(try_write(&t, ANN), 0);
	try_must_have(&t, "\r\nList-Id: <news.example.com>\r\n");
}

static void the_option_does_the_same_and_the_letter_may_refuse(void **state)
{
	(void)state;
	t.opt.ways.bulk = true;
	assert_int_equal(try_open(&t, HEAD LEAVE BODY), 0);
	assert_int_equal(try_write(&t, ANN), 0);
	try_must_have(&t, "Precedence: bulk");
	assert_int_equal(try_open(&t, HEAD "Bulk: no\n\nHello\n"), 0);
	assert_string_equal(t.findings, "");
	t.opt.ways.bulk = false;
}

static void findings(void **state)
{
	static const struct {
		const char *letter;
		int rc;
		const char *says; /* NULL: nothing */
	} cases[] = {
		{ HEAD "Bulk: yes\n" BODY, -1, "wants a 'List-Unsubscribe:'" },
		{ HEAD "Bulk: yes\nList-Unsubscribe: <https://e.example/>\n" BODY, 0, "no mailto:" },
		{ HEAD "Bulk: yes\nList-Unsubscribe: <mailto:a@e.example>\n" BODY, 0, "no https:" },
		{ HEAD "Bulk: yes\nList-Unsubscribe: <mailto:a@e.example>\nList-Unsubscribe-Post: x\n" BODY, -1,
		  "wants an https:" },
		{ HEAD "Bulk: yes\nList-Unsubscribe: {{ code }}\n" BODY, 0, NULL },
		{ HEAD "Bulk: yes\nFeedback-ID: only\n" LEAVE BODY, 0, "four fields" },
		{ "From: {{ code }}\nTo: {{ email }}\nSubject: x\nBulk: yes\n" LEAVE BODY, -1, "does not tell a domain" },
		{ "From: a@example.com, b@example.com\nSender: a@example.com\nTo: {{ email }}\nSubject: x\nBulk: yes\n" LEAVE
		  BODY, 0, "more than one 'From:'" },
		{ "From: a@example.com\nTo: {{ email }}\nSubject: RE: {{ name }}\nBulk: yes\n" LEAVE BODY, 0,
		  "begins like a reply" },
		{ "From: a@example.com\nTo: {{ email }}\nSubject: Regards\nBulk: yes\n" LEAVE BODY, 0, NULL },
		{ "From: a@example.com\nTo: {{ email }}\nBulk: yes\n" LEAVE BODY, 0, "no 'Subject:'" },
		{ HEAD "Bulk: yes\n" LEAVE "\nHello\n", 0, "no link to unsubscribe" },
		{ HEAD "Bulk: yes\n" LEAVE "\n\xe9\x80\x80\xe8\xae\xa2\n", 0, NULL },
		{ HEAD "Bulk: {{ name }}\n" LEAVE BODY, -1, "takes no values" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = try_open(&t, cases[i].letter);

		if (rc != cases[i].rc || !(cases[i].says ? strstr(t.findings, cases[i].says) != NULL : !t.findings[0]))
			fail_msg("case %zu: %d, %s", i, rc, t.findings);
	}
}

static void every_allocation_fails(void **state)
{
	long n = 0;

	(void)state;
	for (;; n++) {
		int rc;

		mem_fail_after(n);
		rc = try_open(&t, HEAD LEAVE "Bulk: yes\n" BODY);
		mem_fail_after(-1);
		if (rc == 0)
			break;
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
		cmocka_unit_test(everything_is_added),
		cmocka_unit_test(what_the_letter_has_stays),
		cmocka_unit_test(the_option_does_the_same_and_the_letter_may_refuse),
		cmocka_unit_test(findings),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
