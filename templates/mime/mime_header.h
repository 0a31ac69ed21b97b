/* mime_header.h - header fields: folded (RFC 5322 2.2.3), encoded words (RFC 2047), parameters
 * (RFC 2231). Text is UTF-8.
 *
 * Lines have at most 78 octets where the text can be folded, with an encoded word 76, never more
 * than 998. Unfolding gives the text back to the octet. Pure code, safe in any thread. */
#ifndef TEMPLATES_MIME_MIME_HEADER_H
#define TEMPLATES_MIME_MIME_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct address_list;
struct err;
struct mime_out;

/* Printable ASCII without ':' (RFC 5322 3.6.8), at most 64. */
bool mime_header_name_ok(struct span name);
/* What no header may carry: controls but tab, line and paragraph separators, bytes that are no
 * UTF-8. Static text that completes "has ...", or NULL when all is well. *at is its index. */
const char *mime_header_bad(struct span value, size_t *at);

/* Each writes one whole field with its CRLF. value has been through mime_header_bad() and is
 * trimmed by them. 0; -1 with e: ERR_INPUT (cannot be written by the rules), ERR_NOMEM. */

/* Free text (Subject, Comments, own fields): anything can be encoded. */
int mime_header_text(struct mime_out *o, struct span name, struct span value, struct err *e);
/* Structured (msg-ids, dates, URIs, key words): folded at its spaces, never encoded, so ASCII. */
int mime_header_plain(struct mime_out *o, struct span name, struct span value, struct err *e);
/* "phrase <id>" as in List-Id: the phrase may be encoded. */
int mime_header_phrase_id(struct mime_out *o, struct span name, struct span value, struct err *e);
/* Names are quoted or encoded as they need, lines broken between addresses. */
int mime_header_addresses(struct mime_out *o, struct span name, const struct address_list *list, struct err *e);

/* text with its encoded words decoded (UTF-8, US-ASCII, ISO-8859-1; others stay as they are): for
 * text that an author took over from a message, never for values. Lives in a, or is text itself;
 * p is NULL when memory ran out. The result may hold what mime_header_bad() refuses. */
struct span mime_words_decode(struct span text, struct arena *a);

/* A field with parameters, written in steps. */
struct mime_field {
	struct mime_out *out;
	unsigned column; /* of the line that is being written */
};
/* "Name: value"; value is ASCII without anything to fold. */
int mime_field_begin(struct mime_field *f, struct span name, struct span value);
/* "; name=value": bare, quoted, or in the extended form, in sections when it is long. */
int mime_field_param(struct mime_field *f, struct span name, struct span value);
/* "; name=value" with what is not ASCII as encoded words in quotation marks: against RFC 2047 5, for
 * programs that know no other form. ASCII is written as above. */
int mime_field_param_words(struct mime_field *f, struct span name, struct span value);
int mime_field_end(struct mime_field *f);

#endif
