/* rows_text.h - the bytes of a list as lines of UTF-8 (inside engine/rows only).
 *
 * The decoding stage: what a reader of text sees is valid UTF-8 without a byte order mark,
 * whatever the file holds; today it holds UTF-8. One struct rows_text belongs to one thread. */
#ifndef ENGINE_ROWS_ROWS_TEXT_H
#define ENGINE_ROWS_ROWS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "engine/rows/rows_source.h"

struct err;
struct digest;

struct rows_text {
	const struct rows_source *source;
	char *p;             /* the window: bytes [0, n) of it are text */
	size_t n, cap;
	size_t at;           /* next line begins here */
	size_t good;         /* bytes [0, good) are valid UTF-8 */
	size_t lf, cr, quote, nul; /* next of each from `at` on, or how far was searched in vain */
	uint64_t base;       /* offset in the file of the window's first byte */
	uint64_t line;       /* number of the next line */
	bool ended;          /* the window reaches the end of the file */
	struct digest *digest; /* fed with all bytes of the file when it is read from its start */
};

struct rows_line {
	struct span bytes;   /* with its line end, which the last line of a file is given if it
	                      * has none; borrowed until the next call */
	size_t end_bytes;    /* 1 or 2: LF, CR or CRLF */
	uint64_t number, offset;
	bool quote, nul;     /* holds a '"', a NUL */
};

/* Reads from the start; window_bytes, at least 4, is what one read asks for. digest may be NULL. */
int rows_text_open(struct rows_text *t, const struct rows_source *source, size_t window_bytes,
		   struct digest *digest, struct err *e);
void rows_text_close(struct rows_text *t);
/* The next line begins at that offset of the file and has that number. With a digest, 0 is the
 * only place from which it comes out right. */
void rows_text_seek(struct rows_text *t, uint64_t offset, uint64_t line);
/* 1 a line, 0 the end, -1 with e: not UTF-8 or over ROW_BYTES_MAX (ERR_INPUT), ERR_SYS, ERR_NOMEM. */
int rows_text_line(struct rows_text *t, struct rows_line *out, struct err *e);
/* Lines that stand in the window behind each other, none of them empty, or begun by a space or a tab that is
 * no delimiter, or with a NUL: at most max of at most max_bytes in all. How many; 0 where the next one must be
 * read by rows_text_line(). ends: where each ends, from the begin of the first. */
uint32_t rows_text_run(struct rows_text *t, uint32_t max, size_t max_bytes, char delimiter, uint32_t *ends,
		       struct span *out);
/* Back to a line that the last rows_text_run() gave. */
void rows_text_back(struct rows_text *t, uint64_t offset, uint64_t line);
/* Bytes at the front of the file, for guessing its form: as many as one read gave. */
int rows_text_peek(struct rows_text *t, struct span *out, struct err *e);

#endif
