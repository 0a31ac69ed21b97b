/* log.c - lines to standard error.
 *
 *  1. A line leaves in one write(2), together with the removal and the redrawing of the status
 *     line, so that nothing another process writes can stand inside it.
 *  2. Text from outside cannot forge a line: every control byte is shown as '?', but for a newline
 *     before two spaces, which is how hints are set below their sentence.
 *  3. The status line is never wider than the terminal, so that one "\r" takes it back.
 * Held by tests/unit/test_base_log.c. */
#include "engine/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/span.h"
#include "engine/base/utf8.h"

enum {
	LINE_MAX_BYTES = 2048,
	STATUS_MAX_BYTES = 512,
	OUT_MAX_BYTES = LINE_MAX_BYTES + STATUS_MAX_BYTES + 128
};

#define TAKE_BACK "\r\033[K"

static const struct prefix {
	const char *plain, *colour;
} prefixes[] = {
	[LOG_ERROR] = { "error: ", "\033[1;31merror:\033[0m " },
	[LOG_WARNING] = { "warning: ", "\033[1;33mwarning:\033[0m " },
	[LOG_NOTE] = { "", "" },
	[LOG_DEBUG] = { "debug: ", "\033[2mdebug:\033[0m " },
};

static _Atomic int shown_most = LOG_NOTE;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards status and the order of lines */
static char status[STATUS_MAX_BYTES];

static bool colours(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && !(no && no[0]);
}

/* Whole or as far as it goes: there is nobody to tell. */
static void write_out(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(STDERR_FILENO, p, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return;
		p += wrote;
		n -= (size_t)wrote;
	}
}

/* text with its control bytes shown as '?', newlines before two spaces kept (2). */
static size_t clean(struct span text, char *out, size_t out_size)
{
	size_t n = 0;

	for (;;) {
		size_t at = span_search(text, SPAN("\n  "));

		n += utf8_printable(span_sub(text, 0, at), out + n, out_size - n);
		if (at == text.n || n + 1 >= out_size)
			return n;
		out[n++] = '\n';
		text = span_skip(text, at + 1);
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES], out[OUT_MAX_BYTES];
	va_list ap;
	int n, saved = errno;

	if ((int)level > atomic_load_explicit(&shown_most, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof raw)
		n = sizeof raw - 1;
	clean(span_of(raw, (size_t)n), line, sizeof line);

	pthread_mutex_lock(&lock);
	n = snprintf(out, sizeof out, "%s%s%s\n%s", status[0] ? TAKE_BACK : "",
		     colours() ? prefixes[level].colour : prefixes[level].plain, line, status);
	write_out(out, (size_t)n);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void log_show(enum log_level most)
{
	atomic_store(&shown_most, (int)most);
}

static size_t terminal_width(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : 80;
}

void log_status(const char *line)
{
	char out[OUT_MAX_BYTES];
	int n;

	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&lock);
	if (line || status[0]) {
		struct span s = span_str(line ? line : "");

		s.n = utf8_index(s, terminal_width() - 1); /* (3) */
		utf8_printable(s, status, sizeof status);
		n = snprintf(out, sizeof out, TAKE_BACK "%s", status);
		write_out(out, (size_t)n);
	}
	pthread_mutex_unlock(&lock);
}
