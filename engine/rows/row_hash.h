/* row_hash.h - a row's content as a number (also for engine/run/keyed.c). */
#ifndef ENGINE_ROWS_ROW_HASH_H
#define ENGINE_ROWS_ROW_HASH_H

#include <stdint.h>

#include "engine/base/hash.h"
#include "engine/model/row.h"

/* Of all cells, each with its length, and of the object of a JSON row, and of all rows of a group. */
uint64_t row_hash(struct hash_key key, const struct row *row);
/* The same in 128 bits, and quicker; another number. */
struct hash_wide row_hash_wide(const struct hash_key keys[2], const struct row *row);

#endif
