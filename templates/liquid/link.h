/* link.h - the scheme of a link, told byte by byte as the link is written. Private to the room.
 *
 * What is fed is the bytes of an attribute's value as they stand in the HTML. They are read as a browser
 * reads them: entities are decoded, white space and control bytes in front of and inside of a scheme do
 * not count. Plain data, pure functions. */
#ifndef TEMPLATES_LIQUID_LINK_H
#define TEMPLATES_LIQUID_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum { LINK_SCHEME_MAX = 20, LINK_ENTITY_MAX = 8 };

enum link_verdict {
	LINK_OPEN, /* no scheme yet; at the end of the value: it has none */
	LINK_GOOD, /* a scheme that letters may have, or none: the rest does not matter */
	LINK_BAD
};

struct link {
	uint8_t verdict; /* enum link_verdict */
	uint8_t entity;  /* where in an entity we are, see link.c */
	uint8_t n, n_name;
	uint32_t code;
	char scheme[LINK_SCHEME_MAX + 1]; /* lower case; cut when longer */
	char name[LINK_ENTITY_MAX];
};

/* A zeroed struct link is a value that begins. The verdict after these bytes. */
enum link_verdict link_feed(struct link *l, struct span s);
/* "http, https, mailto, tel and cid", for messages. */
extern const char link_schemes_allowed[];

#endif
