/* test_script.c - every dialogue of tests/script, replayed and tortured.
 *
 *  replay   as written: what the client writes and tells, and no octet or event more
 *  cut      the server's bytes cut in two at every place, and fed one by one: nothing changes
 *  narrow   one piece a pull, few octets a write: nothing changes
 *  close    the link is lost behind every octet of the server
 *  jam      the link takes no more octets of the client behind every one of them, then is lost
 *  replace  each reply becomes 2xx, 3xx, 4xx, 5xx, 421 or garbage; the server then goes on as
 *           written, falls silent, or goes on as a plain server would
 *
 * Whatever happens: each recipient gets one verdict and each mail one end; no content is handed out
 * before its grant; `sent` only when script_server.c saw the 2xx for that recipient go out; what a
 * server has whole and did not refuse is sent or in doubt, never to be tried again; in doubt only
 * what it has whole; and with time every session ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "tests/unit/script_file.h"
#include "tests/unit/script_server.h"
#include "transport/smtp/smtp_private.h"

enum { EVENTS_MAX = 512, EVENT_MAX = 900, SENT_MAX = 4 << 20, PIECES = 64 };

struct run {
	const struct script *sc;
	struct smtp_session *s;
	struct server server;
	int64_t now;
	int pull_max;
	size_t write_max;
	bool strict; /* what is told must be what the script says */
	char what[200];

	char *sent; /* what the client wrote */
	size_t sent_n, seen;
	size_t pulled_n; /* what it handed out */
	size_t jam;      /* the link takes so many octets and no more */
	char event[EVENTS_MAX][EVENT_MAX];
	unsigned n_events, events_seen;
	bool want_tls, closed;
	unsigned offered;
	struct {
		bool offered, asked, granted, done;
		unsigned verdicts[SCRIPT_RCPTS];
		enum verdict_kind kind[SCRIPT_RCPTS];
	} mail[SCRIPT_MAILS];
};

static unsigned long checks;

static _Noreturn void fail_at(const struct run *r, const struct script_step *step, const char *what, const char *more)
{
	fprintf(stderr, "%s:%u: %s: %s%s\n", r->sc->name, step ? step->line : 0, r->what, what, more ? more : "");
	fprintf(stderr, "--- told:\n");
	for (unsigned i = 0; i < r->n_events; i++)
		fprintf(stderr, "%c %s\n", i < r->events_seen ? ' ' : '>', r->event[i]);
	fprintf(stderr, "--- written, not yet expected:\n%.*s\n", (int)(r->sent_n - r->seen), r->sent + r->seen);
	abort();
}

static void require(const struct run *r, bool ok, const char *what)
{
	checks++;
	if (!ok)
		fail_at(r, NULL, what, NULL);
}

/* --- driver */

static const char *const scopes[] = { "recipient", "mail", "session", "relay" };
static const char *const kinds[] = { "ok", "input", "nomem", "sys", "proto", "net", "tls", "auth", "limit", "state" };

static void on_verdict(struct run *r, const struct smtp_event *ev, char *out)
{
	const struct verdict *v = ev->verdict;
	unsigned m = ev->ticket - 1;

	require(r, m < r->sc->n_mails && r->mail[m].offered && !r->mail[m].done, "verdict for a mail not in hand");
	require(r, v->recipient < r->sc->mail[m].mail.n_recipients, "verdict for nobody");
	require(r, ++r->mail[m].verdicts[v->recipient] == 1, "second verdict for a recipient");
	require(r, v->stage && v->stage[0], "verdict without a stage");
	r->mail[m].kind[v->recipient] = v->kind;
	if (v->kind == VERDICT_SENT)
		snprintf(out, EVENT_MAX, "sent %u.%u %d%s%s ~%s", m + 1, v->recipient + 1, v->code,
			 v->queue_id[0] ? " id=" : "", v->queue_id, v->text);
	else
		snprintf(out, EVENT_MAX, "%s %u.%u %d %s %s ~%s", verdict_word(v->kind), m + 1, v->recipient + 1,
			 v->code, scopes[v->scope], v->stage, v->text);
}

static bool holds(const struct script *sc, uint32_t ticket)
{
	struct span rest = sc->hold;
	unsigned long long v;

	while (rest.n > 0)
		if (span_number(span_cut(&rest, ' '), 1000, &v) == 0 && v == ticket)
			return true;
	return false;
}

static bool drain(struct run *r)
{
	struct smtp_event ev;
	bool any = false;

	while (smtp_session_event(r->s, &ev)) {
		char *out = r->event[r->n_events++];

		any = true;
		require(r, r->n_events < EVENTS_MAX && !r->closed, "event behind the last");
		switch (ev.kind) {
		case EV_READY:
			snprintf(out, EVENT_MAX, "ready");
			break;
		case EV_WANT_TLS:
			snprintf(out, EVENT_MAX, "tls");
			r->want_tls = true;
			break;
		case EV_INTENT:
			snprintf(out, EVENT_MAX, "intent %u", ev.ticket);
			require(r, !r->mail[ev.ticket - 1].asked, "second intent");
			r->mail[ev.ticket - 1].asked = true;
			break;
		case EV_VERDICT:
			on_verdict(r, &ev, out);
			break;
		case EV_DONE:
			snprintf(out, EVENT_MAX, "done %u", ev.ticket);
			require(r, !r->mail[ev.ticket - 1].done, "second end of a mail");
			r->mail[ev.ticket - 1].done = true;
			break;
		case EV_REPLY:
			snprintf(out, EVENT_MAX, "reply %d ~%.*s", ev.code, SPAN_ARG(smtp_reply_text(smtp_session_reply(r->s))));
			break;
		case EV_CLOSED:
			r->closed = true;
			snprintf(out, EVENT_MAX, "closed %s %d ~%s", kinds[ev.error.kind], ev.code, ev.error.text);
			require(r, ev.error.kind == ERR_NONE || ev.error.text[0], "closed without a word");
			if (smtp_session_broke(r->s) & SMTP_BROKE_PIPELINING)
				snprintf(r->event[r->n_events++], EVENT_MAX, "broke pipelining");
			if (smtp_session_broke(r->s) & SMTP_BROKE_CHUNKING)
				snprintf(r->event[r->n_events++], EVENT_MAX, "broke chunking");
			if (smtp_session_broke(r->s) & SMTP_MAYBE_CHUNKING)
				snprintf(r->event[r->n_events++], EVENT_MAX, "doubts chunking");
			break;
		}
	}
	return any;
}

static bool offer_one(struct run *r)
{
	if (r->offered == r->sc->n_mails || !smtp_session_offer(r->s, &r->sc->mail[r->offered].mail))
		return false;
	r->mail[r->offered++].offered = true;
	return true;
}

static bool offer(struct run *r)
{
	bool any = false;

	while (!r->sc->manual && smtp_session_wants(r->s) && offer_one(r))
		any = true;
	return any;
}

static void grant(struct run *r)
{
	for (unsigned i = 0; i < r->sc->n_mails; i++)
		if (r->mail[i].asked && !r->mail[i].granted && !r->mail[i].done && !holds(r->sc, i + 1)) {
			r->mail[i].granted = true;
			smtp_session_grant(r->s, i + 1);
		}
}

static void check_piece(const struct run *r, struct span s)
{
	for (unsigned i = 0; i < r->sc->n_mails; i++)
		for (uint32_t k = 0; k < r->sc->mail[i].mail.n_content; k++) {
			struct span c = r->sc->mail[i].mail.content[k];

			if (s.p >= c.p && s.p < c.p + c.n)
				require(r, r->mail[i].granted && !r->mail[i].done, "content without a grant");
		}
}

static bool push(struct run *r)
{
	struct span out[PIECES];
	uint32_t told = r->s->note_n;
	int n = smtp_session_pull(r->s, out, r->pull_max);
	size_t left = r->write_max, wrote = 0, at = r->sent_n;

	require(r, r->s->note_n == told, "an event out of a pull");

	if (left > r->jam - r->sent_n)
		left = r->jam - r->sent_n;
	for (int i = 0; i < n; i++) {
		struct span s = span_sub(out[i], 0, left);

		require(r, out[i].n > 0, "empty piece");
		check_piece(r, out[i]);
		/* What is handed out counts as gone: the server has it. */
		if (at + out[i].n > r->pulled_n) {
			server_take(&r->server, span_skip(out[i], r->pulled_n - at));
			r->pulled_n = at + out[i].n;
		}
		at += out[i].n;
		require(r, r->sent_n + s.n < SENT_MAX, "client never stops");
		memcpy(r->sent + r->sent_n, s.p, s.n);
		r->sent_n += s.n;
		wrote += s.n;
		left -= s.n;
	}
	smtp_session_wrote(r->s, wrote);
	return wrote > 0;
}

static void pump(struct run *r)
{
	bool busy = true;

	while (busy) {
		busy = drain(r);
		busy |= offer(r);
		busy |= drain(r);
		grant(r);
		busy |= push(r);
		smtp_check(r->s);
	}
}

static struct run *begin(const struct script *sc, const char *what)
{
	struct run *r = calloc(1, sizeof *r);
	static char *sent;
	struct err e;

	if (!sent)
		sent = malloc(SENT_MAX);
	r->sc = sc;
	r->sent = sent;
	r->now = 1000000;
	r->pull_max = sc->pull ? sc->pull : PIECES;
	r->write_max = r->jam = SIZE_MAX;
	snprintf(r->what, sizeof r->what, "%s", what);
	server_begin(&r->server, sc);
	if (smtp_session_new(&r->s, &sc->options, r->now, &e) < 0)
		fail_at(r, NULL, "no session: ", e.text);
	if (sc->options.security == SMTP_IMPLICIT)
		smtp_session_secured(r->s);
	pump(r);
	return r;
}

static void secure(struct run *r)
{
	if (r->want_tls && !r->closed) {
		r->want_tls = false;
		smtp_session_secured(r->s);
	}
}

static void hang_up(struct run *r)
{
	smtp_session_hangup(r->s, NULL);
	pump(r);
}

static void wait_long(struct run *r)
{
	int64_t deadline = smtp_session_deadline_ms(r->s);

	if (deadline == INT64_MAX)
		return;
	smtp_session_tick(r->s, deadline - 1);
	require(r, r->now >= deadline || r->s->phase != PHASE_CLOSED, "ended before its time");
	r->now = deadline;
	smtp_session_tick(r->s, r->now);
	pump(r);
}

/* Time and finish() must end it; then everything is accounted for. */
static void end(struct run *r)
{
	for (unsigned i = 0; i < SCRIPT_MAILS; i++) /* what was held is let go */
		if (r->mail[i].asked && !r->mail[i].granted && !r->mail[i].done && !r->closed) {
			r->mail[i].granted = true;
			smtp_session_grant(r->s, i + 1);
		}
	pump(r);
	for (int i = 0; i < 4 && !r->closed; i++)
		wait_long(r);
	if (!r->closed) {
		smtp_session_finish(r->s);
		pump(r);
	}
	for (int i = 0; i < 4 && !r->closed; i++)
		wait_long(r);
	require(r, r->closed, "session does not end");
	require(r, smtp_session_in_hand(r->s) == 0, "mails in hand at the end");
	for (unsigned m = 0; m < r->sc->n_mails; m++) {
		require(r, r->mail[m].done == r->mail[m].offered, "mail without an end");
		for (unsigned i = 0; i < r->sc->mail[m].mail.n_recipients && r->mail[m].offered; i++) {
			const struct fate *f = &r->server.fate[m][i];
			enum verdict_kind kind = r->mail[m].kind[i];

			require(r, r->mail[m].verdicts[i] == 1, "recipient without a verdict");
			require(r, kind != VERDICT_SENT || f->yes, "sent without a 2xx");
			require(r, kind != VERDICT_IN_DOUBT || f->whole, "in doubt before its window");
			if (f->whole && !f->no)
				require(r, kind == VERDICT_SENT || kind == VERDICT_IN_DOUBT, "taken, but to be tried again");
		}
	}
	smtp_session_free(&r->s);
	free(r);
}

/* --- replay */

static void expect_event(struct run *r, const struct script_step *step)
{
	struct span want = step->text, got;
	size_t tilde;

	if (r->events_seen == r->n_events)
		fail_at(r, step, "not told: ", step->text.p);
	got = span_str(r->event[r->events_seen]);
	tilde = span_search(want, SPAN(" ~"));
	if (tilde < want.n) {
		struct span words = span_skip(want, tilde + 2);
		size_t at = span_search(got, SPAN(" ~"));

		if (span_search(span_skip(got, at), words) == span_skip(got, at).n)
			fail_at(r, step, "other words than ", step->text.p);
		want.n = tilde;
	}
	got.n = span_search(got, SPAN(" ~"));
	if (!span_eq(want, got))
		fail_at(r, step, "told something else than ", step->text.p);
	r->events_seen++;
	checks++;
}

static void expect_written(struct run *r, const struct script_step *step)
{
	if (r->sent_n - r->seen < step->text.n || memcmp(r->sent + r->seen, step->text.p, step->text.n) != 0)
		fail_at(r, step, "not written: ", step->text.p);
	r->seen += step->text.n;
	while (step->whole_line && r->seen < r->sent_n && r->sent[r->seen++] != '\n')
		;
	checks++;
}

static void do_step(struct run *r, const struct script_step *step)
{
	struct span rest = step->text, verb = span_cut(&rest, ' ');
	unsigned long long v;

	if (span_eq(verb, SPAN("tls"))) {
		secure(r);
	} else if (span_eq(verb, SPAN("command"))) {
		struct err e;

		if (smtp_session_command(r->s, rest, &e) != 1 && r->strict)
			fail_at(r, step, "not taken: ", rest.p);
	} else if (span_eq(verb, SPAN("finish"))) {
		smtp_session_finish(r->s);
	} else if (span_eq(verb, SPAN("close"))) {
		smtp_session_hangup(r->s, NULL);
	} else if (span_eq(verb, SPAN("timeout"))) {
		r->now = smtp_session_deadline_ms(r->s);
		smtp_session_tick(r->s, r->now);
	} else if (span_eq(verb, SPAN("wait"))) {
		span_number(rest, 1 << 30, &v);
		r->now += (int64_t)v;
		smtp_session_tick(r->s, r->now);
	} else if (span_eq(verb, SPAN("jam"))) { /* the link takes so many octets more, and then none */
		span_number(rest, 1 << 30, &v);
		r->jam = r->sent_n + (size_t)v;
	} else if (span_eq(verb, SPAN("flow"))) {
		r->jam = SIZE_MAX;
	} else if (span_eq(verb, SPAN("offer"))) {
		offer_one(r);
	} else if (span_eq(verb, SPAN("grant"))) {
		if (span_number(rest, SCRIPT_MAILS, &v) < 0 || v == 0)
			fail_at(r, step, "grant what? ", rest.p);
		if (r->mail[v - 1].asked && !r->mail[v - 1].done) {
			r->mail[v - 1].granted = true;
			smtp_session_grant(r->s, (uint32_t)v);
		}
	} else if (span_eq(verb, SPAN("quiet"))) {
		if (r->strict && r->events_seen != r->n_events)
			fail_at(r, step, "something was told already", NULL);
	} else if (span_eq(verb, SPAN("wants")) || span_eq(verb, SPAN("busy"))) {
		if (r->strict && smtp_session_wants(r->s) != span_eq(verb, SPAN("wants")))
			fail_at(r, step, "it is not so that it ", step->text.p);
	} else {
		fail_at(r, step, "unknown step ", step->text.p);
	}
	pump(r);
}

/* Feeds text; cut: place in the whole of the server's bytes where it is cut, *at: the place now. */
static void feed_cut(struct run *r, struct span text, size_t cut, size_t *at, int code)
{
	size_t head = cut > *at && cut < *at + text.n ? cut - *at : text.n;

	if (code)
		server_replied(&r->server, code);
	smtp_session_feed(r->s, span_sub(text, 0, head));
	if (head < text.n) {
		pump(r);
		smtp_session_feed(r->s, span_skip(text, head));
	}
	*at += text.n;
}

static void play(struct run *r, size_t cut, bool single)
{
	size_t at = 0;

	for (unsigned i = 0; i < r->sc->n_steps; i++) {
		const struct script_step *step = &r->sc->step[i];

		switch (step->kind) {
		case STEP_SERVER:
			if (r->seen != r->sent_n)
				fail_at(r, step, "written before this reply, but not expected", NULL);
			/* The server's replies stand in one segment until something else is said. */
			feed_cut(r, step->text, cut, &at, step->code);
			if (single || i + 1 == r->sc->n_steps || r->sc->step[i + 1].kind != STEP_SERVER)
				pump(r);
			break;
		case STEP_CLIENT:
			expect_written(r, step);
			break;
		case STEP_EVENT:
			expect_event(r, step);
			break;
		case STEP_DO:
			do_step(r, step);
			break;
		}
	}
	if (r->seen != r->sent_n)
		fail_at(r, NULL, "written behind the end of the script", NULL);
	if (r->events_seen != r->n_events)
		fail_at(r, NULL, "told behind the end of the script", NULL);
}

static void replay(const struct script *sc, const char *what, int pull_max, size_t write_max, size_t cut)
{
	struct run *r = begin(sc, what);

	r->strict = true;
	r->pull_max = sc->pull ? sc->pull : pull_max;
	r->write_max = write_max;
	play(r, cut, false);
	end(r);
}

static size_t bytes_of(const struct script *sc, enum script_kind kind)
{
	size_t n = 0;

	for (unsigned i = 0; i < sc->n_steps; i++)
		if (sc->step[i].kind == kind)
			n += sc->step[i].text.n;
	return n;
}

/* --- torture: the server and the driver do their steps, whatever the client does */

static void loose_step(struct run *r, const struct script_step *step)
{
	if (step->kind == STEP_SERVER) {
		if (step->code)
			server_replied(&r->server, step->code);
		smtp_session_feed(r->s, step->text);
		pump(r);
	} else if (step->kind == STEP_DO) {
		do_step(r, step);
	}
}

static void close_at(const struct script *sc, size_t place)
{
	char what[64];
	struct run *r;
	size_t at = 0;

	snprintf(what, sizeof what, "closed behind octet %zu", place);
	r = begin(sc, what);
	for (unsigned i = 0; i < sc->n_steps; i++) {
		const struct script_step *step = &sc->step[i];

		if (step->kind != STEP_SERVER || at + step->text.n <= place) {
			loose_step(r, step);
		} else {
			smtp_session_feed(r->s, span_sub(step->text, 0, place - at));
			pump(r);
			break;
		}
		at += step->kind == STEP_SERVER ? step->text.n : 0;
	}
	hang_up(r);
	end(r);
}

static void jam_at(const struct script *sc, size_t place, int pull_max)
{
	char what[64];
	struct run *r;

	snprintf(what, sizeof what, "jammed behind octet %zu, %d pieces a pull", place, pull_max);
	r = begin(sc, what);
	r->pull_max = pull_max;
	r->jam = place;
	for (unsigned i = 0; i < sc->n_steps && r->sent_n < place; i++)
		loose_step(r, &sc->step[i]);
	hang_up(r);
	end(r);
}

static const struct {
	const char *bytes;
	int code; /* 0: not a reply */
} others[] = {
	{ "250 replaced\r\n", 250 },        { "354 replaced\r\n", 354 },  { "334 cmVwbGFjZWQ=\r\n", 334 },
	{ "451 4.3.0 replaced\r\n", 451 },  { "452 4.5.3 replaced\r\n", 452 }, { "550 5.7.1 replaced\r\n", 550 },
	{ "503 5.5.1 replaced\r\n", 503 },  { "421 4.3.2 replaced\r\n", 421 }, { "replaced\r\n", 0 },
	{ "250 twice\r\n250 twice\r\n", -2 }, { "250-a\r\n550 b\r\n", 0 },
	{ "25: replaced\r\n", 0 },         { "250.replaced\r\n", 0 },
};

enum after { AS_WRITTEN, SILENT, PLAIN, AFTERS };

static void plain_server(struct run *r)
{
	char reply[8192];
	int code;

	for (int i = 0; i < 2000 && !r->closed && server_next_reply(&r->server, reply, sizeof reply, &code); i++) {
		server_replied(&r->server, code);
		smtp_session_feed(r->s, span_str(reply));
		pump(r);
		secure(r);
		pump(r);
	}
}

static void replace(const struct script *sc, unsigned which, unsigned other, enum after after)
{
	static const char *const words[] = { "as written", "silent", "plain" };
	char what[100];
	struct run *r;

	snprintf(what, sizeof what, "line %u becomes '%.10s', then %s", sc->step[which].line, others[other].bytes,
		 words[after]);
	r = begin(sc, what);
	for (unsigned i = 0; i < which; i++)
		loose_step(r, &sc->step[i]);
	if (others[other].code > 0)
		server_replied(&r->server, others[other].code);
	for (int i = 0; i > others[other].code && others[other].code < 0; i--)
		server_replied(&r->server, 250);
	smtp_session_feed(r->s, span_str(others[other].bytes));
	pump(r);
	for (unsigned i = which + 1; i < sc->n_steps && after == AS_WRITTEN; i++)
		loose_step(r, &sc->step[i]);
	if (after == PLAIN) {
		plain_server(r);
		smtp_session_finish(r->s);
		pump(r);
		plain_server(r);
	}
	end(r);
}

static void torture(const struct script *sc)
{
	size_t n = bytes_of(sc, STEP_SERVER), step = n > 4000 ? n / 800 : 1;

	for (size_t cut = 1; cut < n; cut += step) {
		char what[64];

		snprintf(what, sizeof what, "cut at octet %zu", cut);
		if (!sc->uncut)
			replay(sc, what, PIECES, SIZE_MAX, cut);
		close_at(sc, cut);
	}
	n = bytes_of(sc, STEP_CLIENT);
	for (size_t at = 1; at < n; at++) {
		jam_at(sc, at, 1);
		jam_at(sc, at, 2);
		jam_at(sc, at, PIECES);
	}
	for (unsigned i = 0; i < sc->n_steps; i++)
		for (unsigned k = 0; sc->step[i].code && k < sizeof others / sizeof others[0]; k++)
			for (int after = 0; after < AFTERS; after++)
				replace(sc, i, k, (enum after)after);
}

/* Replies one by one as a plain server gives them, each fed octet by octet. */
static void drip(const struct script *sc)
{
	struct run *r = begin(sc, "octet by octet");
	char reply[8192];
	int code;

	for (int i = 0; i < 2000 && !r->closed && server_next_reply(&r->server, reply, sizeof reply, &code); i++) {
		server_replied(&r->server, code);
		for (const char *p = reply; *p && !r->closed; p++) {
			smtp_session_feed(r->s, span_of(p, 1));
			pump(r);
		}
		secure(r);
		pump(r);
	}
	end(r);
}

static void test_script(void **state)
{
	struct script *sc = script_read(*state);

	replay(sc, "replay", PIECES, SIZE_MAX, 0);
	replay(sc, "one piece a pull", 1, SIZE_MAX, 0);
	replay(sc, "seven octets a write", 3, 7, 0);
	torture(sc);
	drip(sc);
	script_free(sc);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[200];
	glob_t g;
	size_t n = 0;
	int failed;

	if (glob(argc > 1 ? argv[1] : "tests/script/*.txt", 0, NULL, &g) != 0 || g.gl_pathc > 200) {
		fprintf(stderr, "no scripts: run this from the project's root\n");
		return 1;
	}
	for (; n < g.gl_pathc; n++)
		tests[n] = (struct CMUnitTest){ .name = strrchr(g.gl_pathv[n], '/') + 1, .test_func = test_script,
						.initial_state = g.gl_pathv[n] };
	failed = _cmocka_run_group_tests("script", tests, n, NULL, NULL);
	printf("script: %zu dialogues, %lu checks\n", n, checks);
	globfree(&g);
	return failed;
}
