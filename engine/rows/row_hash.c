/* row_hash.c - cells and values, one after the other. Held by tests/unit/test_rows_duplicates.c. */
#include "engine/rows/row_hash.h"

#include <string.h>

enum { VALUE_DEPTH_MAX = 64 /* values deeper in a JSON row are not told apart */ };

static uint64_t chain(struct hash_key key, uint64_t before, struct span s)
{
	key.k0 ^= before;
	return hash_span(key, s);
}

static uint64_t hash_value(struct hash_key key, uint64_t before, const struct value *v, unsigned depth)
{
	char head[16];
	uint64_t h;

	memset(head, 0, sizeof head);
	head[0] = (char)v->kind;
	memcpy(head + 4, &v->n, sizeof v->n);
	if (v->kind == VALUE_INT)
		memcpy(head + 8, &v->i, sizeof v->i);
	else if (v->kind == VALUE_BOOL)
		head[8] = v->b;
	h = chain(key, before, span_of(head, sizeof head));
	if (v->kind == VALUE_TEXT || v->kind == VALUE_CELL)
		h = chain(key, h, value_span(*v));
	if (depth == VALUE_DEPTH_MAX)
		return h;
	for (uint32_t i = 0; v->kind == VALUE_ARRAY && i < v->n; i++)
		h = hash_value(key, h, &v->items[i], depth + 1);
	for (uint32_t i = 0; v->kind == VALUE_OBJECT && i < v->n; i++)
		h = hash_value(key, chain(key, h, v->members[i].key), &v->members[i].value, depth + 1);
	return h;
}

uint64_t row_hash(struct hash_key key, const struct row *row)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < row->n_cells; i++)
		h = chain(key, h, row->cells[i]);
	if (row->object.kind != VALUE_NIL)
		h = hash_value(key, h, &row->object, 0);
	return row->group ? hash_value(key, h, &row->group->rows, 0) : h;
}

struct hash_wide row_hash_wide(const struct hash_key keys[2], const struct row *row)
{
	struct hash_wide h = hash_spans(keys[0], row->cells, row->n_cells);

	if (row->object.kind != VALUE_NIL)
		h = (struct hash_wide){ hash_value(keys[0], h.a, &row->object, 0), hash_value(keys[1], h.b, &row->object, 0) };
	if (row->group)
		h = (struct hash_wide){ hash_value(keys[0], h.a, &row->group->rows, 0), hash_value(keys[1], h.b, &row->group->rows, 0) };
	return h;
}
