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
	struct span *spans; /* none is empty */
	uint32_t n, cap;
	char *at, *end;     /* free bytes of the block */
	bool open;          /* the last span ends at `at` and can grow */
	uint64_t size;      /* octets of all spans */
	uint64_t copied;    /* those of them that were copied */
};

void mime_out_init(struct mime_out *o, struct arena *a);
char *mime_out_more_room(struct mime_out *o, size_t n); /* for mime_out_room() */

/* At least n free bytes, to be kept with mime_out_wrote(); NULL: no memory. */
static inline char *mime_out_room(struct mime_out *o, size_t n)
{
	return o->n < o->cap && o->at && (size_t)(o->end - o->at) >= n ? o->at : mime_out_more_room(o, n);
}

/* The bytes from the last mime_out_room() up to end belong to the message. */
static inline void mime_out_wrote(struct mime_out *o, const char *end)
{
	size_t n = (size_t)(end - o->at);

	MUST(end >= o->at && end <= o->end);
	if (n == 0)
		return;
	if (o->open)
		o->spans[o->n - 1].n += n;
	else
		o->spans[o->n++] = (struct span){ o->at, n };
	o->open = true;
	o->at += n;
	o->size += n;
	o->copied += n;
}

/* Copies s. -1: no memory. */
int mime_out_copy(struct mime_out *o, struct span s);
/* References s when it is long; s must outlive the message. -1: no memory. */
int mime_out_refer(struct mime_out *o, struct span s);
/* All of it as one piece of memory of a; p is NULL when memory ran out ("" when it is empty). */
struct span mime_out_flat(const struct mime_out *o, struct arena *a);

#endif
