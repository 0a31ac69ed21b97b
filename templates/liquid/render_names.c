/* render_names.c - what a name, a member and an index are while a template renders. */
#include "templates/liquid/machine.h"
#include "templates/liquid/number.h"

struct value machine_column(const struct machine *m, uint32_t column)
{
	const struct row *row = m->in->row;
	struct value out = VALUE_OF_NIL;

	if (!row)
		return out;
	if (row->object.kind == VALUE_OBJECT && value_find(row->object, m->p->columns->names[column], &out))
		return out;
	return column < row->n_cells ? value_cell(row->cells[column]) : out;
}

struct value machine_rows(const struct machine *m)
{
	return m->in->row && m->in->row->group ? m->in->row->group->rows : VALUE_OF_NIL;
}

struct value machine_named(const struct machine *m, const struct op *op, struct span name)
{
	const struct scope *scope = (const struct scope *)m->p->scopes.items + op->a;
	struct value out;
	int column = m->p->columns ? columns_find(m->p->columns, name) : -1;

	for (uint32_t i = 0; i < scope->n; i++)
		if (span_eq(scope->names[i].name, name) && machine_slot(m, scope->names[i].slot)->kind != VALUE_UNSET)
			return *machine_slot(m, scope->names[i].slot);
	if (column >= 0)
		return machine_column(m, (uint32_t)column);
	if (m->p->columns && m->p->columns->grouped && span_eq(name, SPAN("rows")))
		return machine_rows(m);
	if (m->in->row && value_find(m->in->row->object, name, &out))
		return out;
	for (uint32_t i = 0; i < m->p->n_specials; i++)
		if (span_eq(m->p->specials[i], name))
			return m->in->specials[i];
	for (uint32_t i = 0; i < m->p->n_globals; i++)
		if (span_eq(m->p->globals[i].key, name))
			return m->p->globals[i].value;
	return VALUE_OF_NIL;
}

struct value machine_member(struct machine *m, const struct op *op, struct value v)
{
	struct span name = value_span(((const struct value *)m->p->constants.items)[op->a]);
	struct value out = VALUE_OF_NIL;

	if (v.kind == VALUE_DROP)
		return machine_drop(m, v, name);
	if (v.kind == VALUE_OBJECT && value_find(v, name, &out))
		return out;
	bool whole = value_is_number(v) && !number_is_decimal(v);

	if (op->n == COMMAND_SIZE && (value_is_text(v) || whole || v.kind == VALUE_ARRAY || v.kind == VALUE_OBJECT ||
				      v.kind == VALUE_RANGE))
		return value_size(v);
	if (op->n == COMMAND_FIRST)
		return value_first(m->arena, v);
	if (op->n == COMMAND_LAST)
		return value_last(m->arena, v);
	return out;
}

struct value machine_index(struct machine *m, struct value v, struct value key)
{
	if (v.kind == VALUE_DROP && value_is_text(key))
		return machine_drop(m, v, value_span(key));
	return value_index(m->arena, v, key);
}
