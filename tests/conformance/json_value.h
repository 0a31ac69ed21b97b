/* json_value.h - JSON, read by jansson, as values of the template language. */
#ifndef TESTS_CONFORMANCE_JSON_VALUE_H
#define TESTS_CONFORMANCE_JSON_VALUE_H

#include <jansson.h>

#include "engine/base/arena.h"
#include "engine/model/value.h"

/* The value, in the arena; texts are copied. Ends the program when memory runs out. */
struct value json_to_value(struct arena *a, const json_t *json);

#endif
