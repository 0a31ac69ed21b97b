/* letter_source.h - a letter file cut into header lines and body. Inner header of the room.
 *
 * Everything is borrowed from the file's bytes. */
#ifndef TEMPLATES_LETTER_LETTER_SOURCE_H
#define TEMPLATES_LETTER_LETTER_SOURCE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct finding_sink;

struct letter_header {
	struct span name;      /* as written */
	struct span value;     /* with its line breaks, blanks around it gone */
	uint64_t line, column; /* where the value begins */
	uint64_t name_line;
};

struct letter_source {
	struct letter_header *headers;
	uint32_t n_headers;
	struct span body;
	uint64_t body_line;
};

/* bytes are UTF-8 with LF only (letter_source_clean()). Reports every malformed line. 0; -1:
 * nothing can be made of it (e). first_line is where bytes begin in the file at path. */
int letter_source_parse(struct letter_source *out, struct span bytes, const char *path, uint64_t first_line,
			struct arena *a, struct finding_sink *findings, struct err *e);
/* Without a byte order mark, CRLF as LF. Lives in a; p is NULL when memory ran out. */
struct span letter_source_clean(struct span bytes, struct arena *a);
/* Place of the byte at index at: both count from 1, columns in characters. */
void letter_source_place(struct span bytes, size_t at, uint64_t *line, uint64_t *column);

#endif
