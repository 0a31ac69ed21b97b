/* smtp_offer.c - which mails a session takes, how many at a time, and when their content may leave.
 *
 * A mail that this relay cannot take is refused here, before a word of it is said: it is settled like any
 * other. What is in flight never exceeds the window, nor the server's patience for what it may refuse. */
#include "transport/smtp/smtp_command.h"
#include "transport/smtp/smtp_private.h"

static bool is_full(const struct smtp_session *s)
{
	unsigned most = s->opt->messages_max;

	if (s->ehlo.caps.mail_max > 0 && (most == 0 || s->ehlo.caps.mail_max < most))
		most = s->ehlo.caps.mail_max;
	return most > 0 && s->taken >= most;
}

unsigned smtp_patience(const struct smtp_session *s)
{
	unsigned left = s->errors < SMTP_PATIENCE ? SMTP_PATIENCE - s->errors : 0;

	return s->errors == 0 || s->daring < left ? s->daring : left;
}

/* Each mail in flight has its RSET, and may turn out to be none. */
static bool bears_another_reset(const struct smtp_session *s)
{
	return s->resets == 0 || s->in_flight + s->resets < SMTP_RESETS;
}

/* There must be one. */
static const struct smtp_tx *newest_in_flight(const struct smtp_session *s)
{
	uint32_t i = s->tx_n - 1;

	while (!smtp_tx_at(s, i)->in_use || smtp_tx_at(s, i)->over)
		i--;
	return smtp_tx_at(s, i);
}

/* A mail more, beside those that are in flight. */
static bool wants_another(const struct smtp_session *s)
{
	const struct smtp_tx *newest;

	if (!smtp_is_pipelined(s) || (s->opt->lmtp && newest_in_flight(s)->tracked > 1))
		return false;
	if (smtp_is_chunked(s))
		return (s->opt->trusted || s->accepted > 0) && /* the first one shows whether BDAT is what was offered */
		       s->in_flight < s->window && s->in_flight_bytes < SMTP_IN_FLIGHT_BYTES_MAX &&
		       s->in_flight_cost + SMTP_COST_MIN <= smtp_patience(s) && bears_another_reset(s) &&
		       s->syntax_errors == 0; /* the next one is the last, and may be any in flight */
	/* Its content goes out once it is granted, and the next MAIL right behind it. */
	newest = newest_in_flight(s);
	return newest->asked || newest->step == STEP_OVER;
}

bool smtp_session_wants(const struct smtp_session *s)
{
	if (s->phase != PHASE_READY || s->retiring || s->commanding || s->tx_n == s->tx_max || is_full(s))
		return false;
	return s->in_flight == 0 || wants_another(s);
}

/* A verdict of our own, for a mail that this relay or any cannot take. */
static void refuse(struct verdict *v, enum verdict_scope scope, const char *stage, int code, int x, int y)
{
	smtp_verdict_own(v, VERDICT_REFUSED, scope, stage);
	v->code = code;
	v->enhanced[0] = 5;
	v->enhanced[1] = x;
	v->enhanced[2] = y;
}

/* 1 and *v: the session cannot carry this mail to anyone. */
static int cannot_carry(const struct smtp_session *s, const struct smtp_tx *tx, struct verdict *v)
{
	const struct smtp_caps *caps = &s->ehlo.caps;
	const struct mail *m = tx->mail;

	if (caps->size_max > 0 && tx->size > caps->size_max) {
		refuse(v, SCOPE_MAIL, "size", 552, 3, 4);
		verdict_say(v, "message has %llu octets, the relay takes at most %llu",
			    (unsigned long long)tx->size, (unsigned long long)caps->size_max);
	} else if (m->needs & MAIL_NEEDS_SMTPUTF8 && !(caps->smtputf8 && caps->eightbitmime)) {
		refuse(v, SCOPE_MAIL, "SMTPUTF8", 553, 6, 7);
		verdict_say(v, "message has an address beyond ASCII, and the relay does not offer SMTPUTF8");
	} else if (m->needs & MAIL_NEEDS_8BITMIME && !caps->eightbitmime) {
		refuse(v, SCOPE_MAIL, "8BITMIME", 554, 6, 1);
		verdict_say(v, "message has octets above 127, and the relay does not offer 8BITMIME");
	} else if (!smtp_path_fits(m->sender, true, m->needs & MAIL_NEEDS_SMTPUTF8)) {
		refuse(v, SCOPE_MAIL, "MAIL", 553, 1, 7);
		verdict_say(v, "sender's address cannot be written in a command");
	} else {
		return 0;
	}
	return 1;
}

static void refuse_bad_paths(struct smtp_session *s, struct smtp_tx *tx)
{
	for (uint32_t i = tx->first; i != NO_RCPT; i = s->rcpt[i].next) {
		struct span path = tx->mail->recipients[s->rcpt[i].verdict.recipient];
		struct verdict v;

		if (smtp_path_fits(path, false, tx->mail->needs & MAIL_NEEDS_SMTPUTF8))
			continue;
		refuse(&v, SCOPE_RECIPIENT, "RCPT", 553, 1, 3);
		verdict_say(&v, "address cannot be written in a command");
		smtp_settle(s, tx, i, &v);
	}
}

int smtp_session_offer(struct smtp_session *s, const struct mail *m)
{
	struct smtp_tx *tx;
	struct verdict v;

	tx = smtp_session_wants(s) ? smtp_tx_begin(s, m) : NULL;
	if (!tx)
		return 0;
	if (cannot_carry(s, tx, &v)) {
		tx->local = true;
		smtp_settle_all(s, tx, &v);
	} else {
		refuse_bad_paths(s, tx);
	}
	if (smtp_tx_is_empty(tx)) {
		smtp_tx_stop(s, tx);
		return 1;
	}
	s->taken++;
	if (is_full(s))
		s->retiring = true;
	if (tx->bdat) {
		tx->asked = true;
		smtp_note(s, EV_INTENT, tx, NO_RCPT);
	}
	return 1;
}

static bool grant_it(struct smtp_tx *tx, uint32_t ticket)
{
	bool it = tx->in_use && !tx->over && tx->ticket == ticket && tx->asked;

	if (it)
		tx->granted = true;
	return it;
}

void smtp_session_grant(struct smtp_session *s, uint32_t ticket)
{
	struct smtp_tx *next = &s->tx[s->tx_grant];

	if (!grant_it(next, ticket)) { /* grants come in the order of intents, but nobody has to */
		for (uint32_t i = 0; i < s->tx_n; i++)
			if (grant_it(smtp_tx_at(s, i), ticket))
				next = smtp_tx_at(s, i);
	}
	s->tx_grant = (uint32_t)(next - s->tx) + 1 < s->tx_max ? (uint32_t)(next - s->tx) + 1 : 0;
}
