/* render_loops.c - for, tablerow, cycle and counters while a template renders.
 *
 * A loop remembers where its items lie and how far it is; items are never copied. forloop is the
 * number of a running loop, so a forloop kept in a variable cannot point to memory that is gone. */
#include <string.h>

#include "engine/base/err.h"
#include "templates/liquid/machine.h"
#include "templates/liquid/number.h"

/* A number that the tag was given: nil is what it was before. tablerow takes what a text begins with,
 * and cuts a decimal. */
static int option(struct machine *m, const struct op *op, const char *name, struct value v, bool table, int64_t *out)
{
	struct value number;

	if (v.kind == VALUE_NIL || (v.kind == VALUE_CELL && v.n == 0))
		return 0;
	if (value_integer(m->arena, v, out) == 0)
		return 0;
	if (table && (value_is_number(v) || value_is_text(v)) && value_number(m->arena, v, &number) == 0) {
		*out = number_trunc(number);
		return 0;
	}
	return machine_fail(m, op, "%s of the loop is not a whole number", name);
}

static int64_t parent_of(const struct machine *m)
{
	uint32_t lowest = m->n_frames ? m->s->frames[m->n_frames - 1].loops : 0;

	for (uint32_t i = m->n_loops; i-- > lowest;)
		if (!(m->s->loops[i].site->flags & (LOOP_TABLE | LOOP_HIDDEN)))
			return i;
	return -1;
}

static int pop_options(struct machine *m, const struct op *op, uint8_t flags, struct running_loop *l, int64_t *limit)
{
	struct value *stack = m->s->stack;
	bool table = flags & LOOP_TABLE;

	if ((flags & LOOP_COLS) && option(m, op, "cols", stack[--m->n_stack], table, &l->cols) < 0)
		return -1;
	if ((flags & LOOP_OFFSET) && option(m, op, "offset", stack[--m->n_stack], table, &l->from) < 0)
		return -1;
	if ((flags & LOOP_LIMIT) && option(m, op, "limit", stack[--m->n_stack], table, limit) < 0)
		return -1;
	return 0;
}

static int64_t sum_in_bounds(int64_t x, int64_t y)
{
	int64_t sum;

	if (__builtin_add_overflow(x, y, &sum))
		return x < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static void choose_items(struct machine *m, struct running_loop *l, int64_t limit)
{
	uint8_t flags = l->site->flags;
	int64_t n = value_count(l->over), end;
	bool one = (flags & LOOP_WITH) ? l->over.kind != VALUE_ARRAY && l->over.kind != VALUE_RANGE
				       : value_is_text(l->over) && l->over.n > 0;

	if (one) { /* a text is one item, wherever the loop begins and ends */
		l->length = 1;
		return;
	}
	if ((flags & LOOP_CONTINUE) && machine_slot(m, l->site->offset)->kind == VALUE_INT)
		l->from = machine_slot(m, l->site->offset)->i;
	end = sum_in_bounds(limit, l->from);
	if (limit == INT64_MAX || end > n)
		end = n;
	if (l->from < 0)
		l->from = 0;
	l->length = end > l->from ? end - l->from : 0;
}

int machine_loop(struct machine *m, const struct op *op)
{
	const struct loop_site *site = (const struct loop_site *)m->p->loops.items + op->a;
	struct running_loop l = { .site = site, .index = -1, .parent = -1, .cols = -1, .row = 1 };
	int64_t limit = INT64_MAX;

	if (pop_options(m, op, site->flags, &l, &limit) < 0)
		return -1;
	l.over = m->s->stack[--m->n_stack];
	choose_items(m, &l, limit);
	if (!(site->flags & LOOP_WITH))
		*machine_slot(m, site->offset) = value_int(sum_in_bounds(l.from, l.length));
	if (!(site->flags & (LOOP_HIDDEN | LOOP_TABLE)))
		l.parent = parent_of(m);
	if (site->flags & LOOP_TABLE) {
		l.drop = DROP_TABLEROW;
		if (!value_true(l.over))
			return 0;
		if (l.cols < 0)
			l.cols = l.length;
		if (machine_write(m, op, SPAN("<tr class=\"row1\">\n")) < 0)
			return -1;
	} else if (l.length == 0) {
		return 0;
	}
	m->s->loops[m->n_loops++] = l;
	*machine_slot(m, site->loop_slot) = (struct value){ .kind = VALUE_DROP, .n = l.drop, .i = m->n_loops - 1 };
	return 1;
}

int machine_next(struct machine *m, const struct op *op)
{
	const struct loop_site *site = (const struct loop_site *)m->p->loops.items + op->a;
	struct running_loop *l = &m->s->loops[m->n_loops - 1];
	bool one = value_is_text(l->over) || ((site->flags & LOOP_WITH) && l->over.kind != VALUE_ARRAY &&
					      l->over.kind != VALUE_RANGE);

	if (++l->index >= l->length) {
		m->n_loops--;
		return 0;
	}
	int64_t at = l->from + ((site->flags & LOOP_REVERSED) ? l->length - 1 - l->index : l->index);
	struct value item = one ? l->over : value_at(m->arena, l->over, at);

	if (item.kind == VALUE_NIL && l->over.kind == VALUE_OBJECT && !one)
		return machine_no_memory(m);
	*machine_slot(m, site->variable) = item;
	if (l->drop == DROP_TABLEROW)
		l->col++;
	return 1;
}

/* ---- tablerow ---- */

static int write_class(struct machine *m, const struct op *op, struct span before, int64_t n)
{
	struct span shown = number_text(m->arena, value_int(n));

	if (!shown.p)
		return machine_no_memory(m);
	return machine_write(m, op, before) < 0 || machine_write(m, op, shown) < 0 ||
			       machine_write(m, op, SPAN("\">")) < 0
		       ? -1
		       : 0;
}

int machine_cell_begin(struct machine *m, const struct op *op)
{
	return write_class(m, op, SPAN("<td class=\"col"), m->s->loops[m->n_loops - 1].col);
}

int machine_cell_end(struct machine *m, const struct op *op)
{
	struct running_loop *l = &m->s->loops[m->n_loops - 1];

	if (machine_write(m, op, SPAN("</td>")) < 0)
		return -1;
	if (op->n || l->col != l->cols || l->index == l->length - 1)
		return 0;
	l->col = 0;
	l->row++;
	return write_class(m, op, SPAN("</tr>\n<tr class=\"row"), l->row);
}

/* ---- forloop ---- */

struct value machine_drop(const struct machine *m, struct value drop, struct span name)
{
	static const char *const names[] = { "length", "index", "index0", "rindex", "rindex0" };
	const struct running_loop *l = m->s->loops + drop.i;

	if (drop.i >= m->n_loops)
		return VALUE_OF_NIL; /* kept in a variable; its loop is over */
	const int64_t values[] = { l->length, l->index + 1, l->index, l->length - l->index, l->length - l->index - 1 };

	for (int i = 0; i < 5; i++)
		if (span_eq(name, span_str(names[i])))
			return value_int(values[i]);
	if (span_eq(name, SPAN("first")))
		return value_bool(l->index == 0);
	if (span_eq(name, SPAN("last")))
		return value_bool(l->index == l->length - 1);
	if (drop.n == DROP_FORLOOP) {
		if (span_eq(name, SPAN("name")))
			return value_text(l->site->name);
		if (span_eq(name, SPAN("parentloop")) && l->parent >= 0)
			return (struct value){ .kind = VALUE_DROP, .n = DROP_FORLOOP, .i = l->parent };
		return VALUE_OF_NIL;
	}
	if (span_eq(name, SPAN("row")))
		return value_int(l->row);
	if (span_eq(name, SPAN("col")))
		return value_int(l->col);
	if (span_eq(name, SPAN("col0")))
		return value_int(l->col - 1);
	if (span_eq(name, SPAN("col_first")))
		return value_bool(l->col == 1);
	if (span_eq(name, SPAN("col_last")))
		return value_bool(l->col == l->cols);
	return VALUE_OF_NIL;
}

/* ---- cycle, increment, decrement ---- */

/* Where the named cycle is; one of that name is made when there is none. */
static uint32_t *named_cycle(struct machine *m, struct value *slot, struct value name)
{
	struct cycle_state *c = slot->kind == VALUE_DROP ? (struct cycle_state *)(uintptr_t)slot->drop : NULL;

	for (struct cycle_state *i = c; i; i = i->next)
		if (value_equal(m->arena, i->name, name))
			return &i->at;
	struct cycle_state *more = arena_zero(m->arena, sizeof *more);

	if (!more)
		return NULL;
	more->next = c;
	more->name = name;
	*slot = (struct value){ .kind = VALUE_DROP, .drop = more };
	return &more->at;
}

int machine_cycle(struct machine *m, const struct op *op)
{
	struct value *slot = machine_slot(m, op->a), item = VALUE_OF_NIL;
	uint32_t own = 0, *at = &own, named = op->n & CYCLE_NAMED;

	m->n_stack -= op->b + named;
	if (named) {
		at = named_cycle(m, slot, m->s->stack[m->n_stack]);
		if (!at)
			return machine_no_memory(m);
	} else {
		own = slot->kind == VALUE_INT ? (uint32_t)slot->i : 0;
	}
	if (*at < op->b)
		item = m->s->stack[m->n_stack + named + *at];
	*at = *at + 1 >= op->b ? 0 : *at + 1;
	if (!named)
		*slot = value_int(own);
	if ((op->n & IN_LINK) && machine_link_value(m, op, item) < 0)
		return -1;
	return machine_print(m, op, item);
}

int machine_counter(struct machine *m, const struct op *op)
{
	struct value *slot = machine_slot(m, op->a);
	int64_t was = slot->kind == VALUE_INT ? slot->i : 0;

	if (op->code == OP_DECREMENT)
		was--;
	*slot = value_int(op->code == OP_INCREMENT ? was + 1 : was);
	return machine_print(m, op, value_int(was));
}
