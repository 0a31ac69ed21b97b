/* smtp_reply.h - server bytes in, whole SMTP replies out (RFC 5321 4.2).
 *
 * Pure code: no socket, no clock, no allocation. One parser belongs to one session and is touched
 * only by the thread that owns that session. A zeroed parser is ready. */
#ifndef TRANSPORT_SMTP_SMTP_REPLY_H
#define TRANSPORT_SMTP_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/span.h"

enum {
	SMTP_LINE_MAX = 12288,      /* bytes without line end; RFC 5321 asks 510, AUTH needs 12288 */
	SMTP_REPLY_LINES_MAX = 256, /* a longer reply is a flood */
	SMTP_REPLY_TEXT_MAX = SMTP_LINE_MAX /* bytes of text that are kept, the rest is dropped */
};

struct smtp_reply {
	int code;                       /* 200..599 */
	bool plain;                     /* text is one line of printable ASCII: as words it is what it is */
	size_t text_n;                  /* bytes used in text */
	char text[SMTP_REPLY_TEXT_MAX]; /* lines joined by '\n', control bytes shown as '?' */
};

struct smtp_reply_parser {
	size_t line_n;   /* bytes of the line so far, without a CR that may end it */
	unsigned lines;  /* whole lines of the reply so far */
	int code;        /* of the line so far */
	bool more, cr;   /* line says that another follows; last byte was a CR */
	bool cut;        /* a line of this reply did not fit: drop the rest */
	struct smtp_reply reply;
};

/* Eats bytes from *in until one reply is complete; leftover bytes belong to the next one.
 *   1  *out is a reply, borrowed from *ps until the next call
 *   0  all bytes eaten, feed more
 *  -1  server broke the protocol (ERR_PROTO): drop the session, do not call again */
int smtp_reply_feed(struct smtp_reply_parser *ps, struct span *in, const struct smtp_reply **out, struct err *e);
/* True in the middle of a reply. */
bool smtp_reply_begun(const struct smtp_reply_parser *ps);
/* The text for people: printable, lines joined by a space, NUL-terminated. */
void smtp_reply_words(const struct smtp_reply *r, char *out, size_t out_size);
static inline struct span smtp_reply_text(const struct smtp_reply *r)
{
	return (struct span){ r->text, r->text_n };
}

#endif
