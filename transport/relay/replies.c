/* replies.c - replies.def, read from the top. Held by tests/unit/test_relay_replies.c. */
#include "transport/relay/replies.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/span.h"
#include "transport/smtp/smtp_verdict.h"

enum { ANY = -1, EVERYWHERE = SMTP_AT_MAIL | SMTP_AT_RCPT | SMTP_AT_DATA | SMTP_AT_END };

static const struct rule {
	int code, enhanced[3];
	const char *words;
	unsigned stages;
	enum reply_class class;
	enum reply_act act;
	int pause_s;
} rules[] = {
#define REPLY(code, x, y, z, words, stages, class, act, pause_s) \
	{ code, { x, y, z }, words, stages, REPLY_##class, REPLY_##act, pause_s },
#include "transport/relay/replies.def"
#undef REPLY
};

static unsigned stage_of(const struct verdict *v)
{
	static const enum smtp_stage stages[] = { SMTP_AT_MAIL, SMTP_AT_RCPT, SMTP_AT_DATA, SMTP_AT_END };

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
		if (v->stage && strcmp(v->stage, smtp_stage_word(stages[i])) == 0)
			return stages[i];
	return SMTP_AT_MAIL; /* lost before a command was begun */
}

static bool holds(const char *text, const char *words)
{
	for (struct span s = span_str(text); s.n > 0; s = span_skip(s, 1))
		if (span_case_begins(s, span_str(words)))
			return true;
	return false;
}

static bool fits(const struct rule *r, const struct verdict *v, unsigned stage)
{
	if ((r->code != ANY && r->code != v->code) || !(r->stages & stage))
		return false;
	for (int i = 0; i < 3; i++)
		if (r->enhanced[i] != ANY && r->enhanced[i] != v->enhanced[i])
			return false;
	return !r->words || holds(v->text, r->words);
}

struct reply_meaning reply_meaning_of(const struct verdict *v)
{
	unsigned stage = stage_of(v);

	for (size_t i = 0; v->code >= 400 && i < sizeof rules / sizeof *rules; i++)
		if (fits(&rules[i], v, stage))
			return (struct reply_meaning){ rules[i].class, rules[i].act, rules[i].pause_s * INT64_C(1000) };
	return (struct reply_meaning){ REPLY_UNKNOWN, REPLY_NOTHING, 0 };
}

const char *reply_class_word(enum reply_class class)
{
	static const char *const words[] = {
		[REPLY_UNKNOWN] = "unknown",         [REPLY_ADDRESS] = "no such recipient",
		[REPLY_MAILBOX] = "not now",         [REPLY_FULL] = "mailbox full",
		[REPLY_CONTENT] = "content refused", [REPLY_POLICY] = "policy",
		[REPLY_RATE] = "too much at a time", [REPLY_QUOTA] = "quota used up",
		[REPLY_LOGIN] = "login",             [REPLY_SERVER] = "the relay's own trouble",
	};

	return words[class];
}
