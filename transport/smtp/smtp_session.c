/* smtp_session.c - the front door: life of a session, its events and its time.
 *
 *   SECURING ─┐                                  ┌──────── 421, timeout, garbage, hangup ────────┐
 *             ▼                                  │                                               ▼
 *          OPENING ⇄ HANDSHAKE      OPENING ── READY ── QUITTING ───────────────────────────► CLOSED
 *
 * Events are noted in the order in which things happened, each once, in a ring that has room for
 * all that can happen; EV_CLOSED is the last one of a session. smtp_private.h has the invariants. */
#include "transport/smtp/smtp_session.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_command.h"
#include "transport/smtp/smtp_private.h"

static int64_t pick(int64_t asked, int64_t by_default)
{
	return asked > 0 ? asked : by_default;
}

static void set_limits(struct smtp_timeouts *to, const struct smtp_timeouts *asked)
{
	enum { SECOND = 1000, MINUTE = 60 * SECOND };

	*to = (struct smtp_timeouts){
		.greeting = pick(asked->greeting, 5 * MINUTE),
		.command = pick(asked->command, 5 * MINUTE),
		.data = pick(asked->data, 2 * MINUTE),
		.block = pick(asked->block, 3 * MINUTE),
		.end_of_data = pick(asked->end_of_data, 10 * MINUTE),
		.quit = pick(asked->quit, 5 * SECOND),
	};
}

static int take_memory(struct smtp_session *s, struct err *e)
{
	uint32_t n_rcpt = s->window + 2 + SMTP_RECIPIENTS_MAX;

	s->tx_max = s->window + 2;
	s->expect_max = SMTP_EXPECT_MIN;
	while (s->expect_max < SMTP_EXPECT_MIN + 4 * s->window)
		s->expect_max *= 2;
	s->note_max = n_rcpt + 2 * s->tx_max + 4;
	s->tx = mem_array(s->tx_max, sizeof *s->tx);
	s->expect = mem_array(s->expect_max, sizeof *s->expect);
	s->rcpt = mem_array(n_rcpt, sizeof *s->rcpt);
	s->note = mem_array(s->note_max, sizeof *s->note);
	if (!s->tx || !s->expect || !s->rcpt || !s->note)
		return err_nomem(e, "a session");
	s->rcpt_free = NO_RCPT;
	s->rcpt_free_n = n_rcpt;
	return 0;
}

int smtp_session_new(struct smtp_session **out, const struct smtp_options *opt, int64_t now_ms, struct err *e)
{
	struct smtp_session *s;

	*out = NULL;
	if (!smtp_helo_fits(opt->helo_name))
		return err_set(e, ERR_INPUT, "'%.*s' is no name to greet a relay with", SPAN_ARG(opt->helo_name));
	s = mem_new(sizeof *s);
	if (!s)
		return err_nomem(e, "a session");
	s->opt = opt;
	s->window = opt->window > SMTP_WINDOW_MAX ? SMTP_WINDOW_MAX : opt->window > 0 ? opt->window : 1;
	s->wishing = opt->wishes.notify.n || opt->wishes.ret.n || opt->wishes.mail.n || opt->wishes.rcpt.n ||
		     opt->wishes.requiretls;
	s->daring = SMTP_PATIENCE;
	s->now_ms = s->moved_ms = now_ms;
	set_limits(&s->limit, &opt->timeouts);
	if (take_memory(s, e) < 0) {
		smtp_session_free(&s);
		return -1;
	}
	if (opt->security == SMTP_IMPLICIT) {
		s->phase = PHASE_SECURING;
	} else {
		s->phase = PHASE_OPENING;
		smtp_expect_push(s, EXPECT_GREETING, NULL, NO_RCPT, 0);
	}
	*out = s;
	return 0;
}

void smtp_session_free(struct smtp_session **s)
{
	if (!*s)
		return;
	sasl_free(&(*s)->sasl);
	mem_free((*s)->tx);
	mem_free((*s)->expect);
	mem_free((*s)->rcpt);
	mem_free((*s)->note);
	mem_free_secret(*s, sizeof **s);
	*s = NULL;
}

/* --- bytes */

void smtp_session_feed(struct smtp_session *s, struct span bytes)
{
	const struct smtp_reply *r;
	struct err e;

	while (bytes.n > 0 && s->phase != PHASE_CLOSED) {
		int rc;

		if (s->phase == PHASE_HANDSHAKE) {
			smtp_end(s, NULL, ERR_TLS, 0,
				 "relay sent %zu octets in clear behind its go-ahead for TLS: somebody may be "
				 "between us", bytes.n);
			return;
		}
		if (s->phase == PHASE_SECURING) {
			smtp_end(s, NULL, ERR_PROTO, 0, "relay spoke before TLS was up");
			return;
		}
		if (s->commanding && s->expect_n == 0) {
			smtp_end(s, NULL, ERR_PROTO, 0, "relay sent more than one reply to a command");
			return;
		}
		smtp_take_go_on(s, &bytes);
		if (bytes.n == 0 || s->phase == PHASE_CLOSED)
			break;
		rc = smtp_reply_feed(&s->parser, &bytes, &r, &e);
		if (rc < 0)
			smtp_end(s, NULL, ERR_PROTO, 0, "%s", e.text);
		else if (rc > 0)
			smtp_take_reply(s, r);
	}
	smtp_send_skip(s);
}

int smtp_session_pull(struct smtp_session *s, struct span *out, int max)
{
	uint32_t want = max > 0 ? (uint32_t)max : 0;

	if (s->phase == PHASE_CLOSED)
		return 0;
	if (s->out.n == 0)
		s->writing_ms = s->now_ms;
	/* One more than is handed out, so that neighbouring command lines become one piece. */
	while (s->out.n <= want && smtp_send_some(s))
		;
	return smtp_out_pull(&s->out, out, max);
}

void smtp_session_wrote(struct smtp_session *s, size_t n)
{
	if (n == 0 || s->phase == PHASE_CLOSED)
		return;
	smtp_out_wrote(&s->out, n);
	s->moved_ms = s->writing_ms = s->now_ms;
	for (uint32_t i = 0; i < s->tx_send; i++)
		smtp_tx_try_over(s, smtp_tx_at(s, i));
}

void smtp_session_bind(struct smtp_session *s, struct span binding)
{
	s->binding_n = binding.n <= sizeof s->binding ? binding.n : 0;
	if (s->binding_n > 0)
		memcpy(s->binding, binding.p, s->binding_n);
}

void smtp_session_secured(struct smtp_session *s)
{
	if (s->phase == PHASE_SECURING)
		smtp_expect_push(s, EXPECT_GREETING, NULL, NO_RCPT, s->out.pulled);
	else if (s->phase != PHASE_HANDSHAKE)
		return;
	s->secured = true;
	s->moved_ms = s->now_ms;
	memset(&s->parser, 0, sizeof s->parser);
	memset(&s->ehlo, 0, sizeof s->ehlo);
	s->esmtp = false;
	if (s->phase == PHASE_HANDSHAKE)
		smtp_say_hello(s);
	s->phase = PHASE_OPENING;
}

/* --- the end */

/* The first group of commands is not answered: a server that cannot take one throws away what came
 * too early, or hangs up. So does one that does not know BDAT. */
static unsigned suspicion(const struct smtp_session *s)
{
	if (!smtp_is_pipelined(s) || s->opt->trusted || s->accepted > 0)
		return 0;
	if (s->expect_n > 1)
		return SMTP_MAYBE_PIPELINING;
	return s->expect_n == 1 && s->expect[s->expect_first].kind == EXPECT_BDAT ? SMTP_MAYBE_CHUNKING : 0;
}

static void close_session(struct smtp_session *s, const struct smtp_reply *answer, int code, const struct err *e)
{
	if (s->phase == PHASE_CLOSED)
		return;
	s->close_code = code;
	if (s->phase == PHASE_READY && !answer)
		s->broke |= suspicion(s);
	if (s->phase == PHASE_QUITTING)
		memset(&s->error, 0, sizeof s->error);
	else if (!s->cancelled)
		s->error = *e;
	s->phase = PHASE_CLOSED;
	s->expect_n = 0;
	s->salting = s->login_held = false;
	smtp_tx_abandon_all(s, answer, e->text);
	smtp_out_drop(&s->out);
	sasl_free(&s->sasl);
	smtp_note(s, EV_CLOSED, NULL, NO_RCPT);
}

void smtp_end(struct smtp_session *s, const struct smtp_reply *answer, enum err_kind kind, int code,
	      const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, kind, "%s", text);
	close_session(s, answer, code, &e);
}

void smtp_end_reply(struct smtp_session *s, const struct smtp_reply *r, enum err_kind kind, const char *what)
{
	char words[400];

	smtp_reply_words(r, words, sizeof words);
	smtp_end(s, NULL, kind, r->code, "relay %s: %d %s", what, r->code, words);
}

void smtp_session_hangup(struct smtp_session *s, const struct err *why)
{
	struct err e;

	if (!why)
		err_set(&e, ERR_NET, "relay closed the connection");
	close_session(s, NULL, 0, why ? why : &e);
}

void smtp_session_finish(struct smtp_session *s)
{
	s->retiring = true;
	if (s->phase == PHASE_SECURING || s->phase == PHASE_OPENING || s->phase == PHASE_HANDSHAKE)
		smtp_end(s, NULL, ERR_NONE, 0, "no longer needed");
}

/* --- time */

int64_t smtp_session_deadline_ms(const struct smtp_session *s)
{
	switch (s->phase) {
	case PHASE_CLOSED:
		return INT64_MAX;
	case PHASE_SECURING:
		return s->moved_ms + s->limit.greeting;
	case PHASE_HANDSHAKE:
		return s->moved_ms + s->limit.command;
	case PHASE_QUITTING:
		return s->moved_ms + s->limit.quit;
	default:
		break;
	}
	if (s->salting || s->login_held)
		return s->now_ms + SMTP_SALTING_LOOK_MS;
	if (s->out.n > 0)
		return s->writing_ms + s->limit.block;
	if (s->expect_n > 0)
		return s->moved_ms + smtp_expect_limit_ms(s, s->expect[s->expect_first].kind);
	return INT64_MAX;
}

static void run_out(struct smtp_session *s, int64_t deadline_ms)
{
	int64_t since_ms = s->out.n > 0 ? s->writing_ms : s->moved_ms;
	long seconds = (long)((deadline_ms - since_ms + 999) / 1000);

	if (s->phase == PHASE_SECURING || s->phase == PHASE_HANDSHAKE)
		smtp_end(s, NULL, ERR_NET, 0, "TLS was not up after %ld s", seconds);
	else if (s->out.n > 0)
		smtp_end(s, NULL, ERR_NET, 0, "relay took no byte for %ld s", seconds);
	else
		smtp_end(s, NULL, ERR_NET, 0, "no reply to %s within %ld s",
			 smtp_expect_word(s->expect[s->expect_first].kind), seconds);
}

void smtp_session_tick(struct smtp_session *s, int64_t now_ms)
{
	int64_t deadline_ms = smtp_session_deadline_ms(s);

	if (now_ms > s->now_ms)
		s->now_ms = now_ms;
	if (s->salting) { /* it is we whom the server waits for */
		s->moved_ms = s->now_ms;
		smtp_login_again(s);
	} else if (s->login_held) {
		s->moved_ms = s->now_ms;
		smtp_login_when_allowed(s);
	} else if (s->now_ms >= deadline_ms) {
		run_out(s, deadline_ms);
	}
}

/* --- events */

void smtp_note(struct smtp_session *s, enum smtp_event_kind kind, const struct smtp_tx *tx, uint32_t rcpt)
{
	uint32_t at = s->note_first + s->note_n;

	MUST(s->note_n < s->note_max);
	s->note_n++;
	s->note[at < s->note_max ? at : at - s->note_max] = (struct smtp_note){
		.kind = (uint8_t)kind,
		.tx = tx ? (uint16_t)(tx - s->tx) : 0,
		.rcpt = rcpt,
	};
}

/* The recipients of a mail that are more than one transaction takes: before its EV_DONE. */
static void tell_rest(struct smtp_session *s, struct smtp_tx *tx, struct smtp_event *out)
{
	struct verdict *v = &s->told;

	if (tx->local) {
		verdict_copy(v, &s->rcpt[tx->first].verdict);
	} else {
		smtp_verdict_own(v, VERDICT_DEFERRED, SCOPE_RECIPIENT, "RCPT");
		v->not_tried = true;
		verdict_say(v, "more than %u recipients in one transaction: goes with a next one", tx->tracked);
	}
	v->recipient = tx->rest++;
	out->kind = EV_VERDICT;
	out->verdict = v;
}

int smtp_session_event(struct smtp_session *s, struct smtp_event *out)
{
	struct smtp_note n;
	struct smtp_tx *tx;

	if (s->note_n == 0)
		return 0;
	n = s->note[s->note_first];
	tx = &s->tx[n.tx];
	out->kind = n.kind;
	out->ticket = tx->ticket;
	out->code = 0;
	out->error.kind = ERR_NONE;
	out->error.text[0] = out->error.hint[0] = '\0';
	if (n.kind == EV_DONE && tx->rest < tx->mail->n_recipients) {
		tell_rest(s, tx, out);
		return 1;
	}
	if (++s->note_first == s->note_max)
		s->note_first = 0;
	s->note_n--;
	switch (out->kind) {
	case EV_VERDICT:
		out->verdict = &s->rcpt[n.rcpt].verdict;
		out->code = out->verdict->code;
		break;
	case EV_DONE:
		smtp_tx_release(s, tx);
		break;
	case EV_REPLY:
		out->ticket = 0;
		out->code = s->parser.reply.code;
		s->commanding = false;
		break;
	case EV_CLOSED:
		out->ticket = 0;
		out->code = s->close_code;
		out->error = s->error;
		break;
	default:
		break;
	}
	return 1;
}

const struct smtp_caps *smtp_session_caps(const struct smtp_session *s)
{
	return &s->ehlo.caps;
}

const struct smtp_reply *smtp_session_reply(const struct smtp_session *s)
{
	return &s->parser.reply;
}

struct span smtp_session_greeting(const struct smtp_session *s)
{
	return span_of(s->greeting, s->greeting_n);
}

struct span smtp_session_ehlo(const struct smtp_session *s)
{
	return span_of(s->ehlo.text, s->ehlo.text_n);
}

bool smtp_session_offers(const struct smtp_session *s, struct span keyword, struct span *params)
{
	return smtp_caps_find(&s->ehlo, keyword, params);
}

struct span smtp_session_mechanisms(const struct smtp_session *s)
{
	return span_of(s->ehlo.mechanisms, s->ehlo.mechanisms_n);
}

const char *smtp_session_mechanism(const struct smtp_session *s)
{
	return s->mechanism;
}

unsigned smtp_session_broke(const struct smtp_session *s)
{
	return s->broke;
}

bool smtp_session_is_pipelined(const struct smtp_session *s)
{
	return smtp_is_pipelined(s);
}

unsigned smtp_session_in_hand(const struct smtp_session *s)
{
	return s->in_hand;
}

void smtp_check(struct smtp_session *s)
{
	uint32_t expected = 0, in_hand = 0, in_flight = 0;

	for (uint32_t i = 0; i < s->tx_n; i++) {
		const struct smtp_tx *tx = smtp_tx_at(s, i);

		if (!tx->in_use)
			continue;
		in_hand++;
		in_flight += !tx->over;
		expected += tx->expected;
		MUST(tx->settled <= tx->tracked && tx->rest <= tx->mail->n_recipients);
		MUST(!tx->over || (tx->settled == tx->tracked && tx->expected == 0));
		MUST(!tx->content_begun || tx->granted);
		MUST(!tx->granted || tx->asked);
	}
	MUST(in_hand == s->in_hand && in_flight == s->in_flight && s->tx_send <= s->tx_n);
	MUST(s->out.written <= s->out.pulled && s->out.pulled <= s->out.queued);
	MUST(expected <= s->expect_n || s->phase == PHASE_CLOSED);
	for (uint32_t i = 0; i < s->expect_n; i++)
		expected -= s->expect[(s->expect_first + i) & (s->expect_max - 1)].kind >= EXPECT_MAIL;
	MUST(expected == 0);
}
