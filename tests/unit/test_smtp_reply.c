/* test_smtp_reply.c - every reply at every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "transport/smtp/smtp_reply.h"

#define X16 "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16

static const struct reply_case {
	const char *name;
	struct span bytes;
	int rc, code;
	const char *text, *words;
} cases[] = {
	{ "one line", { "250 ok\r\n", 8 }, 1, 250, "ok", "ok" },
	{ "two lines", { "250-a\r\n250 b\r\n", 14 }, 1, 250, "a\nb", "a b" },
	{ "line feeds alone", { "250-a\n250 b\n", 12 }, 1, 250, "a\nb", "a b" },
	{ "code alone", { "354\r\n", 5 }, 1, 354, "", "" },
	{ "code and space", { "354 \r\n", 6 }, 1, 354, "", "" },
	{ "empty lines in between", { "220-\r\n220-\r\n220\r\n", 17 }, 1, 220, "\n\n", "  " },
	{ "escape bytes", { "550 \x1b[2J\r\n", 10 }, 1, 550, "?[2J", "?[2J" },
	{ "NUL and CR inside", { "550 a\0b\rc\r\n", 11 }, 1, 550, "a?b?c", "a?b?c" },
	{ "two CR at the end", { "550 a\r\r\n", 8 }, 1, 550, "a?", "a?" },
	{ "beyond ASCII", { "550 \xc3\xa9\xff\r\n", 9 }, 1, 550, "\xc3\xa9\xff", "\xc3\xa9?" },
	{ "second digit 7", { "571 no\r\n", 8 }, 1, 571, "no", "no" },
	{ "code changes", { "250-a\r\n550 b\r\n", 14 }, -1, 0, NULL, NULL },
	{ "unfinished", { "250-a\r\n250 b", 12 }, 0, 0, NULL, NULL },
	{ "unfinished at CR", { "250 b\r", 6 }, 0, 0, NULL, NULL },
	{ "1yz", { "150 hm\r\n", 8 }, -1, 0, NULL, NULL },
	{ "6yz", { "650 hm\r\n", 8 }, -1, 0, NULL, NULL },
	{ "two digits", { "25\r\n", 4 }, -1, 0, NULL, NULL },
	{ "four digits", { "2500 x\r\n", 8 }, -1, 0, NULL, NULL },
	{ "no space", { "250ok\r\n", 7 }, -1, 0, NULL, NULL },
	{ "words", { "ok\r\n", 4 }, -1, 0, NULL, NULL },
	{ "empty line", { "\r\n", 2 }, -1, 0, NULL, NULL },
	{ "line feed first", { "\n250 ok\r\n", 9 }, -1, 0, NULL, NULL },
	{ "CR within the code", { "25\r0 ok\r\n", 9 }, -1, 0, NULL, NULL },
	{ "HTTP", { "HTTP/1.1 400 Bad Request\r\n", 26 }, -1, 0, NULL, NULL },
};

static int feed_cut(struct smtp_reply_parser *ps, struct span bytes, size_t cut, const struct smtp_reply **r)
{
	struct err e;
	struct span part[2] = { span_sub(bytes, 0, cut), span_skip(bytes, cut) };
	int rc = smtp_reply_feed(ps, &part[0], r, &e);

	if (rc == 0)
		rc = smtp_reply_feed(ps, &part[1], r, &e);
	if (rc < 0)
		assert_int_equal(e.kind, ERR_PROTO);
	return rc;
}

static void test_every_cut(void **state)
{
	static struct smtp_reply_parser ps;
	const struct smtp_reply *r = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct reply_case *c = &cases[i];

		for (size_t cut = 0; cut <= c->bytes.n; cut++) {
			char words[100];

			memset(&ps, 0, sizeof ps);
			if (feed_cut(&ps, c->bytes, cut, &r) != c->rc)
				fail_msg("%s at %zu", c->name, cut);
			if (c->rc == 0)
				assert_true(smtp_reply_begun(&ps));
			if (c->rc != 1)
				continue;
			assert_false(smtp_reply_begun(&ps));
			assert_int_equal(r->code, c->code);
			assert_true(span_eq(smtp_reply_text(r), span_of(c->text, strlen(c->text))));
			smtp_reply_words(r, words, sizeof words);
			if (strcmp(words, c->words) != 0 && strcmp(c->text, "\n\n") != 0)
				fail_msg("%s: '%s'", c->name, words);
		}
	}
}

static void test_leftover(void **state)
{
	static struct smtp_reply_parser ps;
	struct span in = SPAN("250 a\r\n550-b\r\n550 c\r\n2");
	const struct smtp_reply *r;
	struct err e;

	(void)state;
	assert_int_equal(smtp_reply_feed(&ps, &in, &r, &e), 1);
	assert_int_equal(r->code, 250);
	assert_int_equal(in.n, 15);
	assert_int_equal(smtp_reply_feed(&ps, &in, &r, &e), 1);
	assert_int_equal(r->code, 550);
	assert_int_equal(smtp_reply_feed(&ps, &in, &r, &e), 0);
	assert_true(smtp_reply_begun(&ps));
}

/* Feeds `line` n times, then "250 end". */
static int flood(struct smtp_reply_parser *ps, const char *line, int n, const struct smtp_reply **r)
{
	struct err e;

	memset(ps, 0, sizeof *ps);
	for (int i = 0; i < n; i++) {
		struct span in = span_str(line);

		if (smtp_reply_feed(ps, &in, r, &e) < 0)
			return -1;
	}
	struct span in = SPAN("250 end\r\n");

	return smtp_reply_feed(ps, &in, r, &e);
}

static void test_limits(void **state)
{
	static struct smtp_reply_parser ps;
	const struct smtp_reply *r;

	(void)state;
	assert_int_equal(flood(&ps, "250-x\r\n", SMTP_REPLY_LINES_MAX - 1, &r), 1);
	assert_int_equal(flood(&ps, "250-x\r\n", SMTP_REPLY_LINES_MAX, &r), -1);
	assert_int_equal(flood(&ps, "x", 1, &r), -1);
	/* A line's text that does not fit is left out whole, and the rest of the reply with it. */
	assert_int_equal(flood(&ps, "250-" X256 "\r\n", 60, &r), 1);
	assert_true(r->text_n <= SMTP_REPLY_TEXT_MAX && r->text_n % 257 == 256);
	/* The longest line, and one octet more. */
	for (int more = 0; more < 2; more++) {
		struct span in = SPAN("250 ");
		struct err e;

		memset(&ps, 0, sizeof ps);
		assert_int_equal(smtp_reply_feed(&ps, &in, &r, &e), 0);
		for (int i = 4; i < SMTP_LINE_MAX + more; i++) {
			in = SPAN("y");
			if (smtp_reply_feed(&ps, &in, &r, &e) < 0)
				assert_true(more && i == SMTP_LINE_MAX);
		}
		in = SPAN("\r\n");
		if (!more)
			assert_int_equal(smtp_reply_feed(&ps, &in, &r, &e), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_leftover),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
