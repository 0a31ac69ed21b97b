/* letter_mould.h - the text form of HTML, made once: for each mail only the values are filled in. Inner header of the
 * room; a mould is const. */
#ifndef TEMPLATES_LETTER_LETTER_MOULD_H
#define TEMPLATES_LETTER_LETTER_MOULD_H

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct letter_mould;
struct liquid_program;
struct row;

/* Of the HTML that the program gives; m->n is 0 when the text form cannot be told beforehand. Lives in a. -1: no
 * memory (e). */
int letter_mould_make(struct letter_mould *m, const struct liquid_program *program, struct arena *a, struct err *e);
/* What letter_plain() would make of that row's HTML: 1; 0 a value is none for this; -1 no memory. */
int letter_mould_fill(const struct letter_mould *m, const struct row *row, struct arena *a, struct span *out);

#endif
