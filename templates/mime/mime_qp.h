/* mime_qp.h - quoted-printable (RFC 2045 6.7) with holes: fixed text is encoded once, values as
 * they come, and no fixed byte ever shifts.
 *
 * The result has lines of at most 76, is 7-bit, has no white space before a line break, no line
 * that begins with '.' or "From ", and always ends with CRLF. CRLF, CR and LF of the text are
 * line breaks. Pure code; a struct mime_qp belongs to one thread. */
#ifndef TEMPLATES_MIME_MIME_QP_H
#define TEMPLATES_MIME_MIME_QP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct mime_out;
struct text_bit;

enum { MIME_QP_COLUMNS = 75 }; /* and one for the '=' of a soft break */

struct mime_qp_piece {
	struct span bytes;  /* encoded as if it began a line */
	uint32_t first;     /* columns until its first line break, or its end */
	uint32_t last;      /* columns after its last line break; first when it has none */
	uint32_t short_first; /* first, when bytes are few and at least MIME_QP_SHORT can be read; else more than a line has */
	bool breaks;        /* there is a line break in it */
	bool begins_break;  /* it begins with a line break of the text */
	bool ends_blank;    /* it ends with a bare space or tab */
};
/* Encodes text for use at any column; lives in a. -1: no memory. */
int mime_qp_piece(struct mime_qp_piece *out, struct span text, struct arena *a);
/* Octets that text has in quoted-printable, about. */
size_t mime_qp_estimate(struct span text);

struct mime_qp {
	struct mime_out *out;
	unsigned column; /* used on the line that is being written */
	bool blank;      /* its last octet is a bare space or tab */
};
void mime_qp_begin(struct mime_qp *q, struct mime_out *o);
/* All: -1: no memory. The piece must outlive the message. */
int mime_qp_fixed(struct mime_qp *q, const struct mime_qp_piece *p);
int mime_qp_value(struct mime_qp *q, struct span value);
/* For most of most mails: writes the first of the bits, short pieces and values in ASCII that fit on the line as they
 * are. Returns how many; the next one needs one of the above. */
uint32_t mime_qp_plain(struct mime_qp *q, const struct mime_qp_piece *pieces, const struct text_bit *bits, uint32_t n);
int mime_qp_end(struct mime_qp *q);

#endif
