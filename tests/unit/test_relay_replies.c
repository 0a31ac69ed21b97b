/* What a refusal says about the relay: each row that real servers and providers are known to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>

#include "transport/relay/replies.h"
#include "transport/smtp/smtp_verdict.h"

static const struct {
	enum smtp_stage stage;
	int code;
	const char *text;
	enum reply_class class;
	enum reply_act act;
	int pause_s;
} said[] = {
	{ SMTP_AT_MAIL, 530, "5.7.0 Must issue a STARTTLS command first", REPLY_LOGIN, REPLY_STOPS, 0 },
	{ SMTP_AT_MAIL, 530, "5.7.57 Client not authenticated to send mail", REPLY_LOGIN, REPLY_STOPS, 0 },
	{ SMTP_AT_MAIL, 535, "5.7.8 Authentication credentials invalid", REPLY_LOGIN, REPLY_STOPS, 0 },
	{ SMTP_AT_END, 550, "5.4.5 Daily user sending limit exceeded.", REPLY_QUOTA, REPLY_WAITS, 3600 },
	{ SMTP_AT_MAIL, 454, "Throttling failure: Daily message quota exceeded.", REPLY_QUOTA, REPLY_WAITS, 3600 },
	{ SMTP_AT_RCPT, 550, "5.1.90 Your message can't be sent because you've reached your daily limit", REPLY_QUOTA, REPLY_WAITS, 3600 },
	{ SMTP_AT_MAIL, 451, "Authentication failed: Maximum credits exceeded", REPLY_QUOTA, REPLY_STOPS, 0 },
	{ SMTP_AT_END, 421, "4.7.28 Our system has detected an unusual rate of unsolicited mail", REPLY_RATE, REPLY_WAITS, 600 },
	{ SMTP_AT_RCPT, 450, "4.7.28 unusual rate", REPLY_RATE, REPLY_WAITS, 600 },
	{ SMTP_AT_END, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", REPLY_RATE, REPLY_WAITS, 0 },
	{ SMTP_AT_END, 454, "Throttling failure: Maximum sending rate exceeded.", REPLY_RATE, REPLY_WAITS, 0 },
	{ SMTP_AT_MAIL, 421, "4.4.2 Message submission rate for this client has exceeded the configured limit", REPLY_RATE, REPLY_WAITS, 60 },
	{ SMTP_AT_MAIL, 452, "4.3.1 Insufficient system resources", REPLY_SERVER, REPLY_WAITS, 0 },
	{ SMTP_AT_MAIL, 521, "5.3.2 host does not accept mail", REPLY_SERVER, REPLY_WAITS, 0 },
	{ SMTP_AT_MAIL, 421, "4.7.0 mx.example Error: too many connections from 192.0.2.1", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_MAIL, 421, "Too many concurrent SMTP connections; please try again later.", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 421, "4.7.0 Try again later, closing connection.", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 450, "4.2.1 The user you are trying to contact is receiving mail too quickly.", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 451, "4.7.652 The mail server has exceeded the maximum number of connections.", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_MAIL, 450, "4.2.1 peak SMTP relay limit exceeded", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 451, "4.7.500 Server busy. Please try again later", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 450, "4.7.1 Error: too much mail from 192.0.2.1", REPLY_RATE, REPLY_SLOWS, 0 },
	{ SMTP_AT_RCPT, 450, "4.2.0 <a@b.example>: Recipient address rejected: Greylisted", REPLY_MAILBOX, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 451, "4.7.1 Greylisting in action, please come back later", REPLY_MAILBOX, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 451, "4.7.1 Service unavailable - try again later", REPLY_POLICY, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 452, "4.2.2 The email account is over quota", REPLY_FULL, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 552, "5.2.2 Mailbox full", REPLY_FULL, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 550, "5.1.1 The email account that you tried to reach does not exist", REPLY_ADDRESS, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 550, "5.2.1 The email account is disabled", REPLY_ADDRESS, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 550, "No such user here", REPLY_ADDRESS, REPLY_NOTHING, 0 },
	{ SMTP_AT_END, 550, "5.7.26 This mail is unauthenticated", REPLY_POLICY, REPLY_NOTHING, 0 },
	{ SMTP_AT_END, 550, "5.7.515 Access denied, sending domain does not meet the level", REPLY_POLICY, REPLY_NOTHING, 0 },
	{ SMTP_AT_MAIL, 554, "5.7.1 relay access denied", REPLY_POLICY, REPLY_NOTHING, 0 },
	{ SMTP_AT_MAIL, 552, "5.3.4 Message size exceeds fixed limit", REPLY_CONTENT, REPLY_NOTHING, 0 },
	{ SMTP_AT_END, 554, "Message refused as spam", REPLY_CONTENT, REPLY_NOTHING, 0 },
	{ SMTP_AT_END, 554, "5.6.0 Lone CR or LF", REPLY_CONTENT, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 452, "4.5.3 too many recipients", REPLY_UNKNOWN, REPLY_NOTHING, 0 },
	{ SMTP_AT_MAIL, 421, "4.3.2 closing, enough messages in this connection", REPLY_UNKNOWN, REPLY_NOTHING, 0 },
	{ SMTP_AT_END, 451, "4.3.0 try later", REPLY_UNKNOWN, REPLY_NOTHING, 0 },
	{ SMTP_AT_RCPT, 454, "4.7.1 relay access denied", REPLY_UNKNOWN, REPLY_NOTHING, 0 },
};

static void what_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		static struct smtp_reply r;
		struct reply_meaning m;
		struct verdict v;

		r.code = said[i].code;
		r.text_n = strlen(said[i].text);
		memcpy(r.text, said[i].text, r.text_n);
		smtp_verdict_of(&v, said[i].stage, &r, 1);
		m = reply_meaning_of(&v);
		if (m.class != said[i].class || m.act != said[i].act || m.pause_ms != said[i].pause_s * 1000)
			fail_msg("%d %s: %s, act %d, %d s", said[i].code, said[i].text, reply_class_word(m.class), m.act,
				 (int)(m.pause_ms / 1000));
		/* A relay that is left alone does not take its rows' patience. */
		if (m.act >= REPLY_WAITS && v.kind != VERDICT_DEFERRED)
			fail_msg("%d %s: the row is not deferred", said[i].code, said[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_said) };

	return cmocka_run_group_tests_name("relay_replies", tests, NULL, NULL);
}
