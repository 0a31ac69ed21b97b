/* letter_holes.h - "Dr. {Ann} <{a@b}>" as the text of a header with values in it, for tests. */
#ifndef TESTS_UNIT_LETTER_HOLES_H
#define TESTS_UNIT_LETTER_HOLES_H

#include "templates/letter/letter_text.h"

enum { HOLES_TEXT = 1000, HOLES_MOST = 100 };

struct letter_holes {
	char text[HOLES_TEXT];
	struct letter_hole holes[HOLES_MOST];
};

static inline struct letter_rendered letter_holes_of(struct letter_holes *h, const char *s)
{
	struct letter_rendered r = { .text = { h->text, 0 }, .holes = h->holes };

	for (; *s; s++) {
		struct letter_hole *hole = &h->holes[r.n_holes];

		if (*s == '{') {
			hole->from = r.text.n;
		} else if (*s == '}') {
			hole->to = r.text.n;
			r.n_holes += hole->to > hole->from;
		} else {
			h->text[r.text.n++] = *s;
		}
	}
	return r;
}

#endif
