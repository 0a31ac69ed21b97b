/* items.c - lists for filters. */
#include "templates/liquid/items.h"

#include <string.h>

#include "engine/base/utf8.h"
#include "templates/liquid/number.h"

static uint64_t flat_count(struct value v)
{
	uint64_t n = 0;

	if (v.kind != VALUE_ARRAY)
		return 1;
	for (uint32_t i = 0; i < v.n; i++)
		n += flat_count(v.items[i]);
	return n;
}

static void flatten(struct value v, struct items *out)
{
	if (v.kind != VALUE_ARRAY) {
		out->v[out->n++] = v;
		return;
	}
	for (uint32_t i = 0; i < v.n; i++)
		flatten(v.items[i], out);
}

int items_of(struct filter_run *run, struct value in, struct items *out)
{
	uint64_t n = in.kind == VALUE_ARRAY ? flat_count(in) : in.kind == VALUE_RANGE ? (uint64_t)value_count(in) : 1;

	*out = (struct items){ 0 };
	if (in.kind == VALUE_NIL || (in.kind == VALUE_CELL && in.n == 0))
		return 0;
	if (filter_steps(run, n) < 0)
		return -1;
	out->v = n < UINT32_MAX ? arena_array(run->arena, n ? n : 1, sizeof *out->v) : NULL;
	if (!out->v)
		return filter_no_memory(run);
	if (in.kind == VALUE_RANGE)
		for (; out->n < n; out->n++)
			out->v[out->n] = value_at(run->arena, in, out->n);
	else
		flatten(in, out);
	return 0;
}

static int member_of_text(struct filter_run *run, struct value item, struct value key, struct value *out)
{
	struct span s = value_span(item);
	int64_t i;

	if (value_is_text(key)) {
		if (span_search(s, value_span(key)) < s.n || key.n == 0)
			*out = key;
		return 1;
	}
	if (value_is_number(key) && value_integer(run->arena, key, &i) == 0) {
		int64_t length = (int64_t)utf8_length(s);

		i = i < 0 ? i + length : i;
		if (i >= 0 && i < length) {
			s = span_skip(s, utf8_index(s, (size_t)i));
			*out = filter_like(item, span_sub(s, 0, utf8_index(s, 1)));
		}
		return 1;
	}
	return -1;
}

int items_member(struct filter_run *run, struct value item, struct value key, struct value *out)
{
	*out = VALUE_OF_NIL;
	if (item.kind == VALUE_OBJECT) {
		if (value_is_text(key))
			value_find(item, value_span(key), out);
		return 1;
	}
	int rc = value_is_text(item) ? member_of_text(run, item, key, out) : 0;

	if (item.kind == VALUE_INT) { /* the reference sees the bits of an integer */
		rc = -1;
		if (key.kind == VALUE_INT) {
			int64_t bit = key.i < 0 ? 0 : key.i > 62 ? item.i < 0 : (item.i >> key.i) & 1;

			*out = value_int(bit);
			rc = 1;
		}
	}
	if (rc < 0) {
		struct span shown;

		if (filter_text(run, key, &shown) == 0)
			filter_fail(run, "cannot select the property '%.*s'", SPAN_ARG(span_sub(shown, 0, 60)));
	}
	return rc;
}

/* Two runs that follow each other into one; the first of them is kept where they are equal. */
static int merge(struct filter_run *run, struct value *const from[2], struct value *const to[2], uint32_t begin,
		 uint32_t middle, uint32_t end, int (*before)(struct filter_run *, struct value, struct value))
{
	uint32_t i = begin, k = middle;

	for (uint32_t at = begin; at < end; at++) {
		int second = i >= middle;

		if (!second && k < end && (second = before(run, from[1][k], from[1][i])) < 0)
			return -1;
		uint32_t pick = second ? k++ : i++;

		to[0][at] = from[0][pick];
		to[1][at] = from[1][pick];
	}
	return 0;
}

int items_sort(struct filter_run *run, struct value *items, struct value *keys, uint32_t n,
	       int (*before)(struct filter_run *run, struct value y, struct value x))
{
	struct value *const own[2] = { items, keys };
	struct value *const other[2] = { arena_array(run->arena, n, sizeof *items),
					 arena_array(run->arena, n, sizeof *items) };

	if (!other[0] || !other[1])
		return filter_no_memory(run);
	for (uint64_t width = 1; width < n; width *= 2) {
		if (filter_steps(run, n) < 0)
			return -1;
		for (uint64_t i = 0; i < n; i += 2 * width) {
			uint64_t middle = i + width < n ? i + width : n, end = i + 2 * width < n ? i + 2 * width : n;

			if (merge(run, own, other, (uint32_t)i, (uint32_t)middle, (uint32_t)end, before) < 0)
				return -1;
		}
		memcpy(items, other[0], n * sizeof *items);
		memcpy(keys, other[1], n * sizeof *keys);
	}
	return 0;
}
