/* dkim_body.h - the hash of a body (RFC 6376 3.4.3, 3.4.4, 3.7), taken piece by piece where the
 * pieces lie. Inner header of the room; pure code, a struct dkim_body belongs to one thread. */
#ifndef TEMPLATES_DKIM_DKIM_BODY_H
#define TEMPLATES_DKIM_DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/digest.h"
#include "engine/base/span.h"
#include "templates/dkim/dkim.h"

struct dkim_body {
	struct digest *digest;
	enum dkim_canon canon;
	size_t line_ends; /* CRLFs held back: they count only when something follows */
	bool cr;          /* so is the first half of one */
	bool blank;       /* relaxed: so is a space that stands for white space */
	bool any;         /* something went into the digest */
};

void dkim_body_begin(struct dkim_body *b, struct digest *d, enum dkim_canon canon);
void dkim_body_add(struct dkim_body *b, struct span piece);
void dkim_body_end(struct dkim_body *b, unsigned char out[SHA256_SIZE]);

#endif
