/* mime_base64.h - base64 (RFC 2045 6.8) in lines of 76, whole or as a stream.
 *
 * Pure code, safe in any thread; a struct mime_base64 belongs to one. */
#ifndef TEMPLATES_MIME_MIME_BASE64_H
#define TEMPLATES_MIME_MIME_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/span.h"

struct mime_out;

enum { MIME_BASE64_LINE = 57 }; /* octets that make a line of 76 */

/* Bytes that mime_base64_lines() writes for n octets, each line with its CRLF. */
size_t mime_base64_size(size_t n);
/* Returns the end of what was written. */
char *mime_base64_lines(char *out, struct span s);
/* Without line breaks: 4 bytes for each 3 octets begun. Returns the end. */
char *mime_base64_word(char *out, struct span s);

/* A text in pieces; its line breaks (CRLF, CR, LF) become CRLF before they are encoded. */
struct mime_base64 {
	struct mime_out *out;
	unsigned n;      /* octets held back */
	bool line_ended; /* the last octet was the end of a CRLF, or nothing came yet */
	char held[MIME_BASE64_LINE];
};
void mime_base64_begin(struct mime_base64 *b, struct mime_out *o);
/* Both: -1: no memory. A line break cut in two by a piece's end counts as two. */
int mime_base64_text(struct mime_base64 *b, struct span s);
/* Ends the last line of the text and writes what is held back. */
int mime_base64_end(struct mime_base64 *b);

#endif
