/* filters_pick.c - items of a list by a property: where reject find find_index has.
 *
 * An item that can have no properties (nil, true, a decimal) ends the search with nothing at all,
 * as in the reference. */
#include "templates/liquid/items.h"

/* 1 the item fits, 0 it does not, 2 the answer is nil, -1. */
static int fits(struct filter_run *run, struct value item, const struct value *args, unsigned n)
{
	struct value member;
	int rc = items_member(run, item, args[0], &member);

	if (rc <= 0)
		return rc < 0 ? -1 : 2;
	if (n < 2 || args[1].kind == VALUE_NIL)
		return value_true(member);
	return value_equal(run->arena, member, args[1]);
}

/* Keeps the items for which fits() says keep. */
static int select_items(struct filter_run *run, struct value in, const struct value *args, unsigned n, int keep,
			struct value *out)
{
	struct items items;
	uint32_t kept = 0;

	if (items_of(run, in, &items) < 0)
		return -1;
	for (uint32_t i = 0; i < items.n; i++) {
		int rc = fits(run, items.v[i], args, n);

		if (rc < 0 || rc == 2)
			return rc < 0 ? -1 : 0;
		if (rc == keep)
			items.v[kept++] = items.v[i];
	}
	*out = value_array(items.v, kept);
	return 0;
}

static int where(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	return select_items(run, in, args, n, 1, out);
}

static int reject(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	return select_items(run, in, args, n, 0, out);
}

/* Index of the first that fits, -2 none, -3 the answer is nil, -1 error. */
static int64_t search(struct filter_run *run, struct items *items, struct value in, const struct value *args,
		      unsigned n)
{
	if (items_of(run, in, items) < 0)
		return -1;
	for (uint32_t i = 0; i < items->n; i++) {
		int rc = fits(run, items->v[i], args, n);

		if (rc)
			return rc == 1 ? (int64_t)i : rc == 2 ? -3 : -1;
	}
	return -2;
}

static int find(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;
	int64_t at = search(run, &items, in, args, n);

	if (at >= 0)
		*out = items.v[at];
	return at == -1 ? -1 : 0;
}

static int find_index(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	struct items items;
	int64_t at = search(run, &items, in, args, n);

	if (at >= 0)
		*out = value_int(at);
	return at == -1 ? -1 : 0;
}

static int has(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;
	int64_t at = search(run, &items, in, args, n);

	if (at != -3)
		*out = value_bool(at >= 0);
	return at == -1 ? -1 : 0;
}

const struct filter filters_pick[] = {
	{ { "where", 5 }, 1, 2, NULL, where },
	{ { "reject", 6 }, 1, 2, NULL, reject },
	{ { "find", 4 }, 1, 2, NULL, find },
	{ { "find_index", 10 }, 1, 2, NULL, find_index },
	{ { "has", 3 }, 1, 2, NULL, has },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
