/* names.h - names to numbers, while compiling. */
#ifndef TEMPLATES_LIQUID_NAMES_H
#define TEMPLATES_LIQUID_NAMES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct names_item {
	struct span name;
	uint32_t value;
};

struct names { /* all zero is empty */
	struct names_item *items; /* in the order they came */
	uint32_t n, cap;
	uint32_t *table;          /* 1 + index, by hash; 2 * cap places */
};

/* The item of that name, or NULL. */
struct names_item *names_find(const struct names *m, struct span name);
/* A new item; the name must not be there. NULL when memory ran out. */
struct names_item *names_add(struct names *m, struct arena *a, struct span name, uint32_t value);

#endif
