/* mime_out.h - a message as a list of spans: what is copied runs together, what is long is
 * referenced where it lies.
 *
 * Copies live in the caller's arena; they never move. One thread at a time. */
#ifndef TEMPLATES_MIME_MIME_OUT_H
#define TEMPLATES_MIME_MIME_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/must.h"
#include "engine/base/span.h"

enum {
	MIME_OUT_BLOCK = 4096,   /* copies are gathered in blocks of at least this */
	MIME_OUT_REFER_MIN = 192 /* below, a copy costs less than one more piece to write */
};

struct mime_converter;

struct mime_out {
	struct arena *arena;
	struct mime_converter *words; /* encoded words are in its charset; NULL: UTF-8 */
	bool misfit;                  /* one did not fit into it: the message is of no use */
	/* All that was written until the last mime_out_close(): */
	struct span *spans;           /* none is empty */
	uint32_t n, cap;
	uint64_t size;                /* octets of all spans */
	uint64_t copied;              /* those of them that were copied */
	/* Copies since then: */
	char *from, *at, *end;        /* free bytes are from at to end */
	bool joins;                   /* the last span ends at from */
};

void mime_out_init(struct mime_out *o, struct arena *a);
char *mime_out_more_room(struct mime_out *o, size_t n); /* for mime_out_room() */

/* At least n free bytes, to be kept with mime_out_wrote(); NULL: no memory. */
static inline char *mime_out_room(struct mime_out *o, size_t n)
{
	return (size_t)(o->end - o->at) > n ? o->at : mime_out_more_room(o, n);
}

/* The bytes from the last mime_out_room() up to end belong to the message. */
static inline void mime_out_wrote(struct mime_out *o, char *end)
{
	MUST(end >= o->at && end <= o->end);
	o->at = end;
}

/* Copies s. -1: no memory. */
static inline int mime_out_copy(struct mime_out *o, struct span s)
{
	char *p = mime_out_room(o, s.n);

	if (!p)
		return -1;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	o->at = p + s.n;
	return 0;
}

/* Octets written so far. */
static inline uint64_t mime_out_size(const struct mime_out *o)
{
	return o->size + (size_t)(o->at - o->from);
}

/* Makes spans, n, size and copied tell of all that was written so far. */
void mime_out_close(struct mime_out *o);
/* References s, which must outlive the message and not be empty. -1: no memory. */
int mime_out_refer_long(struct mime_out *o, struct span s);
/* The same when s is long; else copies it. */
static inline int mime_out_refer(struct mime_out *o, struct span s)
{
	return s.n < MIME_OUT_REFER_MIN ? mime_out_copy(o, s) : mime_out_refer_long(o, s);
}
/* All of it as one piece of memory of a; p is NULL when memory ran out ("" when it is empty). */
struct span mime_out_flat(struct mime_out *o, struct arena *a);

#endif
