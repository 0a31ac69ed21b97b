/* letter_text.h - the value of a header line, rendered for one mail. Inner header of the room.
 *
 * Safe in any thread that has its own job. */
#ifndef TEMPLATES_LETTER_LETTER_TEXT_H
#define TEMPLATES_LETTER_LETTER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct address_list;
struct err;
struct letter_job;
struct letter_text;

/* Bytes [from, to) that one value brought; all others are the letter's own. */
struct letter_hole {
	size_t from, to;
};

enum { LETTER_HOLES_FEW = 4 };

struct letter_rendered {
	struct span text;
	const struct letter_hole *holes; /* in order; none is empty */
	uint32_t n_holes;
	bool fixed; /* the same in all mails */
	struct letter_hole few[LETTER_HOLES_FEW]; /* what holes points to, when they are not more */
};

/* The hole that byte i stands in; NULL: the letter's own. *next: those before it end before i; it moves on. */
static inline const struct letter_hole *letter_hole_at(const struct letter_rendered *r, uint32_t *next, size_t i)
{
	while (*next < r->n_holes && r->holes[*next].to <= i)
		++*next;
	return *next < r->n_holes && r->holes[*next].from <= i ? &r->holes[*next] : NULL;
}

/* Renders t for the header called name. Unfolded, tabs as spaces, checked for what no header may
 * carry. Lives in the job's arena and in the letter. -1 with e: ERR_INPUT with the place in the
 * letter, ERR_NOMEM. */
int letter_text_render(const struct letter_text *t, struct letter_job *job, struct span name,
		       struct letter_rendered *out, struct err *e);

/* The addresses of a header. Only the letter's own bytes are syntax: a value inside a name is
 * taken as that name's text, inside < > as one address, and only a value that stands alone
 * between two commas is read as addresses by itself. A fixed text is the grammar of RFC 5322.
 * Appends to *out (grown in a). 0; -1 with e (ERR_INPUT, no place; ERR_NOMEM). */
int letter_addresses(const struct letter_rendered *line, struct arena *a, struct address_list *out, struct err *e);

#endif
