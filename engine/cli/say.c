/* say.c - what a person reads.
 *
 *  1. Text from files and servers reaches the terminal only through utf8_printable().
 *  2. A sentence is one line; the hint stands on lines of its own below it.
 * Held by tests/system/test_cli_options.py. */
#include "engine/cli/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/cli/excerpt.h"

enum { PLACE_MAX = ERR_PATH_MAX + 48 };

bool say_to_person(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool say_colours(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(to)) && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

static void put_place(const char *path, uint64_t line, uint64_t column, char out[PLACE_MAX])
{
	char shown[ERR_PATH_MAX];
	size_t n;

	out[0] = '\0';
	utf8_printable(span_str(path), shown, sizeof shown);
	n = (size_t)snprintf(out, PLACE_MAX, "%s", shown);
	if (n > 0 && line)
		n += (size_t)snprintf(out + n, PLACE_MAX - n, ":%llu", (unsigned long long)line);
	if (n > 0 && line && column)
		n += (size_t)snprintf(out + n, PLACE_MAX - n, ":%llu", (unsigned long long)column);
	if (n > 0)
		snprintf(out + n, PLACE_MAX - n, ": ");
}

static void put_sentence(const char *before, const char *place, const char *text, const char *hint)
{
	bool colour = say_colours(stderr);

	fflush(stdout);
	fprintf(stderr, "%s%s%s%s%s%s%s\n", colour ? "\033[1;31m" : "", before, colour ? "\033[0m" : "",
		colour ? "\033[1m" : "", place, colour ? "\033[0m" : "", text);
	if (hint && hint[0])
		fprintf(stderr, "  %s\n", hint);
}

void say_err(const struct err *e)
{
	char place[PLACE_MAX];

	put_place(e->path, e->line, e->column, place);
	put_sentence("lettershop: ", place, e->text, "");
	if (isatty(STDERR_FILENO))
		excerpt_show(stderr, e->path, e->line, e->column);
	if (e->hint[0])
		fprintf(stderr, "  %s\n", e->hint);
}

void say_wrong(const char *hint, const char *fmt, ...)
{
	char raw[ERR_TEXT_MAX], text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	utf8_printable(span_str(raw), text, sizeof text);
	put_sentence("lettershop: ", "", text, hint);
}

void say_note(const char *fmt, ...)
{
	char raw[ERR_TEXT_MAX], text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	utf8_printable(span_str(raw), text, sizeof text);
	fflush(stdout);
	fprintf(stderr, "lettershop: %s\n", text);
}

void say_finding(FILE *to, const struct finding *f)
{
	char place[PLACE_MAX], text[FINDING_TEXT_MAX], hint[FINDING_HINT_MAX];
	bool colour = say_colours(to);

	put_place(f->path ? f->path : "", f->line, f->column, place);
	utf8_printable(span_str(f->text), text, sizeof text);
	utf8_printable(span_str(f->hint), hint, sizeof hint);
	fprintf(to, "%s%s%s%s%s\n", colour ? "\033[1m" : "", place, colour ? "\033[0m" : "",
		f->level == FINDING_WARNING ? "warning: " : "", text);
	if (f->path && isatty(fileno(to)))
		excerpt_show(to, f->path, f->line, f->column);
	if (hint[0])
		fprintf(to, "  %s\n", hint);
}

static void show(struct finding_sink *self, const struct finding *f)
{
	struct say_sink *s = (struct say_sink *)self;

	say_finding(s->to, f);
}

void say_sink_init(struct say_sink *s, FILE *to)
{
	*s = (struct say_sink){ .sink.report = show, .to = to };
}

const char *say_count(uint64_t n, char out[SAY_SIZE])
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

const char *say_bytes(uint64_t bytes, char out[SAY_SIZE])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	unsigned unit = 0;

	if (bytes < 1000) {
		snprintf(out, SAY_SIZE, "%llu byte%s", (unsigned long long)bytes, bytes == 1 ? "" : "s");
		return out;
	}
	while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
		value /= 1000;
		unit++;
	}
	snprintf(out, SAY_SIZE, "%.*f %s", value < 9.95 ? 1 : 0, value, units[unit]);
	return out;
}

const char *say_time(int64_t ms, char out[SAY_SIZE])
{
	long long s = (ms + 500) / 1000;

	if (ms < 950)
		snprintf(out, SAY_SIZE, "%lld ms", (long long)ms);
	else if (ms < 9950)
		snprintf(out, SAY_SIZE, "%.1f s", (double)ms / 1000);
	else if (s < 60)
		snprintf(out, SAY_SIZE, "%lld s", s);
	else if (s < 3600)
		snprintf(out, SAY_SIZE, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, SAY_SIZE, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, SAY_SIZE, "%lld days %lld h", s / 86400, s % 86400 / 3600);
	return out;
}

const char *say_many(uint64_t n, const char *one, const char *many, char out[SAY_SIZE])
{
	char count[SAY_SIZE];

	snprintf(out, SAY_SIZE, "%.26s %.20s", say_count(n, count), n == 1 ? one : many);
	return out;
}
