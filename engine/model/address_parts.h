/* address_parts.h - the two sides of the @, and the path that they make.
 *
 * Private to engine/model/address*.c. */
#ifndef ENGINE_MODEL_ADDRESS_PARTS_H
#define ENGINE_MODEL_ADDRESS_PARTS_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

enum { ADDRESS_LABEL_MAX = 63 };

/* What is wrong: words that follow the quoted address, and the byte they mean. */
struct address_fault {
	const char *words; /* static */
	size_t at;         /* byte of the text that was given */
};

/* address_local.c: a local part as it was written, its words touching each other. *utf8 says
 * whether it goes beyond ASCII. 0, -1 with *fault. */
int address_local_check(struct span text, bool *utf8, struct address_fault *fault);
/* local@domain for the wire, from the parsed forms. 0, -1 with *fault (at 0), -2 no memory. */
int address_path(struct span local, struct span domain, struct arena *a, struct span *out,
		 struct address_fault *fault);

/* address_domain.c: a domain as it was written to the one that goes on the wire, made in the arena.
 * 0, -1 with *fault, -2 no memory. */
int address_domain(struct span text, struct arena *a, struct span *out, struct address_fault *fault);
/* The same for "[192.0.2.1]" and "[IPv6:2001:db8::1]". */
int address_literal(struct span text, struct arena *a, struct span *out, struct address_fault *fault);

/* address_idn.c: U-labels to A-labels (IDNA 2008, UTS 46 non-transitional). 0, -1 with static
 * words in *words, -2 no memory. */
int address_idn(struct span domain, struct arena *a, struct span *out, const char **words);

#endif
