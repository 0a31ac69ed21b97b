/* seen.h - rows that are alike, told while the list is read: which row was there before.
 *
 * For a run that has no time to read the list twice: duplicates.h needs all rows first. Nothing is
 * guessed, whatever the list's length: what memory does not hold is looked up in a temporary file.
 * Belongs to the thread that reads the list. */
#ifndef ENGINE_ROWS_SEEN_H
#define ENGINE_ROWS_SEEN_H

#include <stdint.h>

#include "engine/base/hash.h"
#include "engine/model/row.h"

struct err;
struct seen;

enum { SEEN_PLACES = 1 << 19 }; /* 12 MiB, and a byte of filter for each place of a table on disk */

/* places: the most that the table in memory grows to, a power of two from 64 on; SEEN_PLACES but in tests. */
int seen_new(struct seen **out, uint32_t places, struct err *e);
void seen_free(struct seen **s);
/* What stands for the row in seen_row(). Its place in memory is on its way from here on: a few rows ahead. */
struct hash_wide seen_hash(const struct seen *s, const struct row *row);
/* Rows in their order, each by its hash and its line. *of: the line of the first row that is equal in every
 * cell and value; 0: there was none, and this one is it from now on. 0, or -1 with e (ERR_SYS, ERR_NOMEM). */
int seen_row(struct seen *s, struct hash_wide hash, uint64_t line, uint64_t *of, struct err *e);

#endif
