/* smtp_out.h - what waits to be written, in order: command lines of ours and pieces of content.
 *
 * Command lines live in a ring of bytes in here, content is only pointed to. Places in the stream
 * are counted from its beginning: what lies below `pulled` may have left us, what lies below
 * `written` is needed no more. Pure code, no allocation. */
#ifndef TRANSPORT_SMTP_SMTP_OUT_H
#define TRANSPORT_SMTP_SMTP_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum {
	SMTP_OUT_PIECES = 256,
	SMTP_OUT_PULL = 256 << 10, /* octets of one pull, about: what was handed out may have left us, so of a
	                            * large mail no more is handed out than a link may take */
	SMTP_OUT_BYTES = 32768 /* two lines of a login; some 200 envelopes */
};

struct smtp_out {
	uint64_t queued, pulled, written; /* octets of the stream so far */
	struct span piece[SMTP_OUT_PIECES];
	uint32_t first, n;  /* ring of pieces */
	uint32_t handed;    /* of them were handed out and may not change any more */
	size_t from, to;    /* live command bytes lie from `from` round to `to` */
	size_t live;        /* how many, gaps at the end of the ring not counted */
	char bytes[SMTP_OUT_BYTES];
};

static inline bool smtp_out_has_room(const struct smtp_out *o)
{
	return o->n < SMTP_OUT_PIECES;
}
/* Room for one line of at most n bytes, or NULL when the ring is full now. smtp_out_add() says
 * how many it became. */
char *smtp_out_room_anywhere(struct smtp_out *o, size_t n);
static inline char *smtp_out_room(struct smtp_out *o, size_t n)
{
	bool behind = smtp_out_has_room(o) && o->to > o->from && n <= sizeof o->bytes - o->to;

	return behind ? o->bytes + o->to : smtp_out_room_anywhere(o, n);
}
void smtp_out_add_piece(struct smtp_out *o, size_t n);
static inline void smtp_out_add(struct smtp_out *o, size_t n)
{
	struct span *last = &o->piece[(o->first + o->n - 1) % SMTP_OUT_PIECES];

	/* A piece that ends behind the ring's first byte is one of ours. */
	if (o->n == o->handed || o->to == 0 || last->p + last->n != o->bytes + o->to) {
		smtp_out_add_piece(o, n);
		return;
	}
	last->n += n;
	o->to += n;
	o->live += n;
	o->queued += n;
}
/* A piece of content or static text. There must be room for a piece. */
void smtp_out_point(struct smtp_out *o, struct span piece);

int smtp_out_pull(struct smtp_out *o, struct span *out, int max);
void smtp_out_wrote(struct smtp_out *o, size_t n);
/* Forgets what waits and wipes the bytes. The counts stay. */
void smtp_out_drop(struct smtp_out *o);

#endif
