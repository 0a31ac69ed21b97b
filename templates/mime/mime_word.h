/* mime_word.h - encoded words (RFC 2047) and folding: what mime_header.c writes with.
 *
 * Inner header of the room. Pure code. */
#ifndef TEMPLATES_MIME_MIME_WORD_H
#define TEMPLATES_MIME_MIME_WORD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/span.h"

struct mime_out;

enum mime_word_place { MIME_WORD_TEXT, MIME_WORD_PHRASE };

/* A header line under way. A failed write (no memory) sets failed, and later ones do nothing. */
struct mime_line {
	struct mime_out *out;
	size_t column;
	size_t limit;  /* where to fold: 78, on a line with an encoded word 76 */
	bool begun;    /* something stands on the line that a fold could follow */
	bool failed;
};
void mime_line_begin(struct mime_line *l, struct mime_out *o, struct span name); /* "Name:" */
void mime_line_add(struct mime_line *l, struct span s);
/* Ends this line, so that white space which must follow begins the next. */
void mime_line_fold(struct mime_line *l);
/* text as it is, broken before its white space where that is due. */
void mime_line_plain(struct mime_line *l, struct span text);
/* text as encoded words, each after white space; Q or B, whichever is shorter. */
void mime_line_encoded(struct mime_line *l, struct span text, enum mime_word_place place);
int mime_line_end(struct mime_line *l);

/* The part of text that needs encoding, from its first such word to its last, with the blanks
 * before it (the first separates, more belong to the words); n is 0: none. */
struct span mime_word_needed(struct span text);

#endif
