/* test_smtp_caps.c - what EHLO says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/smtp/smtp_caps.h"

static void test_real_servers(void **state)
{
	struct smtp_ehlo h;

	(void)state;
	smtp_caps_read(&h, SPAN("mail.example\nPIPELINING\nSIZE 10240000\nETRN\nAUTH PLAIN LOGIN\n"
				"ENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8\nCHUNKING"));
	assert_true(h.caps.pipelining && h.caps.chunking && h.caps.eightbitmime && h.caps.smtputf8);
	assert_true(h.caps.dsn && h.caps.enhanced && !h.caps.starttls && !h.caps.requiretls);
	assert_int_equal(h.caps.size_max, 10240000);
	assert_true(h.auth && span_eq(span_of(h.mechanisms, h.mechanisms_n), SPAN("PLAIN LOGIN")));
	smtp_caps_read(&h, SPAN("exim\nSIZE 52428800\nLIMITS MAILMAX=1000 RCPTMAX=50000 RCPTDOMAINMAX=7\nPIPELINING\nPIPECONNECT\nHELP"));
	assert_int_equal(h.caps.mail_max, 1000);
	assert_int_equal(h.caps.rcpt_max, 50000);
	assert_int_equal(h.caps.rcpt_domain_max, 7);
	assert_true(!h.caps.chunking && !h.auth); /* nothing is left of the one before */
}

static void test_words(void **state)
{
	static const struct {
		struct span text;
		bool pipelining;
	} cases[] = {
		{ { "PIPELINING", 10 }, false }, /* the first line is the server's name */
		{ { "x\npipelining", 12 }, true },
		{ { "x\nPipelining with words", 23 }, true },
		{ { "x\nXPIPELINING", 13 }, false },
		{ { "x\nPIPELININGX", 13 }, false },
		{ { "x\nNO PIPELINING", 15 }, false },
		{ { "x\nPIPELINING=1", 14 }, false },
		{ { "x\n PIPELINING", 13 }, true },
		{ { "", 0 }, false },
		{ { "\n\n\n", 3 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct smtp_ehlo h;

		smtp_caps_read(&h, cases[i].text);
		assert_int_equal(h.caps.pipelining, cases[i].pipelining);
	}
}

static void test_params(void **state)
{
	struct smtp_ehlo h;

	(void)state;
	smtp_caps_read(&h, SPAN("x\nSIZE\nAUTH=plain  login\nLIMITS MAILMAX=0 RCPTMAX=07 RCPTMAX=1234567 MAILMAX=x"));
	assert_true(h.size && h.caps.size_max == 0);
	assert_true(span_eq(span_of(h.mechanisms, h.mechanisms_n), SPAN("PLAIN LOGIN")));
	assert_int_equal(h.caps.mail_max, 0);
	assert_int_equal(h.caps.rcpt_max, 0);
	smtp_caps_read(&h, SPAN("x\nSIZE 99999999999999999999999\nAUTH\nLIMITS"));
	assert_true(h.auth && h.mechanisms_n == 0 && h.caps.size_max == 0);
}

static void test_many_mechanisms(void **state)
{
	static char text[20000] = "x\nAUTH";
	size_t n = 6;
	struct smtp_ehlo h;

	(void)state;
	while (n + 10 < sizeof text) {
		memcpy(text + n, " MECHANISM", 10);
		n += 10;
	}
	smtp_caps_read(&h, span_of(text, n));
	assert_true(h.mechanisms_n <= sizeof h.mechanisms && (h.mechanisms_n + 1) % 10 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_servers),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_many_mechanisms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
