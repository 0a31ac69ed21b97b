/* values.h - what the language does with a value: truth, text, number, equality, members.
 *
 * Private to the room. Results live in the arena. */
#ifndef TEMPLATES_LIQUID_VALUES_H
#define TEMPLATES_LIQUID_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/value.h"

/* Text that is put together in an arena. A failed append sets failed and changes nothing. */
struct text {
	struct arena *arena;
	char *p;
	size_t n, cap;
	bool failed;
};

void text_begin(struct text *t, struct arena *a);
void text_add(struct text *t, struct span s);
void text_add_char(struct text *t, char c);
void text_add_html(struct text *t, struct span s); /* & < > " ' escaped */
static inline struct span text_span(const struct text *t)
{
	return (struct span){ t->p, t->n };
}

static inline bool value_is_text(struct value v)
{
	return v.kind == VALUE_TEXT || v.kind == VALUE_CELL;
}
static inline bool value_is_number(struct value v)
{
	return v.kind == VALUE_INT || v.kind == VALUE_NUMBER;
}
static inline struct value value_array(const struct value *items, uint32_t n)
{
	return (struct value){ .kind = VALUE_ARRAY, .n = n, .items = items };
}

/* Only false, nil and an empty cell are not. */
bool value_true(struct value v);
/* Nothing to be seen: nil, false, white space, no items. */
bool value_blank(struct value v);
/* A cell that looks like a number, as the number; anything else as it is. */
struct value value_typed(struct arena *a, struct value v);
/* As printed, without escaping. ok gets false when memory ran out. */
struct span value_shown(struct arena *a, struct value v, bool *ok);
/* The same, but an array is seen as text filters see it: ["a", 1, nil]. */
struct span value_inspected(struct arena *a, struct value v, bool *ok);
/* As printed, added to t. With html escaped where the value is not safe. */
void value_add(struct text *t, struct value v, bool html);
/* What arithmetic takes it for; 0 for what is none. -1: memory. */
int value_number(struct arena *a, struct value v, struct value *out);
/* A whole number, or a text that is one: 0, else -1. */
int value_integer(struct arena *a, struct value v, int64_t *out);
/* As it begins a range: cut, 0 for what is none. */
int64_t value_bound(struct arena *a, struct value v);

bool value_equal(struct arena *a, struct value x, struct value y);
/* -1, 0, 1 of two numbers or two texts; 2 when they have no order; 3 when asking is a mistake. */
int value_order(struct arena *a, struct value x, struct value y);
bool value_contains(struct arena *a, struct value in, struct value what);

/* Has the object that member? *out gets it. */
bool value_find(struct value object, struct span key, struct value *out);
/* Items of what a loop or an index sees: array, object (pairs), range. 0 for others. */
int64_t value_count(struct value v);
/* Item i of those, which must be in bounds; nil when memory ran out. */
struct value value_at(struct arena *a, struct value v, int64_t i);
/* v[key] */
struct value value_index(struct arena *a, struct value v, struct value key);
/* The size, first, last of a value. */
struct value value_size(struct value v);
struct value value_first(struct arena *a, struct value v);
struct value value_last(struct arena *a, struct value v);

#endif
