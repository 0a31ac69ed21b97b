/* smtp_verdict.c - the rules are read from the top, the first that fits counts; without one the
 * first digit decides and the stage says how far it reaches.
 *
 * A rule is here only when the first digit alone would be wrong for the recipient or would blame
 * the wrong thing. What a certain provider means by its texts is the business of the rooms above.
 * Held by tests/unit/test_smtp_verdict.c. */
#include "transport/smtp/smtp_verdict.h"

#include <stdbool.h>

enum { ANY = -1, ANYWHERE = SMTP_AT_MAIL | SMTP_AT_RCPT | SMTP_AT_DATA | SMTP_AT_END };

static const struct rule {
	int code;
	int enhanced[3]; /* ANY: does not matter */
	unsigned stages;
	bool not_first; /* only when the session has had a message accepted */
	enum verdict_kind kind;
	enum verdict_scope scope;
} rules[] = {
	/* RFC 5321 3.8: the server closes; what it refuses thereby was not looked at */
	{ 421, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_SESSION },
	/* idle or slow session, the server is about to close it */
	{ 451, { 4, 4, 2 }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_SESSION },
	/* "too many messages in this session" (OpenSMTPD): reconnect */
	{ 452, { ANY, ANY, ANY }, SMTP_AT_MAIL, true, VERDICT_DEFERRED, SCOPE_SESSION },
	/* RFC 4954, 3207: the relay wants a login, a better one, or TLS. The mail is not to blame */
	{ 530, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	{ 534, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	{ 535, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	{ 538, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* RFC 7504: this host takes no mail at all */
	{ 521, { ANY, ANY, ANY }, SMTP_AT_MAIL, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* sending quota of the account is used up (Gmail) */
	{ 550, { 5, 4, 5 }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* the same (Microsoft 365) */
	{ 550, { 5, 1, 90 }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* too many of our threads at once (Microsoft 365); sending rate above quota (Amazon SES) */
	{ 432, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	{ 454, { ANY, ANY, ANY }, SMTP_AT_MAIL | SMTP_AT_DATA | SMTP_AT_END, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* storage of the relay is full, it takes nothing now */
	{ 452, { 4, 3, 1 }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_RELAY },
	/* RFC 5321 4.5.3.1.10: an old way to say "too many recipients", 452 today */
	{ 552, { 5, 5, 3 }, SMTP_AT_RCPT, false, VERDICT_DEFERRED, SCOPE_RECIPIENT },
	/* we broke the order of commands, not the mail; RSET or a new session mends it */
	{ 503, { ANY, ANY, ANY }, ANYWHERE, false, VERDICT_DEFERRED, SCOPE_SESSION },
};

const char *smtp_stage_word(enum smtp_stage stage)
{
	switch (stage) {
	case SMTP_AT_MAIL:
		return "MAIL";
	case SMTP_AT_RCPT:
		return "RCPT";
	case SMTP_AT_DATA:
		return "DATA";
	default:
		return "end of data";
	}
}

/* x.y.z of up to three digits each, then a space, a line's end or the end of all. */
void smtp_enhanced(const struct smtp_reply *r, int out[3])
{
	const char *p = r->text, *end = p + r->text_n;
	int v[3] = { 0 }, i = 0, digits = 0;

	out[0] = out[1] = out[2] = 0;
	for (; p < end && digits <= 3; p++) {
		if (*p >= '0' && *p <= '9') {
			v[i] = v[i] * 10 + (*p - '0');
			digits++;
		} else if (*p == '.' && digits > 0 && i < 2) {
			i++;
			digits = 0;
		} else {
			break;
		}
	}
	if (i < 2 || digits == 0 || digits > 3 || (p < end && *p != ' ' && *p != '\n'))
		return;
	if (v[0] == r->code / 100)
		memcpy(out, v, sizeof v);
}

void smtp_verdict_words(struct verdict *v, const struct smtp_reply *r)
{
	v->code = r->code;
	smtp_enhanced(r, v->enhanced);
	smtp_reply_words(r, v->text, sizeof v->text);
}

static bool fits(const struct rule *rule, unsigned stage, const struct verdict *v, unsigned already)
{
	if (rule->code != v->code || !(rule->stages & stage) || (rule->not_first && already == 0))
		return false;
	for (int i = 0; i < 3; i++)
		if (rule->enhanced[i] != ANY && rule->enhanced[i] != v->enhanced[i])
			return false;
	return true;
}

void smtp_verdict_own(struct verdict *v, enum verdict_kind kind, enum verdict_scope scope, const char *stage)
{
	v->kind = kind;
	v->scope = scope;
	v->stage = stage;
	v->code = v->enhanced[0] = v->enhanced[1] = v->enhanced[2] = 0;
	v->not_tried = v->account = false;
	v->queue_id[0] = '\0';
	v->text[0] = '\0';
}

bool smtp_verdict_is_crowd(const struct verdict *v)
{
	bool said = v->enhanced[1] == 5 && v->enhanced[2] == 3;

	return (v->code == 452 && (said || v->enhanced[0] == 0)) || (v->code == 552 && said);
}

void smtp_verdict_of(struct verdict *v, enum smtp_stage stage, const struct smtp_reply *r, unsigned already)
{
	smtp_verdict_own(v, VERDICT_REFUSED, stage == SMTP_AT_RCPT ? SCOPE_RECIPIENT : SCOPE_MAIL,
			 smtp_stage_word(stage));
	smtp_verdict_words(v, r);
	if (r->code < 300) {
		v->kind = VERDICT_SENT;
		verdict_find_queue_id(span_str(v->text), v->queue_id);
		return;
	}
	if (r->code < 500)
		v->kind = VERDICT_DEFERRED;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (fits(&rules[i], stage, v, already)) {
			v->kind = rules[i].kind;
			v->scope = rules[i].scope;
			return;
		}
}
