/* test_smtp_command.c - command lines, and what must never become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "transport/smtp/smtp_command.h"

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
	smtp_put_rcpt(&c, SPAN("b@y.example"));
	smtp_put_bdat(&c, 0);
	smtp_put_auth(&c, "PLAIN", &word);
	smtp_put_auth(&c, "EXTERNAL", &empty);
	smtp_put_auth(&c, "LOGIN", NULL);
	smtp_put_helo(&c, "EHLO", SPAN("me.example"));
	assert_true(span_eq(span_of(line, c.n), SPAN("RCPT TO:<b@y.example>\r\nBDAT 0 LAST\r\n"
						     "AUTH PLAIN AGFubg==\r\nAUTH EXTERNAL =\r\nAUTH LOGIN\r\n"
						     "EHLO me.example\r\n")));
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
		smtp_put_rcpt(&c, span_of(path, n));
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
		cmocka_unit_test(test_lines), cmocka_unit_test(test_random_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
