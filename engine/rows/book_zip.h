/* book_zip.h - the parts of a workbook, which is a ZIP file (inside engine/rows only). */
#ifndef ENGINE_ROWS_BOOK_ZIP_H
#define ENGINE_ROWS_BOOK_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/rows/rows_source.h"

struct err;
struct book_zip;
struct book_part;

/* ERR_INPUT: damaged, or of too many parts. */
int book_zip_open(struct book_zip **out, const struct rows_source *source, struct err *e);
void book_zip_close(struct book_zip **z);
bool book_zip_has(const struct book_zip *z, const char *name);

/* The unpacked bytes of one part. ERR_INPUT: not there, damaged, with a password. */
int book_part_open(struct book_part **out, struct book_zip *z, const char *name, struct err *e);
/* How many bytes, 0 at the end, -1 with e: damaged, or far larger than it was packed (a bomb). */
ssize_t book_part_read(struct book_part *p, void *to, size_t n, struct err *e);
void book_part_close(struct book_part **p);

#endif
