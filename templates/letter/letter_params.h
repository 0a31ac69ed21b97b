/* letter_params.h - "value; key=value; key="value"": parameters of a letter's header. Inner header.
 *
 * Only bytes of the letter's own text are syntax, so no value from data can add a parameter. */
#ifndef TEMPLATES_LETTER_LETTER_PARAMS_H
#define TEMPLATES_LETTER_LETTER_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct letter_rendered;

struct letter_params {
	struct span text;
	struct arena *a; /* results live there */
	const struct letter_rendered *line; /* of text; NULL: all of it is the letter's own */
	size_t at;
	uint32_t hole; /* of line, for letter_hole_at() */
};
/* What stands before the first ';', quotes undone. -1 with e: ERR_INPUT, ERR_NOMEM. */
int letter_params_first(struct letter_params *p, struct span *out, struct err *e);
/* 1 got one, 0 there is none left, -1 with e. */
int letter_params_next(struct letter_params *p, struct span *key, struct span *value, struct err *e);

#endif
