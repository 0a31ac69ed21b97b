/* keyed.h - the rows of an edited list by their addresses. One thread's. */
#ifndef ENGINE_RUN_KEYED_H
#define ENGINE_RUN_KEYED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

struct err;
struct keyed;
struct rows;

/* Reads the whole list, which is rewound. ERR_INPUT: a cell of that column is empty, or two rows have the
 * same address; says where. */
int keyed_new(struct keyed **out, struct rows *list, const char *path, int column, struct err *e);
void keyed_free(struct keyed **k);
/* For struct rekey: ctx is the struct keyed. */
bool keyed_find(void *ctx, struct span address, uint64_t *row, uint64_t *line);
uint64_t keyed_rows(const struct keyed *k);

#endif
