/* finding.c - handing findings to a sink. Held by tests/unit/test_model_finding.c. */
#include "engine/model/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"

void finding_report(struct finding_sink *to, const struct finding *f)
{
	if (f->level == FINDING_ERROR)
		to->errors++;
	else
		to->warnings++;
	to->report(to, f);
}

void finding_say(struct finding_sink *to, enum finding_level level, const char *kind, const char *path,
		 uint64_t line, uint64_t column, const char *hint, const char *fmt, ...)
{
	struct finding f = { .level = level, .kind = kind, .path = path, .line = line, .column = column };
	char raw[2 * FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof raw, fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	utf8_printable(span_str(raw), f.text, sizeof f.text);
	utf8_printable(span_str(hint), f.hint, sizeof f.hint);
	finding_report(to, &f);
}

void finding_of_err(struct finding_sink *to, const char *kind, const struct err *e)
{
	finding_say(to, FINDING_ERROR, kind, e->path[0] ? e->path : NULL, e->line, e->column, e->hint, "%s",
		    e->text);
}
