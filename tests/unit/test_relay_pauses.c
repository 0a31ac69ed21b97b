/* Relays that take no mail now are left alone, by all workers, and asked again; those that never will are given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "relay_rig.h"

/* ---- relays that take no mail now ---- */

static const struct quiet_case {
	const char *mail, *ehlo;
} quiets[] = {
	{ "454 4.7.0 throttled\r\n", NULL },
	{ "454 4.7.0 throttled\r\n", "250-mini\r\n250 PIPELINING\r\n" },
	{ "454 4.7.0 throttled\r\n", "250 mini\r\n" },
	{ "432 4.3.2 concurrent connections\r\n", NULL },
	{ "452 4.3.1 no space\r\n", NULL },
	{ "521 5.3.2 no mail here\r\n", NULL },
};

enum { QUIET_CONNECTIONS = 4 };

/* At most one MAIL a connection, then none until the pause is over; the same again after a longer one. */
static void check_quiet(const struct quiet_case *c)
{
	const struct mini_options o = { .mail = c->mail, .ehlo = c->ehlo, .bad_mails = 12 };
	struct rig *r = rig_one_in_flight(&o);
	unsigned mails;

	rig_begin(r, QUIET_CONNECTIONS, 200);
	rig_until_paused(r, 1);
	if (!strstr(r->why.text, "takes no mail now: "))
		fail_msg("%s", r->why.text);
	assert_memory_equal(strstr(r->why.text, "now: ") + 5, c->mail, strlen(c->mail) - 2);
	assert_int_equal(r->last.scope, SCOPE_RELAY);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	rig_turns(r, 5);
	clock_shift(2500, 0);
	rig_turns(r, 20);
	rig_until_closed(r);
	mails = mini_smtpd_commands(r->s, "MAIL"); /* those that were under way at the first "not now" too */
	assert_true(mails <= QUIET_CONNECTIONS);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(r->pauses, 1);
	assert_true(mini_smtpd_commands(r->s, "QUIT") >= 1);
	clock_shift(6300, 0); /* 5 s and a quarter */
	rig_until_paused(r, 2);
	clock_shift(6300 + 6400, 0); /* 10 s this time, less a quarter at most: longer than the first could be */
	rig_turns(r, 20);
	rig_until_closed(r);
	assert_true(mini_smtpd_commands(r->s, "MAIL") <= mails + QUIET_CONNECTIONS);
	assert_int_equal(r->pauses, 2);
	for (int64_t shift = 20000; r->done < 200;) {
		assert_true(shift < 3600 * 1000);
		if (relay_pool_open_links(r->pool) == 0) /* else a server that is slow just now would be out of time */
			clock_shift(shift += 2000, 0);
		rig_turn(r, 5);
	}
	assert_int_equal(r->sent, 200);
	assert_int_equal(r->downs, 0);
	rig_free(r);
}

static void is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof quiets / sizeof *quiets; i++)
		check_quiet(&quiets[i]);
}

/* "Not now" to all that comes, one after the other, is no matter of the mails. */
static void check_nothing_now(const char *reply, const char *end_of_data, unsigned bad)
{
	const struct mini_options o = { .mail = reply, .end_of_data = end_of_data, .bad_mails = bad };
	struct rig *r = rig_one_in_flight(&o);
	unsigned mails;

	rig_begin(r, QUIET_CONNECTIONS, 50);
	rig_until_paused(r, 1);
	rig_until_closed(r);
	mails = mini_smtpd_commands(r->s, "MAIL");
	assert_in_range(mails, 10, 10 + 2 * QUIET_CONNECTIONS);
	assert_non_null(strstr(r->why.text, "takes no mail now: 4"));
	if (end_of_data) {
		rig_free(r);
		return;
	}
	for (int64_t shift = 0; r->done < 50;) {
		assert_true(shift < 3600 * 1000);
		if (relay_pool_open_links(r->pool) == 0)
			clock_shift(shift += 2000, 0);
		rig_turn(r, 5);
	}
	assert_int_equal(r->sent, 50);
	assert_int_equal(r->downs, 0);
	rig_free(r);
}

/* While a rate leaves no place for long, no connection is made only to stand idle; one is shortly before. */
static void check_used_up(const char *url_end)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_bare(&o);

	rig_add(r, r->s, "", url_end, 1);
	rig_begin(r, 1, 2);
	rig_run(r);
	for (int64_t shift = 9000; shift < 3590000; shift += 300000) {
		clock_shift(shift, 0);
		rig_until_closed(r);
		relay_pool_wake(r->pool);
		rig_turns(r, 2);
	}
	assert_int_equal(mini_smtpd_connections(r->s), 1);
	clock_shift(3600000, 0);
	relay_pool_wake(r->pool);
	rig_turns(r, 10);
	assert_int_equal(mini_smtpd_connections(r->s), 2);
	rig_free(r);
}

static void a_rate_that_is_used_up(void **state)
{
	(void)state;
	check_used_up("&rate=2/hour");
	check_used_up("&connection-rate=2/hour");
}

static void says_not_now_to_all(void **state)
{
	(void)state;
	check_nothing_now("451 4.3.0 try later\r\n", NULL, 16);
	check_nothing_now("452 Insufficient system storage\r\n", NULL, 16);
	check_nothing_now("450 4.7.1 Error: too much mail from 192.0.2.1\r\n", NULL, 16);
	check_nothing_now(NULL, "451 4.7.1 Service unavailable - try again later\r\n", 0);
}

/* What one worker hears, all obey; only one says so. */
static void all_workers_are_quiet(void **state)
{
	const struct mini_options o = { .mail = "454 4.7.0 throttled\r\n", .bad_mails = 1 };
	struct rig *a = rig_new(&o), *b = calloc(1, sizeof *b);

	(void)state;
	b->relays[0] = a->relays[0];
	b->n_relays = 1;
	b->hold = true;
	rig_begin(b, 4, 100);
	rig_turns(b, 5);
	rig_begin(a, 4, 1);
	rig_until_paused(a, 1);
	rig_turn(b, 0);
	b->hold = false;
	assert_int_equal(relay_pool_wants(b->pool), 0);
	rig_turns(b, 10);
	assert_int_equal(mini_smtpd_commands(a->s, "MAIL"), 1);
	assert_int_equal(relay_pool_open_links(b->pool), 0);
	clock_shift(10000, 0);
	rig_run(b);
	rig_run(a);
	assert_int_equal(a->pauses, 1);
	assert_int_equal(b->pauses, 0);
	relay_pool_free(&b->pool);
	free(b);
	rig_free(a);
}

/* A mail that was taken makes the next pause a short one again. */
static void pauses_begin_anew(void **state)
{
	const struct mini_options o = { .end_of_data = "454 4.7.0 throttled\r\n" }, good = { 0 };
	struct rig *r = rig_new(&o);
	uint16_t port = mini_smtpd_port(r->s);
	int64_t shift = 0;

	(void)state;
	rig_begin(r, 1, 1);
	while (r->pauses < 4) { /* 5, 10, 20 s */
		clock_shift(shift += 1000, 0);
		rig_turn(r, 10);
	}
	assert_true(shift >= 26000);
	rig_turns(r, 10);
	mini_smtpd_stop(r->s);
	r->s = mini_smtpd_start(&good, port);
	clock_shift(shift += 50000, 0);
	rig_run(r);
	assert_int_equal(r->sent, 1);
	mini_smtpd_stop(r->s);
	rig_turns(r, 5);
	r->s = mini_smtpd_start(&o, port);
	r->n_mails = 2;
	r->pauses = 0;
	for (unsigned i = 0; !strstr(r->why.text, "454") || r->pauses == 0; i++) {
		r->why.text[0] = '\0';
		assert_true(i < 500);
		clock_shift(shift += 100, 0);
		rig_turn(r, 10);
	}
	assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), 1);
	clock_shift(shift + 6300, 0);
	for (unsigned i = 0; mini_smtpd_commands(r->s, "MAIL") == 1; i++) {
		assert_true(i < 300);
		rig_turn(r, 10);
	}
	rig_free(r);
}

/* ---- pauses of a length of their own, and how a relay is come back to ---- */

static const struct long_case {
	const char *mail;
	int pause_s;
	const char *words;
} longs[] = {
	{ "421 4.7.28 unusual rate of unsolicited mail\r\n", 600, "takes no mail now: 421 4.7.28 " },
	{ "450 4.7.28 unusual rate\r\n", 600, "it is asked again in 10 min" },
	{ "421 4.4.2 Message submission rate for this client has exceeded the configured limit\r\n", 60, "again in 60 s" },
	{ "550 5.4.5 Daily user sending limit exceeded\r\n", 3600, "no more mail from this account: 550 5.4.5 Daily" },
	{ "550 5.1.90 reached your daily limit\r\n", 3600, "it is asked again in 60 min" },
	{ "454 Throttling failure: Daily message quota exceeded\r\n", 3600, "it is asked again in 60 min" },
};

enum { COME_BACK_MAILS = 300 };

/* Not a word before its time; then one connection, and another one for each 50 mails that are taken, whatever the
 * number of threads. */
static void check_long(const struct long_case *c)
{
	const struct mini_options o = { .mail = c->mail, .bad_mails = 1 };
	struct rig *a = rig_one_in_flight(&o), *b = calloc(1, sizeof *b);
	unsigned before, connections, most = 0;

	b->relays[0] = a->relays[0];
	b->n_relays = 1;
	b->hold = true;
	rig_begin(b, 4, COME_BACK_MAILS);
	rig_begin(a, 4, COME_BACK_MAILS);
	rig_until_paused(a, 1);
	if (!strstr(a->why.text, c->words))
		fail_msg("%s", a->why.text);
	assert_true(a->last.scope == SCOPE_RELAY || a->last.code == 421 || a->last.code == 450);
	assert_int_equal(a->last.kind, VERDICT_DEFERRED);
	assert_int_equal(a->last.account, c->pause_s == 3600);
	rig_turns(b, 3);
	b->hold = false;
	rig_until_closed(a);
	before = mini_smtpd_commands(a->s, "MAIL");
	connections = mini_smtpd_connections(a->s);
	clock_shift((c->pause_s - 2) * INT64_C(1000), 0);
	rig_turns(a, 5);
	rig_turns(b, 5);
	assert_int_equal(mini_smtpd_commands(a->s, "MAIL"), before);
	assert_int_equal(mini_smtpd_connections(a->s), connections);
	for (int64_t shift = c->pause_s * INT64_C(1250) + 2000; a->done + b->done < 2 * COME_BACK_MAILS;) {
		unsigned taken, open;

		clock_shift(shift += 100, 0); /* who waits for another's connection looks once a second */
		assert_true(shift < (c->pause_s + 3600) * INT64_C(2000));
		rig_turn(a, 1);
		rig_turn(b, 1);
		taken = a->sent + b->sent;
		open = relay_pool_open_links(a->pool) + relay_pool_open_links(b->pool);
		if (open > 1 + taken / 50)
			fail_msg("%s: %u connections after %u mails", c->mail, open, taken);
		most = open > most ? open : most;
	}
	assert_true(most >= 3);
	assert_int_equal(a->pauses + b->pauses, 1);
	assert_int_equal(a->downs + b->downs, 0);
	relay_pool_free(&b->pool);
	free(b);
	rig_free(a);
}

static void comes_back_slowly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
		check_long(&longs[i]);
}

/* Asked once an hour, and given up when a day brought nothing. */
static void a_quota_that_never_returns(void **state)
{
	const struct mini_options o = { .mail = "550 5.4.5 Daily limit exceeded\r\n" };
	struct rig *r = rig_one_in_flight(&o);
	unsigned hours = 0;

	(void)state;
	rig_begin(r, 1, 10);
	rig_until_paused(r, 1);
	while (r->downs == 0) {
		unsigned pauses = r->pauses;

		assert_true(hours++ < 40);
		clock_shift(hours * INT64_C(3610000), 0);
		for (unsigned i = 0; r->pauses == pauses && r->downs == 0; i++) {
			assert_true(i < 300);
			rig_turn(r, 20);
		}
	}
	assert_true(hours >= 24 && hours <= 26);
	assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), hours + 1);
	assert_non_null(strstr(r->why.text, "no more mail from this account: 550 5.4.5 Daily limit exceeded"));
	rig_free(r);
}

static const struct hopeless_case {
	const char *mail, *words, *hint;
} hopeless[] = {
	{ "451 Maximum credits exceeded\r\n", "no more mail from this account: 451 Maximum credits exceeded", "quota" },
	{ "530 5.7.0 Authentication required\r\n", "another login: 530 5.7.0 Authentication required", "USER@HOST" },
	{ "535 5.7.8 no\r\n", "another login: 535 5.7.8 no", "USER@HOST" },
};

static void no_mail_from_us(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++) {
		const struct mini_options o = { .mail = hopeless[i].mail };
		struct rig *r = rig_one_in_flight(&o);
		unsigned mails;

		rig_begin(r, 4, 500);
		rig_run(r);
		assert_int_equal(r->downs, 1);
		assert_non_null(strstr(r->why.text, hopeless[i].words));
		assert_non_null(strstr(r->why.hint, hopeless[i].hint));
		rig_until_closed(r);
		mails = mini_smtpd_commands(r->s, "MAIL");
		assert_true(mails <= 4);
		clock_shift(3600 * 1000, 0);
		rig_turns(r, 10);
		clock_shift(0, 0);
		assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), mails);
		assert_int_equal(relay_pool_open_links(r->pool), 0);
		assert_int_equal(relay_pool_in_hand(r->pool), 0);
		rig_free(r);
	}
}

/* The other relay takes what the quiet one would have had. */
static void one_quiet_of_two(void **state)
{
	const struct mini_options good = { 0 }, bad = { .mail = "454 4.7.0 throttled\r\n" };

	(void)state;
	for (unsigned connections = 1; connections <= 4; connections += 3) {
		struct rig *r = rig_new(&bad);

		rig_serve_too(r, &good);
		rig_begin(r, connections, 2000);
		rig_run(r);
		assert_int_equal(r->sent, 2000);
		assert_true(mini_smtpd_commands(r->s, "MAIL") <= 16);
		assert_int_equal(r->downs, 0);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_left_alone), cmocka_unit_test(all_workers_are_quiet),
		cmocka_unit_test(says_not_now_to_all), cmocka_unit_test(a_rate_that_is_used_up), cmocka_unit_test(pauses_begin_anew), cmocka_unit_test(comes_back_slowly),
		cmocka_unit_test(a_quota_that_never_returns), cmocka_unit_test(no_mail_from_us),
		cmocka_unit_test(one_quiet_of_two),
	};

	return cmocka_run_group_tests_name("relay_pauses", tests, NULL, NULL);
}
