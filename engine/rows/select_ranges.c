/* select_ranges.c - ranges are kept sorted and merged, so that one place in them, moving forward, answers
 * for rows that are asked in order, and two ways to write one choice have one text.
 * Held by tests/unit/test_rows_select.c. */
#include "engine/rows/select_ranges.h"

#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

enum { RANGES_MAX = 100000 };

/* "3", "3-9" or "20-" */
static int parse_range(struct span piece, struct range_of_rows *out, struct err *e)
{
	struct span rest = span_trim(piece), first;
	bool dash = span_find(rest, '-') < rest.n;
	unsigned long long lo, hi;

	first = span_trim(span_cut(&rest, '-'));
	rest = span_trim(rest);
	if (span_number(first, UINT64_MAX, &lo) < 0 || lo == 0)
		goto wrong;
	hi = dash ? UINT64_MAX : lo;
	if (rest.n > 0 && (span_number(rest, UINT64_MAX, &hi) < 0 || hi < lo))
		goto wrong;
	*out = (struct range_of_rows){ lo, hi };
	return 0;
wrong:
	err_set(e, ERR_INPUT, "'%.*s' is no range of rows", SPAN_ARG(span_sub(piece, 0, 60)));
	return err_hint(e, "rows are written as 3-9,14,20- and counted from 1");
}

static int compare(const void *a, const void *b)
{
	const struct range_of_rows *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Sorted; ranges that touch become one. */
static void merge(struct ranges *r)
{
	size_t to = 0;

	qsort(r->items, r->n, sizeof *r->items, compare);
	for (size_t i = 1; i < r->n; i++) {
		struct range_of_rows *last = &r->items[to], *next = &r->items[i];

		if (last->last != UINT64_MAX && next->first > last->last + 1)
			r->items[++to] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	r->n = to + 1;
}

int ranges_parse(struct ranges *out, struct span text, struct err *e)
{
	size_t pieces = 1;

	*out = (struct ranges){ 0 };
	for (size_t i = 0; i < text.n; i++)
		pieces += text.p[i] == ',';
	if (pieces > RANGES_MAX)
		return err_set(e, ERR_INPUT, "over %d ranges of rows", RANGES_MAX);
	out->items = mem_array(pieces, sizeof *out->items);
	if (!out->items)
		return err_nomem(e, "the choice of rows");
	while (out->n < pieces)
		if (parse_range(span_cut(&text, ','), &out->items[out->n++], e) < 0) {
			ranges_release(out);
			return -1;
		}
	merge(out);
	return 0;
}

void ranges_release(struct ranges *r)
{
	mem_free(r->items);
	*r = (struct ranges){ 0 };
}

bool ranges_are_all(const struct ranges *r)
{
	return r->n == 0 || (r->n == 1 && r->items[0].first == 1 && r->items[0].last == UINT64_MAX);
}

bool ranges_contain(const struct ranges *r, const struct ranges *part)
{
	size_t at = 0;

	if (ranges_are_all(r))
		return true;
	if (part->n == 0)
		return false;
	for (size_t i = 0; i < part->n; i++) {
		while (at < r->n && r->items[at].last < part->items[i].first)
			at++;
		if (at == r->n || r->items[at].first > part->items[i].first || r->items[at].last < part->items[i].last)
			return false;
	}
	return true;
}

void ranges_write(const struct ranges *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct range_of_rows *x = &r->items[i];

		buf_addf(out, "%s%llu", i ? "," : "", (unsigned long long)x->first);
		if (x->last == UINT64_MAX)
			buf_add_char(out, '-');
		else if (x->last > x->first)
			buf_addf(out, "-%llu", (unsigned long long)x->last);
	}
}
