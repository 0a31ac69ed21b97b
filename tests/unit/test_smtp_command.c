/* test_smtp_command.c - command lines, and what must never become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "engine/base/rng.h"
#include "engine/base/err.h"
#include "transport/smtp/smtp_command.h"
#include "transport/smtp/smtp_session.h"

static const struct {
	struct span path;
	bool fits, fits_utf8;
} paths[] = {
	{ { "bob@y.example", 13 }, true, true },
	{ { "o'brien+tag=x/y@y.example", 25 }, true, true },
	{ { "bob@[192.0.2.1]", 15 }, true, true },
	{ { "postmaster", 10 }, true, true },
	{ { "\"a b\"@y.example", 15 }, true, true },
	{ { "\"a\\\"b\"@y.example", 16 }, true, true },
	{ { "\"a> ORCPT=x\"@y.example", 22 }, true, true }, /* within its quotes it is a local part */
	{ { "j\xc3\xb6@y.example", 13 }, false, true },
	{ { "\xe7\x98\x8d\xe7\x98\x8a@y.example", 16 }, false, true }, /* low octets of these are CR LF */
	{ { "", 0 }, false, false },
	{ { "a b@y.example", 13 }, false, false },
	{ { "a> SIZE=1 <b@y.example", 22 }, false, false },
	{ { "bob@y.example>", 14 }, false, false },
	{ { "<bob@y.example", 14 }, false, false },
	{ { "bob@y.example\r\nRSET", 19 }, false, false },
	{ { "bob@y.example\n", 14 }, false, false },
	{ { "bob\0@y.example", 14 }, false, false },
	{ { "bob\x7f@y.example", 14 }, false, false },
	{ { "@a.example,@b.example:bob@y.example", 35 }, false, false }, /* source route */
	{ { "\"a\"b@y.example", 14 }, false, false },
	{ { "a\"b c\"@y.example", 16 }, false, false },
	{ { "\"a b@y.example", 14 }, false, false },
	{ { "\"a b\\", 5 }, false, false },
	{ { "\"a\\\r\"@y.example", 15 }, false, false },
	{ { "a\\ b@y.example", 14 }, false, false },
	{ { "a\xc0\x8a@y.example", 13 }, false, false }, /* no UTF-8 */
};

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (smtp_path_fits(paths[i].path, false, false) != paths[i].fits)
			fail_msg("path %zu", i);
		if (smtp_path_fits(paths[i].path, false, true) != paths[i].fits_utf8)
			fail_msg("path %zu with UTF-8", i);
	}
	assert_true(smtp_path_fits(SPAN(""), true, false));
}

static void test_long(void **state)
{
	char path[SMTP_PATH_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof path);
	path[10] = '@';
	assert_true(smtp_path_fits(span_of(path, SMTP_PATH_MAX), false, false));
	assert_false(smtp_path_fits(span_of(path, SMTP_PATH_MAX + 1), false, false));
}

static void test_helo(void **state)
{
	(void)state;
	assert_true(smtp_helo_fits(SPAN("me.example")));
	assert_true(smtp_helo_fits(SPAN("[IPv6:2001:db8::1]")));
	assert_false(smtp_helo_fits(SPAN("")));
	assert_false(smtp_helo_fits(SPAN("me example")));
	assert_false(smtp_helo_fits(SPAN("me\r\nMAIL")));
	assert_false(smtp_helo_fits(SPAN("m\xc3\xb6.example")));
}

static void test_lines(void **state)
{
	char line[SMTP_COMMAND_MAX];
	struct smtp_command c = { .p = line, .max = sizeof line };
	struct smtp_mail_params params = { .size = UINT64_MAX, .body_8bit = true, .smtputf8 = true };
	struct span empty = SPAN(""), word = SPAN("AGFubg==");

	(void)state;
	smtp_put_mail(&c, SPAN("a@x.example"), &params);
	assert_true(span_eq(span_of(line, c.n), SPAN("MAIL FROM:<a@x.example> SIZE=18446744073709551615"
						     " BODY=8BITMIME SMTPUTF8\r\n")));
	c.n = 0;
	smtp_put_mail(&c, SPAN(""), &(struct smtp_mail_params){ 0 });
	assert_true(span_eq(span_of(line, c.n), SPAN("MAIL FROM:<>\r\n")));
	c.n = 0;
	smtp_put_rcpt(&c, SPAN("b@y.example"), &(struct smtp_rcpt_params){ 0 });
	smtp_put_bdat(&c, 0);
	smtp_put_auth(&c, "PLAIN", &word);
	smtp_put_auth(&c, "EXTERNAL", &empty);
	smtp_put_auth(&c, "LOGIN", NULL);
	smtp_put_helo(&c, "EHLO", SPAN("me.example"));
	assert_true(span_eq(span_of(line, c.n), SPAN("RCPT TO:<b@y.example>\r\nBDAT 0 LAST\r\n"
						     "AUTH PLAIN AGFubg==\r\nAUTH EXTERNAL =\r\nAUTH LOGIN\r\n"
						     "EHLO me.example\r\n")));
}

/* An envelope in one piece is the four lines, whatever is in them. */
static void test_envelope(void **state)
{
	static const uint64_t sizes[] = { 1, 9, 10, 2281, UINT64_MAX };
	char path[SMTP_PATH_MAX], line[SMTP_COMMAND_MAX], whole[8 + SMTP_ENVELOPE_MAX] = "12345678";
	size_t ends[SMTP_ENVELOPE_LINES];

	(void)state;
	memset(path, 'a', sizeof path);
	for (size_t n = 0; n <= sizeof path; n += n < 3 ? 1 : 253) {
		for (size_t i = 0; i < 8 * sizeof sizes / sizeof *sizes; i++) {
			const struct smtp_envelope e = {
				.sender = span_of(path, n), .recipient = span_of(path, n + !n), .size = sizes[i / 8],
				.tell_size = i & 1, .rset = i & 2, .bdat = i & 4,
			};
			struct smtp_command c = { .p = line, .max = sizeof line };
			struct smtp_command w = { .p = whole, .n = 8, .max = sizeof whole };

			smtp_put_envelope(&w, &e, ends);
			if (e.rset)
				smtp_put_line(&c, SPAN("RSET"));
			assert_int_equal(ends[0], 8 + c.n);
			smtp_put_mail(&c, e.sender, &(struct smtp_mail_params){ .size = e.tell_size ? e.size : 0 });
			assert_int_equal(ends[1], 8 + c.n);
			smtp_put_rcpt(&c, e.recipient, &(struct smtp_rcpt_params){ 0 });
			assert_int_equal(ends[2], 8 + c.n);
			if (e.bdat)
				smtp_put_bdat(&c, e.size);
			else
				smtp_put_line(&c, SPAN("DATA"));
			assert_int_equal(ends[3], 8 + c.n);
			assert_int_equal(w.n, ends[3]);
			assert_true(span_eq(span_of(whole + 8, w.n - 8), span_of(line, c.n)));
			assert_memory_equal(whole, "12345678", 8);
		}
	}
}

/* RFC 3461 4 and 6533 3: what xtext makes of the octets that it may not hold. */
static void test_dsn(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{ "b@y.example", " ORCPT=rfc822;b@y.example" },
		{ "b+tag@y.example", " ORCPT=rfc822;b+2Btag@y.example" },
		{ "b=c@y.example", " ORCPT=rfc822;b+3Dc@y.example" },
		{ "\"b c\"@y.example", " ORCPT=rfc822;\"b+20c\"@y.example" },
		{ "j\xc3\xb6rg+\xe2\x82\xac@y.example", " ORCPT=utf-8;j\\x{F6}rg\\x{2B}\\x{20AC}@y.example" },
		{ "\xf0\x9f\x98\x80@y.example", " ORCPT=utf-8;\\x{01F600}@y.example" },
	};
	const struct smtp_rcpt_params rcpt = { .notify = SPAN("FAILURE,DELAY"), .orcpt = true, .more = SPAN("X-A=1 B") };
	const struct smtp_mail_params mail = { .ret = SPAN("HDRS"), .envid = SPAN("a+b=c@x"), .requiretls = true,
					       .more = SPAN("AUTH=<>") };
	char line[SMTP_COMMAND_MAX], want[SMTP_COMMAND_MAX], id[SMTP_ENVID_MAX + 1];
	struct smtp_command c = { .p = line, .max = sizeof line };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		c.n = 0;
		smtp_put_rcpt(&c, span_str(cases[i].path), &rcpt);
		snprintf(want, sizeof want, "RCPT TO:<%s> NOTIFY=FAILURE,DELAY%s X-A=1 B\r\n", cases[i].path, cases[i].want);
		assert_true(span_eq(span_of(line, c.n), span_str(want)));
	}
	c.n = 0;
	smtp_put_mail(&c, SPAN("a@x.example"), &mail);
	assert_true(span_eq(span_of(line, c.n), SPAN("MAIL FROM:<a@x.example> REQUIRETLS RET=HDRS ENVID=a+2Bb+3Dc@x "
						     "AUTH=<>\r\n")));
	/* Left out rather than cut. */
	memset(id, '+', sizeof id);
	for (size_t n = 1; n <= sizeof id; n++) {
		const struct smtp_mail_params params = { .envid = span_of(id, n) };

		c.n = 0;
		smtp_put_mail(&c, SPAN(""), &params);
		assert_int_equal(c.n, 3 * n <= SMTP_ENVID_MAX ? 12 + 7 + 3 * n + 2 : 14);
	}
}

/* The longest of everything fits. */
static void test_longest(void **state)
{
	char path[SMTP_PATH_MAX], more[SMTP_WISHES_MAX], line[SMTP_COMMAND_MAX];
	const struct smtp_rcpt_params rcpt = { .notify = SPAN("SUCCESS,FAILURE,DELAY"), .orcpt = true,
					       .more = span_of(more, sizeof more) };
	struct smtp_command c = { .p = line, .max = sizeof line };
	struct span with;

	(void)state;
	memset(more, 'X', sizeof more);
	for (size_t n = 1; n <= sizeof path; n++) {
		memset(path, '+', sizeof path);
		c.n = 0;
		smtp_put_rcpt(&c, span_of(path, n), &rcpt);
		with = span_of(line, c.n);
		assert_int_equal(span_search(with, SPAN("ORCPT")) < c.n, 7 + 3 * n <= SMTP_ORCPT_MAX);
		for (size_t i = 0; i + 1 < n; i += 2)
			memcpy(path + i, "\xc3\xa4", 2);
		if (n % 2 == 1)
			path[n - 1] = '+';
		c.n = 0;
		smtp_put_rcpt(&c, span_of(path, n), &rcpt);
	}
}

static void test_wishes(void **state)
{
	static const struct {
		struct smtp_wishes w;
		bool good;
	} cases[] = {
		{ { .notify = SPAN("NEVER"), .ret = SPAN("FULL") }, true },
		{ { .notify = SPAN("SUCCESS,FAILURE,DELAY"), .ret = SPAN("HDRS") }, true },
		{ { .notify = SPAN("NEVER,DELAY") }, false },
		{ { .notify = SPAN("FAILURE,") }, false },
		{ { .notify = SPAN(",FAILURE") }, false },
		{ { .notify = SPAN("failure") }, false },
		{ { .notify = SPAN("DELAY,DELAY,DELAY,DELAY,DELAY") }, false },
		{ { .notify = SPAN("DELAY,SUCCESS,DELAY") }, false },
		{ { .ret = SPAN("ALL") }, false },
		{ { .mail = SPAN("AUTH=<> BY=120;R") }, true },
		{ { .mail = SPAN("A") }, true },
		{ { .mail = SPAN("SIZE=1") }, false },
		{ { .mail = SPAN("size=1") }, false },
		{ { .mail = SPAN("A  B") }, false },
		{ { .mail = SPAN(" A") }, false },
		{ { .mail = SPAN("A ") }, false },
		{ { .mail = SPAN("A=") }, false },
		{ { .mail = SPAN("A=b=c") }, false },
		{ { .mail = SPAN("-A") }, false },
		{ { .mail = SPAN("A=b\r\nRSET") }, false },
		{ { .mail = SPAN("A=\xc3\xa4") }, false },
		{ { .rcpt = SPAN("NOTIFY=NEVER") }, false },
		{ { .rcpt = SPAN("RRVS=2026-01-01T00:00:00Z") }, true },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(smtp_wishes_check(&cases[i].w, &e), cases[i].good ? 0 : -1);
}

/* Whatever is found to fit makes one line, with one CR and one LF, and ends at its last '>'. */
static void test_random_paths(void **state)
{
	static const char letters[] = "ab@.\"\\<> \r\n\t\0;,=:+[]()\x7f\xc3\xa9\xe7\x98\x8a";
	struct rng rng;
	unsigned fitting = 0;

	(void)state;
	rng_seed(&rng, 1, 2);
	for (int i = 0; i < 300000; i++) {
		char path[12], line[SMTP_COMMAND_MAX];
		struct smtp_command c = { .p = line, .max = sizeof line };
		size_t n = rng_below(&rng, sizeof path) + 1;

		for (size_t k = 0; k < n; k++)
			path[k] = letters[rng_below(&rng, sizeof letters - 1)];
		if (!smtp_path_fits(span_of(path, n), false, true))
			continue;
		fitting++;
		smtp_put_rcpt(&c, span_of(path, n), &(struct smtp_rcpt_params){ 0 });
		assert_int_equal(span_find(span_of(line, c.n), '\r'), c.n - 2);
		assert_int_equal(span_find(span_of(line, c.n), '\n'), c.n - 1);
		assert_int_equal(line[c.n - 3], '>');
		if (path[0] != '"')
			assert_int_equal(span_find(span_of(line, c.n), '>'), c.n - 3);
	}
	assert_true(fitting > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths), cmocka_unit_test(test_long),         cmocka_unit_test(test_helo),
		cmocka_unit_test(test_lines), cmocka_unit_test(test_random_paths), cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_dsn),   cmocka_unit_test(test_longest),      cmocka_unit_test(test_wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
