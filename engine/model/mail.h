/* mail.h - one message for one transaction: an envelope and the octets to send.
 *
 * Noun 2 of 3: row -> mail -> verdict. Everything is borrowed, from the compiled letter and from
 * the arena of the mail's place in the worker, until the mail is taken back (delivery.h says
 * when). content is the canonical form (RFC 5322, every line ends with CRLF, no bare CR or LF,
 * no line over 998 octets), the same octets for DATA, BDAT, DKIM and files; dot-stuffing is the
 * session's work. */
#ifndef ENGINE_MODEL_MAIL_H
#define ENGINE_MODEL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum mail_needs {
	MAIL_NEEDS_8BITMIME = 1, /* octets above 127 in the content */
	MAIL_NEEDS_SMTPUTF8 = 2, /* addresses or header addresses beyond ASCII */
	MAIL_MAY_HAVE_DOTS = 4   /* some line may begin with '.': DATA must stuff. Composed text never
	                          * does; an attached message may */
};

struct mail {
	struct span sender;            /* reverse-path without <>; empty is the null path */
	const struct span *recipients; /* forward-paths without <>, re-serialised */
	uint32_t n_recipients;         /* at least 1 */
	uint32_t own, n_own;           /* those whom the row itself names: recipients[own] and behind it. n_own 0: none */
	const struct span *content;    /* pieces, in order; none is empty */
	uint32_t n_content;
	uint64_t size;       /* octets of content, before dot-stuffing */
	unsigned needs;      /* enum mail_needs */
	bool utf8_instead;   /* of the letter's own charset: a value does not fit into that */
	uint64_t row;        /* for names of files and for messages to people */
	struct span message_id; /* with its < > */
	uint32_t ticket;     /* the offerer's; comes back with every event about this mail */
};

#endif
