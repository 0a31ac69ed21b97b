/* content.h - the octets of a message on their way in: the end of DATA, dot-stuffing, and what is wrong
 * with them. No allocation once the buffers have met their largest content. */
#ifndef TESTS_FAKE_CONTENT_H
#define TESTS_FAKE_CONTENT_H

#include "tests/fake/text.h"

enum content_wrong {
	CONTENT_BARE_CR = 1,
	CONTENT_BARE_LF = 2,
	CONTENT_NUL = 4,
	CONTENT_8BIT = 8,
	CONTENT_LONG_LINE = 16,  /* over 1000 octets with CRLF, dot-stuffing not counted */
	CONTENT_SINGLE_DOT = 32 /* a line of DATA that begins with one dot and goes on */
};

/* A header to look for. */
struct content_pick {
	struct text name; /* without the colon; borrowed for as long as the pick is used */
	struct bytes value;
	bool found;
};

enum { CONTENT_PICKS = 2 };

struct content {
	/* set by content_begin */
	bool dots;  /* DATA: ends with a lone dot, dots are stuffed; otherwise BDAT */
	bool check; /* look for what is wrong */
	bool pick;
	struct bytes *keep; /* NULL: the octets are not wanted */
	uint64_t keep_max;
	/* results */
	uint64_t size;  /* octets without dot-stuffing */
	unsigned wrong; /* enum content_wrong */
	bool began;     /* some octet of it was read */
	struct content_pick picks[CONTENT_PICKS];
	/* state */
	int dot;            /* octets of ".\r" that were held back */
	bool after_crlf;    /* the line before ended with CRLF, or there is none */
	bool last_cr, in_header;
	uint64_t line_octets;
	struct bytes line;  /* the part of a header line that came before the last cut */
	struct content_pick *picking;
};

void content_begin(struct content *c, bool dots);
/* Takes octets; *ended is set when the lone dot was read. Returns how many were taken: all, but when it
 * ended. */
size_t content_feed(struct content *c, const char *p, size_t n, bool *ended);
/* No octet will follow (BDAT): a CR at the very end stands alone. */
static inline void content_end(struct content *c)
{
	if (!c->dots && c->check && c->last_cr)
		c->wrong |= CONTENT_BARE_CR;
}

void content_release(struct content *c);

#endif
