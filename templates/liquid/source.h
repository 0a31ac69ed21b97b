/* source.h - a file of template text, and places in it.
 *
 * While a program lives its sources do too, so that an error of a row can name line and column. */
#ifndef TEMPLATES_LIQUID_SOURCE_H
#define TEMPLATES_LIQUID_SOURCE_H

#include <stdint.h>

#include "engine/base/span.h"

struct source {
	struct source *next;    /* in the program's list */
	const char *path;       /* NULL when none was given */
	struct span text;
	uint64_t first_line, first_column; /* of text[0] in the file */
	uint16_t number;        /* its place in that list */
};

struct place {
	const struct source *source;
	uint32_t offset; /* bytes into text */
};

/* Line and column, in characters, of the file. Linear in the text before the place. */
void source_position(struct place at, uint64_t *line, uint64_t *column);

#endif
