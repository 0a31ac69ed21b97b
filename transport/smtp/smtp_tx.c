/* smtp_tx.c - transactions: a mail's place in the session, its recipients, their verdicts.
 *
 *   begin ── sender: RSET MAIL RCPT.. DATA|BDAT content ── replies ── over ── EV_DONE taken ── free
 *
 * The ring keeps the order of offers. A transaction is over when the sender has no more of it,
 * each reply was read, every recipient settled and its last octet written: only then may the
 * mail's memory go. */
#include "engine/base/must.h"
#include "transport/smtp/smtp_private.h"

static struct span domain_of(const struct mail *m, uint32_t i)
{
	struct span path = m->recipients[i];
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '@')
		at--;
	return span_skip(path, at);
}

static bool is_new_domain(const struct mail *m, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (span_case_eq(domain_of(m, k), domain_of(m, i)))
			return false;
	return true;
}

/* Of the first n recipients those up to where one domain more begins than RCPTDOMAINMAX (RFC 9422) allows. */
static uint32_t within_domains(const struct mail *m, uint32_t n, unsigned max)
{
	unsigned domains = 0;

	for (uint32_t i = 0; i < n; i++)
		if (is_new_domain(m, i) && ++domains > max)
			return i;
	return n;
}

static uint32_t tracked_of(const struct smtp_session *s, const struct mail *m)
{
	uint32_t max = SMTP_RECIPIENTS_MAX;

	if (s->ehlo.caps.rcpt_max > 0 && s->ehlo.caps.rcpt_max < max)
		max = s->ehlo.caps.rcpt_max;
	if (m->n_recipients < max)
		max = m->n_recipients;
	return max > 1 && s->ehlo.caps.rcpt_domain_max > 0 ? within_domains(m, max, s->ehlo.caps.rcpt_domain_max) : max;
}

static uint32_t take_record(struct smtp_session *s)
{
	uint32_t i = s->rcpt_free;

	s->rcpt_free_n--;
	if (i == NO_RCPT)
		return s->rcpt_fresh++;
	s->rcpt_free = s->rcpt[i].next;
	return i;
}

struct smtp_tx *smtp_tx_begin(struct smtp_session *s, const struct mail *m)
{
	uint32_t n = tracked_of(s, m), *link;
	struct smtp_tx *tx;

	MUST(n > 0);
	if (s->tx_n == s->tx_max || s->rcpt_free_n < n)
		return NULL;
	tx = smtp_tx_at(s, s->tx_n++);
	MUST(!tx->in_use);
	*tx = (struct smtp_tx){ .mail = m, .ticket = m->ticket, .in_use = true, .tracked = n, .rest = n };
	tx->bdat = smtp_is_chunked(s);
	tx->size = smtp_content_size(m);
	smtp_content_begin(&tx->content, m, !tx->bdat);
	tx->end = NOT_YET;
	link = &tx->first;
	for (uint32_t i = 0; i < n; i++) {
		struct smtp_rcpt *r;

		*link = take_record(s);
		r = &s->rcpt[*link];
		link = &r->next;
		r->state = RCPT_OPEN;
		r->verdict.recipient = i;
	}
	*link = NO_RCPT;
	tx->cursor = tx->first;
	s->in_hand++;
	s->in_flight++;
	s->in_flight_bytes += tx->size;
	s->in_flight_cost += n + 1;
	return tx;
}

void smtp_settle(struct smtp_session *s, struct smtp_tx *tx, uint32_t rcpt, const struct verdict *v)
{
	struct smtp_rcpt *r = &s->rcpt[rcpt];
	uint32_t recipient = r->verdict.recipient;

	MUST(r->state != RCPT_SETTLED);
	if (v != &r->verdict)
		verdict_copy(&r->verdict, v);
	r->verdict.recipient = recipient;
	r->state = RCPT_SETTLED;
	tx->settled++;
	smtp_note(s, EV_VERDICT, tx, rcpt);
}

void smtp_settle_all(struct smtp_session *s, struct smtp_tx *tx, const struct verdict *v)
{
	for (uint32_t i = tx->first; i != NO_RCPT; i = s->rcpt[i].next)
		if (s->rcpt[i].state != RCPT_SETTLED)
			smtp_settle(s, tx, i, v);
}

void smtp_tx_stop(struct smtp_session *s, struct smtp_tx *tx)
{
	tx->step = STEP_OVER;
	if (tx->end == NOT_YET)
		tx->end = s->out.queued;
	if (tx->mail_sent && !tx->content_begun)
		s->dirty = true;
	smtp_tx_try_over(s, tx);
}

void smtp_tx_try_over(struct smtp_session *s, struct smtp_tx *tx)
{
	if (tx->over || tx->step != STEP_OVER || tx->expected > 0 || tx->settled < tx->tracked)
		return;
	if (tx->content_begun && tx->end > s->out.written)
		return;
	tx->over = true;
	s->in_flight--;
	s->in_flight_bytes -= tx->size;
	s->in_flight_cost -= tx->tracked + 1;
	if (tx->mail_sent && (!tx->ended || tx->soiled))
		s->dirty = true;
	smtp_note(s, EV_DONE, tx, NO_RCPT);
}

void smtp_tx_release(struct smtp_session *s, struct smtp_tx *tx)
{
	while (tx->first != NO_RCPT) {
		uint32_t i = tx->first;

		tx->first = s->rcpt[i].next;
		s->rcpt[i].next = s->rcpt_free;
		s->rcpt_free = i;
	}
	s->rcpt_free_n += tx->tracked;
	s->in_hand--;
	tx->in_use = false;
	while (s->tx_n > 0 && !smtp_tx_at(s, 0)->in_use) {
		if (++s->tx_first == s->tx_max)
			s->tx_first = 0;
		s->tx_n--;
		if (s->tx_send > 0)
			s->tx_send--;
	}
}

static const char *stage_of(const struct smtp_tx *tx)
{
	switch (tx->step) {
	case STEP_RSET:
	case STEP_MAIL:
		return "MAIL";
	case STEP_RCPT:
		return "RCPT";
	case STEP_DATA:
	case STEP_WAIT:
		return "DATA";
	default:
		return "content";
	}
}

/* What a lost link means for the recipients of one mail that have no verdict yet. */
static void lost(const struct smtp_session *s, const struct smtp_tx *tx, const struct smtp_reply *answer,
		 const char *why, struct verdict *v)
{
	bool left_us = tx->content_begun && tx->end <= s->out.pulled;

	if (tx->failed) {
		*v = s->rcpt[tx->holder].verdict;
	} else if (answer) {
		smtp_verdict_own(v, VERDICT_DEFERRED, SCOPE_SESSION, left_us ? "end of data" : stage_of(tx));
		smtp_verdict_words(v, answer);
	} else if (left_us) {
		smtp_verdict_own(v, VERDICT_IN_DOUBT, SCOPE_SESSION, "end of data");
		verdict_say(v, "the whole message was sent and no answer came: %s", why);
	} else {
		smtp_verdict_own(v, VERDICT_DEFERRED, SCOPE_SESSION, stage_of(tx));
		verdict_say(v, "%s", why);
	}
}

void smtp_tx_abandon_all(struct smtp_session *s, const struct smtp_reply *answer, const char *why)
{
	for (uint32_t i = 0; i < s->tx_n; i++) {
		struct smtp_tx *tx = smtp_tx_at(s, i);
		struct verdict v;

		if (!tx->in_use || tx->over)
			continue;
		lost(s, tx, answer, why, &v);
		smtp_settle_all(s, tx, &v);
		tx->expected = 0;
		tx->content_begun = false; /* nothing of it is needed any more */
		smtp_tx_stop(s, tx);
	}
}
