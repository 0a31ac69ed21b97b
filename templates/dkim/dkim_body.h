/* dkim_body.h - the hash of a body (RFC 6376 3.4.3, 3.4.4, 3.7), taken piece by piece where the
 * pieces lie. Inner header of the room; pure code, a struct dkim_body belongs to one thread. */
#ifndef TEMPLATES_DKIM_DKIM_BODY_H
#define TEMPLATES_DKIM_DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/digest.h"
#include "engine/base/span.h"
#include "templates/dkim/dkim.h"
#include "templates/dkim/dkim_gather.h"

enum { DKIM_KNOWN_MAX = 16 };

/* Pieces that are the same, and at the same place, in many messages. */
struct dkim_known {
	struct span items[DKIM_KNOWN_MAX]; /* such as the relaxed form leaves alone */
	size_t n;
};

struct dkim_body {
	const struct dkim_known *known; /* NULL: none */
	struct dkim_gather digest;
	enum dkim_canon canon;
	size_t line_ends; /* CRLFs held back: they count only when something follows */
	bool cr;          /* so is the first half of one */
	bool blank;       /* relaxed: so is a space that stands for white space */
	bool any;         /* something went into the digest */
};

/* Looks at s now, so that it need not be looked at each time; does nothing when there is no place. */
void dkim_body_know(struct dkim_known *k, struct span s);
/* known is borrowed; it may be NULL. */
void dkim_body_begin(struct dkim_body *b, struct digest *d, enum dkim_canon canon, const struct dkim_known *known);
void dkim_body_add(struct dkim_body *b, struct span piece);
/* -1: no memory. */
int dkim_body_end(struct dkim_body *b, unsigned char out[SHA256_SIZE]);

#endif
