/* emit_expr.c - expressions and conditions, and what a name means.
 *
 * A name is, in this order: a loop variable or an argument of the partial it stands in; a variable
 * assigned somewhere in the frame, once it is set; a column; `rows` of a grouped list; a special; a variable of the run; a
 * member of a row that has no fixed columns; a counter. Anything else is a finding (not with lax),
 * also where it is only asked for (if, default): a misspelt column must not become an empty one.
 * The same holds for members of a row of the group, where it can be seen that it is one: the variable of
 * a loop over `rows`, rows.first, rows.last, rows[...]. */
#include <stdio.h>

#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/liquid/emit.h"

enum { NEAR_SHOWN = 80 };

/* ---- names ---- */

static const struct local *find_local(const struct emit *m, struct span name)
{
	for (const struct local *l = m->locals; l; l = l->outer)
		if (span_eq(l->name, name))
			return l;
	return NULL;
}

static int find_column(const struct emit *m, struct span name)
{
	return m->p->columns ? columns_find(m->p->columns, name) : -1;
}

static int find_special(const struct emit *m, struct span name)
{
	for (uint32_t i = 0; i < m->p->n_specials; i++)
		if (span_eq(m->p->specials[i], name))
			return (int)i;
	return -1;
}

static int find_global(const struct emit *m, struct span name)
{
	for (uint32_t i = 0; i < m->p->n_globals; i++)
		if (span_eq(m->p->globals[i].key, name))
			return (int)i;
	return -1;
}

static bool open_names(const struct emit *m)
{
	return m->c->opt->lax || (m->p->columns && m->p->columns->open);
}

static bool is_group(const struct emit *m, struct span name)
{
	return m->p->columns && m->p->columns->grouped && span_eq(name, SPAN("rows"));
}

bool emit_knows(const struct emit *m, struct span name)
{
	return find_local(m, name) || names_find(&m->frame->assigned, name) || find_column(m, name) >= 0 || is_group(m, name) ||
	       find_special(m, name) >= 0 || find_global(m, name) >= 0 || names_find(&m->frame->counters, name);
}

static void nearer(struct span name, struct span candidate, struct span *best, unsigned *least)
{
	unsigned d = utf8_distance(name, candidate, *least);

	if (d <= *least && (d < *least || !best->n)) {
		*best = candidate;
		*least = d;
	}
}

static struct span nearest_name(const struct emit *m, struct span name)
{
	struct span best = { NULL, 0 };
	unsigned least = name.n > 4 ? 2 : 1;

	if (m->p->columns)
		best = columns_nearest(m->p->columns, name);
	if (best.n)
		return best;
	for (const struct local *l = m->locals; l; l = l->outer)
		nearer(name, l->name, &best, &least);
	for (uint32_t i = 0; i < m->frame->assigned.n; i++)
		nearer(name, m->frame->assigned.items[i].name, &best, &least);
	for (uint32_t i = 0; i < m->p->n_specials; i++)
		nearer(name, m->p->specials[i], &best, &least);
	for (uint32_t i = 0; i < m->p->n_globals; i++)
		nearer(name, m->p->globals[i].key, &best, &least);
	return best;
}

static void unknown_name(struct emit *m, struct place at, struct span name)
{
	struct span near = nearest_name(m, name);
	char hint[FINDING_HINT_MAX] = "";

	if (span_eq(name, SPAN("forloop")) || span_eq(name, SPAN("tablerowloop")))
		snprintf(hint, sizeof hint, "%.*s is known inside of its loop only", SPAN_ARG(name));
	else if (span_eq(name, SPAN("rows")))
		snprintf(hint, sizeof hint, "--group-by COLUMN makes one message of the rows with one key, and gives it their rows");
	else if (span_eq(name, SPAN("else")) || span_begins(name, SPAN("end")))
		snprintf(hint, sizeof hint, "as a tag it is written {%% %.*s %%}", SPAN_ARG(name));
	else if (near.n && span_find(near, ' ') < near.n)
		snprintf(hint, sizeof hint, "did you mean '%.*s'? It is written without its spaces, or as ['%.*s']",
			 SPAN_ARG(utf8_cut(near, NEAR_SHOWN)), SPAN_ARG(utf8_cut(near, NEAR_SHOWN)));
	else if (near.n)
		snprintf(hint, sizeof hint, "did you mean '%.*s'?", SPAN_ARG(near));
	else if (m->c->opt->columns)
		columns_describe(m->c->opt->columns, hint, sizeof hint);
	compile_mistake(m->c, at, "unknown column", hint[0] ? hint : NULL, "there is no column '%.*s'", SPAN_ARG(name));
}

/* What the name means apart from variables of the template. */
static void emit_outer_name(struct emit *m, struct place at, struct span name)
{
	const struct names_item *counter = names_find(&m->frame->counters, name);
	int i;

	if ((i = find_column(m, name)) >= 0) {
		m->p->used_columns[i] = true;
		emit_op(m, at, OP_COLUMN, 0, (uint32_t)i, 1);
		return;
	}
	if (is_group(m, name)) {
		emit_op(m, at, OP_ROWS, 0, 0, 1);
		return;
	}
	struct label found = { 0 };

	if (m->p->columns && m->p->columns->open)
		emit_jump(m, at, OP_FIELD, emit_constant(m, value_text(name)), 0, &found);
	if ((i = find_special(m, name)) >= 0)
		emit_op(m, at, OP_SPECIAL, 0, (uint32_t)i, 1);
	else if ((i = find_global(m, name)) >= 0)
		emit_op(m, at, OP_PUSH, 0, emit_constant(m, m->p->globals[i].value), 1);
	else if (counter)
		emit_op(m, at, OP_SLOT, 0, counter->value, 1);
	else
		emit_op(m, at, OP_PUSH, 0, emit_constant(m, VALUE_OF_NIL), 1);
	emit_label(m, &found);
	if (!emit_knows(m, name) && !open_names(m))
		unknown_name(m, at, name);
}

static void emit_name(struct emit *m, struct place at, struct span name)
{
	const struct local *local = find_local(m, name);
	const struct names_item *assigned = names_find(&m->frame->assigned, name);
	struct label set = { 0 };

	if (local) {
		emit_op(m, at, OP_SLOT, 0, local->slot, 1);
		return;
	}
	if (!assigned) {
		emit_outer_name(m, at, name);
		return;
	}
	emit_jump(m, at, OP_SLOT_OR, assigned->value, 0, &set);
	emit_outer_name(m, at, name);
	emit_label(m, &set);
}

/* {{ [name] }}: looked for when rendering, among all that is known here. */
static uint32_t visible_scope(struct emit *m)
{
	uint32_t n = m->frame->assigned.n, i = 0;

	for (const struct local *l = m->locals; l; l = l->outer)
		n++;
	struct scope_name *names = arena_array(&m->p->memory, n, sizeof *names);
	struct scope *scope = compile_push(m->c, &m->p->scopes, sizeof *scope);

	if (!names || !scope) {
		m->c->no_memory = true;
		return 0;
	}
	for (const struct local *l = m->locals; l; l = l->outer)
		names[i++] = (struct scope_name){ l->name, l->slot };
	for (uint32_t k = 0; k < m->frame->assigned.n; k++)
		names[i++] = (struct scope_name){ m->frame->assigned.items[k].name, m->frame->assigned.items[k].value };
	*scope = (struct scope){ names, n };
	return m->p->scopes.n - 1;
}

/* ---- expressions ---- */

static enum command command_of(struct span name)
{
	return span_eq(name, SPAN("size"))    ? COMMAND_SIZE
	       : span_eq(name, SPAN("first")) ? COMMAND_FIRST
	       : span_eq(name, SPAN("last"))  ? COMMAND_LAST
					      : COMMAND_NONE;
}

bool emit_is_rows(const struct emit *m, const struct expr *x)
{
	return x && x->kind == EXPR_NAME && !x->steps && is_group(m, x->name) && !find_local(m, x->name) &&
	       !names_find(&m->frame->assigned, x->name);
}

/* The step that names a column of a row of the group, as far as that can be seen here; or NULL. */
static const struct step *column_step(const struct emit *m, const struct expr *x)
{
	const struct step *s = x->steps;
	const struct local *local;
	struct expr base = *x;

	if (x->kind != EXPR_NAME || !s)
		return NULL;
	base.steps = NULL;
	local = find_local(m, x->name);
	if (local)
		return local->of_rows ? s : NULL;
	if (!emit_is_rows(m, &base) || (!s->key && command_of(s->name) != COMMAND_FIRST && command_of(s->name) != COMMAND_LAST))
		return NULL;
	return s->next;
}

/* Found as columns are. */
static void emit_row_step(struct emit *m, const struct step *s)
{
	int i = find_column(m, s->name);

	if (i >= 0) {
		m->p->used_columns[i] = true;
		emit_op(m, s->at, OP_MEMBER, COMMAND_NONE, emit_constant(m, value_text(m->p->columns->names[i])), 0);
		return;
	}
	if (command_of(s->name) == COMMAND_NONE && !open_names(m))
		unknown_name(m, s->at, s->name);
	emit_op(m, s->at, OP_MEMBER, (uint8_t)command_of(s->name), emit_constant(m, value_text(s->name)), 0);
}

static void emit_step(struct emit *m, const struct step *s)
{
	if (s->key) {
		emit_expr(m, s->key);
		emit_op(m, s->at, OP_INDEX, 0, 0, -1);
	} else {
		emit_op(m, s->at, OP_MEMBER, (uint8_t)command_of(s->name), emit_constant(m, value_text(s->name)), 0);
	}
}

void emit_expr(struct emit *m, const struct expr *x)
{
	if (!x) /* after a mistake; reported, and never run */
		return;
	if (x->kind == EXPR_LITERAL) {
		emit_op(m, x->at, OP_PUSH, 0, emit_constant(m, x->literal), 1);
	} else if (x->kind == EXPR_NAME) {
		emit_name(m, x->at, x->name);
	} else if (x->kind == EXPR_RANGE) {
		emit_expr(m, x->first);
		emit_expr(m, x->last);
		emit_op(m, x->at, OP_RANGE, 0, 0, -1);
	} else {
		emit_expr(m, x->first);
		emit_op(m, x->at, OP_NAMED, 0, visible_scope(m), 0);
	}
	const struct step *of_row = column_step(m, x);

	for (const struct step *s = x->steps; s; s = s->next) {
		if (s == of_row && !s->key)
			emit_row_step(m, s);
		else
			emit_step(m, s);
	}
}

/* The zone that a template states is read now; where a value names it, all of them are. */
static void emit_zone(struct emit *m, const struct call *call)
{
	const struct arg *a = call->args ? call->args->next : NULL;
	struct zones *zones = &m->p->zones;
	int rc;

	if (!call->own || !filter_names_zone(call->own) || !a || !a->value)
		return;
	bool fixed = a->value->kind == EXPR_LITERAL && a->value->literal.kind == VALUE_TEXT;
	struct span name = fixed ? value_span(a->value->literal) : SPAN("");

	rc = !fixed ? zones_add_all(zones, &m->p->memory) : name.n ? zones_add(zones, &m->p->memory, name) : 1;
	if (rc < 0)
		m->c->no_memory = true;
	if (rc != 0 || !fixed)
		return;
	if (zones_add_all(zones, &m->p->memory) < 0)
		m->c->no_memory = true;
	struct span near = zones_nearest(zones, name);
	char hint[FINDING_HINT_MAX];

	if (near.n)
		snprintf(hint, sizeof hint, "did you mean '%.*s'?", SPAN_ARG(near));
	else
		snprintf(hint, sizeof hint, zones->n ? "zones are named as in \"Europe/Berlin\""
						     : "this system has no time zones: install tzdata");
	compile_mistake(m->c, a->value->at, "time zone", hint, "there is no time zone '%.*s'", SPAN_ARG(name));
}

/* Arguments in the order the filter wants them; the named one is the last. */
static void emit_call(struct emit *m, const struct call *call)
{
	struct call_site *site = compile_push(m->c, &m->p->calls, sizeof *site);
	const struct arg *named = NULL;
	uint32_t n = 0, full = call->own && call->own->keyword ? call->own->max_args : 0u;

	if (!site)
		return;
	*site = (struct call_site){ call->own, call->foreign };
	uint32_t index = m->p->calls.n - 1;

	emit_zone(m, call);
	for (const struct arg *a = call->args; a; a = a->next) {
		if (a->name.n) {
			named = a;
			continue;
		}
		emit_expr(m, a->value);
		n++;
	}
	for (; n < full; n++)
		emit_op(m, call->at, OP_PUSH, 0, emit_constant(m, VALUE_OF_NIL), 1);
	if (call->own && call->own->keyword) {
		if (named)
			emit_expr(m, named->value);
		else
			emit_op(m, call->at, OP_PUSH, 0, emit_constant(m, VALUE_OF_NIL), 1);
		n++;
	}
	emit_op(m, call->at, OP_FILTER, (uint8_t)n, index, -(int)n);
}

void emit_chain(struct emit *m, const struct chain *chain)
{
	emit_expr(m, chain->base);
	for (const struct call *call = chain->calls; call; call = call->next)
		emit_call(m, call);
}

void emit_cond(struct emit *m, const struct cond *cond)
{
	struct label end = { 0 };

	for (const struct cond *k = cond; k; k = k->next) {
		emit_expr(m, k->left);
		if (k->right) {
			emit_expr(m, k->right);
			emit_op(m, k->at, OP_COMPARE, (uint8_t)k->op, 0, -1);
		}
		if (k->relation != RELATION_NONE)
			emit_jump(m, k->at, k->relation == RELATION_AND ? OP_AND : OP_OR, 0, -1, &end);
	}
	emit_label(m, &end);
}
