/* names.c - open addressing over a keyed hash, so that no template makes compiling slow. */
#include "templates/liquid/names.h"

#include "engine/base/hash.h"

enum { FIRST_CAP = 8 };

static uint32_t *place_of(const struct names *m, struct span name)
{
	uint64_t h = hash_span((struct hash_key){ 0x6c69717569640001, 0x6e616d6573000002 }, name);
	uint32_t mask = 2 * m->cap - 1, i = (uint32_t)h & mask;

	while (m->table[i] && !span_eq(m->items[m->table[i] - 1].name, name))
		i = (i + 1) & mask;
	return &m->table[i];
}

struct names_item *names_find(const struct names *m, struct span name)
{
	if (m->n == 0)
		return NULL;
	uint32_t at = *place_of(m, name);

	return at ? &m->items[at - 1] : NULL;
}

static int grow(struct names *m, struct arena *a)
{
	struct names bigger = { .n = m->n, .cap = m->cap ? m->cap * 2 : FIRST_CAP };

	bigger.items = arena_array(a, bigger.cap, sizeof *bigger.items);
	bigger.table = arena_array(a, (size_t)bigger.cap * 2, sizeof *bigger.table);
	if (!bigger.items || !bigger.table)
		return -1;
	for (uint32_t i = 0; i < m->n; i++) {
		bigger.items[i] = m->items[i];
		*place_of(&bigger, m->items[i].name) = i + 1;
	}
	*m = bigger;
	return 0;
}

struct names_item *names_add(struct names *m, struct arena *a, struct span name, uint32_t value)
{
	if (m->n == m->cap && grow(m, a) < 0)
		return NULL;
	m->items[m->n] = (struct names_item){ name, value };
	*place_of(m, name) = m->n + 1;
	return &m->items[m->n++];
}
