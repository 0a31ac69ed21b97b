/* json.h - JSON text as template values (the only door to jansson). */
#ifndef ENGINE_ROWS_JSON_H
#define ENGINE_ROWS_JSON_H

#include "engine/base/arena.h"
#include "engine/model/value.h"

struct buf;
struct err;
/* Everything lives in a. Integers stay exact; objects keep their order. path is named in errors,
 * which have line and column. ERR_INPUT, ERR_NOMEM. */
int json_parse(struct span text, const char *path, struct arena *a, struct value *out, struct err *e);

/* Bytes of the string that begins at text.p[0], a quote, with its quotes; all of them when it does not end. */
size_t json_string_bytes(struct span text);

/* The value as JSON in one line; numbers that are cells stay numbers. A failure is out's. */
void json_write(struct value v, struct buf *out);

#endif
