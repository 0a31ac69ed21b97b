/* json_names.c - a table of names with open addressing, hashed by a secret key: the names are a stranger's.
 *
 * Nearly all objects of a list have the same members: json_names_cover() looks for others in the text, so
 * that only the objects that bring a name are parsed for it.
 * Held by tests/unit/test_rows_names.c. */
#include "engine/rows/json_names.h"

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/model/row.h"
#include "engine/rows/json.h"

enum { FIRST_ROOM = 32 };

/* The place of that name in the table, or the free one where it would be. */
static uint32_t place_of(const struct json_names *s, struct span name)
{
	uint32_t i = (uint32_t)hash_span(s->key, name) & (s->places - 1);

	while (s->table[i] && !span_eq(s->names[s->table[i] - 1], name))
		i = (i + 1) & (s->places - 1);
	return i;
}

int json_names_find(const struct json_names *s, struct span name, uint32_t guess)
{
	if (guess < s->n && span_eq(s->names[guess], name))
		return (int)guess;
	return s->n ? (int)s->table[place_of(s, name)] - 1 : -1;
}

static int grow(struct json_names *s, struct arena *memory, struct err *e)
{
	uint32_t room = s->room ? s->room * 2 : FIRST_ROOM;
	struct span *names = arena_grow(memory, s->names, s->room * sizeof *names, room * sizeof *names);
	uint32_t *table = arena_array(memory, room * 2UL, sizeof *table);

	if (!names || !table)
		return err_nomem(e, "the columns of the list");
	if (!s->room && rng_secret(&s->key, sizeof s->key, e) < 0)
		return -1;
	s->names = names;
	s->room = room;
	s->table = table;
	s->places = room * 2;
	for (uint32_t i = 0; i < s->n; i++)
		table[place_of(s, names[i])] = i + 1;
	return 0;
}

static int add(struct json_names *s, struct arena *memory, struct span name, struct err *e)
{
	int ok;

	if (s->n == ROW_COLUMNS_MAX || name.n > JSON_NAMES_BYTES_MAX - s->bytes) {
		s->more = true;
		return 0;
	}
	if (s->n == s->room && grow(s, memory, e) < 0)
		return -1;
	s->names[s->n] = arena_copy(memory, name, &ok);
	if (!ok)
		return err_nomem(e, "the columns of the list");
	s->table[place_of(s, name)] = s->n + 1;
	s->bytes += name.n;
	s->n++;
	return 0;
}

int json_names_add(struct json_names *s, struct arena *memory, struct value object, struct err *e)
{
	for (uint32_t i = 0; i < object.n && !s->more; i++) {
		struct span name = object.members[i].key;

		/* one of spaces only is a member of its object, and no letter can name it */
		if (span_trim(name).n > 0 && json_names_find(s, name, i) < 0 && add(s, memory, name, e) < 0)
			return -1;
	}
	return 0;
}

bool json_names_cover(const struct json_names *s, struct span text)
{
	unsigned depth = 0;
	uint32_t guess = 0;
	bool name = false; /* the next string is one */

	while (text.n > 0) {
		size_t n = 1;

		if (text.p[0] == '"') {
			n = json_string_bytes(text);
			struct span inside = span_sub(text, 1, n > 2 ? n - 2 : 0);
			int i = -1;

			if (name && span_find(inside, '\\') == inside.n)
				i = json_names_find(s, inside, guess);
			if (name && i < 0)
				return false;
			guess = name ? (uint32_t)i + 1 : guess;
			name = false;
		} else if (text.p[0] == '{' || text.p[0] == '[') {
			name = ++depth == 1;
		} else if (text.p[0] == '}' || text.p[0] == ']') {
			depth--;
		} else if (text.p[0] == ',') {
			name = depth == 1;
		}
		text = span_skip(text, n);
	}
	return true;
}
