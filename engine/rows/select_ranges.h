/* select_ranges.h - ranges of rows, "3-9,14,20-" (inside engine/rows only). */
#ifndef ENGINE_ROWS_SELECT_RANGES_H
#define ENGINE_ROWS_SELECT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

struct buf;
struct err;

struct range_of_rows {
	uint64_t first, last; /* both included; UINT64_MAX: to the end */
};

struct ranges { /* sorted, none touches the next; n 0: all rows */
	struct range_of_rows *items;
	size_t n;
};

int ranges_parse(struct ranges *out, struct span text, struct err *e);
void ranges_release(struct ranges *r);
bool ranges_are_all(const struct ranges *r);
bool ranges_contain(const struct ranges *r, const struct ranges *part);
void ranges_write(const struct ranges *r, struct buf *out);

#endif
