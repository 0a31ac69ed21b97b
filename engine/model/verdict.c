/* verdict.c - words of verdicts, and a relay's name for a mail. Held by
 * tests/unit/test_model_verdict.c. */
#include "engine/model/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/base/utf8.h"

static const struct kind {
	const char *word;
	int weight; /* how much the owner of the list has to care */
} kinds[] = {
	[VERDICT_SENT] = { "sent", 0 },
	[VERDICT_DEFERRED] = { "deferred", 3 },
	[VERDICT_REFUSED] = { "refused", 2 },
	[VERDICT_IN_DOUBT] = { "in_doubt", 4 },
	[VERDICT_SKIPPED] = { "skipped", 1 },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *verdict_word(enum verdict_kind kind)
{
	MUST((unsigned)kind < KINDS);
	return kinds[kind].word;
}

int verdict_from_word(struct span word, enum verdict_kind *out)
{
	for (int i = 0; i < KINDS; i++)
		if (span_eq(word, span_str(kinds[i].word))) {
			*out = (enum verdict_kind)i;
			return 0;
		}
	return -1;
}

enum verdict_kind verdict_worst(enum verdict_kind a, enum verdict_kind b)
{
	MUST((unsigned)a < KINDS && (unsigned)b < KINDS);
	return kinds[a].weight >= kinds[b].weight ? a : b;
}

void verdict_say(struct verdict *v, const char *fmt, ...)
{
	char raw[2 * VERDICT_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof raw, fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	utf8_printable(span_str(raw), v->text, sizeof v->text);
}
