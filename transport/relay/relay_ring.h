/* relay_ring.h - the last lines of a connection, kept in case that something happens which nobody
 * expected. Private to the room; one thread. */
#ifndef TRANSPORT_RELAY_RELAY_RING_H
#define TRANSPORT_RELAY_RELAY_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum { RELAY_RING_LINES = 32, RELAY_RING_TEXT = 230 };

struct relay_ring_line { /* or several, that went or came together */
	int64_t when_ms; /* monotonic */
	bool from_server;
	uint8_t n;
	char text[RELAY_RING_TEXT]; /* as it came; of a longer line its beginning */
};

struct relay_ring {
	uint32_t count; /* lines so far; the newest is at (count - 1) % RELAY_RING_LINES */
	struct relay_ring_line lines[RELAY_RING_LINES];
};

/* For lines that do not fit together: as many as do share a place, and a longer one is cut. */
void relay_ring_add_apart(struct relay_ring *r, int64_t when_ms, bool from_server, struct span lines);

static inline void relay_ring_put(struct relay_ring *r, int64_t when_ms, bool from_server, struct span lines)
{
	struct relay_ring_line *to = &r->lines[r->count++ % RELAY_RING_LINES];

	to->when_ms = when_ms;
	to->from_server = from_server;
	to->n = (uint8_t)lines.n;
	if (to->n > 0)
		memcpy(to->text, lines.p, to->n);
}

/* Lines are parted by LF. */
static inline void relay_ring_add(struct relay_ring *r, int64_t when_ms, bool from_server, struct span lines)
{
	if (lines.n <= RELAY_RING_TEXT)
		relay_ring_put(r, when_ms, from_server, lines);
	else
		relay_ring_add_apart(r, when_ms, from_server, lines);
}

/* Appends them to a file, oldest first, in one write, under a heading: what happened, at which relay, on
 * which connection. now_ms is monotonic. The file is made with mode 0600. */
void relay_ring_write(const struct relay_ring *r, const char *path, const char *name, unsigned number,
		      const char *what, int64_t now_ms);

#endif
