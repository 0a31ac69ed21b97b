/* filters.c - the filters by name, and what all of them use.
 *
 * A text filter answers in kind: what was a cell stays untyped, what was safe stays safe. Putting a
 * plain value to a safe one escapes the plain one. */
#include "templates/liquid/filters.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/liquid/escape.h"
#include "templates/liquid/values.h"

static const struct filter *const tables[] = { filters_text, filters_html,   filters_code,  filters_list,
					       filters_pick, filters_number, filters_money, filters_date };

enum { N_TABLES = sizeof tables / sizeof tables[0] };

const struct filter *filter_find(struct span name)
{
	for (int i = 0; i < N_TABLES; i++)
		for (const struct filter *f = tables[i]; f->name.n; f++)
			if (span_eq(f->name, name))
				return f;
	return NULL;
}

struct span filter_nearest(struct span name)
{
	struct span best = { NULL, 0 };
	unsigned least = name.n > 4 ? 2 : 1;

	for (int i = 0; i < N_TABLES; i++)
		for (const struct filter *f = tables[i]; f->name.n; f++) {
			unsigned d = utf8_distance(name, f->name, least);

			if (d <= least && (d < least || !best.n)) {
				best = f->name;
				least = d;
			}
		}
	return best;
}

int filter_fail(struct filter_run *run, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(run->e, ERR_INPUT, "%s", text);
}

int filter_no_memory(struct filter_run *run)
{
	return err_nomem(run->e, "the values of this row");
}

int filter_steps(struct filter_run *run, uint64_t n)
{
	if (n > *run->steps)
		return filter_fail(run, "this row takes too many steps");
	*run->steps -= n;
	return 0;
}

int filter_text(struct filter_run *run, struct value v, struct span *out)
{
	bool ok;

	*out = value_inspected(run->arena, v, &ok);
	return ok ? 0 : filter_no_memory(run);
}

struct value filter_like(struct value in, struct span s)
{
	struct value v = in.kind == VALUE_CELL ? value_cell(s) : value_text(s);

	v.safe = in.safe;
	return v;
}

bool filter_any_safe(const struct filter_run *run, const struct value *v, uint32_t n)
{
	for (uint32_t i = 0; run->html && i < n; i++)
		if (v[i].safe)
			return true;
	return false;
}

void filter_join(struct text *t, struct value v, bool safe)
{
	bool ok = true;

	if (v.kind == VALUE_ARRAY) {
		v = value_text(value_inspected(t->arena, v, &ok));
		t->failed = t->failed || !ok;
	}
	value_add(t, v, safe);
}

int filter_joined(struct filter_run *run, const struct text *t, bool safe, struct value *out)
{
	if (t->failed)
		return filter_no_memory(run);
	*out = value_text(text_span(t));
	out->safe = safe;
	return 0;
}

int filter_integer(struct filter_run *run, struct value v, int64_t *out)
{
	struct span shown;

	if (value_integer(run->arena, v, out) == 0)
		return 0;
	if (filter_text(run, v, &shown) < 0)
		return -1;
	return filter_fail(run, "'%.*s' is not a whole number", SPAN_ARG(span_sub(shown, 0, 60)));
}
