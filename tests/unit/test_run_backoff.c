/* Domains that defer: who waits, how long, who goes ahead, what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/run/backoff.h"

enum { RETRY_FOR = 60000, FIRST = 1000 /* RETRY_FOR / 60 */ };

static struct backoff *make(void)
{
	struct backoff *b;
	struct err e;

	log_show(LOG_ERROR);
	assert_int_equal(backoff_new(&b, RETRY_FOR, &e), 0);
	return b;
}

static struct verdict says(int code, int a, int b, int c, const char *text)
{
	struct verdict v = { .kind = code >= 500 ? VERDICT_REFUSED : code >= 400 ? VERDICT_DEFERRED : VERDICT_SENT,
			     .scope = SCOPE_RECIPIENT, .code = code, .enhanced = { a, b, c } };

	snprintf(v.text, sizeof v.text, "%s", text);
	return v;
}

static void tell(struct backoff *b, const char *path, const struct verdict *v, int times, int64_t now)
{
	for (int i = 0; i < times; i++)
		backoff_told(b, span_str(path), v, now);
}

static int64_t ask(struct backoff *b, const char *address, int64_t since, int64_t now)
{
	return backoff_ask(b, span_str(address), since, now);
}

static void five_in_a_row_and_the_others_wait(void **state)
{
	struct backoff *b = make();
	struct verdict later = says(451, 4, 7, 1, "4.7.1 later"), sent = says(250, 2, 0, 0, "ok");

	(void)state;
	assert_int_equal(ask(b, "x@a.example", 0, 0), 0);
	tell(b, "u@a.example", &later, BACKOFF_AFTER - 1, 0);
	assert_int_equal(ask(b, "x@a.example", 0, 0), 0);
	tell(b, "u@a.example", &sent, 1, 0); /* in a row only */
	tell(b, "u@A.Example", &later, BACKOFF_AFTER - 1, 0);
	assert_int_equal(ask(b, "x@a.example", 0, 0), 0);
	tell(b, "v@a.example", &later, 1, 0);
	int64_t wait = ask(b, "Ann <x@a.EXAMPLE>", 0, 0);

	assert_in_range(wait, FIRST * 9 / 10, FIRST * 11 / 10);
	assert_true(ask(b, "y@a.example", 0, 0) > wait); /* one behind the other */
	assert_int_equal(ask(b, "x@b.example", 0, 0), 0);
	assert_int_equal(ask(b, "x@sub.a.example", 0, 0), 0);
	assert_int_equal(ask(b, "no address", 0, 0), 0);
	backoff_free(&b);
}

/* One goes ahead a wait; waits double. */
static void one_goes_ahead(void **state)
{
	struct backoff *b = make();
	struct verdict later = says(450, 0, 0, 0, "busy"), sent = says(250, 0, 0, 0, "ok");
	int64_t now = 0, before = FIRST;
	int ahead = 0;

	(void)state;
	tell(b, "u@a.example", &later, BACKOFF_AFTER, 0);
	for (; ahead < 5; now += 10) {
		if (ask(b, "x@a.example", now, now) != 0)
			continue;
		backoff_began(b, span_str("x@a.example"), now);
		int64_t wait = ask(b, "y@a.example", now, now);

		assert_true(wait > before * 3 / 2); /* the next one waits twice as long, about */
		tell(b, "x@a.example", &later, 1, now);
		tell(b, "w@a.example", &later, 7, now); /* of mails that were under way: nothing new */
		before *= 2;
		ahead++;
	}
	assert_true(now > 25000 && now < 40000); /* 1 + 2 + 4 + 8 + 16 s */
	tell(b, "x@a.example", &sent, 1, now);
	assert_int_equal(ask(b, "y@a.example", 0, now), 0);
	tell(b, "x@a.example", &later, BACKOFF_AFTER - 1, now); /* from the beginning again */
	assert_int_equal(ask(b, "y@a.example", 0, now), 0);
	backoff_free(&b);
}

/* Nobody is asked for later than their time is up, and then they have waited enough. */
static void waiting_ends(void **state)
{
	struct backoff *b = make();
	struct verdict later = says(421, 4, 7, 0, "4.7.0 not now"), out;

	(void)state;
	tell(b, "u@a.example", &later, BACKOFF_AFTER, 0);
	for (int i = 0; i < 100000; i++)
		assert_in_range(ask(b, "x@a.example", 0, 10), 1, RETRY_FOR - 10);
	for (int64_t at = 2000; at < RETRY_FOR; at += 2000)
		backoff_began(b, span_str("x@a.example"), at); /* each failed */
	assert_int_equal(ask(b, "x@a.example", 0, RETRY_FOR), -1);
	assert_true(ask(b, "x@a.example", 1000, RETRY_FOR) > 0);
	backoff_verdict(b, span_str("x@a.example"), &out);
	assert_int_equal(out.kind, VERDICT_DEFERRED);
	assert_int_equal(out.code, 0);
	assert_non_null(strstr(out.text, "4.7.0 not now"));
	backoff_free(&b);
}

static void what_is_of_one_mailbox_counts_for_nothing(void **state)
{
	struct backoff *b = make();
	struct verdict others[] = {
		says(452, 4, 2, 2, "4.2.2 mailbox full"), says(450, 4, 1, 1, "4.1.1 unverified"),
		says(451, 4, 7, 1, "4.7.1 Greylisted, come back"), says(0, 0, 0, 0, "the line broke"),
		says(451, 4, 3, 0, "the session ends"), says(452, 4, 5, 3, "4.5.3 too many recipients"),
		says(451, 4, 3, 0, "4.3.0 the relay's own trouble"),
	};

	(void)state;
	others[3].kind = VERDICT_DEFERRED;
	others[4].scope = SCOPE_SESSION;
	others[5].not_tried = true;
	others[6].stage = "MAIL";
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		tell(b, "u@a.example", &others[i], 100, 0);
	assert_int_equal(ask(b, "x@a.example", 0, 0), 0);
	backoff_free(&b);
}

/* Many domains come and go: the table has room for those that defer now. */
static void the_table_is_bounded(void **state)
{
	struct backoff *b = make();
	struct verdict later = says(451, 0, 0, 0, "later"), sent = says(250, 0, 0, 0, "ok");
	char path[64];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof path, "u@d%d.example", i);
		tell(b, path, &later, BACKOFF_AFTER, 0);
		assert_true(ask(b, path, 0, 0) > 0);
		tell(b, path, &sent, 1, 0);
		assert_int_equal(ask(b, path, 0, 0), 0);
	}
	for (int i = 0; i < 5000; i++) { /* more than it holds: those above wait each by itself */
		snprintf(path, sizeof path, "u@e%d.example", i);
		tell(b, path, &later, BACKOFF_AFTER, 0);
		assert_true((ask(b, path, 0, 0) > 0) == (i < 1024));
	}
	backoff_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_in_a_row_and_the_others_wait),
		cmocka_unit_test(one_goes_ahead),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(what_is_of_one_mailbox_counts_for_nothing),
		cmocka_unit_test(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
