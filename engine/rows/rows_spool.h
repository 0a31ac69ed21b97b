/* rows_spool.h - what a list was made into, on its way to a temporary file (inside engine/rows only). */
#ifndef ENGINE_ROWS_ROWS_SPOOL_H
#define ENGINE_ROWS_ROWS_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "engine/rows/rows_source.h"

struct err;

struct rows_spool {
	int fd;
	char *p;       /* not written yet: [0, n) */
	size_t n;
	uint64_t size; /* bytes added so far */
};

int rows_spool_open(struct rows_spool *s, struct err *e);
int rows_spool_add(struct rows_spool *s, struct span bytes, struct err *e);
/* Writes what is left; then fd may be read. */
int rows_spool_flush(struct rows_spool *s, struct err *e);
/* The source reads it from now on. */
int rows_spool_give(struct rows_spool *s, struct rows_source *to, struct err *e);
/* Fine for one that was never opened (fd -1, zeroed) and after give(). */
void rows_spool_close(struct rows_spool *s);

#endif
