/* value.h - a value as the template language sees it: 16 bytes, passed by value.
 *
 * Text, arrays and objects are borrowed (from the row, the compiled letter, or the arena of the
 * render that made them). Plain data: no thread rule beyond that of what it points to. */
#ifndef ENGINE_MODEL_VALUE_H
#define ENGINE_MODEL_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum value_kind {
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_INT,     /* fits 64 bits */
	VALUE_NUMBER,  /* what does not: a struct number (templates/liquid), exact */
	VALUE_TEXT,
	VALUE_CELL,    /* untyped text of a spreadsheet: empty is false, numbers compare as numbers */
	VALUE_ARRAY,
	VALUE_OBJECT,  /* members in the order of the source */
	VALUE_RANGE,   /* (lo..hi) */
	VALUE_EMPTY,   /* the words empty and blank of the language */
	VALUE_BLANK,
	VALUE_DROP     /* an object the renderer makes up: forloop, tablerowloop */
};

struct member;
struct number;
struct range {
	int64_t lo, hi;
};

struct value {
	uint8_t kind;  /* enum value_kind */
	bool safe;     /* text: an HTML body prints it as it is */
	uint32_t n;    /* text: bytes; array, object: items */
	union {
		bool b;
		int64_t i;
		const char *text;
		const struct value *items;
		const struct member *members;
		const struct number *number;
		const struct range *range;
		const void *drop;
	};
};

struct member {
	struct span key;
	struct value value;
};

#define VALUE_OF_NIL ((struct value){ .kind = VALUE_NIL })

static inline struct value value_text(struct span s)
{
	return (struct value){ .kind = VALUE_TEXT, .n = (uint32_t)s.n, .text = s.p };
}

static inline struct value value_cell(struct span s)
{
	return (struct value){ .kind = VALUE_CELL, .n = (uint32_t)s.n, .text = s.p };
}

static inline struct value value_int(int64_t i)
{
	return (struct value){ .kind = VALUE_INT, .i = i };
}

static inline struct value value_bool(bool b)
{
	return (struct value){ .kind = VALUE_BOOL, .b = b };
}

/* Of VALUE_TEXT and VALUE_CELL. */
static inline struct span value_span(struct value v)
{
	return (struct span){ v.text, v.n };
}

/* The member named key, or nil. */
struct value value_member(struct value object, struct span key);

#endif
