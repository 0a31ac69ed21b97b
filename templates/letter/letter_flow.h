/* letter_flow.h - a plain text as it flows: words, blanks and line ends that are due, indents. Inner header of
 * the room; pure code over an arena.
 *
 * When there is no memory it jumps to out_of_memory, which its owner has set: the walk that feeds it has
 * no other way out. */
#ifndef TEMPLATES_LETTER_LETTER_FLOW_H
#define TEMPLATES_LETTER_LETTER_FLOW_H

#include <setjmp.h>
#include <stdbool.h>

#include "engine/base/span.h"
#include "templates/mime/mime_out.h"

enum { INDENT_MAX = 200 };

struct letter_flow {
	jmp_buf out_of_memory;
	struct mime_out out;
	unsigned breaks;        /* line ends due before the next text */
	bool any, begun, space; /* some text; on this line; a blank is due */
	char indent[INDENT_MAX], marker[16]; /* before each line; once, at the end of the indent */
	size_t indent_n;
};

/* As it is. */
void letter_flow_put(struct letter_flow *f, struct span s);
/* At least n line ends before what follows. */
void letter_flow_break(struct letter_flow *f, unsigned n);
/* Text without white space, behind what is due. */
void letter_flow_words(struct letter_flow *f, struct span s);
/* Text with runs of white space as one blank. */
void letter_flow_text(struct letter_flow *f, struct span s);
/* Text whose lines and blanks count. */
void letter_flow_preformatted(struct letter_flow *f, struct span s);

#endif
