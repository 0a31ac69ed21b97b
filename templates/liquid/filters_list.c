/* filters_list.c - filters that make or change lists. */
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/utf8.h"
#include "templates/liquid/items.h"
#include "templates/liquid/number.h"
#include "templates/liquid/scan.h"

static int as_array(const struct items *i, struct value *out)
{
	*out = items_value(i);
	return 0;
}

/* ---- parts ---- */

static int first(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	*out = value_first(run->arena, in);
	return 0;
}

static int last(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	*out = value_last(run->arena, in);
	return 0;
}

static int size(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)run, (void)args, (void)n;
	*out = value_size(in);
	return 0;
}

/* from and n of what has length items; false when there is nothing there. */
static bool slice_bounds(int64_t length, int64_t *from, int64_t *n)
{
	*from = *from < 0 ? *from + length : *from;
	if (*from < 0 || *from > length || *n < 0)
		return false;
	*n = *n > length - *from ? length - *from : *n;
	return true;
}

static int slice(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	int64_t from, length = 1;
	struct span s;

	if (filter_integer(run, args[0], &from) < 0)
		return -1;
	if (n > 1 && value_true(args[1]) && filter_integer(run, args[1], &length) < 0)
		return -1;
	if (in.kind == VALUE_ARRAY) {
		bool some = slice_bounds(in.n, &from, &length);

		*out = some ? value_array(in.items + from, (uint32_t)length) : value_array(in.items, 0);
		return 0;
	}
	if (filter_text(run, in, &s) < 0)
		return -1;
	if (!slice_bounds((int64_t)utf8_length(s), &from, &length))
		from = length = 0;
	s = span_skip(s, utf8_index(s, (size_t)from));
	*out = filter_like(in, span_sub(s, 0, utf8_index(s, (size_t)length)));
	return 0;
}

/* ---- split and join ---- */

struct splitting {
	struct filter_run *run;
	struct value in;
	struct items items;
	uint32_t cap;
};

static int add_part(struct splitting *p, struct span s)
{
	if (filter_steps(p->run, 1) < 0)
		return -1;
	if (p->items.n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 8;
		struct value *more = arena_grow(p->run->arena, p->items.v, p->cap * sizeof *more, cap * sizeof *more);

		if (!more)
			return filter_no_memory(p->run);
		p->items.v = more;
		p->cap = cap;
	}
	p->items.v[p->items.n++] = filter_like(p->in, s);
	return 0;
}

static int split_letters(struct splitting *p, struct span s)
{
	while (s.n) {
		size_t n = utf8_index(s, 1);

		if (add_part(p, span_sub(s, 0, n)) < 0)
			return -1;
		s = span_skip(s, n);
	}
	return 0;
}

/* One space stands for any white space, as in the reference. */
static int split_words(struct splitting *p, struct span s)
{
	for (;;) {
		size_t n = 0;

		while (s.n && scan_white(s.p[0]))
			s = span_skip(s, 1);
		if (s.n == 0)
			return 0;
		while (n < s.n && !scan_white(s.p[n]))
			n++;
		if (add_part(p, span_sub(s, 0, n)) < 0)
			return -1;
		s = span_skip(s, n);
	}
}

static int split_at(struct splitting *p, struct span s, struct span by)
{
	for (;;) {
		size_t n = span_search(s, by);

		if (add_part(p, span_sub(s, 0, n)) < 0)
			return -1;
		if (n >= s.n)
			break;
		s = span_skip(s, n + by.n);
	}
	while (p->items.n && p->items.v[p->items.n - 1].n == 0) /* empty ones at the end go */
		p->items.n--;
	return 0;
}

static int split(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct splitting p = { .run = run, .in = in };
	struct span s, by;

	(void)n;
	if (filter_text(run, in, &s) < 0 || filter_text(run, args[0], &by) < 0)
		return -1;
	if ((by.n == 0 ? split_letters(&p, s) : span_eq(by, SPAN(" ")) ? split_words(&p, s) : split_at(&p, s, by)) < 0)
		return -1;
	return as_array(&p.items, out);
}

static int join(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct value glue = n ? args[0] : value_text(SPAN(" "));
	struct items items;
	struct text t;
	bool safe;

	if (items_of(run, in, &items) < 0)
		return -1;
	safe = filter_any_safe(run, &glue, 1) || filter_any_safe(run, items.v, items.n);
	text_begin(&t, run->arena);
	for (uint32_t i = 0; i < items.n; i++) {
		if (i)
			filter_join(&t, glue, safe);
		filter_join(&t, items.v[i], safe);
	}
	return filter_joined(run, &t, safe, out);
}

/* ---- lists of lists ---- */

static int concat(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;
	struct value *all;

	(void)n;
	if (args[0].kind != VALUE_ARRAY)
		return filter_fail(run, "filter 'concat' needs a list to add");
	if (items_of(run, in, &items) < 0)
		return -1;
	if (filter_steps(run, args[0].n) < 0)
		return -1;
	all = arena_array(run->arena, (size_t)items.n + args[0].n, sizeof *all);
	if (!all || (uint64_t)items.n + args[0].n > UINT32_MAX)
		return filter_no_memory(run);
	if (items.n)
		memcpy(all, items.v, items.n * sizeof *all);
	if (args[0].n)
		memcpy(all + items.n, args[0].items, args[0].n * sizeof *all);
	*out = value_array(all, items.n + args[0].n);
	return 0;
}

static int reverse(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;

	(void)args, (void)n;
	if (items_of(run, in, &items) < 0)
		return -1;
	for (uint32_t i = 0; i < items.n / 2; i++) {
		struct value v = items.v[i];

		items.v[i] = items.v[items.n - 1 - i];
		items.v[items.n - 1 - i] = v;
	}
	return as_array(&items, out);
}

static int map(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;

	(void)n;
	if (items_of(run, in, &items) < 0)
		return -1;
	for (uint32_t i = 0; i < items.n; i++)
		if (items_member(run, items.v[i], args[0], &items.v[i]) < 0)
			return -1;
	return as_array(&items, out);
}

/* The property of each item, or the items where none is asked for. 1; 0 when an item has no
 * properties, -1. */
static int keys_of(struct filter_run *run, const struct items *items, const struct value *args, unsigned n,
		   struct value **out)
{
	*out = arena_array(run->arena, items->n, sizeof **out);
	if (!*out)
		return filter_no_memory(run);
	for (uint32_t i = 0; i < items->n; i++) {
		(*out)[i] = items->v[i];
		if (n == 0 || args[0].kind == VALUE_NIL)
			continue;
		int rc = items_member(run, items->v[i], args[0], &(*out)[i]);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int compact(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;
	struct value *keys;
	uint32_t kept = 0;
	int rc;

	if (items_of(run, in, &items) < 0)
		return -1;
	if ((rc = keys_of(run, &items, args, n, &keys)) <= 0)
		return rc;
	for (uint32_t i = 0; i < items.n; i++)
		if (keys[i].kind != VALUE_NIL)
			items.v[kept++] = items.v[i];
	items.n = kept;
	return as_array(&items, out);
}

/* ---- uniq ---- */

static bool same(struct arena *a, struct value x, struct value y)
{
	if (value_is_number(x) && value_is_number(y) && number_is_decimal(x) != number_is_decimal(y))
		return false; /* 1 and 1.0 are two things to the reference */
	return value_equal(a, x, y);
}

/* True when key was not yet in the table, which then has it. */
static bool enter(struct filter_run *run, uint32_t *table, uint32_t mask, const struct value *keys, uint32_t i)
{
	bool ok;
	struct span shown = value_shown(run->arena, value_typed(run->arena, keys[i]), &ok);
	uint32_t at = (uint32_t)hash_span((struct hash_key){ 0x756e6971, 0x6974656d }, shown) & mask;

	for (; table[at]; at = (at + 1) & mask)
		if (same(run->arena, keys[table[at] - 1], keys[i]))
			return false;
	table[at] = i + 1;
	return true;
}

static int uniq(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct items items;
	struct value *keys;
	uint32_t kept = 0, mask = 15, *table;
	int rc;

	if (items_of(run, in, &items) < 0)
		return -1;
	if (items.n < 2) /* nothing to compare: no property is asked for */
		return as_array(&items, out);
	if ((rc = keys_of(run, &items, args, n, &keys)) <= 0)
		return rc;
	while (mask / 2 < items.n)
		mask = mask * 2 + 1;
	if (!(table = arena_array(run->arena, (size_t)mask + 1, sizeof *table)))
		return filter_no_memory(run);
	for (uint32_t i = 0; i < items.n; i++)
		if (enter(run, table, mask, keys, i))
			items.v[kept++] = items.v[i];
	items.n = kept;
	return as_array(&items, out);
}

/* ---- order ---- */

static int goes_before(struct filter_run *run, struct value y, struct value x)
{
	int order;

	if (x.kind == VALUE_NIL || y.kind == VALUE_NIL)
		return x.kind == VALUE_NIL && y.kind != VALUE_NIL;
	if (x.kind == VALUE_CELL && y.kind == VALUE_CELL && (x.n == 0 || y.n == 0))
		return x.n == 0 && y.n != 0; /* empty cells are last, as nil is */
	order = value_order(run->arena, y, x);
	if (order >= 2 && !value_equal(run->arena, x, y))
		return filter_fail(run, "cannot sort values of different kinds");
	return order == -1;
}

static int goes_before_natural(struct filter_run *run, struct value y, struct value x)
{
	struct span sx, sy;

	if (x.kind == VALUE_NIL || y.kind == VALUE_NIL)
		return x.kind == VALUE_NIL && y.kind != VALUE_NIL;
	if (filter_text(run, x, &sx) < 0 || filter_text(run, y, &sy) < 0)
		return -1;
	for (size_t i = 0; i < sx.n && i < sy.n; i++) {
		unsigned char cx = (unsigned char)sx.p[i], cy = (unsigned char)sy.p[i];

		cx += cx >= 'A' && cx <= 'Z' ? 'a' - 'A' : 0;
		cy += cy >= 'A' && cy <= 'Z' ? 'a' - 'A' : 0;
		if (cx != cy)
			return cy < cx;
	}
	return sy.n < sx.n;
}

static int sorted(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out,
		  int (*before)(struct filter_run *, struct value, struct value))
{
	struct items items;
	struct value *keys;
	int rc;

	if (items_of(run, in, &items) < 0)
		return -1;
	if (items.n == 1 && items.v[0].kind == VALUE_INT)
		return as_array(&items, out); /* alone, it is not asked for its property */
	if ((rc = keys_of(run, &items, args, n, &keys)) <= 0)
		return rc;
	if (items_sort(run, items.v, keys, items.n, before) < 0)
		return -1;
	return as_array(&items, out);
}

static int sort(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	return sorted(run, in, args, n, out, goes_before);
}

static int sort_natural(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			struct value *out)
{
	return sorted(run, in, args, n, out, goes_before_natural);
}

/* ---- sum ---- */

static int sum(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct value total = value_int(0), number;
	struct items items;

	if (items_of(run, in, &items) < 0)
		return -1;
	for (uint32_t i = 0; i < items.n; i++) {
		struct value v = items.v[i];

		if (n && args[0].kind != VALUE_NIL && items_member(run, items.v[i], args[0], &v) < 0)
			return -1;
		if (value_number(run->arena, v, &number) < 0 || number_add(run->arena, total, number, &total) < 0)
			return filter_no_memory(run);
	}
	*out = total;
	return 0;
}

const struct filter filters_list[] = {
	{ { "first", 5 }, 0, 0, NULL, first },
	{ { "last", 4 }, 0, 0, NULL, last },
	{ { "size", 4 }, 0, 0, NULL, size },
	{ { "slice", 5 }, 1, 2, NULL, slice },
	{ { "split", 5 }, 1, 1, NULL, split },
	{ { "join", 4 }, 0, 1, NULL, join },
	{ { "concat", 6 }, 1, 1, NULL, concat },
	{ { "reverse", 7 }, 0, 0, NULL, reverse },
	{ { "map", 3 }, 1, 1, NULL, map },
	{ { "compact", 7 }, 0, 1, NULL, compact },
	{ { "uniq", 4 }, 0, 1, NULL, uniq },
	{ { "sort", 4 }, 0, 1, NULL, sort },
	{ { "sort_natural", 12 }, 0, 1, NULL, sort_natural },
	{ { "sum", 3 }, 0, 1, NULL, sum },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
