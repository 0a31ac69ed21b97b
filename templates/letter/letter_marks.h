/* letter_marks.h - marks in HTML, where values will stand: does its text form say where each comes to stand, whatever
 * the values are? Inner header of the room; one thread. */
#ifndef TEMPLATES_LETTER_LETTER_MARKS_H
#define TEMPLATES_LETTER_LETTER_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

enum { LETTER_MARK_SIZE = 12, LETTER_MARKS_MAX = 1000 };

struct letter_marks {
	uint32_t n;
	const uint32_t *first; /* [n] number of the first mark that stands for the same value */
	bool *is_known;        /* [n] where it stands is known: in an attribute that the text form leaves out, */
	bool *in_link;         /* [n] in the text of a link */
	bool unfit;            /* the text form depends on a value */
	size_t links_from;     /* where in the text form the list of links begins */
};

/* Writes the mark of that number. */
void letter_mark_put(uint32_t number, char out[LETTER_MARK_SIZE]);
/* Index of the first mark in s, and its number; s.n: none. */
size_t letter_mark_find(struct span s, uint32_t *number);

/* The text form tells what it meets. An attribute of any element, visible or not; true: there is a mark in it. */
bool letter_marks_attribute(struct letter_marks *m, const char *name, struct span value, bool quoted);
/* A link that is shown: text is what it shows, to[n] where it goes; marks in that which stand for the same value become
 * the same. */
void letter_marks_link(struct letter_marks *m, struct span text, char *to, size_t n);
/* All that are listed, no two alike. */
void letter_marks_links(struct letter_marks *m, const struct span *links, unsigned n);

#endif
