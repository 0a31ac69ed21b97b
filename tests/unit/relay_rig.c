/* relay_rig.c - see relay_rig.h. Invariant 1: each mail has one verdict before it comes back. */
#include "relay_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/clock.h"

enum { LOOSE_MS = 120000 /* a hang; sanitizers on a busy machine take their time */ };

static const struct span content[] = { { "Subject: x\r\n", 12 }, { "\r\nhello\r\n", 9 } };

/* ---- beginning and end ---- */

void rig_add(struct rig *r, struct mini_smtpd *s, const char *user, const char *url_end, unsigned window)
{
	struct relay_options opt = { .helo = "worker.example", .window = window };
	struct err e = { 0 };
	char url[128];

	if (user[0]) {
		setenv("TEST_RELAY_PASSWORD", "canary", 1);
		opt.password_env = "TEST_RELAY_PASSWORD";
	}
	snprintf(url, sizeof url, "smtp://%s%s127.0.0.1:%d?tls=none%s", user, user[0] ? "@" : "", mini_smtpd_port(s),
		 url_end);
	opt.url = url;
	if (relay_open(&r->relays[r->n_relays++], &opt, &e) < 0)
		fail_msg("%s", e.text);
	relay_board_trust(r->relays[r->n_relays - 1]); /* else the first mail of each session goes alone */
}

struct rig *rig_bare(const struct mini_options *o)
{
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	clock_shift(0, 0); /* a test that failed may have left it anywhere */
	r->s = mini_smtpd_start(o, 0);
	return r;
}

struct rig *rig_new(const struct mini_options *o)
{
	struct rig *r = rig_bare(o);

	rig_add(r, r->s, "", "", RIG_WINDOW);
	return r;
}

struct rig *rig_one_in_flight(const struct mini_options *o)
{
	struct rig *r = rig_bare(o);

	rig_add(r, r->s, "", "", 1);
	return r;
}

void rig_serve_too(struct rig *r, const struct mini_options *o)
{
	r->t = mini_smtpd_start(o, 0);
	rig_add(r, r->t, "", "", RIG_WINDOW);
}

void rig_stop_server(struct mini_smtpd **s)
{
	if (*s)
		mini_smtpd_stop(*s);
	*s = NULL;
}

void rig_free(struct rig *r)
{
	clock_shift(0, 0);
	relay_pool_free(&r->pool);
	for (unsigned i = 0; i < r->n_relays; i++)
		relay_free(&r->relays[i]);
	rig_stop_server(&r->s);
	rig_stop_server(&r->t);
	free(r);
}

void rig_begin(struct rig *r, unsigned connections, unsigned mails)
{
	const struct relay_pool_options opt = {
		.relays = (const struct relay *const *)r->relays, .n_relays = r->n_relays,
		.connections = connections, .wake_fd = -1, .trace_fd = getenv("TRACE") ? 2 : -1,
		.paced = r->paced,
	};
	struct err e = { 0 };

	r->n_mails = mails;
	assert_int_equal(relay_pool_new(&r->pool, &opt, &e), 0);
	assert_true(relay_pool_tickets(r->pool) <= RIG_TICKETS_MAX);
	for (unsigned i = relay_pool_tickets(r->pool); i-- > 0;)
		r->free_tickets[r->n_free++] = i;
}

/* ---- as a worker ---- */

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

void rig_take_events(struct rig *r)
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

void rig_turn(struct rig *r, int64_t max_ms)
{
	struct err e = { 0 };

	if (may_offer(r))
		max_ms = 0;
	assert_int_equal(relay_pool_wait(r->pool, max_ms, &e), 0);
	rig_take_events(r);
	while (may_offer(r))
		offer_one(r);
	rig_take_events(r);
	for (unsigned i = 0; i < r->n_granted; i++)
		relay_pool_grant(r->pool, r->granted[i]);
	r->n_granted = 0;
	relay_pool_push(r->pool);
}

void rig_run(struct rig *r)
{
	int64_t until = clock_mono_ms() + LOOSE_MS;

	while (r->done < r->n_mails && !r->all_downs) {
		rig_turn(r, 1000);
		if (clock_mono_ms() > until)
			fail_msg("%u of %u are done: %s", r->done, r->n_mails, r->why.text);
	}
}

void rig_quit(struct rig *r)
{
	int64_t until = clock_mono_ms() + LOOSE_MS;

	relay_pool_finish(r->pool);
	while (relay_pool_in_hand(r->pool) || relay_pool_open_links(r->pool)) {
		rig_turn(r, 1000);
		assert_true(clock_mono_ms() < until);
	}
}

void rig_turns(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_turn(r, 10);
}

void rig_until_paused(struct rig *r, unsigned times)
{
	for (unsigned i = 0; r->pauses < times; i++) {
		assert_true(i < 300);
		rig_turn(r, 20);
	}
}

void rig_until_closed(struct rig *r)
{
	int64_t until = clock_mono_ms() + LOOSE_MS;

	while (relay_pool_open_links(r->pool)) {
		rig_turn(r, 100);
		assert_true(clock_mono_ms() < until);
	}
	while (r->s && mini_smtpd_open_now(r->s)) {
		usleep(1000);
		assert_true(clock_mono_ms() < until);
	}
}
