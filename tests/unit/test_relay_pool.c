/* A worker's sessions against a server in this program: every mail has one verdict and comes back;
 * connections are made, kept, closed, lost and made again as relay.h says; broken relays go down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "mini_smtpd.h"
#include "transport/relay/relay_parts.h"

enum { RELAYS_MAX = 3, TICKETS_MAX = 1000, LOOSE_MS = 120000 /* a hang; sanitizers on a busy machine take their time */ };

/* What drives a pool as a worker does. */
struct rig {
	struct relay *relays[RELAYS_MAX];
	unsigned n_relays;
	struct relay_pool *pool;
	unsigned n_mails, next, n_free, done, sent, in_doubt, refused;
	unsigned deferred;      /* verdicts; such mails are offered again */
	unsigned pauses, downs, all_downs;
	unsigned again[MINI_MAILS_MAX], n_again;
	unsigned free_tickets[TICKETS_MAX], of_ticket[TICKETS_MAX], verdicts[TICKETS_MAX];
	enum verdict_kind kind[TICKETS_MAX];
	struct mail mails[TICKETS_MAX];
	struct span to[TICKETS_MAX];
	char to_text[TICKETS_MAX][32];
	unsigned granted[TICKETS_MAX], n_granted;
	struct err why; /* of the last PAUSE or DOWN */
	struct verdict last;
	bool hold; /* offer nothing now */
	bool paced;
	bool one_in_flight; /* else a window of 4 */
};

static const struct span content[] = { { "Subject: x\r\n", 12 }, { "\r\nhello\r\n", 9 } };

static void add_relay(struct rig *r, struct mini_smtpd *s, const char *user, const char *parameters)
{
	struct relay_options opt = { .helo = "worker.example" };
	struct err e = { 0 };
	char url[128];

	if (user[0]) {
		setenv("TEST_RELAY_PASSWORD", "canary", 1);
		opt.password_env = "TEST_RELAY_PASSWORD";
	}
	snprintf(url, sizeof url, "smtp://%s%s127.0.0.1:%d?tls=none%s", user, user[0] ? "@" : "", mini_smtpd_port(s),
		 parameters);
	opt.url = url;
	opt.window = r->one_in_flight ? 1 : 4;
	if (relay_open(&r->relays[r->n_relays++], &opt, &e) < 0)
		fail_msg("%s", e.text);
	relay_board_trust(r->relays[r->n_relays - 1]); /* else the first mail of each session goes alone */
}

static void begin(struct rig *r, unsigned connections, unsigned mails)
{
	const struct relay_pool_options opt = {
		.relays = (const struct relay *const *)r->relays, .n_relays = r->n_relays,
		.connections = connections, .wake_fd = -1, .trace_fd = getenv("TRACE") ? 2 : -1,
		.paced = r->paced,
	};
	struct err e = { 0 };

	r->n_mails = mails;
	assert_int_equal(relay_pool_new(&r->pool, &opt, &e), 0);
	assert_true(relay_pool_tickets(r->pool) <= TICKETS_MAX);
	for (unsigned i = relay_pool_tickets(r->pool); i-- > 0;)
		r->free_tickets[r->n_free++] = i;
}

static void end(struct rig *r)
{
	relay_pool_free(&r->pool);
	for (unsigned i = 0; i < r->n_relays; i++)
		relay_free(&r->relays[i]);
}

static void offer_one(struct rig *r)
{
	unsigned t = r->free_tickets[--r->n_free];
	unsigned n = r->n_again ? r->again[--r->n_again] : r->next++;

	snprintf(r->to_text[t], sizeof r->to_text[t], "r%u@example.org", n);
	r->to[t] = span_str(r->to_text[t]);
	r->of_ticket[t] = n;
	r->verdicts[t] = 0;
	r->mails[t] = (struct mail){ .sender = SPAN("ann@example.com"), .recipients = &r->to[t], .n_recipients = 1,
				     .content = content, .n_content = 2, .size = 21, .row = n + 1, .ticket = t };
	assert_int_equal(relay_pool_offer(r->pool, &r->mails[t]), 1);
}

static void mail_done(struct rig *r, unsigned t)
{
	assert_int_equal(r->verdicts[t], 1); /* invariant 1 */
	r->verdicts[t] = 0;
	r->free_tickets[r->n_free++] = t;
	if (r->kind[t] == VERDICT_DEFERRED)
		r->again[r->n_again++] = r->of_ticket[t];
	else
		r->done++;
}

static void take_events(struct rig *r)
{
	struct relay_event ev;

	while (relay_pool_event(r->pool, &ev)) {
		switch (ev.kind) {
		case RELAY_INTENT:
			r->granted[r->n_granted++] = ev.ticket;
			break;
		case RELAY_VERDICT:
			r->verdicts[ev.ticket]++;
			r->kind[ev.ticket] = ev.verdict->kind;
			r->last = *ev.verdict;
			r->sent += ev.verdict->kind == VERDICT_SENT;
			r->deferred += ev.verdict->kind == VERDICT_DEFERRED;
			r->refused += ev.verdict->kind == VERDICT_REFUSED;
			r->in_doubt += ev.verdict->kind == VERDICT_IN_DOUBT;
			break;
		case RELAY_DONE:
			mail_done(r, ev.ticket);
			break;
		case RELAY_PAUSE:
			r->pauses++;
			r->why = *ev.error;
			break;
		case RELAY_DOWN:
			assert_int_equal(r->all_downs, 0);
			r->downs++;
			r->why = *ev.error;
			break;
		case RELAY_ALL_DOWN:
			r->all_downs++;
			assert_non_null(ev.error);
			break;
		}
	}
}

static bool may_offer(const struct rig *r)
{
	return !r->hold && (r->next < r->n_mails || r->n_again) && r->n_free && relay_pool_wants(r->pool);
}

static void turn(struct rig *r, int64_t max_ms)
{
	struct err e = { 0 };

	if (may_offer(r))
		max_ms = 0;
	assert_int_equal(relay_pool_wait(r->pool, max_ms, &e), 0);
	take_events(r);
	while (may_offer(r))
		offer_one(r);
	take_events(r);
	for (unsigned i = 0; i < r->n_granted; i++)
		relay_pool_grant(r->pool, r->granted[i]);
	r->n_granted = 0;
	relay_pool_push(r->pool);
}

/* Until all mails are done or all relays down. */
static void run(struct rig *r)
{
	int64_t until = clock_mono_ms() + LOOSE_MS;

	while (r->done < r->n_mails && !r->all_downs) {
		turn(r, 1000);
		if (clock_mono_ms() > until)
			fail_msg("%u of %u are done: %s", r->done, r->n_mails, r->why.text);
	}
}

static void quit(struct rig *r)
{
	int64_t until = clock_mono_ms() + LOOSE_MS;

	relay_pool_finish(r->pool);
	while (relay_pool_in_hand(r->pool) || relay_pool_open_links(r->pool)) {
		turn(r, 1000);
		assert_true(clock_mono_ms() < until);
	}
}

/* ---- all is well ---- */

static void sends_each_once(void **state)
{
	static const unsigned connections[] = { 1, 3, 8 };

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		const struct mini_options o = { 0 };
		struct mini_smtpd *s = mini_smtpd_start(&o, 0);
		struct rig *r = calloc(1, sizeof *r);

		add_relay(r, s, "", "");
		begin(r, connections[c], 1000);
		run(r);
		assert_int_equal(r->sent, 1000);
		for (unsigned i = 0; i < 1000; i++)
			assert_int_equal(mini_smtpd_took(s, i), 1);
		assert_true(mini_smtpd_connections(s) <= connections[c]);
		assert_int_equal(r->pauses + r->downs, 0);
		quit(r);
		assert_int_equal(mini_smtpd_commands(s, "QUIT"), mini_smtpd_connections(s));
		assert_int_equal(relay_pool_wants(r->pool), 0);
		end(r);
		free(r);
		mini_smtpd_stop(s);
	}
}

/* One connection before there is work, and no more than the work needs. */
static void grows_with_work(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 8, 0);
	for (int i = 0; i < 20; i++)
		turn(r, 5);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	assert_int_equal(relay_pool_wants(r->pool), 1);
	for (unsigned i = 1; i <= 5; i++) { /* slowly */
		r->n_mails = i;
		usleep(30000);
		run(r);
	}
	assert_int_equal(mini_smtpd_connections(s), 1);
	r->n_mails = 3000;
	run(r);
	assert_true(mini_smtpd_connections(s) > 1);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* The time limit for writing begins with the octets, not with the connection. */
static void late_greeting(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	turn(r, 0);
	clock_shift(290 * 1000, 0);
	run(r);
	assert_int_equal(r->sent, 1);
	assert_int_equal(r->pauses, 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static void idle_sessions_leave_and_return(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	run(r);
	clock_shift(7900, 0);
	turn(r, 0);
	turn(r, 0);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	clock_shift(8100, 0);
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	assert_int_equal(mini_smtpd_commands(s, "QUIT"), 1);
	assert_int_equal(relay_pool_wants(r->pool), 1); /* one may wait for a connection */
	r->n_mails = 30;
	run(r);
	assert_int_equal(r->sent, 30);
	assert_int_equal(mini_smtpd_connections(s), 2);
	assert_int_equal(r->pauses + r->deferred, 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* A paced pool takes a mail only when its MAIL can leave at once. */
static void paced(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	r->paced = true;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	assert_int_equal(relay_pool_wants(r->pool), 0); /* the first connection is under way */
	run(r);
	clock_shift(8100, 0);
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	r->n_mails = 30;
	for (int i = 0; i < 5; i++) {
		turn(r, 5);
		assert_int_equal(relay_pool_wants(r->pool), 0);
		assert_int_equal(relay_pool_in_hand(r->pool), 0);
	}
	assert_int_equal(mini_smtpd_connections(s), 1);
	relay_pool_wake(r->pool);
	relay_pool_wake(r->pool);
	assert_int_equal(relay_pool_open_links(r->pool), 1);
	assert_int_equal(relay_pool_wants(r->pool), 0); /* until it is ready */
	run(r);
	relay_pool_wake(r->pool); /* one is open */
	assert_int_equal(r->sent, 30);
	assert_int_equal(mini_smtpd_connections(s), 2);
	relay_pool_finish(r->pool);
	quit(r);
	relay_pool_wake(r->pool);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(r->pauses + r->deferred, 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* A server that hangs up on an idle session: nothing is said about it, and its patience is learned. */
static void idle_close_of_the_server(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	run(r);
	clock_shift(5000, 0);
	mini_smtpd_hang_up(s);
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	assert_int_equal(r->pauses + r->deferred, 0);
	r->n_mails = 2;
	run(r);
	assert_int_equal(r->sent, 2);
	clock_shift(9100, 0); /* 4.1 s later */
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	assert_int_equal(mini_smtpd_commands(s, "QUIT"), 1);
	assert_int_equal(r->pauses + r->deferred, 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* ---- servers that end sessions ---- */

static void few_mails_a_connection(void **state)
{
	(void)state;
	for (unsigned k = 1; k <= 12; k++) {
		const struct mini_options o = { .mails_per_connection = k, .say_421 = k % 2 };
		struct mini_smtpd *s = mini_smtpd_start(&o, 0);
		struct rig *r = calloc(1, sizeof *r);

		add_relay(r, s, "", "");
		begin(r, 3, 100);
		run(r);
		assert_int_equal(r->refused, 0);
		assert_int_equal(r->sent + r->in_doubt, 100);
		if (r->in_doubt && k % 2) /* what a 421 was said behind is settled */
			fail_msg("k %u: %u in doubt", k, r->in_doubt);
		for (unsigned i = 0; i < 100; i++)
			assert_true(mini_smtpd_took(s, i) <= 1);
		end(r);
		free(r);
		mini_smtpd_stop(s);
	}
}

/* A server that cannot do what it offers is found out, remembered, and served another way; nobody is lost. */
static void check_broken_offer(const struct mini_options *o)
{
	struct mini_smtpd *s = mini_smtpd_start(o, 0);
	struct rig *r = calloc(1, sizeof *r);

	add_relay(r, s, "", "");
	atomic_store(&r->relays[0]->board->trusted, false);
	begin(r, 3, 100);
	run(r);
	quit(r);
	assert_int_equal(r->sent, 100);
	assert_int_equal(r->in_doubt + r->refused, 0);
	assert_int_equal(r->pauses + r->downs, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(mini_smtpd_took(s, i), 1);
	assert_true(mini_smtpd_connections(s) <= 10); /* it is found out by a few sessions at the beginning */
	end(r);
	free(r);
	mini_smtpd_stop(s);
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

static void a_thousand_connections(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	struct relay_options opt = { .helo = "worker.example", .messages_per_connection = 1 };
	struct err e = { 0 };
	unsigned before = 0;
	char url[64];

	(void)state;
	snprintf(url, sizeof url, "smtp://127.0.0.1:%d?tls=none", mini_smtpd_port(s));
	opt.url = url;
	assert_int_equal(relay_open(&r->relays[r->n_relays++], &opt, &e), 0);
	begin(r, 2, 1000);
	run(r);
	quit(r);
	assert_int_equal(r->sent, 1000);
	assert_int_equal(mini_smtpd_connections(s), 1000);
	end(r);
	mini_smtpd_stop(s);
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		before++;
	closedir(d);
	assert_true(before < 16); /* none was left open */
	free(r);
}

static void lost_after_the_end_of_data(void **state)
{
	const struct mini_options o = { .mute_end = true };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	run(r);
	assert_int_equal(r->in_doubt, 1);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static void bad_greetings_first(void **state)
{
	const struct mini_options o = { .bad_connections = 3, .first_greeting = "421 4.3.2 later\r\n" };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 2, 10);
	run(r);
	assert_int_equal(r->sent, 10);
	assert_int_equal(r->pauses, 3);
	assert_int_equal(r->downs, 0);
	assert_non_null(strstr(r->why.text, "later"));
	assert_true(clock_mono_ms() - begin_ms >= 1000); /* 0.2 + 0.4 + 0.8 s, less a quarter */
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* Each session is ready and then breaks: the waits must grow all the same. */
static void never_serves(void **state)
{
	const struct mini_options o = { .drop_mail = true, .ehlo = "250 mini\r\n" };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	while (clock_mono_ms() - begin_ms < 1500)
		turn(r, 50);
	if (mini_smtpd_connections(s) < 3 || mini_smtpd_connections(s) > 5)
		fail_msg("%u connections", mini_smtpd_connections(s));
	assert_true(r->pauses >= 2 && r->deferred >= 2);
	clock_shift(11 * 60 * 1000, 0);
	run(r);
	assert_int_equal(r->downs, 1);
	assert_int_equal(r->all_downs, 1);
	assert_non_null(strstr(r->why.text, "gave up after 10 min"));
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static void vanishes_and_comes_back(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	uint16_t port = mini_smtpd_port(s);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 2, 10);
	run(r);
	mini_smtpd_stop(s);
	while (relay_pool_open_links(r->pool))
		turn(r, 1000);
	r->n_mails = 20;
	while (r->pauses < 2)
		turn(r, 1000);
	assert_int_equal(r->downs, 0);
	assert_non_null(strstr(r->why.text, "refused"));
	s = mini_smtpd_start(&o, port);
	run(r);
	assert_int_equal(r->sent, 20);
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(mini_smtpd_took(s, i), 1);
	end(r);
	free(r);
	mini_smtpd_stop(s);
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
	struct mini_smtpd *s = mini_smtpd_start(&c->o, 0);
	struct rig *r = calloc(1, sizeof *r);
	char place[32];

	add_relay(r, s, c->user, c->url_end);
	begin(r, 4, 10);
	run(r);
	if (r->downs != 1 || r->all_downs != 1 || (c->words && !strstr(r->why.text, c->words)))
		fail_msg("%s: %u, %s", c->title, r->downs, r->why.text);
	snprintf(place, sizeof place, "127.0.0.1:%d", mini_smtpd_port(s));
	assert_string_equal(r->why.path, place);
	assert_true(!c->hint || r->why.hint[0]);
	assert_null(strstr(r->why.text, "canary"));
	for (int i = 0; i < 10; i++)
		turn(r, 5);
	assert_int_equal(mini_smtpd_connections(s), 1); /* never again */
	assert_int_equal(mini_smtpd_commands(s, c->never), 0);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	relay_pool_free(&r->pool);
	r->downs = r->all_downs = r->n_free = 0;
	begin(r, 1, 10); /* another worker is told without asking */
	run(r);
	assert_int_equal(r->all_downs, 1);
	assert_int_equal(mini_smtpd_connections(s), 1);
	end(r);
	free(r);
	mini_smtpd_stop(s);
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
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	turn(r, 50);
	clock_shift(5 * 60 * 1000 + 10, 0); /* no word in all that time */
	run(r);
	assert_int_equal(r->downs, 1);
	assert_non_null(strstr(r->why.text, "greeting"));
	clock_shift(0, 0);
	end(r);

	memset(r, 0, sizeof *r);
	add_relay(r, s, "", "");
	mini_smtpd_stop(s);
	begin(r, 1, 1);
	run(r);
	assert_int_equal(r->downs, 1);
	assert_non_null(strstr(r->why.text, "refused"));
	assert_non_null(strstr(r->why.hint, "port"));
	end(r);
	free(r);
}

/* ---- relays that take no mail now ---- */

static void turns(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		turn(r, 10);
}

static void until_paused(struct rig *r, unsigned times)
{
	for (unsigned i = 0; r->pauses < times; i++) {
		assert_true(i < 300);
		turn(r, 20);
	}
}

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
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	unsigned mails;

	r->one_in_flight = true;
	add_relay(r, s, "", "");
	begin(r, QUIET_CONNECTIONS, 200);
	until_paused(r, 1);
	if (!strstr(r->why.text, "takes no mail now: "))
		fail_msg("%s", r->why.text);
	assert_memory_equal(strstr(r->why.text, "now: ") + 5, c->mail, strlen(c->mail) - 2);
	assert_int_equal(r->last.scope, SCOPE_RELAY);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	turns(r, 5);
	clock_shift(2500, 0);
	turns(r, 20);
	mails = mini_smtpd_commands(s, "MAIL"); /* those that were under way at the first "not now" too */
	assert_true(mails <= QUIET_CONNECTIONS);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(r->pauses, 1);
	assert_true(mini_smtpd_commands(s, "QUIT") >= 1);
	clock_shift(6300, 0); /* 5 s and a quarter */
	until_paused(r, 2);
	clock_shift(6300 + 6400, 0); /* 10 s this time, less a quarter at most: longer than the first could be */
	turns(r, 20);
	assert_true(mini_smtpd_commands(s, "MAIL") <= mails + QUIET_CONNECTIONS);
	assert_int_equal(r->pauses, 2);
	for (unsigned i = 0; r->done < 200; i++) {
		assert_true(i < 3000);
		clock_shift(20000 + i * 2000, 0);
		turn(r, 5);
	}
	assert_int_equal(r->sent, 200);
	assert_int_equal(r->downs, 0);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static void is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof quiets / sizeof *quiets; i++)
		check_quiet(&quiets[i]);
}

/* What one worker hears, all obey; only one says so. */
static void all_workers_are_quiet(void **state)
{
	const struct mini_options o = { .mail = "454 4.7.0 throttled\r\n", .bad_mails = 1 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);

	(void)state;
	add_relay(a, s, "", "");
	b->relays[0] = a->relays[0];
	b->n_relays = 1;
	b->hold = true;
	begin(b, 4, 100);
	turns(b, 5);
	begin(a, 4, 1);
	until_paused(a, 1);
	turn(b, 0);
	b->hold = false;
	assert_int_equal(relay_pool_wants(b->pool), 0);
	turns(b, 10);
	assert_int_equal(mini_smtpd_commands(s, "MAIL"), 1);
	assert_int_equal(relay_pool_open_links(b->pool), 0);
	clock_shift(10000, 0);
	run(b);
	run(a);
	assert_int_equal(a->pauses, 1);
	assert_int_equal(b->pauses, 0);
	clock_shift(0, 0);
	relay_pool_free(&b->pool);
	end(a);
	free(a);
	free(b);
	mini_smtpd_stop(s);
}

/* A mail that was taken makes the next pause a short one again. */
static void pauses_begin_anew(void **state)
{
	const struct mini_options o = { .end_of_data = "454 4.7.0 throttled\r\n" }, good = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);
	uint16_t port = mini_smtpd_port(s);
	int64_t shift = 0;

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	while (r->pauses < 4) { /* 5, 10, 20 s */
		clock_shift(shift += 1000, 0);
		turn(r, 10);
	}
	assert_true(shift >= 26000);
	turns(r, 10);
	mini_smtpd_stop(s);
	s = mini_smtpd_start(&good, port);
	clock_shift(shift += 50000, 0);
	run(r);
	assert_int_equal(r->sent, 1);
	mini_smtpd_stop(s);
	turns(r, 5);
	s = mini_smtpd_start(&o, port);
	r->n_mails = 2;
	r->pauses = 0;
	for (unsigned i = 0; !strstr(r->why.text, "454") || r->pauses == 0; i++) {
		r->why.text[0] = '\0';
		assert_true(i < 500);
		clock_shift(shift += 100, 0);
		turn(r, 10);
	}
	assert_int_equal(mini_smtpd_commands(s, "MAIL"), 1);
	clock_shift(shift + 6300, 0);
	for (unsigned i = 0; mini_smtpd_commands(s, "MAIL") == 1; i++) {
		assert_true(i < 300);
		turn(r, 10);
	}
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static const struct hopeless_case {
	const char *mail, *words, *hint;
} hopeless[] = {
	{ "550 5.4.5 Daily limit exceeded\r\n", "no more mail from this account: 550 5.4.5 Daily limit exceeded", "quota" },
	{ "530 5.7.0 Authentication required\r\n", "another login: 530 5.7.0 Authentication required", "USER@HOST" },
	{ "535 5.7.8 no\r\n", "another login: 535 5.7.8 no", "USER@HOST" },
};

static void no_mail_from_us(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++) {
		const struct mini_options o = { .mail = hopeless[i].mail };
		struct mini_smtpd *s = mini_smtpd_start(&o, 0);
		struct rig *r = calloc(1, sizeof *r);
		unsigned mails;

		r->one_in_flight = true;
		add_relay(r, s, "", "");
		begin(r, 4, 500);
		run(r);
		assert_int_equal(r->downs, 1);
		assert_non_null(strstr(r->why.text, hopeless[i].words));
		assert_non_null(strstr(r->why.hint, hopeless[i].hint));
		mails = mini_smtpd_commands(s, "MAIL");
		assert_true(mails <= 4);
		turns(r, 10);
		clock_shift(3600 * 1000, 0);
		turns(r, 10);
		clock_shift(0, 0);
		assert_int_equal(mini_smtpd_commands(s, "MAIL"), mails);
		assert_int_equal(relay_pool_open_links(r->pool), 0);
		assert_int_equal(relay_pool_in_hand(r->pool), 0);
		end(r);
		free(r);
		mini_smtpd_stop(s);
	}
}

/* The other relay takes what the quiet one would have had. */
static void one_quiet_of_two(void **state)
{
	const struct mini_options good = { 0 }, bad = { .mail = "454 4.7.0 throttled\r\n" };
	struct mini_smtpd *a = mini_smtpd_start(&bad, 0), *b = mini_smtpd_start(&good, 0);

	(void)state;
	for (unsigned connections = 1; connections <= 4; connections += 3) {
		struct rig *r = calloc(1, sizeof *r);

		add_relay(r, a, "", "");
		add_relay(r, b, "", "");
		begin(r, connections, 2000);
		run(r);
		assert_int_equal(r->sent, 2000);
		assert_true(mini_smtpd_commands(a, "MAIL") <= 16);
		assert_int_equal(r->downs, 0);
		end(r);
		free(r);
	}
	mini_smtpd_stop(a);
	mini_smtpd_stop(b);
}

/* ---- several relays ---- */

static void shares_and_fails_over(void **state)
{
	const struct mini_options good = { 0 }, bad = { .mails_per_connection = 5 };
	struct mini_smtpd *a = mini_smtpd_start(&bad, 0), *b = mini_smtpd_start(&good, 0);
	struct rig *r = calloc(1, sizeof *r);
	unsigned at_a = 0, at_b = 0;

	(void)state;
	add_relay(r, a, "", "");
	add_relay(r, b, "", "");
	begin(r, 4, 400);
	while (r->done < 200)
		turn(r, 1000);
	mini_smtpd_stop(a); /* no word any more */
	a = NULL;
	run(r);
	for (unsigned i = 0; i < 400; i++)
		at_b += mini_smtpd_took(b, i);
	at_a = r->sent - at_b;
	assert_int_equal(r->sent + r->in_doubt, 400);
	assert_true(at_a > 0 && at_b > 200);
	assert_int_equal(r->all_downs, 0);
	end(r);
	free(r);
	mini_smtpd_stop(b);
}

static void one_broken_of_two(void **state)
{
	const struct mini_options good = { 0 }, bad = { .ehlo = "250-mini\r\n250 AUTH PLAIN\r\n", .auth = "535 no\r\n" };
	struct mini_smtpd *a = mini_smtpd_start(&bad, 0), *b = mini_smtpd_start(&good, 0);

	(void)state;
	for (unsigned connections = 1; connections <= 2; connections++) {
		struct rig *r = calloc(1, sizeof *r);

		add_relay(r, a, "ann", "");
		add_relay(r, b, "", "");
		begin(r, connections, 50);
		run(r);
		assert_int_equal(r->sent, 50);
		assert_int_equal(r->downs, 1);
		assert_int_equal(r->all_downs, 0);
		end(r);
		free(r);
	}
	mini_smtpd_stop(a);
	mini_smtpd_stop(b);
}

/* ---- odds and ends ---- */

/* A mail that waits for a connection when all is stopped comes back, begun by nobody. */
static void parked_mail_comes_back(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	run(r);
	clock_shift(9000, 0);
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	mini_smtpd_stop(s);
	r->n_mails = 2;
	while (r->pauses < 1)
		turn(r, 100);
	assert_int_equal(relay_pool_in_hand(r->pool), 1);
	r->hold = true;
	relay_pool_finish(r->pool);
	take_events(r);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(r->last.kind, VERDICT_DEFERRED);
	assert_int_equal(r->last.scope, SCOPE_RELAY);
	clock_shift(0, 0);
	end(r);
	free(r);
}

/* ---- abort ---- */

static void abort_now(struct rig *r)
{
	r->hold = true;
	relay_pool_abort(r->pool);
	take_events(r);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	assert_int_equal(r->pauses + r->downs + r->all_downs, 0);
}

/* At any moment of a run: all mails come back, none that the server took as one that may go again. */
static void aborts_at_any_moment(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 60; k++) {
		const struct mini_options o = { .ehlo = k % 2 ? "250-mini\r\n250 PIPELINING\r\n" : NULL };
		struct mini_smtpd *s = mini_smtpd_start(&o, 0);
		struct rig *r = calloc(1, sizeof *r);
		unsigned mails;

		add_relay(r, s, "", "");
		begin(r, 4, 5000);
		for (unsigned i = 0; i < k; i++)
			turn(r, 1000);
		abort_now(r);
		if (r->last.kind == VERDICT_DEFERRED) {
			assert_int_equal(r->last.scope, SCOPE_SESSION);
			assert_int_equal(r->last.code, 0);
			assert_string_equal(r->last.text, "stopped");
		}
		while (mini_smtpd_open_now(s))
			usleep(1000);
		mails = mini_smtpd_commands(s, "MAIL");
		for (unsigned i = 0; i < 3; i++)
			turn(r, 5);
		assert_int_equal(mini_smtpd_commands(s, "MAIL"), mails);
		assert_int_equal(relay_pool_open_links(r->pool), 0);
		assert_int_equal(r->sent + r->in_doubt + r->n_again, r->next);
		for (unsigned i = 0; i < r->n_again; i++)
			assert_int_equal(mini_smtpd_took(s, r->again[i]), 0);
		end(r);
		free(r);
		mini_smtpd_stop(s);
	}
}

/* What had left whole is in doubt, and only that. */
static void abort_behind_the_end_of_data(void **state)
{
	const struct mini_options o = { .hold_end = true };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 2);
	while (mini_smtpd_commands(s, "MAIL") < 2)
		turn(r, 20);
	abort_now(r);
	assert_int_equal(r->in_doubt, 2);
	assert_non_null(strstr(r->last.text, "stopped"));
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

/* One that waits for a connection was not begun. */
static void abort_of_a_parked_mail(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct rig *r = calloc(1, sizeof *r);

	(void)state;
	add_relay(r, s, "", "");
	begin(r, 1, 1);
	run(r);
	clock_shift(9000, 0);
	while (relay_pool_open_links(r->pool))
		turn(r, 100);
	r->n_mails = 2;
	turn(r, 0);
	assert_int_equal(relay_pool_in_hand(r->pool), 1);
	abort_now(r);
	assert_int_equal(r->last.kind, VERDICT_DEFERRED);
	assert_int_equal(r->last.scope, SCOPE_SESSION);
	clock_shift(0, 0);
	end(r);
	free(r);
	mini_smtpd_stop(s);
}

static void probes(void **state)
{
	const struct mini_options good = { 0 }, busy = { .greeting = "421 busy\r\n" };
	struct mini_smtpd *s = mini_smtpd_start(&good, 0), *t = mini_smtpd_start(&busy, 0);
	struct rig *r = calloc(1, sizeof *r);
	struct err e = { 0 };

	(void)state;
	add_relay(r, s, "", "");
	add_relay(r, t, "", "");
	assert_int_equal(relay_probe(r->relays[0], &e), 0);
	assert_int_equal(mini_smtpd_commands(s, "QUIT"), 1);
	assert_int_equal(mini_smtpd_commands(s, "MAIL"), 0);
	assert_int_equal(relay_probe(r->relays[1], &e), -1);
	assert_non_null(strstr(e.text, "busy"));
	end(r);
	free(r);
	mini_smtpd_stop(s);
	mini_smtpd_stop(t);
}

static void without_memory(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);

	(void)state;
	for (long n = 0; n < 40; n++) { /* what fails must leave nothing, and later attempts go on */
		struct rig *r = calloc(1, sizeof *r);
		struct relay_pool_options opt = { .n_relays = 1, .connections = 2, .wake_fd = -1, .trace_fd = -1 };
		struct err e = { 0 };
		int rc;

		add_relay(r, s, "", "");
		opt.relays = (const struct relay *const *)r->relays;
		mem_fail_after(n);
		rc = relay_pool_new(&r->pool, &opt, &e);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_NOMEM);
		} else {
			r->n_mails = 5;
			for (unsigned i = relay_pool_tickets(r->pool); i-- > 0;)
				r->free_tickets[r->n_free++] = i;
			run(r);
			assert_int_equal(r->sent, 5);
		}
		mem_fail_after(-1);
		end(r);
		free(r);
	}
	mini_smtpd_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_each_once),          cmocka_unit_test(grows_with_work),
		cmocka_unit_test(late_greeting),
		cmocka_unit_test(idle_sessions_leave_and_return), cmocka_unit_test(idle_close_of_the_server),
		cmocka_unit_test(paced),
		cmocka_unit_test(few_mails_a_connection),   cmocka_unit_test(a_thousand_connections),
		cmocka_unit_test(lost_after_the_end_of_data), cmocka_unit_test(bad_greetings_first),
		cmocka_unit_test(never_serves),             cmocka_unit_test(vanishes_and_comes_back),
		cmocka_unit_test(down_for_good),            cmocka_unit_test(never_reached),
		cmocka_unit_test(offers_in_vain),
		cmocka_unit_test(is_left_alone),            cmocka_unit_test(all_workers_are_quiet),
		cmocka_unit_test(pauses_begin_anew),        cmocka_unit_test(no_mail_from_us),
		cmocka_unit_test(one_quiet_of_two),
		cmocka_unit_test(shares_and_fails_over),    cmocka_unit_test(one_broken_of_two),
		cmocka_unit_test(parked_mail_comes_back),   cmocka_unit_test(probes),
		cmocka_unit_test(aborts_at_any_moment),     cmocka_unit_test(abort_behind_the_end_of_data),
		cmocka_unit_test(abort_of_a_parked_mail),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests_name("relay_pool", tests, NULL, NULL);
}
