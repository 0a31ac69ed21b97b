/* items.h - what the list filters see of a value. Private to the room. */
#ifndef TEMPLATES_LIQUID_ITEMS_H
#define TEMPLATES_LIQUID_ITEMS_H

#include "templates/liquid/filters.h"
#include "templates/liquid/values.h"

struct items {
	struct value *v; /* in the arena, the caller's to change */
	uint32_t n;
};

/* An array with the arrays in it laid flat, a range counted out, nothing for nil, and one item for
 * anything else. 0 or -1. */
int items_of(struct filter_run *run, struct value in, struct items *out);
/* item[key] as the reference's: 1 with *out, 0 when such an item has no members, -1 when the key
 * makes no sense for it. */
int items_member(struct filter_run *run, struct value item, struct value key, struct value *out);
/* What a result of items is. */
static inline struct value items_value(const struct items *i)
{
	return value_array(i->v, i->n);
}
/* Sorts, keeping the order of equals. before answers 1 when y goes before x, 0 when not, -1 to stop
 * with an error. keys go along with items. */
int items_sort(struct filter_run *run, struct value *items, struct value *keys, uint32_t n,
	       int (*before)(struct filter_run *run, struct value y, struct value x));

#endif
