/* smtp_answer.c - the receiver's cursor: what each reply means for its transaction.
 *
 * | after MAIL, RCPT.., DATA               | then                                                  |
 * |----------------------------------------|-------------------------------------------------------|
 * | MAIL 2, some RCPT 2, DATA 354          | intent, grant, content; refused ones keep their own   |
 * | MAIL 2, no RCPT 2, DATA 4/5            | their own replies; RSET before the next               |
 * | MAIL 2, no RCPT 2, DATA 354            | a lone dot, whose reply counts for nobody             |
 * | MAIL 4/5, no RCPT 2, the rest whatever | MAIL's reply for all; after 354 a lone dot and QUIT   |
 * | MAIL 4/5, some RCPT 2, DATA 354        | MAIL's reply for all; hang up: an older MAIL is open, |
 * |                                        | and a dot would send an empty message from there      |
 * | DATA 4/5 with good recipients          | DATA's reply for them; RSET before the next           |
 *
 * With BDAT the content is already under way when MAIL or RCPT is refused. The verdict of a
 * refused MAIL then waits for the reply to BDAT: a server that takes the content all the same has
 * done something that nobody can know, and the mail is in doubt. */
#include "transport/smtp/smtp_private.h"

static bool is_final(const struct smtp_reply *r)
{
	return r->code / 100 != 3;
}

static bool is_yes(const struct smtp_reply *r)
{
	return r->code / 100 == 2;
}

/* A refusal costs the server patience, and says how bold the window may be. */
static void count_refusal(struct smtp_session *s, const struct verdict *v)
{
	if (++s->errors >= SMTP_PATIENCE)
		s->retiring = true;
	if (v && v->scope >= SCOPE_SESSION)
		s->retiring = s->leaving = true;
	s->daring = s->daring / 2 > SMTP_PATIENCE ? s->daring / 2 : SMTP_PATIENCE;
}

static void count_syntax(struct smtp_session *s, const struct smtp_reply *r)
{
	bool syntax = r->code == 500 || r->code == 501 || r->code == 502 || r->code == 504;

	if (syntax && ++s->syntax_errors >= SMTP_SYNTAX_PATIENCE)
		s->retiring = true;
}

static void count_acceptance(struct smtp_session *s)
{
	s->errors = 0;
	if (s->daring < SMTP_COST_MIN * s->window)
		s->daring += SMTP_COST_MIN;
}

/* Nobody knows yet that this server can do what it offers; and no other mail is in flight. */
static bool is_on_trial(const struct smtp_session *s)
{
	return smtp_is_pipelined(s) && !s->opt->trusted && s->accepted == 0;
}

/* 500 or 503 to a command of the first group is not about the recipient (OpenSMTPD: "500 5.5.1 Invalid
 * command: Pipelining not supported"). True when the session was ended for it; nothing was taken. */
static bool broke_pipelining(struct smtp_session *s, const struct smtp_tx *tx, const struct smtp_reply *r)
{
	if ((r->code != 500 && r->code != 503) || tx->failed || !is_on_trial(s))
		return false;
	s->broke |= SMTP_BROKE_PIPELINING;
	smtp_end(s, r, ERR_PROTO, r->code, "relay offers PIPELINING and does not bear it: %d", r->code);
	return true;
}

/* Unknown is BDAT itself, not this message: no chunk was taken, and what its octets may have said to
 * the server as commands nobody wants to know. */
static bool broke_chunking(struct smtp_session *s, const struct smtp_tx *tx, const struct smtp_reply *r)
{
	if (!tx->bdat || (r->code != 500 && r->code != 502 && r->code != 504) || !is_on_trial(s))
		return false;
	s->broke |= SMTP_BROKE_CHUNKING;
	smtp_end(s, r, ERR_PROTO, r->code, "relay offers CHUNKING and does not know BDAT: %d", r->code);
	return true;
}

void smtp_on_rset(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	if (!is_final(r)) {
		smtp_desync(s, x, r);
	} else if (!is_yes(r)) { /* without RSET no transaction here is safe from the one before */
		count_refusal(s, NULL);
		s->retiring = s->leaving = true;
	} else if (!s->reset) {
		s->reset = true;
	} else if (++s->resets + SMTP_RESETS_LAST >= SMTP_RESETS) {
		s->retiring = true;
	}
}

void smtp_on_mail(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct smtp_tx *tx = &s->tx[x->tx];
	struct verdict *v;
	uint32_t recipient;

	if (!is_final(r)) {
		smtp_desync(s, x, r);
		return;
	}
	if (is_yes(r) || broke_pipelining(s, tx, r))
		return;
	count_syntax(s, r);
	tx->holder = tx->first;
	while (s->rcpt[tx->holder].state == RCPT_SETTLED)
		tx->holder = s->rcpt[tx->holder].next;
	v = &s->rcpt[tx->holder].verdict;
	recipient = v->recipient;
	smtp_verdict_of(v, SMTP_AT_MAIL, r, s->accepted);
	v->recipient = recipient;
	tx->failed = true;
	count_refusal(s, v);
	if (tx->bdat && tx->content_begun)
		return;
	smtp_settle_all(s, tx, v); /* the sender stops where it is: smtp_send_skip() */
}

void smtp_on_rcpt(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct smtp_tx *tx = &s->tx[x->tx];
	struct verdict v;

	tx->rcpts_open--;
	if (!is_final(r)) {
		smtp_desync(s, x, r);
	} else if (is_yes(r)) {
		if (!tx->failed) {
			tx->accepted++;
			s->rcpt[x->rcpt].state = RCPT_ACCEPTED;
		}
		tx->astray = tx->failed;
	} else if (tx->failed) {
		count_refusal(s, NULL);
	} else if (!broke_pipelining(s, tx, r)) {
		count_syntax(s, r);
		smtp_verdict_of(&v, SMTP_AT_RCPT, r, s->accepted);
		v.not_tried = tx->accepted > 0 && smtp_verdict_is_crowd(&v);
		if (!v.not_tried) /* else it was our number, and nobody is to blame */
			count_refusal(s, &v);
		smtp_settle(s, tx, x->rcpt, &v);
	}
	if (s->phase != PHASE_CLOSED)
		smtp_tx_try_over(s, tx);
}

void smtp_on_data(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct smtp_tx *tx = &s->tx[x->tx];
	struct verdict v;

	if (r->code == 354) {
		if (tx->astray) {
			smtp_end(s, NULL, ERR_PROTO, r->code, "relay wants a message whose envelope it had refused");
			return;
		}
		if (tx->failed) /* an odd server: no further mail through it */
			s->retiring = s->leaving = true;
		if (tx->accepted == 0 && s->opt->lmtp) { /* and as many replies to its end as there are */
			smtp_desync(s, x, r);
			return;
		}
		if (tx->failed || tx->accepted == 0) {
			tx->step = STEP_LONE_DOT;
			return;
		}
		tx->step = STEP_CONTENT;
		tx->asked = true;
		smtp_note(s, EV_INTENT, tx, NO_RCPT);
		return;
	}
	if (r->code < 400) {
		smtp_desync(s, x, r);
		return;
	}
	if (tx->accepted > 0 && broke_pipelining(s, tx, r))
		return;
	smtp_verdict_of(&v, SMTP_AT_DATA, r, s->accepted);
	count_refusal(s, tx->accepted > 0 ? &v : NULL);
	smtp_settle_all(s, tx, &v);
	smtp_tx_stop(s, tx);
}

void smtp_on_lone_dot(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct smtp_tx *tx = &s->tx[x->tx];

	if (!is_final(r)) {
		smtp_desync(s, x, r);
		return;
	}
	tx->ended = true;
	smtp_tx_try_over(s, tx);
}

/* BDAT that could only be refused, because MAIL was, or every recipient. */
static void end_of_refused(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_reply *r)
{
	struct verdict v;

	tx->ended = tx->soiled = true;
	if (!is_yes(r)) {
		count_refusal(s, NULL);
		if (tx->failed)
			smtp_settle_all(s, tx, &s->rcpt[tx->holder].verdict);
		smtp_tx_try_over(s, tx);
		return;
	}
	smtp_verdict_own(&v, VERDICT_IN_DOUBT, SCOPE_SESSION, "end of data");
	verdict_say(&v, "relay refused the envelope, but took the message");
	smtp_settle_all(s, tx, &v);
	smtp_end(s, NULL, ERR_PROTO, r->code, "relay took a message whose envelope it had refused");
}

static uint32_t next_accepted(const struct smtp_session *s, const struct smtp_tx *tx)
{
	uint32_t i = tx->first;

	while (i != NO_RCPT && s->rcpt[i].state != RCPT_ACCEPTED)
		i = s->rcpt[i].next;
	return i;
}

void smtp_on_end_of_data(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	struct smtp_tx *tx = &s->tx[x->tx];
	uint32_t accepted;
	struct verdict *v;

	if (!is_final(r) || (is_yes(r) && tx->end > s->out.pulled)) {
		smtp_desync(s, x, r);
		return;
	}
	if (tx->failed || tx->accepted == 0) {
		end_of_refused(s, tx, r);
		return;
	}
	if (broke_chunking(s, tx, r))
		return;
	accepted = next_accepted(s, tx);
	v = &s->rcpt[accepted].verdict;
	smtp_verdict_of(v, SMTP_AT_END, r, s->accepted);
	tx->ended = true;
	s->reset = false;
	if (!is_yes(r)) {
		tx->soiled = tx->bdat;
		count_refusal(s, v);
	}
	if (s->opt->lmtp) {
		if (v->scope == SCOPE_MAIL)
			v->scope = SCOPE_RECIPIENT;
		smtp_settle(s, tx, accepted, v);
		if (tx->settled < tx->tracked) {
			smtp_expect_again(s);
			return;
		}
	} else {
		smtp_settle_all(s, tx, v);
	}
	if (is_yes(r)) {
		s->accepted++;
		count_acceptance(s);
	}
	smtp_tx_try_over(s, tx);
}
