/* address.h - mail addresses: parsed once, written again from the parsed form.
 *
 * RFC 5322 3.4 (names, comments, groups, quoted local parts), RFC 5321 4.1.2 (envelope),
 * RFC 6531 (beyond ASCII), IDNA through libidn2. No function keeps its input's text unless said:
 * results are borrowed from the arena. Parsing is iterative and linear: no nesting is followed
 * deeper than ADDRESS_COMMENTS_MAX. */
#ifndef ENGINE_MODEL_ADDRESS_H
#define ENGINE_MODEL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

enum {
	ADDRESS_LOCAL_MAX = 64,   /* octets, RFC 5321 4.5.3.1.1 */
	ADDRESS_DOMAIN_MAX = 255,
	ADDRESS_PATH_MAX = 254,   /* without <> */
	ADDRESS_COMMENTS_MAX = 16,
	ADDRESS_LIST_MAX = 1000
};

struct address {
	struct span name;   /* display name, decoded and unquoted UTF-8; empty when none */
	struct span local;  /* unquoted, case kept */
	struct span domain; /* lower-case A-labels, or a literal with its brackets */
	struct span path;   /* local@domain as it goes on the wire, quoted where it must be */
	struct span group;  /* name of the group it stands in; empty when none */
	bool utf8;          /* local part beyond ASCII: needs SMTPUTF8 */
	bool of_row;        /* in a letter: a value has a part in it */
	bool of_list;       /* in a letter: of the same value as the one before it */
};

struct address_list {
	uint32_t n;
	struct address *items;
	struct span *empty_groups; /* "undisclosed-recipients:;" */
	uint32_t n_empty_groups;
};

struct err;

/* One address with nothing else: "a@b", "Name <a@b>", "mailto:a@b", surrounding space allowed.
 * e says what is wrong at which character (ERR_INPUT; ERR_NOMEM). */
int address_parse(struct span text, struct arena *a, struct address *out, struct err *e);
/* The same, of the simplest kind that nearly all are: 1; 0 it is not, or it is wrong; -1 no memory. out is to be
 * zeroed before. */
int address_plain(struct span text, struct arena *a, struct address *out);
/* The value of an address header: a comma list, groups and comments allowed. An empty text is an
 * empty list. Bytes CR, LF, NUL and other controls are refused. */
int address_parse_list(struct span text, struct arena *a, struct address_list *out, struct err *e);
/* Same mailbox: domains without case, local parts without ASCII case (what duplicates and
 * suppression want, although RFC 5321 2.4 lets a server tell them apart). */
bool address_same(const struct address *x, const struct address *y);

#endif
