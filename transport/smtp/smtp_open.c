/* smtp_open.c - from the greeting to the first mail: one command at a time.
 *
 *   greeting ── EHLO ──┬─ STARTTLS ── (handshake) ── EHLO ─┬─ AUTH ── .. ──┬─ ready
 *       LHLO for LMTP  ├───────────────────────────────────┴───────────────┤
 *                      └─ HELO, when EHLO is not known and neither is due ──┘
 *
 *  1. Without STARTTLS where it is required, nothing but EHLO and STARTTLS is ever sent.
 *  2. What was learned in clear is forgotten when TLS begins (RFC 3207 4.2); any octet behind the
 *     220 ends the session (smtp_session_feed).
 *  3. A login is tried once. AUTH is sent over TLS only, unless the link needs none. */
#include <stdio.h>

#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_command.h"
#include "transport/smtp/smtp_private.h"

void smtp_say_hello(struct smtp_session *s)
{
	char line[SMTP_COMMAND_MAX];
	struct smtp_command c = { .p = line, .max = sizeof line };
	struct span text;

	smtp_put_helo(&c, s->opt->lmtp ? "LHLO" : "EHLO", s->opt->helo_name);
	text = span_of(line, c.n - 2);
	smtp_say(s, EXPECT_EHLO, text, text);
}

/* What is wished for and this relay does not offer; NULL: nothing. */
static const char *what_it_lacks(const struct smtp_session *s)
{
	const struct smtp_wishes *w = &s->opt->wishes;

	if ((w->notify.n > 0 || w->ret.n > 0) && !s->ehlo.caps.dsn)
		return "DSN, and reports of delivery are asked for";
	if (w->requiretls && !s->secured)
		return "TLS, and it is to be required on the whole way";
	if (w->requiretls && !s->ehlo.caps.requiretls)
		return "REQUIRETLS, and TLS is to be required on the whole way";
	return NULL;
}

static void ready(struct smtp_session *s)
{
	const char *lacks = what_it_lacks(s);

	if (lacks) {
		smtp_end(s, NULL, ERR_INPUT, 0, "relay does not offer %s", lacks);
		return;
	}
	s->phase = PHASE_READY;
	smtp_note(s, EV_READY, NULL, NO_RCPT);
}

/* --- login */

static void cancel_login(struct smtp_session *s, const struct err *why)
{
	s->error = *why;
	s->cancelled = true;
	sasl_free(&s->sasl);
	smtp_say(s, EXPECT_AUTH_CANCEL, SPAN("*"), SPAN("*"));
}

static void say_auth(struct smtp_session *s, const struct span *initial)
{
	char line[SMTP_COMMAND_MAX], shown[64];
	struct smtp_command c = { .p = line, .max = sizeof line };

	smtp_put_auth(&c, s->mechanism, initial);
	snprintf(shown, sizeof shown, "AUTH %s%s", s->mechanism, initial ? " (secret)" : "");
	smtp_say(s, EXPECT_AUTH, span_of(line, c.n - 2), span_str(shown));
	explicit_bzero(line, sizeof line);
}

static void begin_login(struct smtp_session *s)
{
	struct sasl_login *login = &s->login;
	struct span initial;
	struct err e;

	*login = *s->opt->login;
	login->binding = span_of(s->binding, s->binding_n);
	if (!s->secured && !s->opt->login_in_clear) {
		smtp_end(s, NULL, ERR_AUTH, 0, "a login over a link without TLS would show the password");
		return;
	}
	if (!s->ehlo.auth) {
		smtp_end(s, NULL, ERR_AUTH, 0, "relay offers no login, but user '%.*s' is to log in",
			 SPAN_ARG(login->user));
		return;
	}
	s->mechanism = sasl_choose(login, span_of(s->ehlo.mechanisms, s->ehlo.mechanisms_n), &e);
	if (!s->mechanism || sasl_new(&s->sasl, login, s->mechanism, &e) < 0) {
		smtp_end(s, NULL, e.kind == ERR_NOMEM ? ERR_NOMEM : ERR_AUTH, 0, "%s", e.text);
		return;
	}
	if (!sasl_speaks_first(s->sasl)) {
		say_auth(s, NULL);
		return;
	}
	if (sasl_step(s->sasl, SPAN(""), &initial, &e) < 0) {
		smtp_end(s, NULL, ERR_AUTH, 0, "%s", e.text);
		return;
	}
	/* One that is too long for a command line waits for the first challenge (RFC 4954 4). */
	s->initial_waits = initial.n + strlen(s->mechanism) + 6 > SMTP_AUTH_LINE_MAX;
	s->initial = initial;
	say_auth(s, s->initial_waits ? NULL : &initial);
}

void smtp_login_when_allowed(struct smtp_session *s)
{
	s->login_held = s->opt->may_login && !s->opt->may_login(s->opt->login_ctx);
	if (!s->login_held)
		begin_login(s);
}

static void next_step(struct smtp_session *s)
{
	if (s->opt->security == SMTP_STARTTLS && !s->secured) {
		if (s->ehlo.caps.starttls)
			smtp_say(s, EXPECT_STARTTLS, SPAN("STARTTLS"), SPAN("STARTTLS"));
		else
			smtp_end(s, NULL, ERR_TLS, 0, "relay does not offer STARTTLS, and without TLS nothing is sent");
	} else if (s->opt->login) {
		smtp_login_when_allowed(s);
	} else {
		ready(s);
	}
}

/* rc as of sasl_step(). */
static void respond(struct smtp_session *s, int rc, struct span response, const struct err *e)
{
	s->salting = rc > 0;
	if (rc < 0)
		cancel_login(s, e);
	else if (rc == 0)
		smtp_say(s, EXPECT_AUTH, response, SPAN("(secret)"));
}

void smtp_login_again(struct smtp_session *s)
{
	struct span response = { 0 };
	struct err e;
	int rc = sasl_again(s->sasl, &response, &e);

	respond(s, rc, response, &e);
}

static void answer_challenge(struct smtp_session *s, const struct smtp_reply *r)
{
	struct span response = { 0 };
	struct err e;

	if (s->initial_waits && r->text_n == 0) {
		s->initial_waits = false;
		smtp_say(s, EXPECT_AUTH, s->initial, SPAN("(secret)"));
	} else if (s->initial_waits) {
		err_set(&e, ERR_AUTH, "relay began %s with a challenge of its own", s->mechanism);
		cancel_login(s, &e);
	} else {
		int rc = sasl_step(s->sasl, smtp_reply_text(r), &response, &e);

		respond(s, rc, response, &e);
	}
}

void smtp_on_auth(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	char what[200];

	if (r->code == 334) {
		answer_challenge(s, r);
		return;
	}
	if (r->code / 100 == 2) {
		bool complete = sasl_complete(s->sasl);

		sasl_free(&s->sasl);
		if (s->out.n == 0) /* its lines have left; what they left in the ring goes too */
			smtp_out_drop(&s->out);
		if (complete)
			ready(s);
		else
			smtp_end(s, NULL, ERR_AUTH, r->code,
				 "relay said yes to %s without the proof that it knows the password", s->mechanism);
		return;
	}
	if (r->code / 100 == 3) {
		smtp_desync(s, x, r);
		return;
	}
	struct span user = span_sub(s->opt->login->user, 0, 100);

	snprintf(what, sizeof what, "%s the login of '%.*s' with %s",
		 r->code / 100 == 4 ? "cannot take" : "refused", SPAN_ARG(user), s->mechanism);
	smtp_end_reply(s, r, r->code / 100 == 4 ? ERR_NET : ERR_AUTH, what);
}

void smtp_on_auth_cancel(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	(void)x;
	smtp_end(s, NULL, ERR_AUTH, r->code, "login was broken off");
}

/* --- greeting, EHLO, STARTTLS */

void smtp_on_greeting(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct span text = span_sub(smtp_reply_text(r), 0, sizeof s->greeting);

	if (text.n > 0)
		memcpy(s->greeting, text.p, text.n);
	s->greeting_n = text.n;
	if (r->code / 100 == 2)
		smtp_say_hello(s);
	else if (r->code / 100 == 3)
		smtp_desync(s, x, r);
	else
		smtp_end_reply(s, r, ERR_NET, "does not take mail now");
}

static bool may_use_helo(const struct smtp_session *s, int code)
{
	return (code == 500 || code == 502 || code == 504) && !s->opt->lmtp && !s->opt->login &&
	       (s->opt->security != SMTP_STARTTLS || s->secured);
}

void smtp_on_ehlo(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	if (r->code / 100 == 2) {
		s->esmtp = true;
		smtp_caps_read(&s->ehlo, smtp_reply_text(r));
		next_step(s);
	} else if (r->code / 100 == 3) {
		smtp_desync(s, x, r);
	} else if (may_use_helo(s, r->code)) {
		char line[SMTP_COMMAND_MAX];
		struct smtp_command c = { .p = line, .max = sizeof line };
		struct span text;

		smtp_put_helo(&c, "HELO", s->opt->helo_name);
		text = span_of(line, c.n - 2);
		smtp_say(s, EXPECT_HELO, text, text);
	} else {
		smtp_end_reply(s, r, r->code / 100 == 4 ? ERR_NET : ERR_PROTO,
			       s->opt->lmtp ? "refused LHLO" : "refused EHLO");
	}
}

void smtp_on_helo(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	if (r->code / 100 == 2)
		ready(s);
	else if (r->code / 100 == 3)
		smtp_desync(s, x, r);
	else
		smtp_end_reply(s, r, r->code / 100 == 4 ? ERR_NET : ERR_PROTO, "refused EHLO and HELO");
}

void smtp_on_starttls(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	(void)x;
	if (r->code == 220) {
		s->phase = PHASE_HANDSHAKE;
		smtp_note(s, EV_WANT_TLS, NULL, NO_RCPT);
		return;
	}
	smtp_end_reply(s, r, r->code / 100 == 4 ? ERR_NET : ERR_TLS,
		       r->code / 100 == 4 ? "cannot begin TLS now" : "refused to begin TLS, and without it nothing is sent");
}

void smtp_on_quit(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	(void)x;
	smtp_end(s, NULL, ERR_NONE, r->code, "closed");
}

/* --- lines of the caller's own */

static bool is_our_business(struct span line)
{
	static const char *const verbs[] = { "EHLO", "HELO", "LHLO", "STARTTLS", "AUTH", "DATA", "BDAT", "QUIT" };
	struct span verb = span_cut(&line, ' ');

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (span_case_eq(verb, span_str(verbs[i])))
			return true;
	return false;
}

int smtp_session_command(struct smtp_session *s, struct span line, struct err *e)
{
	if (line.n == 0 || line.n > SMTP_OWN_LINE_MAX)
		return err_set(e, ERR_INPUT, "a command has 1 to %d octets", SMTP_OWN_LINE_MAX);
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] >= 0x7f)
			return err_set(e, ERR_INPUT, "a command is plain ASCII without control characters");
	if (is_our_business(line))
		return err_set(e, ERR_INPUT, "'%.*s' is said by the session itself", SPAN_ARG(span_sub(line, 0, 60)));
	if (s->phase != PHASE_READY || s->retiring || s->tx_n > 0 || s->expect_n > 0 || s->out.n > 0 || s->commanding)
		return 0;
	s->dirty = s->commanding = true; /* it may have been a MAIL */
	smtp_say(s, EXPECT_COMMAND, line, line);
	return 1;
}

void smtp_on_command(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	(void)x;
	(void)r;
	smtp_note(s, EV_REPLY, NULL, NO_RCPT);
}
