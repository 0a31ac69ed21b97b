/* excerpt.c - a line of somebody's file on the terminal.
 *
 * The file may have changed since, may be huge, or hold anything: it is only read on, to the line, at
 * most EXCERPT_BYTES_MAX far, and shown through utf8_printable(). Held by tests/system/test_cli_render.py. */
#include "engine/cli/excerpt.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"

enum { EXCERPT_BYTES_MAX = 1 << 20, WIDTH = 100, BEFORE = 60, SHOWN_SIZE = WIDTH * 4 + 1 };

static char text[EXCERPT_BYTES_MAX]; /* only the main thread shows findings */

/* The line, without its end, of a file's first bytes; false when it is not among them. */
static bool read_line(const char *path, uint64_t line, struct span *out)
{
	struct stat st;
	struct span rest;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = file_read_full(fd, text, sizeof text);
	close(fd);
	if (n <= 0)
		return false;
	for (rest = span_of(text, (size_t)n); rest.n && line > 0; line--)
		*out = span_cut(&rest, '\n');
	if (line == 0 && span_ends(*out, SPAN("\r")))
		out->n--;
	return line == 0;
}

/* Tabs are shown as one space, so that the caret stands where it should. */
static void put_text(FILE *to, struct span s)
{
	char plain[SHOWN_SIZE], shown[SHOWN_SIZE];
	size_t n = s.n < sizeof plain ? s.n : sizeof plain - 1;

	for (size_t i = 0; i < n; i++)
		plain[i] = s.p[i] == '\t' ? ' ' : s.p[i];
	utf8_printable(span_of(plain, n), shown, sizeof shown);
	fprintf(to, "  %s\n", shown);
}

void excerpt_show(FILE *to, const char *path, uint64_t line, uint64_t column)
{
	struct span s;
	uint64_t at = column - 1;

	if (line == 0 || column == 0 || !path[0] || !read_line(path, line, &s) || at > utf8_length(s))
		return;
	if (at > BEFORE) {
		s = span_skip(s, utf8_index(s, (size_t)(at - BEFORE)));
		at = BEFORE;
	}
	put_text(to, span_sub(s, 0, utf8_index(s, WIDTH)));
	fprintf(to, "  %*s^\n", (int)at, "");
}
