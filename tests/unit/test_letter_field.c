/* Header fields: what each name means, how its value is written and shown; each by whole letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "templates/letter/letter_field.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;

#define FROM "From: a@example.com\nTo: b@example.com\n"

static void names(void **state)
{
	static const struct {
		const char *name;
		enum letter_field_kind kind;
		enum letter_role role;
		enum letter_control control;
		bool many;
	} cases[] = {
		{ "from", FIELD_ADDRESSES, ROLE_FROM, CONTROL_NONE, false }, { "TO", FIELD_ADDRESSES, ROLE_TO, CONTROL_NONE, true },
		{ "Bcc", FIELD_ADDRESSES, ROLE_BCC, CONTROL_NONE, true }, { "subject", FIELD_TEXT, ROLE_NONE, CONTROL_NONE, false },
		{ "List-ID", FIELD_PHRASE_ID, ROLE_NONE, CONTROL_NONE, false }, { "ATTACHMENT", FIELD_TEXT, ROLE_NONE, CONTROL_ATTACHMENT, true },
		{ "dkim", FIELD_TEXT, ROLE_NONE, CONTROL_DKIM, true }, { "X-Anything", FIELD_TEXT, ROLE_NONE, CONTROL_NONE, true },
		{ "", FIELD_TEXT, ROLE_NONE, CONTROL_NONE, true }, { "Fro", FIELD_TEXT, ROLE_NONE, CONTROL_NONE, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct letter_known *k = letter_field_known(span_str(cases[i].name));

		assert_int_equal(k->kind, cases[i].kind);
		assert_int_equal(k->role, cases[i].role);
		assert_int_equal(k->control, cases[i].control);
		assert_int_equal(k->many, cases[i].many);
	}
}

static void message_ids(void **state)
{
	static const char *const good[] = { "<a@b>", "<x.y+z@mail.example>" };
	static const char *const bad[] = { "", "<>", "a@b", "<a@b", "a@b>", "<@b>", "<a@>", "<a@b@c>", "<a b@c>", "<a@b> <c@d>", "<a<@b>",
					   "<a@b\r\n>", "<\xc3\xa9@b>" };
	static char longest[1000];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(letter_is_message_id(span_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(letter_is_message_id(span_str(bad[i])));
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "<a@", 3);
	longest[sizeof longest - 1] = '>';
	assert_false(letter_is_message_id(span_of(longest, sizeof longest)));
}

/* {letter's headers, cells, a line of the message or of the error}; value is the column "v". */
static const struct field_case {
	const char *headers, *value, *line;
	int rc;
} cases[] = {
	{ "Subject: {{ v }}\n", "caf\xc3\xa9", "Subject: =?UTF-8?B?Y2Fmw6k=?=\r\n", 0 },
	{ "Subject: a {{ v }} b\n", "x", "Subject: a x b\r\n", 0 },
	{ "Subject: {{ v }}\n", "a\nb", "line break", -1 },
	{ "In-Reply-To: {{ v }}\n", "<a@b>", "In-Reply-To: <a@b>\r\n", 0 },
	{ "In-Reply-To: {{ v }}\n", "caf\xc3\xa9", "ASCII", -1 },
	{ "Importance: {{ v }}\n", "high", "Importance: high\r\n", 0 },
	{ "Message-ID: <{{ v }}@x.example>\n", "1", "Message-ID: <1@x.example>\r\n", 0 },
	{ "Message-ID: {{ v }}\n", "1", "is not of the form <left@right>", -1 },
	{ "Message-ID: <{{ v }}@x>\n", "a b", "is not of the form <left@right>", -1 },
	{ "List-Id: Caf\xc3\xa9 {{ v }} <n.example.com>\n", "x", "List-Id: =?UTF-8?", 0 },
	{ "Reply-To: {{ v }} <r@example.com>\n", "Lee, Ann", "Reply-To: \"Lee, Ann\" <r@example.com>\r\n", 0 },
	{ "Reply-To: {{ v }}\n", "x", "has no @ sign", -1 },
	{ "Return-Path: {{ v }}\n", "<>", "From: a@example.com\r\n", 0 },
	{ "X-Note: {{ v }}\n", "=?x?=", "X-Note: =?UTF-8?B?PT94Pz0=?=\r\n", 0 },
	{ "Disposition-Notification-To: {{ v }}\n", "n@example.com", "Disposition-Notification-To: n@example.com\r\n", 0 },
};

static void each_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *cells[] = { cases[i].value };
		char source[400];
		int rc;

		snprintf(source, sizeof source, FROM "%s\nx\n", cases[i].headers);
		assert_int_equal(try_open(&t, source), 0);
		rc = try_write(&t, cells);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d %s", i, rc, t.e.text);
		if (rc == 0 && !try_has(&t, cases[i].line))
			fail_msg("case %zu: %.*s", i, SPAN_ARG(try_message(&t)));
		if (rc < 0 && (!strstr(t.e.text, cases[i].line) || t.e.line != 3))
			fail_msg("case %zu: line %llu: %s", i, (unsigned long long)t.e.line, t.e.text);
	}
}

static void empty_ones_are_left_out(void **state)
{
	const char *empty[] = { "" }, *blank[] = { "  " };

	(void)state;
	assert_int_equal(try_open(&t, FROM "Subject: {{ v }}\nX-Note: {{ v }}\nReply-To: {{ v }}\nImportance: {{ v }}\n\nx\n"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(try_write(&t, i ? blank : empty), 0);
		assert_false(try_has(&t, "Subject:") || try_has(&t, "X-Note:") || try_has(&t, "Reply-To:") || try_has(&t, "Importance:"));
	}
}

static void order(void **state)
{
	const char *cells[] = { "x" };
	struct span m;

	(void)state;
	assert_int_equal(try_open(&t, "X-Two: 2\nSubject: s\nTo: b@example.com\nX-One: 1\nSender: s@example.com\nFrom: a@example.com\n\nx\n"), 0);
	assert_int_equal(try_write(&t, cells), 0);
	m = try_message(&t);
	assert_true(span_search(m, SPAN("From:")) < span_search(m, SPAN("Sender:")));
	assert_true(span_search(m, SPAN("Sender:")) < span_search(m, SPAN("To:")));
	assert_true(span_search(m, SPAN("To:")) < span_search(m, SPAN("Subject:")));
	assert_true(span_search(m, SPAN("Subject:")) < span_search(m, SPAN("X-Two:")));
	assert_true(span_search(m, SPAN("X-Two:")) < span_search(m, SPAN("X-One:")));
}

/* For people: decoded, on one line. */
static void shown(void **state)
{
	const char *cells[] = { "M\xc3\xbcller, Ann" };
	struct letter_view v;
	bool found = false;

	(void)state;
	assert_int_equal(try_open(&t, FROM "Cc: {{ v }} <c@example.com>, Team:;\n\nx\n"), 0);
	assert_int_equal(try_view(&t, cells, &v), 0);
	for (uint32_t i = 0; i < v.n_headers; i++)
		found |= span_eq(v.headers[i].name, SPAN("Cc")) &&
			 span_eq(v.headers[i].value, SPAN("M\xc3\xbcller, Ann <c@example.com>, Team:;"));
	assert_true(found);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "v");
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
		cmocka_unit_test(names), cmocka_unit_test(message_ids), cmocka_unit_test(each_kind),
		cmocka_unit_test(empty_ones_are_left_out), cmocka_unit_test(order), cmocka_unit_test(shown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
