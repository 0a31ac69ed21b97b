/* keyed.h - the rows of an edited list by what stands in one of its columns. One thread's. */
#ifndef ENGINE_RUN_KEYED_H
#define ENGINE_RUN_KEYED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

struct err;
struct keyed;
struct rows;

/* Reads the whole list, which is rewound. ERR_INPUT: a cell of that column is empty, or two rows have the
 * same; says where. Addresses are the same when their mailboxes are. */
int keyed_new(struct keyed **out, struct rows *list, const char *path, int column, struct err *e);
/* Reads the list as it was: from now on rows are found by their old numbers. Errors as above. */
int keyed_know_old(struct keyed *k, struct rows *old, const char *path, int column, struct err *e);
void keyed_free(struct keyed **k);
/* For struct rekey: ctx is the struct keyed. By the old number when the old list is known, else by the address. */
bool keyed_find(void *ctx, uint64_t old_row, struct span address, uint64_t *row, uint64_t *line);
bool keyed_by_row(const struct keyed *k);
uint64_t keyed_rows(const struct keyed *k);

#endif
