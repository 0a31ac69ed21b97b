/* Verdicts: words, the worse of two, texts, queue ids out of replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/verdict.h"

static void words_there_and_back(void **state)
{
	static const char *const words[] = { "sent", "deferred", "refused", "in_doubt", "skipped" };
	enum verdict_kind k;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_string_equal(verdict_word((enum verdict_kind)i), words[i]);
		assert_int_equal(verdict_from_word(span_str(words[i]), &k), 0);
		assert_int_equal(k, i);
	}
	assert_int_equal(verdict_from_word(SPAN("Sent"), &k), -1);
	assert_int_equal(verdict_from_word(SPAN(""), &k), -1);
}

static void the_worse_wins(void **state)
{
	static const enum verdict_kind order[] = { VERDICT_SENT, VERDICT_SKIPPED, VERDICT_REFUSED, VERDICT_DEFERRED,
						   VERDICT_IN_DOUBT };

	(void)state;
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++)
			assert_int_equal(verdict_worst(order[i], order[j]), order[i > j ? i : j]);
}

static void texts_are_clean(void **state)
{
	struct verdict v = { .kind = VERDICT_REFUSED };
	char longest[2000];

	(void)state;
	verdict_say(&v, "%d %s", 550, "no\r\n\x1b[31m");
	assert_string_equal(v.text, "550 no???[31m");
	for (size_t i = 0; i + 2 < sizeof longest; i += 2)
		memcpy(longest + i, "\xc3\xa4", 3);
	verdict_say(&v, "x%s", longest);
	assert_true(utf8_valid(span_str(v.text)));
	assert_int_equal(strlen(v.text), VERDICT_TEXT_MAX - 1);
}

static const struct reply {
	const char *text, *id;
} replies[] = {
	{ "2.0.0 Ok: queued as 4FZx1T2lWzz9sXX", "4FZx1T2lWzz9sXX" },
	{ "250 2.0.0 Ok: queued as 0A1B2C3D4E", "0A1B2C3D4E" },
	{ "Ok: queued as D3ADB33F.", "D3ADB33F" },
	{ "2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7B2C9D", "7B2C9D" },
	{ "2.6.0 from MTA: 250 Ok: queued as AAA111, id=123, queued as BBB222", "BBB222" },
	{ "Ok: queued as a_bC-dEfGhIjKlMnOp", "a_bC-dEfGhIjKlMnOp" },
	{ "OK queued as <0100-5f@host.example>", "0100-5f@host.example" },
	{ "OK id=1rK2mL-0003Xy-0q", "1rK2mL-0003Xy-0q" },
	{ "OK id=1rK2mL-00000003XyZ-0qAb", "1rK2mL-00000003XyZ-0qAb" },
	{ "Requested mail action okay, completed: id=1MTRMs-1rOyLz2Bqa-00TkGh", "1MTRMs-1rOyLz2Bqa-00TkGh" },
	{ "2.0.0 3c2a1b0f Message accepted for delivery", "3c2a1b0f" },
	{ "250 2.0.0 3AN5e8Xx012345 Message accepted for delivery", "3AN5e8Xx012345" },
	{ "2.0.0 <ann@example.com> 8JHHAmi8ZWXyAQAAo4kLJg Saved", "8JHHAmi8ZWXyAQAAo4kLJg" },
	{ "2.0.0 <user1@list.example> sLdKOWMPBGuBEAAAg+zDdQ Saved", "sLdKOWMPBGuBEAAAg+zDdQ" },
	{ "2.0.0 <ann@example.com> 8JHHAmi8ZWXyAQAAo4kLJg:2 Saved", "8JHHAmi8ZWXyAQAAo4kLJg:2" },
	{ "2.6.0 <m@x.example> [InternalId=27182818284590, Hostname=AM0PR01.eurprd01.prod.outlook.com] 8821 bytes in "
	  "0.123, 69.9 KB/sec Queued mail for delivery", "27182818284590" },
	{ "Ok 0100018c9b1e1b3c-12345678-1234-1234-1234-123456789012-000000",
	  "0100018c9b1e1b3c-12345678-1234-1234-1234-123456789012-000000" },
	{ "250 Ok 0100018c-12-000000", "0100018c-12-000000" },
	{ "2.0.0 OK  1700000000 d9443c01a7336-1d2e3f4a5b6.123 - gsmtp", "d9443c01a7336-1d2e3f4a5b6.123" },
	{ "2.0.0 OK 8D/5F-12345-ABC", "8D/5F-12345-ABC" },
	{ "Message Queued (5A2E3A5C-1234.1)", "5A2E3A5C-1234.1" },
	{ "2.0.0 Message queued with id 17a2b3c4", "17a2b3c4" },
	{ "ok 1700000000 qp 12345", "12345" },
	{ "2.0.0 Ok", "" },
	{ "Ok", "" },
	{ "OK", "" },
	{ "", "" },
	{ "Message accepted for delivery", "" },
	{ "2.0.0 Message accepted for delivery", "" },
	{ "250 2.0.0 Message accepted for delivery", "" },
	{ "Queued (0.123 seconds)", "" },
	{ "2.6.0 Message received", "" },
	{ "Mail queued for delivery", "" },
	{ "Saved", "" },
	{ "Message Saved", "" },
	{ "2.1.5 Delivery OK", "" },
	{ "Great success", "" },
	{ "ok dirdel", "" },
	{ "2.0.0 Ok: queued as", "" },
	{ "2.0.0 Ok: queued as =cmd|'/C calc'", "=cmd" },
	{ "2.0.0 Ok: queued as \x1b[2J", "" },
	{ "2.0.0 Ok: queued as \xc3\xa4\xc3\xb6", "" },
};

static void queue_ids(void **state)
{
	char out[VERDICT_QUEUE_ID_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		verdict_find_queue_id(span_str(replies[i].text), out);
		assert_string_equal(out, replies[i].id);
	}
}

/* Every cut of every reply, placed so that one byte too many is seen by the sanitizer. */
static void cut_replies(void **state)
{
	char out[VERDICT_QUEUE_ID_MAX], *copy;

	(void)state;
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		struct span s = span_str(replies[i].text);

		for (size_t cut = 0; cut <= s.n; cut++) {
			copy = test_malloc(cut + 1);
			memcpy(copy + 1, s.p, cut);
			verdict_find_queue_id(span_of(copy + 1, cut), out);
			assert_true(strlen(out) < VERDICT_QUEUE_ID_MAX);
			test_free(copy);
		}
	}
	verdict_find_queue_id((struct span){ NULL, 0 }, out);
	assert_string_equal(out, "");
}

static void long_ids_are_cut(void **state)
{
	char text[300] = "Ok: queued as ", out[VERDICT_QUEUE_ID_MAX];

	(void)state;
	memset(text + 14, '7', 200);
	verdict_find_queue_id(span_str(text), out);
	assert_int_equal(strlen(out), VERDICT_QUEUE_ID_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_there_and_back),
		cmocka_unit_test(the_worse_wins),
		cmocka_unit_test(texts_are_clean),
		cmocka_unit_test(queue_ids),
		cmocka_unit_test(cut_replies),
		cmocka_unit_test(long_ids_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
