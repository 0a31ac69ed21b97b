/* relay_trace.c - the transcript: every line both ways, with time and relay and number of the connection.
 *
 *     2026-11-23T05:40:08.123Z smtp.example.com#3 > MAIL FROM:<a@b>
 *
 * The session masks secrets and leaves content out before a line comes here. One write(2) a line, so
 * that threads do not mix within lines when the file was opened for appending. */
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/relay_talk.h"

enum { LINE_SHOWN = 2048 };

void relay_trace_write(int fd, const char *name, unsigned number, bool from_server, struct span line)
{
	char text[LINE_SHOWN], out[LINE_SHOWN + 512], when[CLOCK_RFC3339_SIZE];
	int n;

	clock_rfc3339(clock_wall_ms(), when);
	utf8_printable(line, text, sizeof text);
	n = snprintf(out, sizeof out, "%s %s#%u %c %s\n", when, name, number,
		     from_server ? '<' : '>', text);
	if (n > 0)
		(void)!write(fd, out, (size_t)n < sizeof out ? (size_t)n : sizeof out - 1);
}

void relay_trace_lines(void *ctx, bool from_server, struct span lines)
{
	struct relay_link *l = ctx;
	bool more = l->pool->trace_fd >= 0;
	struct span line;

	relay_ring_add(&l->ring, l->pool->now_ms, from_server, lines);
	while (more) {
		more = smtp_trace_next(&lines, &line);
		relay_trace_write(l->pool->trace_fd, l->side->relay->name, l->number, from_server, line);
	}
}

bool relay_is_trouble(const struct verdict *v)
{
	return v->kind == VERDICT_IN_DOUBT || (v->code >= 500 && v->code <= 504) || v->code == 555;
}

void relay_link_trouble(struct relay_link *l, const char *what)
{
	struct relay_board *board = l->side->relay->board;

	if (!l->pool->trouble_path || l->troubled || l->ring.count == 0)
		return;
	l->troubled = true;
	if (atomic_fetch_add_explicit(&board->troubles, 1, memory_order_relaxed) < RELAY_TROUBLES_MAX)
		relay_ring_write(&l->ring, l->pool->trouble_path, l->side->relay->name, l->number, what, l->pool->now_ms);
}
