/* json_names.h - the names of members that a list's objects have, each once, in the order in which they first
 * come (inside engine/rows only). */
#ifndef ENGINE_ROWS_JSON_NAMES_H
#define ENGINE_ROWS_JSON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/hash.h"
#include "engine/base/span.h"

struct arena;
struct err;
struct value;

/* At most so many bytes of names, and ROW_COLUMNS_MAX names. */
enum { JSON_NAMES_BYTES_MAX = 1 << 20 };

struct json_names { /* all zero: none */
	struct span *names;
	uint32_t n, room;
	uint32_t *table;      /* 1 + index of the name; 0: a free place */
	uint32_t places;      /* a power of two, at least twice n */
	size_t bytes;         /* of the names */
	bool more;            /* there were others, too many to keep */
	struct hash_key key;
};

/* Memory is for the life of the names. 0, or -1 with e: no memory. */
int json_names_add(struct json_names *s, struct arena *memory, struct value object, struct err *e);
/* Index or -1. guess: where it may well be; any number. */
int json_names_find(const struct json_names *s, struct span name, uint32_t guess);
/* Does the text of an object, unparsed, name members that are known only? When in doubt it does not. */
bool json_names_cover(const struct json_names *s, struct span text);

#endif
