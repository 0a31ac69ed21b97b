/* relay_ring.c - writes the last lines of a connection.
 *
 * The session masks secrets and leaves contents out before a line comes here, as for a transcript. Held by
 * tests/system/test_transcript.py. */
#include "transport/relay/relay_ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/utf8.h"
#include "transport/smtp/smtp_session.h"

enum { TEXT_MAX = 1024 + RELAY_RING_LINES * (RELAY_RING_TEXT * 3 + 64) };

void relay_ring_add_apart(struct relay_ring *r, int64_t when_ms, bool from_server, struct span lines)
{
	struct span together = { lines.p, 0 }, line;
	bool more = true;

	while (more) {
		more = smtp_trace_next(&lines, &line);
		line = span_sub(line, 0, RELAY_RING_TEXT);
		if (together.n > 0 && (size_t)(line.p + line.n - together.p) > RELAY_RING_TEXT) {
			relay_ring_put(r, when_ms, from_server, together);
			together = line;
		} else {
			together.n = (size_t)(line.p + line.n - together.p);
		}
	}
	relay_ring_put(r, when_ms, from_server, together);
}

static size_t put(char *out, size_t n, const char *when, char sign, struct span line)
{
	char text[RELAY_RING_TEXT * 3 + 1];
	int more;

	utf8_printable(line, text, sizeof text);
	more = snprintf(out + n, TEXT_MAX - n, "  %s %c %s\n", when, sign, text);
	return more > 0 && (size_t)more < TEXT_MAX - n ? n + (size_t)more : n;
}

void relay_ring_write(const struct relay_ring *r, const char *path, const char *name, unsigned number,
		      const char *what, int64_t now_ms)
{
	uint32_t from = r->count > RELAY_RING_LINES ? r->count - RELAY_RING_LINES : 0;
	int64_t wall_ms = clock_wall_ms();
	char out[TEXT_MAX], when[CLOCK_RFC3339_SIZE];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600), n;

	if (fd < 0)
		return; /* nobody's mail depends on it */
	clock_rfc3339(wall_ms, when);
	n = snprintf(out, sizeof out, "%s %s#%u: %s\n", when, name, number, what);
	for (uint32_t i = from; n > 0 && i < r->count; i++) {
		const struct relay_ring_line *l = &r->lines[i % RELAY_RING_LINES];

		struct span rest = span_of(l->text, l->n), line;
		bool more = true;

		clock_rfc3339(wall_ms - (now_ms - l->when_ms), when);
		while (more) {
			more = smtp_trace_next(&rest, &line);
			n = (int)put(out, (size_t)n, when, l->from_server ? '<' : '>', line);
		}
	}
	if (n > 0)
		(void)!write(fd, out, (size_t)n < sizeof out ? (size_t)n : sizeof out - 1);
	close(fd);
}
