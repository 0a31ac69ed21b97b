/* envelope.c - MAIL, RCPT and RSET: who sends to whom.
 *
 * A command out of order is a violation only when the client could have known: RCPT after a refused
 * MAIL is what pipelining looks like, RCPT without any MAIL is not. */
#include "tests/fake/envelope.h"

#include <stdlib.h>

#include "tests/fake/answer.h"
#include "tests/fake/policy.h"
#include "tests/fake/syntax.h"

enum { OPENSMTPD_MAX_MAILS = 100, EXIM_MAX_RESETS = 10, RCPT_HARD_MAX = 100000 };

void envelope_forget(struct session *s)
{
	struct transaction *t = &s->t;

	*t = (struct transaction){ .from = { t->from.p, 0, t->from.cap },
				   .rcpts = { t->rcpts.p, 0, t->rcpts.cap },
				   .params = { t->params.p, 0, t->params.cap },
				   .places = t->places, .list = t->list, .cap = t->cap };
}

void envelope_release(struct session *s)
{
	bytes_free(&s->t.from);
	bytes_free(&s->t.rcpts);
	bytes_free(&s->t.params);
	free(s->t.places);
	free(s->t.list);
	content_release(&s->content);
	bytes_free(&s->kept);
}

/* What was read of MAIL's parameters, before it counts. */
struct mail_options {
	bool utf8, eightbit, binary, has_size;
	uint64_t size;
	unsigned seen; /* a bit for each known parameter: none may come twice */
	const char *reply;
};

enum {
	SEEN_SIZE = 1, SEEN_BODY = 2, SEEN_UTF8 = 4, SEEN_RET = 8, SEEN_ENVID = 16, SEEN_AUTH = 32, SEEN_NOTIFY = 64,
	SEEN_ORCPT = 128, SEEN_UNKNOWN = 256
};

static const char *body_option(struct session *s, struct text value, struct mail_options *o)
{
	const struct extensions *e = &s->cfg->ext;

	if (text_case_eq(value, TEXT("8BITMIME")))
		o->eightbit = true;
	else if (text_case_eq(value, TEXT("BINARYMIME")) && e->binary && e->chunking)
		o->eightbit = o->binary = true;
	else if (!text_case_eq(value, TEXT("7BIT")))
		return "bad BODY parameter";
	return NULL;
}

static unsigned mail_key(const struct session *s, struct text key)
{
	const struct extensions *e = &s->cfg->ext;

	if (e->size && text_case_eq(key, TEXT("SIZE")))
		return SEEN_SIZE;
	if (e->eightbit && text_case_eq(key, TEXT("BODY")))
		return SEEN_BODY;
	if (e->utf8 && text_case_eq(key, TEXT("SMTPUTF8")))
		return SEEN_UTF8;
	if (e->dsn && text_case_eq(key, TEXT("RET")))
		return SEEN_RET;
	if (e->dsn && text_case_eq(key, TEXT("ENVID")))
		return SEEN_ENVID;
	if (s->cfg->mechanisms && text_case_eq(key, TEXT("AUTH")))
		return SEEN_AUTH;
	return SEEN_UNKNOWN;
}

static const char *mail_option(struct session *s, struct text key, struct text value, struct mail_options *o)
{
	unsigned which = s->extended ? mail_key(s, key) : SEEN_UNKNOWN;

	if (o->seen & which & ~(unsigned)SEEN_UNKNOWN)
		return "parameter given twice";
	o->seen |= which;
	switch (which) {
	case SEEN_SIZE:
		o->has_size = text_u64(value, &o->size);
		return o->has_size ? NULL : "bad SIZE parameter";
	case SEEN_BODY:
		return body_option(s, value, o);
	case SEEN_UTF8:
		o->utf8 = true;
		return value.p ? "SMTPUTF8 takes no value" : NULL;
	case SEEN_RET:
		return text_case_eq(value, TEXT("FULL")) || text_case_eq(value, TEXT("HDRS")) ? NULL : "bad RET parameter";
	case SEEN_ENVID:
		return syntax_xtext(value) && value.n <= 100 ? NULL : "bad ENVID parameter";
	case SEEN_AUTH:
		return text_eq(value, TEXT("<>")) || syntax_xtext(value) ? NULL : "bad AUTH parameter";
	default:
		o->reply = "555 5.5.4 Unsupported parameter";
		return "parameter that was not announced";
	}
}

static const char *read_mail(struct session *s, struct text args, struct text *path, struct mail_options *o)
{
	const char *wrong;
	struct text key, value;
	bool utf8;

	*path = (struct text){ args.p, 0 };
	if (!text_case_begins(args, TEXT(" FROM:")))
		return "MAIL without FROM:";
	args = text_of(args.p + 6, args.n - 6);
	wrong = syntax_path(&args, PATH_REVERSE, path, &utf8);
	while (!wrong && args.n) {
		wrong = syntax_parameter(&args, &key, &value);
		if (!wrong)
			wrong = mail_option(s, key, value, o);
	}
	if (!wrong && utf8 && !o->utf8) {
		o->reply = "553 5.6.7 Address beyond ASCII without SMTPUTF8";
		return "8-bit address without SMTPUTF8";
	}
	return wrong;
}

/* What must be so before MAIL; NULL when all is well. */
static const char *before_mail(struct session *s, struct text line)
{
	if (!s->greeted) {
		answer_violation(s, "MAIL before EHLO", line);
		return "503 5.5.1 Say hello first";
	}
	if (s->cfg->require_tls && !s->link.tls)
		return "530 5.7.0 Must issue a STARTTLS command first";
	if (s->cfg->require_auth && !s->authenticated)
		return "530 5.7.0 Authentication required";
	if (s->t.open) {
		answer_violation(s, "MAIL inside a transaction", line);
		return "503 5.5.1 Sender already given";
	}
	if (s->cfg->ext.mail_max && s->txn > s->cfg->ext.mail_max) {
		answer_violation(s, "more MAIL commands than LIMITS allows", line);
		return "421 4.7.0 Too many messages on this connection";
	}
	if (s->cfg->max_per_connection && s->accepted >= s->cfg->max_per_connection)
		return "421 4.7.0 Too many messages on this connection";
	if ((s->cfg->quirks & QUIRK_OPENSMTPD) && s->txn > OPENSMTPD_MAX_MAILS)
		return "452 4.5.3 Too many messages sent";
	return NULL;
}

static void open_transaction(struct session *s, struct text path, struct text args, const struct mail_options *o)
{
	struct transaction *t = &s->t;
	const char *after = path.p + path.n + 1;

	envelope_forget(s);
	t->open = true;
	t->utf8 = o->utf8;
	t->eightbit = o->eightbit || o->utf8;
	t->binary = o->binary;
	t->has_size = o->has_size;
	t->declared = o->size;
	t->arrived = s->now;
	t->sender_n = path.n;
	bytes_char(&t->from, '<');
	bytes_text_add(&t->from, path);
	bytes_char(&t->from, '>');
	bytes_add(&t->from, after, (size_t)(args.p + args.n - after));
}

void envelope_mail(struct session *s, struct text args, struct text line)
{
	struct mail_options o = { .reply = "501 5.5.4 Syntax: MAIL FROM:<address>" };
	struct fault_subject subject = { 0 };
	struct text path;
	const char *wrong = read_mail(s, args, &path, &o), *refusal;

	s->txn++;
	if (wrong)
		answer_violation(s, wrong, line);
	subject.mail = path;
	if (!s->t.open)
		s->t.mail_refused = true; /* until it is accepted */
	if (answer_stage(s, STAGE_MAIL, &subject))
		return;
	refusal = before_mail(s, line);
	if (refusal) {
		answer_then(s, refusal, memcmp(refusal, "421", 3) == 0 ? OUT_CLOSE : OUT_NOTHING);
		return;
	}
	if (wrong) {
		answer(s, o.reply);
		return;
	}
	if (s->cfg->ext.size && s->cfg->ext.size_max && o.size > s->cfg->ext.size_max) {
		answer(s, "552 5.3.4 Message size exceeds fixed limit");
		return;
	}
	open_transaction(s, path, args, &o);
	answer(s, "250 2.1.0 Ok");
}

static const char *notify_option(struct text value)
{
	static const struct text known[] = { { "SUCCESS", 7 }, { "FAILURE", 7 }, { "DELAY", 5 } };

	if (text_case_eq(value, TEXT("NEVER")))
		return NULL;
	do {
		struct text word = text_cut(&value, ',');
		bool found = false;

		for (size_t i = 0; i < 3; i++)
			found |= text_case_eq(word, known[i]);
		if (!found)
			return "bad NOTIFY parameter";
	} while (value.p);
	return NULL;
}

static const char *orcpt_option(struct text value)
{
	struct text type = text_cut(&value, ';');

	if (text_case_eq(type, TEXT("utf-8")))
		return value.n ? NULL : "bad ORCPT parameter";
	return type.n && value.p && syntax_xtext(value) ? NULL : "bad ORCPT parameter";
}

static const char *rcpt_option(struct session *s, struct text key, struct text value, unsigned *seen,
			       const char **reply)
{
	bool dsn = s->extended && s->cfg->ext.dsn;
	unsigned which = SEEN_UNKNOWN;

	if (dsn && text_case_eq(key, TEXT("NOTIFY")))
		which = SEEN_NOTIFY;
	else if (dsn && text_case_eq(key, TEXT("ORCPT")))
		which = SEEN_ORCPT;
	if (*seen & which & ~(unsigned)SEEN_UNKNOWN)
		return "parameter given twice";
	*seen |= which;
	if (which == SEEN_NOTIFY)
		return notify_option(value);
	if (which == SEEN_ORCPT)
		return orcpt_option(value);
	*reply = "555 5.5.4 Unsupported parameter";
	return "parameter that was not announced";
}

static const char *read_rcpt(struct session *s, struct text args, struct text *path, struct text *params,
			     const char **reply)
{
	const char *wrong;
	struct text key, value;
	unsigned seen = 0;
	bool utf8;

	*path = *params = (struct text){ args.p, 0 };
	if (!text_case_begins(args, TEXT(" TO:")))
		return "RCPT without TO:";
	args = text_of(args.p + 4, args.n - 4);
	wrong = syntax_path(&args, PATH_FORWARD, path, &utf8);
	if (!wrong && args.n > 1)
		*params = text_of(args.p + 1, args.n - 1);
	while (!wrong && args.n) {
		wrong = syntax_parameter(&args, &key, &value);
		if (!wrong)
			wrong = rcpt_option(s, key, value, &seen, reply);
	}
	if (!wrong && utf8 && !s->t.utf8 && s->t.open) {
		*reply = "553 5.6.7 Address beyond ASCII without SMTPUTF8";
		return "8-bit address without SMTPUTF8";
	}
	return wrong;
}

static void add_rcpt(struct transaction *t, struct text path, struct text params)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->places = need_more(t->places, t->cap * sizeof *t->places);
	}
	if (t->n) {
		bytes_char(&t->rcpts, ',');
		bytes_char(&t->params, ',');
	}
	t->places[t->n++] = (struct rcpt_place){ (uint32_t)t->rcpts.n, (uint32_t)path.n };
	bytes_text_add(&t->rcpts, path);
	bytes_text_add(&t->params, params.n ? params : TEXT("-"));
}

/* What must be so before RCPT; NULL when all is well. */
static const char *before_rcpt(struct session *s, struct text line)
{
	struct transaction *t = &s->t;

	if (!t->open) {
		if (!t->mail_refused)
			answer_violation(s, "RCPT without MAIL", line);
		return "503 5.5.1 Need MAIL command";
	}
	if (t->content_began) {
		answer_violation(s, "RCPT after BDAT", line);
		return "503 5.5.1 Finish the content first";
	}
	if (s->cfg->ext.rcpt_max && t->tried > s->cfg->ext.rcpt_max) {
		answer_violation(s, "more RCPT commands than LIMITS allows", line);
		return "452 4.5.3 Too many recipients";
	}
	return t->n >= RCPT_HARD_MAX ? "452 4.5.3 Too many recipients" : NULL;
}

void envelope_rcpt(struct session *s, struct text args, struct text line)
{
	const char *reply = "501 5.5.4 Syntax: RCPT TO:<address>", *wrong, *refusal;
	struct fault_subject subject;
	struct text path, params;

	wrong = read_rcpt(s, args, &path, &params, &reply);
	if (wrong)
		answer_violation(s, wrong, line);
	s->t.tried++;
	subject = answer_subject(s);
	subject.rcpt = &path;
	subject.n_rcpt = 1;
	if (answer_stage(s, STAGE_RCPT, &subject))
		return;
	refusal = before_rcpt(s, line);
	if (!refusal && wrong)
		refusal = reply;
	if (!refusal)
		refusal = policy_refusal(s->cfg, s->greylist, path, s->now.mono_ns);
	if (refusal) {
		answer(s, refusal);
		return;
	}
	add_rcpt(&s->t, path, params);
	answer(s, "250 2.1.5 Ok");
}

/* One RSET a message is free of charge. */
static bool exim_patience(struct session *s)
{
	if (s->reset)
		s->resets++;
	s->reset = true;
	if (!(s->cfg->quirks & QUIRK_EXIM) || s->resets <= EXIM_MAX_RESETS)
		return false;
	answer_then(s, "554 Too many nonmail commands", OUT_CLOSE);
	return true;
}

void envelope_rset(struct session *s)
{
	struct fault_subject subject = answer_subject(s);

	if (exim_patience(s))
		return;
	if (answer_stage(s, STAGE_RSET, &subject))
		return;
	envelope_forget(s);
	s->dovecot_failed = false;
	answer(s, "250 2.0.0 Ok");
}
