/* book_strings.h - texts that the cells of a workbook share (inside engine/rows only).
 *
 * The first STRINGS_HELD bytes stay in memory, the rest is in temporary files. */
#ifndef ENGINE_ROWS_BOOK_STRINGS_H
#define ENGINE_ROWS_BOOK_STRINGS_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/span.h"
#include "engine/rows/rows_spool.h"

struct err;

struct book_strings {
	uint64_t n;         /* all of them */
	uint64_t n_held;    /* those in memory: texts [ends[i - 1], ends[i]) */
	struct buf texts, ends;
	struct rows_spool spilt, spilt_ends; /* the others: 8 bytes each say where they end */
};

void book_strings_init(struct book_strings *s);
void book_strings_release(struct book_strings *s);
int book_strings_add(struct book_strings *s, struct span text, struct err *e);
/* After the last add. */
int book_strings_end(struct book_strings *s, struct err *e);
/* Appends text number i, which there must be; out bounds it (then out->failed). */
int book_strings_get(const struct book_strings *s, uint64_t i, struct buf *out, struct err *e);

#endif
