/* Headers to sign: cut from a message in pieces, relaxed, chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "templates/dkim/dkim_header.h"

static struct arena a;

static void cut_anywhere(void **state)
{
	static const struct {
		const char *message;
		size_t header; /* octets */
	} cases[] = {
		{ "A: b\r\n\r\nbody\r\n", 6 }, { "A: b\r\nC: d\r\n e\r\n\r\n", 16 }, { "A: b\r\n\r\n\r\nx", 6 },
		{ "A: b\r\n", 6 }, { "\r\nbody", 0 }, { "A: b\n\nbody", 5 }, { "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span message = span_str(cases[i].message), header;

		for (size_t at = 0; at <= message.n; at++) {
			struct span pieces[2] = { span_sub(message, 0, at), span_skip(message, at) };
			struct dkim_place body;
			size_t rest = 0;

			assert_int_equal(dkim_header_cut(pieces, 2, &a, &header, &body), 0);
			assert_int_equal(header.n, cases[i].header);
			assert_memory_equal(header.n ? header.p : "", message.p, header.n);
			for (uint32_t k = body.span; k < 2; k++)
				rest += pieces[k].n - (k == body.span ? body.octet : 0);
			if (span_find(message, '\n') < message.n && rest > 0)
				assert_true(span_ends(message, span_skip(message, message.n - rest)));
			assert_true(header.n + rest <= message.n);
			arena_reset(&a);
		}
	}
}

static void relaxed_fields(void **state)
{
	static const struct {
		const char *field, *relaxed;
	} cases[] = {
		{ "A: X\r\n", "a:X\r\n" }, /* RFC 6376 3.4.5 */
		{ "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
		{ "SUBJect: AbC\r\n", "subject:AbC\r\n" },
		{ "Subject:   a   b \t c   \r\n", "subject:a b c\r\n" },
		{ "X:\r\n", "x:\r\n" },
		{ "X:\r\n folded\r\n", "x:folded\r\n" },
		{ "X: no end", "x:no end\r\n" },
		{ "none", "none:\r\n" },
	};
	struct span name;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span got = dkim_field_relax(span_str(cases[i].field), &a, &name);

		assert_true(span_eq(got, span_str(cases[i].relaxed)));
		assert_true(span_eq(name, span_sub(got, 0, span_find(got, ':'))));
	}
}

static void choose(const char *message, const char *want)
{
	struct dkim_header h;
	struct dkim_choice *choices;
	uint32_t n;
	char got[1000] = "";
	size_t at = 0;

	arena_reset(&a);
	assert_int_equal(dkim_header_parse(span_str(message), &a, &h), 0);
	assert_int_equal(dkim_header_choose(&h, &a, &choices, &n), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct span value = choices[i].field ? choices[i].field->canonical : SPAN("");

		value = span_trim(span_skip(value, span_find(value, ':') + 1));
		at += (size_t)snprintf(got + at, sizeof got - at, "%s%s=%.*s", i ? "," : "", choices[i].name,
				       SPAN_ARG(value));
	}
	assert_string_equal(got, want);
}

static void chosen(void **state)
{
	(void)state;
	choose("From: a\r\n", "From=a,From=,Reply-To=,To=,Cc=,Subject=,Date=,Message-ID=,MIME-Version=,Content-Type=");
	/* The lowest first; what is not ours to sign is left alone. */
	choose("From: a\r\nX-Mine: 1\r\nTo: one\r\nReceived: x\r\nReturn-Path: <x>\r\nTO: two\r\n",
	       "From=a,From=,Reply-To=,To=two,To=one,To=,Cc=,Subject=,Date=,Message-ID=,MIME-Version=,Content-Type=");
	/* RFC 8058 4: both must be signed. */
	choose("List-Unsubscribe: <u>\r\nList-Unsubscribe-Post: One\r\n",
	       "From=,Reply-To=,To=,Cc=,Subject=,Date=,Message-ID=,MIME-Version=,Content-Type=,List-Unsubscribe=<u>,"
	       "List-Unsubscribe=,List-Unsubscribe-Post=One,List-Unsubscribe-Post=");
}

static int setup(void **state)
{
	(void)state;
	arena_init(&a, 4096, 1 << 24);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(relaxed_fields),
		cmocka_unit_test(chosen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
