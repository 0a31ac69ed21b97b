/* err.c - filling and showing struct err.
 *
 *  1. No text of an err holds a control byte or half a character, whoever supplied it.
 *  2. A place once set is kept: the detector knows best, callers fill only what is missing.
 * Held by tests/unit/test_base_err.c. */
#include "engine/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/span.h"
#include "engine/base/utf8.h"

enum {
	ROOM = ERR_TEXT_MAX + 512, /* longer than any text: cutting is left to utf8_printable() */
	ERRNO_WORDS = 128
};

__attribute__((format(printf, 3, 0)))
static size_t print(char *out, size_t out_size, const char *fmt, va_list ap)
{
	char raw[ROOM];
	int n = vsnprintf(raw, sizeof raw, fmt, ap);

	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof raw)
		n = sizeof raw - 1;
	return utf8_printable(span_of(raw, (size_t)n), out, out_size);
}

static void fresh(struct err *e, enum err_kind kind, int sys_errno)
{
	e->kind = kind;
	e->topic = NULL;
	e->sys_errno = sys_errno;
	e->line = 0;
	e->column = 0;
	e->path[0] = '\0';
	e->hint[0] = '\0';
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	fresh(e, kind, 0);
	va_start(ap, fmt);
	print(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char words[ERRNO_WORDS];
	size_t n;
	va_list ap;

	if (!e)
		return -1;
	fresh(e, ERR_SYS, saved);
	va_start(ap, fmt);
	n = print(e->text, sizeof e->text - ERRNO_WORDS, fmt, ap);
	va_end(ap);
	snprintf(e->text + n, sizeof e->text - n, ": %s", strerror_r(saved, words, sizeof words));
	errno = saved;
	return -1;
}

int err_nomem(struct err *e, const char *what)
{
	return err_set(e, ERR_NOMEM, "no memory for %s", what);
}

int err_at(struct err *e, const char *path, uint64_t line, uint64_t column)
{
	char shown[ERR_PATH_MAX];

	if (!e)
		return -1;
	utf8_printable(span_str(path), shown, sizeof shown);
	/* A line belongs to the file it was counted in. */
	if (e->line == 0 && (!e->path[0] || !shown[0] || strcmp(e->path, shown) == 0)) {
		e->line = line;
		e->column = column;
	}
	if (!e->path[0])
		memcpy(e->path, shown, sizeof shown);
	return -1;
}

int err_topic(struct err *e, const char *topic)
{
	if (e && !e->topic)
		e->topic = topic;
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	print(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	return -1;
}

char *err_format(const struct err *e, char *out, unsigned long out_size)
{
	char place[ERR_PATH_MAX + 48] = "";

	if (e->path[0] && e->line && e->column)
		snprintf(place, sizeof place, "%s:%llu:%llu: ", e->path, (unsigned long long)e->line,
			 (unsigned long long)e->column);
	else if (e->path[0] && e->line)
		snprintf(place, sizeof place, "%s:%llu: ", e->path, (unsigned long long)e->line);
	else if (e->path[0])
		snprintf(place, sizeof place, "%s: ", e->path);
	else if (e->line && e->column)
		snprintf(place, sizeof place, "%llu:%llu: ", (unsigned long long)e->line,
			 (unsigned long long)e->column);
	else if (e->line)
		snprintf(place, sizeof place, "line %llu: ", (unsigned long long)e->line);
	snprintf(out, out_size, "%s%s%s%s", place, e->text, e->hint[0] ? "\n  " : "", e->hint);
	return out;
}
