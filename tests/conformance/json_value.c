/* json_value.c - one function of the kind that rows and the command render have too. */
#include "tests/conformance/json_value.h"

#include "engine/base/must.h"
#include "templates/liquid/number.h"

static struct value of_array(struct arena *a, const json_t *json)
{
	size_t n = json_array_size(json);
	struct value *items = arena_array(a, n, sizeof *items);

	MUST(items);
	for (size_t i = 0; i < n; i++)
		items[i] = json_to_value(a, json_array_get(json, i));
	return (struct value){ .kind = VALUE_ARRAY, .n = (uint32_t)n, .items = items };
}

static struct span text_of(struct arena *a, const char *s, size_t n)
{
	int ok;
	struct span copy = arena_copy(a, span_of(s, n), &ok);

	MUST(ok);
	return copy;
}

static struct value of_object(struct arena *a, const json_t *json)
{
	struct member *members = arena_array(a, json_object_size(json), sizeof *members);
	uint32_t n = 0;

	MUST(members);
	for (void *i = json_object_iter((json_t *)(uintptr_t)json); i;
	     i = json_object_iter_next((json_t *)(uintptr_t)json, i)) {
		const char *key = json_object_iter_key(i);

		members[n].key = text_of(a, key, strlen(key));
		members[n++].value = json_to_value(a, json_object_iter_value(i));
	}
	return (struct value){ .kind = VALUE_OBJECT, .n = n, .members = members };
}

struct value json_to_value(struct arena *a, const json_t *json)
{
	struct value v;

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return of_object(a, json);
	case JSON_ARRAY:
		return of_array(a, json);
	case JSON_STRING:
		return value_text(text_of(a, json_string_value(json), json_string_length(json)));
	case JSON_INTEGER:
		return value_int(json_integer_value(json));
	case JSON_REAL:
		MUST(number_of_double(a, json_real_value(json), &v) == 0);
		return v;
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(json_is_true(json));
	default:
		return VALUE_OF_NIL;
	}
}
