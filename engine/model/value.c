/* value.c - looking into objects. */
#include "engine/model/value.h"

struct value value_member(struct value object, struct span key)
{
	if (object.kind != VALUE_OBJECT)
		return VALUE_OF_NIL;
	for (uint32_t i = 0; i < object.n; i++)
		if (span_eq(object.members[i].key, key))
			return object.members[i].value;
	return VALUE_OF_NIL;
}
