/* smtp_content.h - a mail's content as it goes over the wire, piece by piece, never copied.
 * Pure code: pieces point into the mail or to static text. */
#ifndef TRANSPORT_SMTP_SMTP_CONTENT_H
#define TRANSPORT_SMTP_SMTP_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "engine/model/mail.h"

enum { SMTP_CONTENT_PIECE = 64 << 10 }; /* most octets of one piece: see SMTP_OUT_PULL */

struct smtp_content {
	const struct span *pieces;
	uint32_t n, at;  /* pieces, and the one that is next */
	size_t offset;   /* octets of it that are done */
	bool stuff;      /* DATA: a dot at a line's beginning is doubled */
	bool line_start; /* the next octet begins a line */
	bool open_end;   /* content does not end with CRLF: one is added */
	bool dot;        /* DATA: ends with ".\r\n" */
};

/* Octets that the content counts for SIZE and BDAT: with the CRLF that is added when it lacks one. */
uint64_t smtp_content_size(const struct mail *m);
/* data: for DATA, dots doubled where the mail may have them and the final dot added; else for BDAT. */
void smtp_content_begin(struct smtp_content *c, const struct mail *m, bool data);
/* 1 and the next piece, borrowed from the mail; 0 that was all. */
int smtp_content_next(struct smtp_content *c, struct span *out);
/* True when smtp_content_next() has no more. */
bool smtp_content_ended(const struct smtp_content *c);

#endif
