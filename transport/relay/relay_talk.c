/* relay_talk.c - drives one session over one socket and waits for each thing that was asked for.
 *
 *  1. Bytes of a mail leave only after its intent was seen; there is no record here, so the grant
 *     follows at once.
 *  2. Steps are timed from what is said to what is answered; those that do not fit are dropped.
 *  3. The socket goes with the loss; what was learned before it stays until relay_talk_free().
 * Held by tests/system/test_transport.py. */
#include "transport/relay/relay_talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_token.h"
#include "transport/smtp/smtp_reply.h"

enum { READ_BYTES = 16 * 1024, PIECES = 64, TOKEN_LOOK_MS = 20, LINE_SHOWN = 2048 };

enum goal { GOAL_READY, GOAL_DONE, GOAL_REPLY, GOAL_CLOSED };

struct relay_talk {
	const struct relay *relay;
	struct relay_talk_options opt;
	struct relay_told told;
	int close_code;
	struct net_link *net;
	struct net_address peer; /* n == 0: never connected */
	struct smtp_session *session;
	bool ready, done, replied, closed;
	struct err why;           /* of the end */
	struct verdict *verdicts; /* of the mail in hand */
	uint32_t n_verdicts;
	uint32_t granting;        /* 0 nothing, else ticket + 1 */
	struct relay_step steps[RELAY_STEPS_MAX];
	unsigned n_steps;
	int64_t step_begun_ns;
	char step[RELAY_STEP_WORDS]; /* under way; "" none */
	char bytes[READ_BYTES];
};

/* ---- steps ---- */

static void step_begins(struct relay_talk *t, struct span words)
{
	struct span verb = span_sub(words, 0, span_find(words, ' '));

	utf8_printable(span_sub(verb, 0, sizeof t->step - 1), t->step, sizeof t->step);
	t->step_begun_ns = clock_mono_ns();
}

static void step_took(struct relay_talk *t, const char *what, int64_t us)
{
	struct relay_step *s = &t->steps[t->n_steps];

	if (t->n_steps == RELAY_STEPS_MAX)
		return;
	snprintf(s->what, sizeof s->what, "%s", what);
	s->took_us = us;
	t->n_steps++;
}

static void step_ends(struct relay_talk *t)
{
	if (t->step[0])
		step_took(t, t->step, (clock_mono_ns() - t->step_begun_ns) / 1000);
	t->step[0] = '\0';
}

/* Lines of a login are part of AUTH: its step ends with the reply that is no challenge. */
static void on_line(struct relay_talk *t, bool from_server, struct span line)
{
	bool more = from_server && (span_begins(line, SPAN("334")) || (line.n > 3 && line.p[3] == '-'));

	if (from_server && !more)
		step_ends(t);
	else if (!from_server && !t->step[0])
		step_begins(t, line);
	if (t->opt.trace) {
		char text[LINE_SHOWN];

		utf8_printable(line, text, sizeof text);
		t->opt.trace(t->opt.trace_ctx, from_server, span_str(text));
	}
}

static void on_lines(void *ctx, bool from_server, struct span lines)
{
	struct span line;
	bool more = true;

	while (more) {
		more = smtp_trace_next(&lines, &line);
		on_line(ctx, from_server, line);
	}
}

/* ---- the link ---- */

static int wait_for_link(struct relay_talk *t, int64_t until_ms)
{
	unsigned wants = net_link_wants(t->net);
	struct pollfd p = { .fd = net_link_fd(t->net) };
	int64_t ms = until_ms == INT64_MAX ? -1 : until_ms - clock_mono_ms();

	p.events = (short)((wants & NET_WANTS_READ ? POLLIN : 0) | (wants & NET_WANTS_WRITE ? POLLOUT : 0));
	if (until_ms != INT64_MAX && ms < 0)
		ms = 0;
	return poll(&p, 1, ms > 3600000 ? 3600000 : (int)ms);
}

static int connect_now(struct relay_talk *t, struct err *e)
{
	int rc;

	step_begins(t, SPAN("connect"));
	net_link_go(t->net, &t->relay->way);
	rc = net_link_connect(t->net, &t->relay->addresses, clock_mono_ms(), t->relay->connect_ms, e);
	while (rc == 0) {
		if (wait_for_link(t, net_link_deadline_ms(t->net)) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the connection");
		rc = net_link_connect_step(t->net, clock_mono_ms(), e);
	}
	if (rc < 0)
		return -1;
	step_ends(t);
	t->peer = *net_link_peer(t->net);
	return 0;
}

static void lose(struct relay_talk *t, const struct err *why)
{
	net_link_free(&t->net);
	smtp_session_hangup(t->session, why);
}

/* The whole handshake. */
static void shake(struct relay_talk *t)
{
	struct err e = { 0 };
	int rc;

	if (smtp_session_deadline_ms(t->session) == INT64_MAX)
		return; /* what came behind the go-ahead, in clear, has ended the session */
	step_begins(t, SPAN("TLS"));
	if (net_link_secure(t->net, t->relay->tls, NULL, &e) < 0) {
		lose(t, &e);
		return;
	}
	while ((rc = net_link_handshake(t->net, &e)) == 0) {
		smtp_session_tick(t->session, clock_mono_ms());
		if (smtp_session_deadline_ms(t->session) == INT64_MAX)
			return; /* the session ended: it took too long */
		wait_for_link(t, smtp_session_deadline_ms(t->session));
	}
	if (rc < 0) {
		lose(t, &e);
		return;
	}
	step_ends(t);
	smtp_session_tick(t->session, clock_mono_ms());
	relay_bind(t->net, t->session);
	smtp_session_secured(t->session);
	if (t->told.options.security == SMTP_IMPLICIT)
		step_begins(t, SPAN("greeting"));
}

/* ---- the session ---- */

static void take_event(struct relay_talk *t, const struct smtp_event *ev)
{
	switch (ev->kind) {
	case EV_READY:
		t->ready = true;
		break;
	case EV_WANT_TLS:
		shake(t);
		break;
	case EV_INTENT:
		t->granting = ev->ticket + 1;
		break;
	case EV_VERDICT:
		if (ev->verdict->recipient < t->n_verdicts)
			t->verdicts[ev->verdict->recipient] = *ev->verdict;
		break;
	case EV_DONE:
		t->done = true;
		break;
	case EV_REPLY:
		t->replied = true;
		break;
	case EV_CLOSED:
		t->closed = true;
		t->why = ev->error;
		t->close_code = ev->code;
		break;
	}
}

static void push(struct relay_talk *t)
{
	struct span pieces[PIECES];
	struct err e = { 0 };
	size_t taken;
	int n, rc;

	do {
		n = smtp_session_pull(t->session, pieces, PIECES);
		rc = net_link_write(t->net, pieces, n, &taken, &e);
		if (taken > 0)
			smtp_session_wrote(t->session, taken);
	} while (rc == 0 && n > 0 && taken > 0 && !(net_link_wants(t->net) & NET_WANTS_WRITE));
	/* What the server still said is read by the next turn, which then finds the line closed. */
}

static void read_some(struct relay_talk *t)
{
	struct err e = { 0 };
	size_t n;
	int rc = net_link_read(t->net, t->bytes, sizeof t->bytes, &n, &e);

	if (rc > 0)
		smtp_session_feed(t->session, span_of(t->bytes, n));
	else if (rc < 0)
		lose(t, &e);
}

static bool reached(const struct relay_talk *t, enum goal goal)
{
	return (goal == GOAL_READY && t->ready) || (goal == GOAL_DONE && t->done) ||
	       (goal == GOAL_REPLY && t->replied) || (goal == GOAL_CLOSED && t->closed);
}

static int broken(const struct relay_talk *t, struct err *e)
{
	if (t->why.kind == ERR_NONE)
		err_set(e, ERR_NET, "the relay closed the session");
	else if (e)
		*e = t->why;
	return err_at(e, t->relay->place, 0, 0);
}

/* Until the goal is reached: 0; -1 with e: the session is over before. */
static int go_on_until(struct relay_talk *t, enum goal goal, struct err *e)
{
	struct smtp_event ev;

	for (;;) {
		while (!reached(t, goal) && smtp_session_event(t->session, &ev))
			take_event(t, &ev);
		if (reached(t, goal))
			return 0;
		if (t->closed)
			return broken(t, e);
		if (!t->net)
			continue; /* lost just now: its events come next */
		if (t->granting) {
			smtp_session_grant(t->session, t->granting - 1);
			t->granting = 0;
		}
		push(t);
		if (!net_link_has_more(t->net))
			wait_for_link(t, smtp_session_deadline_ms(t->session));
		smtp_session_tick(t->session, clock_mono_ms());
		read_some(t);
	}
}

/* ---- the front ---- */

static int begin_session(struct relay_talk *t, struct err *e)
{
	struct smtp_options *opt = &t->told.options;

	if (relay_tell(&t->told, t->relay, t->net, e) < 0)
		return -1;
	opt->trace = on_lines;
	opt->trace_ctx = t;
	if (smtp_session_new(&t->session, opt, clock_mono_ms(), e) < 0)
		return -1;
	if (t->told.options.security == SMTP_IMPLICIT)
		shake(t);
	else
		step_begins(t, SPAN("greeting"));
	return go_on_until(t, GOAL_READY, e);
}

static int connect_and_begin(struct relay_talk *t, struct err *e)
{
	if (net_link_new(&t->net, e) < 0)
		return -1;
	if (connect_now(t, e) < 0) {
		net_link_free(&t->net);
		return err_at(e, t->relay->place, 0, 0);
	}
	return begin_session(t, e);
}

static void drop(struct relay_talk *t)
{
	smtp_session_free(&t->session);
	net_link_free(&t->net);
	relay_told_forget(&t->told);
	t->closed = false;
}

/* The token was refused: waits for another one. */
static bool gets_another_token(struct relay_talk *t, struct err *e)
{
	if (!t->told.token || t->why.kind != ERR_AUTH || t->close_code / 100 != 5)
		return false;
	if (relay_token_refused(t->relay->token, t->told.token_serial, e) < 0)
		return false;
	while (relay_token_is_busy(t->relay->token))
		poll(NULL, 0, TOKEN_LOOK_MS);
	return !relay_token_has_failed(t->relay->token, e);
}

int relay_talk_open(struct relay_talk **out, const struct relay *r, const struct relay_talk_options *opt,
		    struct err *e)
{
	struct relay_talk *t = mem_new(sizeof *t);

	*out = t;
	if (!t)
		return err_nomem(e, "for a connection");
	t->relay = r;
	if (opt)
		t->opt = *opt;
	if (r->lookup_took_ms > 0)
		step_took(t, "name", r->lookup_took_ms * 1000);
	while (connect_and_begin(t, e) < 0) {
		if (!gets_another_token(t, e))
			return -1;
		drop(t);
	}
	if (t->told.token)
		relay_token_accepted(r->token, t->told.token_serial);
	return 0;
}

void relay_talk_free(struct relay_talk **t)
{
	if (!*t)
		return;
	drop(*t);
	mem_free_secret(*t, sizeof **t);
	*t = NULL;
}

int relay_talk_send(struct relay_talk *t, const struct mail *m, struct verdict *verdicts, struct err *e)
{
	int rc;

	MUST(t->session && t->ready);
	t->done = false;
	t->verdicts = verdicts;
	t->n_verdicts = m->n_recipients;
	for (uint32_t i = 0; i < m->n_recipients; i++) {
		verdicts[i] = (struct verdict){ .kind = VERDICT_DEFERRED, .scope = SCOPE_SESSION, .stage = "MAIL",
						.recipient = i };
		verdict_say(&verdicts[i], "not begun: the session is over");
	}
	if (t->closed)
		return broken(t, e);
	if (!smtp_session_offer(t->session, m))
		return err_set(e, ERR_NET, "the relay takes no more mail in this session");
	rc = go_on_until(t, GOAL_DONE, e);
	t->verdicts = NULL;
	t->n_verdicts = 0;
	return rc;
}

int relay_talk_command(struct relay_talk *t, struct span line, struct relay_answer *out, struct err *e)
{
	const struct smtp_reply *r;
	size_t n;
	int rc;

	MUST(t->session && t->ready);
	if (t->closed)
		return broken(t, e);
	t->replied = false;
	rc = smtp_session_command(t->session, line, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NET, "the relay takes no command now");
	if (go_on_until(t, GOAL_REPLY, e) < 0)
		return -1;
	r = smtp_session_reply(t->session);
	n = r->text_n < sizeof out->text ? r->text_n : sizeof out->text - 1;
	memcpy(out->text, r->text, n);
	out->text[n] = '\0';
	out->code = r->code;
	return 0;
}

bool relay_talk_is_open(const struct relay_talk *t)
{
	return t->session && t->ready && !t->closed;
}

int relay_talk_quit(struct relay_talk *t, struct err *e)
{
	MUST(t->session);
	smtp_session_finish(t->session);
	if (go_on_until(t, GOAL_CLOSED, e) < 0)
		return -1;
	net_link_free(&t->net);
	return t->why.kind == ERR_NONE ? 0 : broken(t, e);
}

/* ---- questions ---- */

const struct net_address *relay_talk_peer(const struct relay_talk *t)
{
	return t->peer.n > 0 ? &t->peer : NULL;
}

struct span relay_talk_greeting(const struct relay_talk *t)
{
	return t->session ? smtp_session_greeting(t->session) : SPAN("");
}

struct span relay_talk_ehlo(const struct relay_talk *t)
{
	return t->session ? smtp_session_ehlo(t->session) : SPAN("");
}

const struct smtp_caps *relay_talk_caps(const struct relay_talk *t)
{
	MUST(t->session);
	return smtp_session_caps(t->session);
}

bool relay_talk_offers(const struct relay_talk *t, struct span keyword, struct span *params)
{
	return t->session && smtp_session_offers(t->session, keyword, params);
}

struct span relay_talk_mechanisms(const struct relay_talk *t)
{
	return t->session ? smtp_session_mechanisms(t->session) : SPAN("");
}

const char *relay_talk_mechanism(const struct relay_talk *t)
{
	return t->session ? smtp_session_mechanism(t->session) : NULL;
}

void relay_talk_tls(const struct relay_talk *t, char *out, size_t out_size)
{
	if (t->net)
		net_link_tls_words(t->net, out, out_size);
	else if (out_size)
		out[0] = '\0';
}

int relay_talk_cert(const struct relay_talk *t, struct net_cert_facts *out)
{
	return t->net ? net_link_cert(t->net, out) : -1;
}

unsigned relay_talk_steps(const struct relay_talk *t, const struct relay_step **out)
{
	*out = t->steps;
	return t->n_steps;
}
