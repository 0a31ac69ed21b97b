/* letter_text.h - the value of a header line, rendered for one mail. Inner header of the room.
 *
 * Safe in any thread that has its own job. */
#ifndef TEMPLATES_LETTER_LETTER_TEXT_H
#define TEMPLATES_LETTER_LETTER_TEXT_H

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct address_list;
struct err;
struct letter_job;
struct letter_text;

/* Where a byte comes from: 0 is the letter's own text; values take turns with two marks, so that
 * two which stand side by side can be told apart. */
enum letter_mark { MARK_LETTER, MARK_VALUE, MARK_OTHER_VALUE };

/* Renders t for the header called name. Unfolded, tabs as spaces, checked for what no header may
 * carry. mask may be NULL; else it gets an enum letter_mark for
 * each byte, or NULL when all is the letter's own. Lives in the job's
 * arena and in the letter. -1 with e: ERR_INPUT with the place in the letter, ERR_NOMEM. */
int letter_text_render(const struct letter_text *t, struct letter_job *job, struct span name, struct span *out,
		       const char **mask, struct err *e);

/* The addresses of a header. Only the letter's own bytes are syntax: a value inside a name is
 * taken as that name's text, inside < > as one address, and only a value that stands alone
 * between two commas is read as addresses by itself. mask NULL: all is the letter's own.
 * Appends to *out (grown in a). 0; -1 with e (ERR_INPUT, no place; ERR_NOMEM). */
int letter_addresses(struct span text, const char *mask, struct arena *a, struct address_list *out, struct err *e);

#endif
