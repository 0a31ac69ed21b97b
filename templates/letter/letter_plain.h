/* letter_plain.h - a text twin for HTML: what a person reads there. Inner header of the room; safe in
 * any thread that has its own arenas. */
#ifndef TEMPLATES_LETTER_LETTER_PLAIN_H
#define TEMPLATES_LETTER_LETTER_PLAIN_H

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct letter_marks;

/* Paragraphs, headings, lists, quotes, tables; links as footnotes; without what is hidden. Lines end
 * with \n. work holds the tree meanwhile and is reset; the text lives in a. -1 with e (ERR_NOMEM). */
int letter_plain(struct span html, struct arena *work, struct arena *a, struct span *text, struct err *e);
/* The same of HTML with marks in it; they are told what it meets. */
int letter_plain_marked(struct span html, struct letter_marks *marks, struct arena *work, struct arena *a,
			struct span *text, struct err *e);

#endif
