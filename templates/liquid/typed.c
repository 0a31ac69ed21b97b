/* typed.c - data whose numbers came as untyped cells, with the numbers put in. */
#include "engine/base/err.h"
#include "templates/liquid/liquid.h"
#include "templates/liquid/values.h"

static int typed_items(struct arena *a, struct value v, struct value *out)
{
	struct value *items = arena_array(a, v.n, sizeof *items);

	*out = value_array(items, v.n);
	for (uint32_t i = 0; items && i < v.n; i++)
		if (liquid_typed(a, v.items[i], &items[i], NULL) < 0)
			return -1;
	return items ? 0 : -1;
}

static int typed_members(struct arena *a, struct value v, struct value *out)
{
	struct member *members = arena_array(a, v.n, sizeof *members);

	*out = (struct value){ .kind = VALUE_OBJECT, .n = v.n, .members = members };
	for (uint32_t i = 0; members && i < v.n; i++) {
		members[i].key = v.members[i].key;
		if (liquid_typed(a, v.members[i].value, &members[i].value, NULL) < 0)
			return -1;
	}
	return members ? 0 : -1;
}

int liquid_typed(struct arena *a, struct value v, struct value *out, struct err *e)
{
	int rc = 0;

	*out = value_typed(a, v);
	if (v.kind == VALUE_ARRAY)
		rc = typed_items(a, v, out);
	else if (v.kind == VALUE_OBJECT)
		rc = typed_members(a, v, out);
	return rc < 0 ? err_nomem(e, "the data") : 0;
}
