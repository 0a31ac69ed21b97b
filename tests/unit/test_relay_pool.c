/* A worker's sessions against a server in this program: every mail has one verdict and comes back;
 * connections are made, kept, closed, lost and made again as relay.h says; broken relays go down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "relay_rig.h"

/* ---- all is well ---- */

static void sends_each_once(void **state)
{
	static const unsigned connections[] = { 1, 3, 8 };

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		const struct mini_options o = { 0 };
		struct rig *r = rig_new(&o);

		rig_begin(r, connections[c], 1000);
		rig_run(r);
		assert_int_equal(r->sent, 1000);
		for (unsigned i = 0; i < 1000; i++)
			assert_int_equal(mini_smtpd_took(r->s, i), 1);
		assert_true(mini_smtpd_connections(r->s) <= connections[c]);
		assert_int_equal(r->pauses + r->downs, 0);
		rig_quit(r);
		assert_int_equal(mini_smtpd_commands(r->s, "QUIT"), mini_smtpd_connections(r->s));
		assert_int_equal(relay_pool_wants(r->pool), 0);
		rig_free(r);
	}
}

/* One connection before there is work, and no more than the work needs. */
static void grows_with_work(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 8, 0);
	for (int i = 0; i < 20; i++)
		rig_turn(r, 5);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	assert_int_equal(relay_pool_wants(r->pool), 1);
	for (unsigned i = 1; i <= 5; i++) { /* slowly */
		r->n_mails = i;
		usleep(30000);
		rig_run(r);
	}
	assert_int_equal(mini_smtpd_connections(r->s), 1);
	r->n_mails = 3000;
	rig_run(r);
	assert_true(mini_smtpd_connections(r->s) > 1);
	rig_free(r);
}

/* The time limit for writing begins with the octets, not with the connection. */
static void late_greeting(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_turn(r, 0);
	clock_shift(290 * 1000, 0);
	rig_run(r);
	assert_int_equal(r->sent, 1);
	assert_int_equal(r->pauses, 0);
	rig_free(r);
}

static void idle_sessions_leave_and_return(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_run(r);
	clock_shift(7900, 0);
	rig_turn(r, 0);
	rig_turn(r, 0);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	clock_shift(8100, 0);
	rig_until_closed(r);
	assert_int_equal(mini_smtpd_commands(r->s, "QUIT"), 1);
	assert_int_equal(relay_pool_wants(r->pool), 1); /* one may wait for a connection */
	r->n_mails = 30;
	rig_run(r);
	assert_int_equal(r->sent, 30);
	assert_int_equal(mini_smtpd_connections(r->s), 2);
	assert_int_equal(r->pauses + r->deferred, 0);
	rig_free(r);
}

/* A paced pool takes a mail only when its MAIL can leave at once. */
static void paced(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	r->paced = true;
	rig_begin(r, 1, 1);
	assert_int_equal(relay_pool_wants(r->pool), 0); /* the first connection is under way */
	rig_run(r);
	clock_shift(8100, 0);
	rig_until_closed(r);
	r->n_mails = 30;
	for (int i = 0; i < 5; i++) {
		rig_turn(r, 5);
		assert_int_equal(relay_pool_wants(r->pool), 0);
		assert_int_equal(relay_pool_in_hand(r->pool), 0);
	}
	assert_int_equal(mini_smtpd_connections(r->s), 1);
	relay_pool_wake(r->pool);
	relay_pool_wake(r->pool);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	assert_int_equal(relay_pool_wants(r->pool), 0); /* until it is ready */
	rig_run(r);
	relay_pool_wake(r->pool); /* one is open */
	assert_int_equal(r->sent, 30);
	assert_int_equal(mini_smtpd_connections(r->s), 2);
	relay_pool_finish(r->pool);
	rig_quit(r);
	relay_pool_wake(r->pool);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(r->pauses + r->deferred, 0);
	rig_free(r);
}

/* A server that hangs up on an idle session: nothing is said about it, and its patience is learned. */
static void idle_close_of_the_server(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_run(r);
	clock_shift(5000, 0);
	mini_smtpd_hang_up(r->s);
	rig_until_closed(r);
	assert_int_equal(r->pauses + r->deferred, 0);
	r->n_mails = 2;
	rig_run(r);
	assert_int_equal(r->sent, 2);
	clock_shift(9100, 0); /* 4.1 s later */
	rig_until_closed(r);
	assert_int_equal(mini_smtpd_commands(r->s, "QUIT"), 1);
	r->n_mails = 3;
	rig_run(r);
	clock_shift(12100, 0); /* sooner still */
	mini_smtpd_hang_up(r->s);
	rig_until_closed(r);
	r->n_mails = 4;
	rig_run(r);
	clock_shift(14400, 0); /* 2.3 s later */
	rig_until_closed(r);
	assert_int_equal(mini_smtpd_commands(r->s, "QUIT"), 2);
	assert_int_equal(r->sent, 4);
	assert_int_equal(r->pauses + r->deferred, 0);
	rig_free(r);
}

/* ---- servers that end sessions ---- */

static void few_mails_a_connection(void **state)
{
	(void)state;
	for (unsigned k = 1; k <= 12; k++) {
		const struct mini_options o = { .mails_per_connection = k, .say_421 = k % 2 };
		struct rig *r = rig_new(&o);

		rig_begin(r, 3, 100);
		rig_run(r);
		assert_int_equal(r->refused, 0);
		assert_int_equal(r->sent + r->in_doubt, 100);
		if (r->in_doubt && k % 2) /* what a 421 was said behind is settled */
			fail_msg("k %u: %u in doubt", k, r->in_doubt);
		for (unsigned i = 0; i < 100; i++)
			assert_true(mini_smtpd_took(r->s, i) <= 1);
		rig_free(r);
	}
}

/* A server that cannot do what it offers is found out, remembered, and served another way; nobody is lost. */
static void check_broken_offer(const struct mini_options *o)
{
	struct rig *r = rig_new(o);

	atomic_store(&r->relays[0]->board->trusted, false);
	rig_begin(r, 3, 100);
	rig_run(r);
	rig_quit(r);
	assert_int_equal(r->sent, 100);
	assert_int_equal(r->in_doubt + r->refused, 0);
	assert_int_equal(r->pauses + r->downs, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(mini_smtpd_took(r->s, i), 1);
	assert_true(mini_smtpd_connections(r->s) <= 10); /* it is found out by a few sessions at the beginning */
	rig_free(r);
}

static void offers_in_vain(void **state)
{
	const struct mini_options no_bdat = { .no_bdat = true };
	const struct mini_options no_groups = { .no_groups = "500 5.5.1 Pipelining not supported\r\n" };
	/* With BDAT a whole message would have left, and a bare close settles nothing. */
	const struct mini_options hangs_up = { .no_groups = "", .ehlo = "250-mini\r\n250 PIPELINING\r\n" };

	(void)state;
	check_broken_offer(&no_bdat);
	check_broken_offer(&no_groups);
	check_broken_offer(&hangs_up);
}

/* Only what had left before it was found out is in doubt: a message for each of the first sessions. */
static void hangs_up_at_bdat(void **state)
{
	enum { CONNECTIONS = 3 };
	const struct mini_options o = { .drop_bdat = true };
	struct rig *r = rig_new(&o);

	(void)state;
	atomic_store(&r->relays[0]->board->trusted, false);
	rig_begin(r, CONNECTIONS, 100);
	rig_run(r);
	rig_quit(r);
	assert_int_equal(r->sent + r->in_doubt, 100);
	assert_in_range(r->in_doubt, 2, 1 + CONNECTIONS);
	assert_int_equal(r->refused + r->pauses + r->downs, 0);
	rig_free(r);
}

static void a_thousand_connections(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_bare(&o);
	struct relay_options opt = { .helo = "worker.example", .messages_per_connection = 1 };
	struct err e = { 0 };
	unsigned before = 0;
	char url[64];

	(void)state;
	snprintf(url, sizeof url, "smtp://127.0.0.1:%d?tls=none", mini_smtpd_port(r->s));
	opt.url = url;
	assert_int_equal(relay_open(&r->relays[r->n_relays++], &opt, &e), 0);
	rig_begin(r, 2, 1000);
	rig_run(r);
	rig_quit(r);
	assert_int_equal(r->sent, 1000);
	assert_int_equal(mini_smtpd_connections(r->s), 1000);
	relay_pool_free(&r->pool);
	rig_stop_server(&r->s);
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		before++;
	closedir(d);
	assert_true(before < 16); /* none was left open */
	rig_free(r);
}

static void lost_after_the_end_of_data(void **state)
{
	const struct mini_options o = { .mute_end = true };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_run(r);
	assert_int_equal(r->in_doubt, 1);
	rig_free(r);
}

static void bad_greetings_first(void **state)
{
	const struct mini_options o = { .bad_connections = 3, .first_greeting = "421 4.3.2 later\r\n" };
	struct rig *r = rig_new(&o);
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	rig_begin(r, 2, 10);
	rig_run(r);
	assert_int_equal(r->sent, 10);
	assert_int_equal(r->pauses, 3);
	assert_int_equal(r->downs, 0);
	assert_non_null(strstr(r->why.text, "later"));
	assert_true(clock_mono_ms() - begin_ms >= 1000); /* 0.2 + 0.4 + 0.8 s, less a quarter */
	rig_free(r);
}

/* Each session is ready and then breaks: the waits must grow all the same. */
static void never_serves(void **state)
{
	const struct mini_options o = { .drop_mail = true, .ehlo = "250 mini\r\n" };
	struct rig *r = rig_new(&o);
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	rig_begin(r, 1, 1);
	while (clock_mono_ms() - begin_ms < 1500)
		rig_turn(r, 50);
	if (mini_smtpd_connections(r->s) < 3 || mini_smtpd_connections(r->s) > 5)
		fail_msg("%u connections", mini_smtpd_connections(r->s));
	assert_true(r->pauses >= 2 && r->deferred >= 2);
	clock_shift(11 * 60 * 1000, 0);
	rig_run(r);
	assert_int_equal(r->downs, 1);
	assert_int_equal(r->all_downs, 1);
	assert_non_null(strstr(r->why.text, "gave up after 10 min"));
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	rig_free(r);
}

static void vanishes_and_comes_back(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);
	uint16_t port = mini_smtpd_port(r->s);

	(void)state;
	rig_begin(r, 2, 10);
	rig_run(r);
	mini_smtpd_stop(r->s);
	while (relay_pool_open_links(r->pool))
		rig_turn(r, 1000);
	r->n_mails = 20;
	while (r->pauses < 2)
		rig_turn(r, 1000);
	assert_int_equal(r->downs, 0);
	assert_non_null(strstr(r->why.text, "refused"));
	r->s = mini_smtpd_start(&o, port);
	rig_run(r);
	assert_int_equal(r->sent, 20);
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(mini_smtpd_took(r->s, i), 1);
	rig_free(r);
}

/* ---- relays that are down ---- */

static const struct down_case {
	const char *title;
	struct mini_options o;
	const char *user, *url_end;
	const char *words;
	const char *never; /* a command that must not come */
	bool hint;
} downs[] = {
	{ "login", { .ehlo = "250-mini\r\n250 AUTH PLAIN\r\n", .auth = "535 5.7.8 no\r\n" }, "ann", "", "refused", "MAIL", true },
	{ "no login there", { 0 }, "ann", "", "offers no login", "MAIL", true },
	{ "no STARTTLS", { 0 }, "", "&tls=starttls", "STARTTLS", "MAIL", true },
	{ "STARTTLS refused", { .ehlo = "250-mini\r\n250 STARTTLS\r\n", .starttls = "501 no\r\n" }, "", "&tls=starttls",
	  "refused to begin TLS", "MAIL", true },
	{ "injection", { .ehlo = "250-mini\r\n250 STARTTLS\r\n", .starttls = "220 go\r\n250 injected\r\n" }, "",
	  "&tls=starttls", "in clear", "MAIL", false },
	{ "not TLS", { .ehlo = "250-mini\r\n250 STARTTLS\r\n", .starttls = "220 go\r\n" }, "", "&tls=starttls", NULL, "MAIL",
	  false },
};

static void check_down(const struct down_case *c)
{
	struct rig *r = rig_bare(&c->o);
	char place[32];

	rig_add(r, r->s, c->user, c->url_end, RIG_WINDOW);
	rig_begin(r, 4, 10);
	rig_run(r);
	if (r->downs != 1 || r->all_downs != 1 || (c->words && !strstr(r->why.text, c->words)))
		fail_msg("%s: %u, %s", c->title, r->downs, r->why.text);
	snprintf(place, sizeof place, "127.0.0.1:%d", mini_smtpd_port(r->s));
	assert_string_equal(r->why.path, place);
	assert_true(!c->hint || r->why.hint[0]);
	assert_null(strstr(r->why.text, "canary"));
	for (int i = 0; i < 10; i++)
		rig_turn(r, 5);
	assert_int_equal(mini_smtpd_connections(r->s), 1); /* never again */
	assert_int_equal(mini_smtpd_commands(r->s, c->never), 0);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	relay_pool_free(&r->pool);
	r->downs = r->all_downs = r->n_free = 0;
	rig_begin(r, 1, 10); /* another worker is told without asking */
	rig_run(r);
	assert_int_equal(r->all_downs, 1);
	assert_int_equal(mini_smtpd_connections(r->s), 1);
	rig_free(r);
}

static void down_for_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof downs / sizeof *downs; i++)
		check_down(&downs[i]);
}

static void never_reached(void **state)
{
	const struct mini_options o = { .greeting = "" };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_turn(r, 50);
	clock_shift(5 * 60 * 1000 + 10, 0); /* no word in all that time */
	rig_run(r);
	assert_int_equal(r->downs, 1);
	assert_non_null(strstr(r->why.text, "greeting"));
	rig_free(r);

	r = rig_new(&o);
	rig_stop_server(&r->s);
	rig_begin(r, 1, 1);
	rig_run(r);
	assert_int_equal(r->downs, 1);
	assert_non_null(strstr(r->why.text, "refused"));
	assert_non_null(strstr(r->why.hint, "port"));
	rig_free(r);
}

/* ---- several relays ---- */

static void shares_and_fails_over(void **state)
{
	const struct mini_options good = { 0 }, bad = { .mails_per_connection = 5 };
	struct rig *r = rig_new(&bad);
	unsigned at_a = 0, at_b = 0;

	(void)state;
	rig_serve_too(r, &good);
	rig_begin(r, 4, 400);
	while (r->done < 200)
		rig_turn(r, 1000);
	rig_stop_server(&r->s); /* no word any more */
	rig_run(r);
	for (unsigned i = 0; i < 400; i++)
		at_b += mini_smtpd_took(r->t, i);
	at_a = r->sent - at_b;
	assert_int_equal(r->sent + r->in_doubt, 400);
	assert_true(at_a > 0 && at_b > 200);
	assert_int_equal(r->all_downs, 0);
	rig_free(r);
}

static void one_broken_of_two(void **state)
{
	const struct mini_options good = { 0 }, bad = { .ehlo = "250-mini\r\n250 AUTH PLAIN\r\n", .auth = "535 no\r\n" };

	(void)state;
	for (unsigned connections = 1; connections <= 2; connections++) {
		struct rig *r = rig_bare(&bad);

		rig_add(r, r->s, "ann", "", RIG_WINDOW);
		rig_serve_too(r, &good);
		rig_begin(r, connections, 50);
		rig_run(r);
		assert_int_equal(r->sent, 50);
		assert_int_equal(r->downs, 1);
		assert_int_equal(r->all_downs, 0);
		rig_free(r);
	}
}

/* ---- odds and ends ---- */

/* A mail that waits for a connection when all is stopped comes back, begun by nobody. */
static void parked_mail_comes_back(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_run(r);
	clock_shift(9000, 0);
	rig_until_closed(r);
	rig_stop_server(&r->s);
	r->n_mails = 2;
	while (r->pauses < 1)
		rig_turn(r, 100);
	assert_int_equal(relay_pool_in_hand(r->pool), 1);
	r->hold = true;
	relay_pool_finish(r->pool);
	rig_take_events(r);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(r->last.kind, VERDICT_DEFERRED);
	assert_int_equal(r->last.scope, SCOPE_RELAY);
	rig_free(r);
}

static void probes(void **state)
{
	const struct mini_options good = { 0 }, busy = { .greeting = "421 busy\r\n" };
	struct rig *r = rig_new(&good);
	struct err e = { 0 };

	(void)state;
	rig_serve_too(r, &busy);
	assert_int_equal(relay_probe(r->relays[0], &e), 0);
	assert_int_equal(mini_smtpd_commands(r->s, "QUIT"), 1);
	assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), 0);
	assert_int_equal(relay_probe(r->relays[1], &e), -1);
	assert_non_null(strstr(e.text, "busy"));
	rig_free(r);
}

static void without_memory(void **state)
{
	const struct mini_options o = { 0 };

	(void)state;
	for (long n = 0; n < 40; n++) { /* what fails must leave nothing, and later attempts go on */
		struct rig *r = rig_new(&o);
		struct relay_pool_options opt = { .n_relays = 1, .connections = 2, .wake_fd = -1, .trace_fd = -1 };
		struct err e = { 0 };
		int rc;

		opt.relays = (const struct relay *const *)r->relays;
		mem_fail_after(n);
		rc = relay_pool_new(&r->pool, &opt, &e);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_NOMEM);
		} else {
			r->n_mails = 5;
			for (unsigned i = relay_pool_tickets(r->pool); i-- > 0;)
				r->free_tickets[r->n_free++] = i;
			rig_run(r);
			assert_int_equal(r->sent, 5);
		}
		mem_fail_after(-1);
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_each_once), cmocka_unit_test(grows_with_work),
		cmocka_unit_test(late_greeting), cmocka_unit_test(idle_sessions_leave_and_return),
		cmocka_unit_test(paced), cmocka_unit_test(idle_close_of_the_server),
		cmocka_unit_test(few_mails_a_connection), cmocka_unit_test(offers_in_vain), cmocka_unit_test(hangs_up_at_bdat),
		cmocka_unit_test(a_thousand_connections), cmocka_unit_test(lost_after_the_end_of_data),
		cmocka_unit_test(bad_greetings_first), cmocka_unit_test(never_serves),
		cmocka_unit_test(vanishes_and_comes_back), cmocka_unit_test(down_for_good),
		cmocka_unit_test(never_reached), cmocka_unit_test(shares_and_fails_over),
		cmocka_unit_test(one_broken_of_two), cmocka_unit_test(parked_mail_comes_back),
		cmocka_unit_test(probes), cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests_name("relay_pool", tests, NULL, NULL);
}
