/* test_smtp_verdict.c - replies to verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "transport/smtp/smtp_verdict.h"

static const struct {
	int code;
	const char *text;
	enum smtp_stage stage;
	unsigned already;
	enum verdict_kind kind;
	enum verdict_scope scope;
	int enhanced[3];
} cases[] = {
	{ 250, "2.0.0 Ok: queued as 4FZx1", SMTP_AT_END, 0, VERDICT_SENT, SCOPE_MAIL, { 2, 0, 0 } },
	{ 550, "5.1.1 no such user", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 5, 1, 1 } },
	{ 550, "no such user", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
	{ 450, "4.2.0 greylisted", SMTP_AT_RCPT, 0, VERDICT_DEFERRED, SCOPE_RECIPIENT, { 4, 2, 0 } },
	{ 452, "4.5.3 too many", SMTP_AT_RCPT, 0, VERDICT_DEFERRED, SCOPE_RECIPIENT, { 4, 5, 3 } },
	{ 552, "5.5.3 too many", SMTP_AT_RCPT, 0, VERDICT_DEFERRED, SCOPE_RECIPIENT, { 5, 5, 3 } },
	{ 552, "5.2.2 full", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 5, 2, 2 } },
	{ 552, "5.3.4 too big", SMTP_AT_MAIL, 0, VERDICT_REFUSED, SCOPE_MAIL, { 5, 3, 4 } },
	{ 554, "5.7.1 spam", SMTP_AT_END, 3, VERDICT_REFUSED, SCOPE_MAIL, { 5, 7, 1 } },
	{ 451, "4.3.0 disk", SMTP_AT_DATA, 0, VERDICT_DEFERRED, SCOPE_MAIL, { 4, 3, 0 } },
	{ 451, "4.4.2 timeout", SMTP_AT_END, 0, VERDICT_DEFERRED, SCOPE_SESSION, { 4, 4, 2 } },
	{ 421, "4.3.2 closing", SMTP_AT_RCPT, 0, VERDICT_DEFERRED, SCOPE_SESSION, { 4, 3, 2 } },
	{ 452, "4.3.2 too many messages", SMTP_AT_MAIL, 5, VERDICT_DEFERRED, SCOPE_SESSION, { 4, 3, 2 } },
	{ 452, "4.3.2 too many messages", SMTP_AT_MAIL, 0, VERDICT_DEFERRED, SCOPE_MAIL, { 4, 3, 2 } },
	{ 452, "4.3.1 no space", SMTP_AT_END, 0, VERDICT_DEFERRED, SCOPE_RELAY, { 4, 3, 1 } },
	{ 530, "5.7.0 log in", SMTP_AT_MAIL, 0, VERDICT_DEFERRED, SCOPE_RELAY, { 5, 7, 0 } },
	{ 550, "5.4.5 Daily sending quota exceeded", SMTP_AT_END, 0, VERDICT_DEFERRED, SCOPE_RELAY, { 5, 4, 5 } },
	{ 454, "Throttling failure", SMTP_AT_END, 0, VERDICT_DEFERRED, SCOPE_RELAY, { 0, 0, 0 } },
	{ 454, "4.7.1 relay access denied", SMTP_AT_RCPT, 0, VERDICT_DEFERRED, SCOPE_RECIPIENT, { 4, 7, 1 } },
	{ 432, "4.3.2 thread limit", SMTP_AT_MAIL, 0, VERDICT_DEFERRED, SCOPE_RELAY, { 4, 3, 2 } },
	{ 503, "5.5.1 sender already given", SMTP_AT_MAIL, 0, VERDICT_DEFERRED, SCOPE_SESSION, { 5, 5, 1 } },
	{ 499, "unknown", SMTP_AT_MAIL, 0, VERDICT_DEFERRED, SCOPE_MAIL, { 0, 0, 0 } },
	{ 599, "unknown", SMTP_AT_MAIL, 0, VERDICT_REFUSED, SCOPE_MAIL, { 0, 0, 0 } },
	{ 550, "4.1.1 class does not fit", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
	{ 550, "5.1", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
	{ 550, "5.1.1", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 5, 1, 1 } },
	{ 550, "5.7.509\nsecond line", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 5, 7, 509 } },
	{ 550, "5.7.1234 too long", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
	{ 550, "5.1.1.1 an address", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
	{ 550, "", SMTP_AT_RCPT, 0, VERDICT_REFUSED, SCOPE_RECIPIENT, { 0, 0, 0 } },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct smtp_reply r;
		struct verdict v = { .recipient = 7 };

		r.code = cases[i].code;
		r.text_n = strlen(cases[i].text);
		memcpy(r.text, cases[i].text, r.text_n);
		smtp_verdict_of(&v, cases[i].stage, &r, cases[i].already);
		if (v.kind != cases[i].kind || v.scope != cases[i].scope ||
		    memcmp(v.enhanced, cases[i].enhanced, sizeof v.enhanced) != 0)
			fail_msg("%d %s", cases[i].code, cases[i].text);
		assert_int_equal(v.recipient, 7);
		assert_int_equal(v.code, cases[i].code);
		assert_int_equal(span_find(span_str(v.text), '\n'), strlen(v.text));
	}
}

static void test_queue_id(void **state)
{
	static struct smtp_reply r = { .code = 250, .text = "2.0.0 Ok: queued as 4FZx1", .text_n = 25 };
	struct verdict v = { 0 };

	(void)state;
	smtp_verdict_of(&v, SMTP_AT_END, &r, 0);
	assert_string_equal(v.queue_id, "4FZx1");
	assert_string_equal(v.stage, "end of data");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_queue_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
