/* spill.h - records of one size, sorted in bounded memory: what does not fit goes to a temporary file.
 *
 * First spill_add() any number of them, then spill_rewind() and spill_next() as often as wanted. One
 * thread at a time. */
#ifndef ENGINE_ROWS_SPILL_H
#define ENGINE_ROWS_SPILL_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct spill;

/* compare as for qsort(3); records that compare equal come in no promised order. */
int spill_new(struct spill **out, size_t record_bytes, size_t memory_bytes,
	      int (*compare)(const void *a, const void *b), struct err *e);
void spill_free(struct spill **s);
/* n records, one behind the other. Not after the first spill_rewind(). ERR_SYS, ERR_NOMEM. */
int spill_add(struct spill *s, const void *records, size_t n, struct err *e);
uint64_t spill_count(const struct spill *s);
/* To the first record. */
int spill_rewind(struct spill *s, struct err *e);
/* 1 and *out, borrowed until the next call; 0 no more; -1 with e. */
int spill_next(struct spill *s, const void **out, struct err *e);

#endif
