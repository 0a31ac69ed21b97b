/* smtp_answer.c - the receiver's cursor: what each reply means for its transaction.
 *
 * | after MAIL, RCPT.., DATA             | then                                               |
 * |--------------------------------------|----------------------------------------------------|
 * | MAIL 2, some RCPT 2, DATA 354        | intent, grant, content; refused ones keep their own |
 * | MAIL 2, no RCPT 2, DATA 4/5          | their own replies; RSET before the next             |
 * | MAIL 2, no RCPT 2, DATA 354          | a lone dot, whose reply counts for nobody           |
 * | MAIL 4/5, the rest whatever          | MAIL's reply for all; after 354 a lone dot and QUIT |
 * | DATA 4/5 with good recipients        | DATA's reply for them; RSET before the next         |
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
	if (s->window_now > 1)
		s->window_now /= 2;
}

static void count_acceptance(struct smtp_session *s)
{
	s->errors = 0;
	if (s->window_now < s->window)
		s->window_now++;
}

void smtp_on_rset(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	if (!is_final(r)) {
		smtp_desync(s, x, r);
	} else if (!is_yes(r)) { /* without RSET no transaction here is safe from the one before */
		count_refusal(s, NULL);
		s->retiring = s->leaving = true;
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
	if (is_yes(r))
		return;
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

	if (!is_final(r)) {
		smtp_desync(s, x, r);
	} else if (is_yes(r)) {
		if (!tx->failed) {
			tx->accepted++;
			s->rcpt[x->rcpt].state = RCPT_ACCEPTED;
		}
	} else if (tx->failed) {
		count_refusal(s, NULL);
	} else {
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
	struct verdict v;

	if (!is_final(r) || (is_yes(r) && tx->end > s->out.pulled)) {
		smtp_desync(s, x, r);
		return;
	}
	if (tx->failed || tx->accepted == 0) {
		end_of_refused(s, tx, r);
		return;
	}
	smtp_verdict_of(&v, SMTP_AT_END, r, s->accepted);
	tx->ended = true;
	if (!is_yes(r)) {
		tx->soiled = tx->bdat;
		count_refusal(s, &v);
	}
	if (s->opt->lmtp) {
		if (v.scope == SCOPE_MAIL)
			v.scope = SCOPE_RECIPIENT;
		smtp_settle(s, tx, next_accepted(s, tx), &v);
		if (tx->settled < tx->tracked) {
			smtp_expect_again(s);
			return;
		}
	} else {
		smtp_settle_all(s, tx, &v);
	}
	if (is_yes(r)) {
		s->accepted++;
		count_acceptance(s);
	}
	smtp_tx_try_over(s, tx);
}
