/* smtp_send.c - the sender's cursor: what may be written now, and nothing sooner.
 *
 *   DATA, RFC 2920:  [content k . ][RSET] MAIL RCPT.. DATA | content k+1 waits for its 354 and grant
 *   BDAT, RFC 3030:  [RSET] MAIL RCPT.. BDAT n LAST content, as many in flight as the window allows
 *   lockstep:        every line waits until nothing is expected any more
 *
 * RSET is written where something may have been left behind by the mail before: some servers
 * carry a refused transaction's MAIL into the next one, others refuse every chunk until RSET.
 * With several in flight it cannot be known in time, so all but the first begin with it. */
#include "engine/base/must.h"
#include "transport/smtp/smtp_command.h"
#include "transport/smtp/smtp_private.h"

void smtp_say(struct smtp_session *s, enum smtp_expect_kind kind, struct span line, struct span shown)
{
	char *at = smtp_out_room(&s->out, line.n + 2);
	struct smtp_command c = { .p = at, .max = line.n + 2 };

	MUST(at);
	if (s->out.n == 0)
		s->writing_ms = s->now_ms;
	smtp_out_add(&s->out, smtp_put_line(&c, line));
	smtp_expect_push(s, kind, NULL, NO_RCPT, s->out.queued);
	smtp_trace(s, false, shown);
}

/* Room for a command of a transaction and for what it will be answered. */
static bool may_write(struct smtp_session *s, struct smtp_command *c)
{
	bool lockstep = !smtp_is_pipelined(s);

	if (s->expect_n == s->expect_max || (lockstep && s->expect_n > 0))
		return false;
	*c = (struct smtp_command){ .p = smtp_out_room(&s->out, SMTP_COMMAND_MAX), .max = SMTP_COMMAND_MAX };
	return c->p != NULL;
}

static int wrote_line(struct smtp_session *s, struct smtp_tx *tx, enum smtp_expect_kind kind, uint32_t rcpt,
		      const struct smtp_command *c)
{
	smtp_trace(s, false, span_of(c->p, c->n - 2));
	smtp_out_add(&s->out, c->n);
	smtp_expect_push(s, kind, kind == EXPECT_RSET ? NULL : tx, rcpt, s->out.queued);
	return 1;
}

static int send_verb(struct smtp_session *s, struct smtp_tx *tx, enum smtp_expect_kind kind, struct span verb)
{
	struct smtp_command c;

	if (!may_write(s, &c))
		return 0;
	smtp_put_line(&c, verb);
	return wrote_line(s, tx, kind, NO_RCPT, &c);
}

/* LMTP answers the end of data once for each accepted recipient. Behind a mail of several nothing
 * is sent until all have come: were one missing, a later reply would be taken for it. */
static bool must_wait_alone(struct smtp_session *s)
{
	for (uint32_t i = 0; s->opt->lmtp && i < s->tx_send; i++) {
		const struct smtp_tx *before = smtp_tx_at(s, i);

		if (before->in_use && !before->over && before->tracked > 1)
			return true;
	}
	return false;
}

/* The server wants this session to end: a mail that was not begun goes back. */
static void give_back(struct smtp_session *s, struct smtp_tx *tx)
{
	struct verdict v;

	smtp_verdict_own(&v, VERDICT_DEFERRED, SCOPE_SESSION, "MAIL");
	verdict_say(&v, "not begun, because the relay asked for a new session");
	smtp_settle_all(s, tx, &v);
	smtp_tx_stop(s, tx);
}

static bool rset_is_due(const struct smtp_session *s, const struct smtp_tx *tx)
{
	return s->dirty || (tx->bdat && s->window > 1 && s->begun > 0);
}

static int send_rset(struct smtp_session *s, struct smtp_tx *tx)
{
	if (must_wait_alone(s))
		return 0;
	if (rset_is_due(s, tx)) {
		if (!send_verb(s, tx, EXPECT_RSET, SPAN("RSET")))
			return 0;
		s->dirty = false;
	}
	tx->step = STEP_MAIL;
	return 1;
}

/* What stands between the < > of the Message-ID: a report names it, so that it can be matched. */
static struct span envelope_id(const struct smtp_session *s, const struct mail *m)
{
	const struct smtp_wishes *w = &s->opt->wishes;

	if ((w->notify.n == 0 && w->ret.n == 0) || m->message_id.n < 3)
		return SPAN("");
	return span_sub(m->message_id, 1, m->message_id.n - 2);
}

static int send_mail(struct smtp_session *s, struct smtp_tx *tx)
{
	struct smtp_mail_params params = {
		.size = s->ehlo.size ? tx->size : 0,
		.body_8bit = tx->mail->needs & MAIL_NEEDS_8BITMIME,
		.smtputf8 = tx->mail->needs & MAIL_NEEDS_SMTPUTF8,
		.requiretls = s->opt->wishes.requiretls,
		.ret = s->opt->wishes.ret,
		.envid = envelope_id(s, tx->mail),
		.more = s->opt->wishes.mail,
	};
	struct smtp_command c;

	if (!may_write(s, &c))
		return 0;
	smtp_put_mail(&c, tx->mail->sender, &params);
	tx->mail_sent = true;
	tx->step = STEP_RCPT;
	s->begun++;
	return wrote_line(s, tx, EXPECT_MAIL, NO_RCPT, &c);
}

static int send_rcpt(struct smtp_session *s, struct smtp_tx *tx)
{
	const struct smtp_wishes *w = &s->opt->wishes;
	const struct smtp_rcpt_params params = {
		.notify = w->notify, .orcpt = w->notify.n > 0 || w->ret.n > 0, .more = w->rcpt,
	};
	struct smtp_command c;
	const struct smtp_rcpt *r;
	uint32_t i;

	while (tx->cursor != NO_RCPT && s->rcpt[tx->cursor].state == RCPT_SETTLED)
		tx->cursor = s->rcpt[tx->cursor].next;
	if (tx->cursor == NO_RCPT) {
		tx->step = STEP_DATA;
		return 1;
	}
	if ((tx->rcpts_open > 0 && tx->rcpts_open >= smtp_patience(s)) || !may_write(s, &c))
		return 0;
	i = tx->cursor;
	r = &s->rcpt[i];
	smtp_put_rcpt(&c, tx->mail->recipients[r->verdict.recipient], &params);
	tx->cursor = r->next;
	tx->rcpts_open++;
	return wrote_line(s, tx, EXPECT_RCPT, i, &c);
}

static int send_data(struct smtp_session *s, struct smtp_tx *tx)
{
	struct smtp_command c;

	if (!tx->bdat) {
		if (!send_verb(s, tx, EXPECT_DATA, SPAN("DATA")))
			return 0;
		tx->step = STEP_WAIT;
		return 1;
	}
	/* Once BDAT is written its octets must follow. Large content is not risked for recipients
	 * that may all be refused. */
	if (!tx->granted || (tx->size > SMTP_BDAT_EAGER_MAX && tx->accepted + tx->settled < tx->tracked))
		return 0;
	if (!may_write(s, &c))
		return 0;
	smtp_put_bdat(&c, tx->size);
	tx->content_begun = true;
	tx->step = STEP_CONTENT;
	return wrote_line(s, tx, EXPECT_BDAT, NO_RCPT, &c);
}

/* One recipient, nothing wished for, and nothing to wait for before DATA or BDAT. */
static bool is_plain(const struct smtp_session *s, const struct smtp_tx *tx)
{
	return tx->tracked == 1 && tx->size > 0 && !(tx->mail->needs & (MAIL_NEEDS_8BITMIME | MAIL_NEEDS_SMTPUTF8)) &&
	       !s->wishing && !s->opt->lmtp && smtp_is_pipelined(s) &&
	       (!tx->bdat || (tx->granted && tx->size <= SMTP_BDAT_EAGER_MAX));
}

/* What nearly all mails are: the whole envelope in one piece. 0: line by line. */
static int send_envelope(struct smtp_session *s, struct smtp_tx *tx)
{
	const struct smtp_envelope e = {
		.sender = tx->mail->sender, .recipient = tx->mail->recipients[0], .size = tx->size,
		.tell_size = s->ehlo.size, .rset = rset_is_due(s, tx), .bdat = tx->bdat,
	};
	const enum smtp_expect_kind kinds[] = { EXPECT_RSET, EXPECT_MAIL, EXPECT_RCPT, tx->bdat ? EXPECT_BDAT : EXPECT_DATA };
	struct smtp_command c = { .max = SMTP_ENVELOPE_MAX };
	size_t ends[SMTP_ENVELOPE_LINES];

	if (!is_plain(s, tx) || s->expect_max - s->expect_n < SMTP_ENVELOPE_LINES)
		return 0;
	c.p = smtp_out_room(&s->out, SMTP_ENVELOPE_MAX);
	if (!c.p)
		return 0;
	smtp_put_envelope(&c, &e, ends);
	smtp_trace(s, false, span_of(c.p, c.n - 2));
	for (int i = !e.rset; i < SMTP_ENVELOPE_LINES; i++)
		smtp_expect_push(s, kinds[i], i == 0 ? NULL : tx, i == 2 ? tx->first : NO_RCPT, s->out.queued + ends[i]);
	smtp_out_add(&s->out, c.n);
	s->dirty = false;
	s->begun++;
	tx->mail_sent = true;
	tx->cursor = NO_RCPT;
	tx->rcpts_open = 1;
	tx->content_begun = tx->bdat;
	tx->step = tx->bdat ? STEP_CONTENT : STEP_WAIT;
	return 1;
}

static int send_content(struct smtp_session *s, struct smtp_tx *tx)
{
	struct span piece;

	if (!tx->granted || !smtp_out_has_room(&s->out))
		return 0;
	if (!tx->content_begun) {
		tx->content_begun = true;
		smtp_expect_push(s, EXPECT_DOT, tx, NO_RCPT, NOT_YET);
	}
	if (smtp_content_next(&tx->content, &piece))
		smtp_out_point(&s->out, piece);
	if (!smtp_content_ended(&tx->content))
		return 1;
	/* At once, not with the next call: from here on the mail may be in doubt. */
	tx->end = s->out.queued;
	tx->step = STEP_OVER;
	if (!tx->bdat) {
		struct smtp_expect *x = smtp_expect_last(s);

		MUST(x && x->kind == EXPECT_DOT);
		x->end = tx->end;
		smtp_trace(s, false, SPAN("."));
	}
	return 1;
}

static int send_lone_dot(struct smtp_session *s, struct smtp_tx *tx)
{
	if (!send_verb(s, tx, EXPECT_LONE_DOT, SPAN(".")))
		return 0;
	smtp_tx_stop(s, tx);
	return 1;
}

static int send_quit(struct smtp_session *s)
{
	if (!s->retiring || s->in_flight > 0 || s->expect_n > 0 || s->out.n > 0)
		return 0;
	s->phase = PHASE_QUITTING;
	s->moved_ms = s->now_ms;
	smtp_say(s, EXPECT_QUIT, SPAN("QUIT"), SPAN("QUIT"));
	return 1;
}

/* The server's patience is spent amid an envelope: the recipients that it has not heard of go with a
 * next transaction. */
static void cut_envelope(struct smtp_session *s, struct smtp_tx *tx)
{
	struct verdict v;

	smtp_verdict_own(&v, VERDICT_DEFERRED, SCOPE_RECIPIENT, "RCPT");
	v.not_tried = true;
	verdict_say(&v, "so many recipients were refused that the others go with a new session");
	for (uint32_t i = tx->cursor; i != NO_RCPT; i = s->rcpt[i].next)
		if (s->rcpt[i].state == RCPT_OPEN)
			smtp_settle(s, tx, i, &v);
	tx->cursor = NO_RCPT;
}

void smtp_send_skip(struct smtp_session *s)
{
	while (s->tx_send < s->tx_n) {
		struct smtp_tx *tx = smtp_tx_at(s, s->tx_send);
		bool in_envelope = tx->step == STEP_RCPT || tx->step == STEP_DATA;

		if (tx->step == STEP_RCPT && s->errors >= SMTP_PATIENCE && !tx->failed && tx->cursor != tx->first)
			cut_envelope(s, tx);
		if (tx->step == STEP_OVER)
			s->tx_send++;
		else if (tx->step == STEP_RSET && s->leaving)
			give_back(s, tx);
		else if (in_envelope && (tx->failed || smtp_tx_is_empty(tx)))
			smtp_tx_stop(s, tx);
		else
			return;
	}
}

static int send_step(struct smtp_session *s, struct smtp_tx *tx)
{
	switch ((enum smtp_step)tx->step) {
	case STEP_RSET:
		return send_envelope(s, tx) || send_rset(s, tx);
	case STEP_MAIL:
		return send_mail(s, tx);
	case STEP_RCPT:
		return send_rcpt(s, tx);
	case STEP_DATA:
		return send_data(s, tx);
	case STEP_CONTENT:
		return send_content(s, tx);
	case STEP_LONE_DOT:
		return send_lone_dot(s, tx);
	case STEP_WAIT:
	case STEP_OVER:
		break;
	}
	return 0;
}

int smtp_send_some(struct smtp_session *s)
{
	struct smtp_tx *tx;

	if (s->phase != PHASE_READY)
		return 0;
	smtp_send_skip(s);
	if (s->tx_send == s->tx_n)
		return send_quit(s);
	tx = smtp_tx_at(s, s->tx_send);
	if (!send_step(s, tx))
		return 0;
	/* The rest, but for large content: no reply is read meanwhile, so that nothing of it is to be skipped either. */
	while (tx->step < (tx->size <= SMTP_CONTENT_PIECE ? STEP_OVER : STEP_WAIT) && s->errors < SMTP_PATIENCE &&
	       send_step(s, tx))
		;
	return 1;
}
