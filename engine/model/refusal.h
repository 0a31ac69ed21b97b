/* refusal.h - kinds of refusals, as a relay's codes tell them apart.
 *
 * A class is written as its codes: "5.7.1" (enhanced, RFC 3463), a front part of it ("5.7", "5"), "554"
 * (RFC 5321), or "all". Plain values; any thread. */
#ifndef ENGINE_MODEL_REFUSAL_H
#define ENGINE_MODEL_REFUSAL_H

#include <stdbool.h>

#include "engine/base/span.h"
#include "engine/model/verdict.h"

struct err;

enum { REFUSAL_CLASS_SIZE = 40 };

/* The narrowest class of v: its enhanced code, else its code, else "all". */
void refusal_class(const struct verdict *v, char out[REFUSAL_CLASS_SIZE]);
/* v's codes are of that class. Does not look at v->kind. */
bool refusal_is_of(const struct verdict *v, struct span class);
/* ERR_INPUT when text is no class. */
int refusal_check(struct span text, struct err *e);

#endif
