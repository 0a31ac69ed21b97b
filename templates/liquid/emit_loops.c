/* emit_loops.c - for, tablerow, and the partials, which may be loops too.
 *
 * An include is written out where it stands, because its names are those of that place; a render
 * is called, with a frame of its own, once for each set of argument names, so that it may also
 * render itself. */
#include <string.h>

#include "templates/liquid/emit.h"

/* A part is wanted for each place in HTML that a partial is rendered at; one that renders itself inside
 * ever other tags would want ever more. */
enum { PARTS_MAX = 1000 };

static struct loop_site *loop_new(struct emit *m, const struct node *n, uint8_t flags)
{
	struct loop_site *s = compile_push(m->c, &m->p->loops, sizeof *s);

	if (!s)
		return NULL;
	*s = (struct loop_site){ .name = n->loop_name, .flags = flags };
	if (n->loop_name.n)
		s->offset = emit_named_slot(m, &m->frame->offsets, n->loop_name);
	return s;
}

static void loop_enter(struct emit *m)
{
	if (++m->loops > m->p->most_loops)
		m->p->most_loops = m->loops;
}

/* The collection and what was said about it, in the order that OP_FOR pops them. */
static uint8_t loop_operands(struct emit *m, const struct node *n, int *count)
{
	uint8_t flags = (uint8_t)((n->reversed ? LOOP_REVERSED : 0) | (n->from_last ? LOOP_CONTINUE : 0) |
				  (n->kind == NODE_TABLEROW ? LOOP_TABLE : 0));
	const struct expr *operands[] = { n->over, n->limit, n->offset, n->cols };
	static const uint8_t flag[] = { 0, LOOP_LIMIT, LOOP_OFFSET, LOOP_COLS };

	for (int i = 0; i < 4; i++)
		if (operands[i]) {
			emit_expr(m, operands[i]);
			flags |= flag[i];
			++*count;
		}
	return flags;
}

/* "item in items" is known as "item-items". */
static struct span shown_name(struct emit *m, const struct node *n)
{
	size_t at = n->alias.n;
	struct span rest = span_trim(span_skip(n->loop_name, at));

	rest = span_trim(span_skip(rest, 2));
	char *p = arena_take(&m->p->memory, at + 1 + rest.n);

	if (!p) {
		m->c->no_memory = true;
		return n->alias;
	}
	memcpy(p, n->alias.p, at);
	p[at] = '-';
	memcpy(p + at + 1, rest.p, rest.n);
	return span_of(p, at + 1 + rest.n);
}

void emit_loop(struct emit *m, const struct node *n)
{
	if (!n->over) /* after a mistake */
		return;
	bool table = n->kind == NODE_TABLEROW;
	struct label nothing = { 0 }, done = { 0 };
	struct open_loop loop = { .outer = m->loop, .loops = m->loops + 1, .captures = m->capture };
	const struct local *outer = m->locals;
	struct local item = { outer, n->alias, emit_slot(m), emit_is_rows(m, n->over) };
	struct local drop = { &item, table ? SPAN("tablerowloop") : SPAN("forloop"), emit_slot(m), false };
	int operands = 0;
	uint8_t flags = loop_operands(m, n, &operands);
	struct loop_site *site = loop_new(m, n, flags);

	if (!site)
		return;
	site->name = shown_name(m, n);
	site->variable = item.slot;
	site->loop_slot = drop.slot;
	uint32_t index = m->p->loops.n - 1;

	struct ways ways;

	emit_ways_begin(m, &ways);
	emit_jump(m, n->at, OP_FOR, index, -operands, &nothing);
	uint32_t next = emit_here(m);

	emit_jump(m, n->at, OP_NEXT, index, 0, &done);
	loop_enter(m);
	m->loop = &loop;
	m->locals = &drop;
	if (table)
		emit_op(m, n->at, OP_CELL_BEGIN, 0, 0, 0);
	emit_body(m, &n->body, n->blank && !table);
	emit_way(m, &ways, n->at);
	emit_label(m, &loop.again);
	if (table)
		emit_op(m, n->at, OP_CELL_END, 0, 0, 0);
	emit_jump_back(m, n->at, next);
	emit_label(m, &loop.leave);
	if (table)
		emit_op(m, n->at, OP_CELL_END, 1, 0, 0);
	emit_op(m, n->at, OP_END_LOOP, 0, 0, 0);
	m->loops--;
	m->locals = outer;
	m->loop = loop.outer;
	if (table) {
		emit_label(m, &done);
		emit_op(m, n->at, OP_TABLE_END, 0, 0, 0);
		emit_label(m, &nothing);
		emit_way(m, &ways, n->at);
		emit_ways_end(m, &ways);
		return;
	}
	emit_jump(m, n->at, OP_JUMP, 0, 0, &done);
	emit_label(m, &nothing);
	emit_body(m, &n->otherwise, n->blank);
	emit_way(m, &ways, n->at);
	emit_ways_end(m, &ways);
	emit_label(m, &done);
}

/* ---- partials ---- */

/* Arguments of an include are names around its text. Sets *locals to the innermost. */
static void include_args(struct emit *m, const struct node *n, const struct local **locals)
{
	for (const struct arg *a = n->args; a; a = a->next) {
		struct local *l = compile_new(m->c, sizeof *l);

		if (!l)
			return;
		*l = (struct local){ *locals, a->name, emit_slot(m), false };
		emit_expr(m, a->value);
		emit_op(m, n->at, OP_SET, 0, l->slot, -1);
		*locals = l;
	}
}

static void include_body(struct emit *m, const struct node *n, const struct local *locals)
{
	const struct local *outer = m->locals;

	m->locals = locals;
	emit_body(m, &n->partial->body, false);
	m->locals = outer;
}

void emit_include(struct emit *m, const struct node *n)
{
	const struct local *locals = m->locals;
	struct local item = { .name = n->alias };
	struct expr same = { .kind = EXPR_NAME, .at = n->at, .name = n->text };
	const struct expr *over = n->over ? n->over : emit_knows(m, n->text) ? &same : NULL;

	if (n->partial->missing)
		return;
	if (m->depth >= m->c->most_depth) {
		compile_mistake(m->c, n->at, "nesting", NULL, "more than %u partials inside each other",
				(unsigned)m->c->most_depth);
		m->c->stopped = true;
		return;
	}
	m->depth++;
	if (!over) {
		include_args(m, n, &locals);
		include_body(m, n, locals);
	} else {
		struct label done = { 0 };
		struct loop_site *site;

		emit_expr(m, over);
		if (!(site = loop_new(m, n, LOOP_WITH | LOOP_HIDDEN)))
			return;
		item.slot = site->variable = emit_slot(m);
		site->loop_slot = emit_slot(m);
		uint32_t index = m->p->loops.n - 1;

		emit_jump(m, n->at, OP_FOR, index, -1, &done);
		loop_enter(m);
		item.outer = locals;
		locals = &item;
		include_args(m, n, &locals);
		uint32_t next = emit_here(m);

		emit_jump(m, n->at, OP_NEXT, index, 0, &done);
		include_body(m, n, locals);
		emit_jump_back(m, n->at, next);
		m->loops--;
		emit_label(m, &done);
	}
	m->depth--;
}

static bool same_names(const struct wanted_part *w, const struct span *names, uint32_t n)
{
	if (w->n_names != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!span_eq(w->names[i], names[i]))
			return false;
	return true;
}

/* The part for this partial and these names, wanted now if it was not yet. */
static uint32_t want_part(struct emit *m, struct place at, const struct partial *partial, const struct span *names,
			  uint32_t n)
{
	struct wanted_part *w;

	for (w = m->parts; w; w = w->next)
		if (w->partial == partial && same_names(w, names, n) && markup_same(&w->markup, &m->markup))
			return w->index;
	if (m->p->parts.n >= PARTS_MAX) {
		emit_too_large(m, at);
		return 0;
	}
	if (!(w = compile_new(m->c, sizeof *w)) || !compile_push(m->c, &m->p->parts, sizeof(struct part)))
		return 0;
	*w = (struct wanted_part){ .partial = partial, .names = names, .n_names = n, .index = m->p->parts.n - 1,
				   .markup = m->markup };
	*m->parts_tail = w;
	m->parts_tail = &w->next;
	return w->index;
}

void emit_render(struct emit *m, const struct node *n)
{
	uint32_t n_names = 0, index = 0, next = 0;
	struct label done = { 0 };
	struct local item = { .name = n->alias }, drop = { .name = SPAN("forloop") };

	if (n->partial->missing)
		return;
	for (const struct arg *a = n->args; a; a = a->next)
		n_names++;
	struct span *names = arena_array(&m->c->work, n_names + 2, sizeof *names);

	if (!names) {
		m->c->no_memory = true;
		return;
	}
	n_names = 0;
	if (n->over) {
		struct loop_site *site;

		emit_expr(m, n->over);
		if (n->each) {
			if (!(site = loop_new(m, n, LOOP_HIDDEN | LOOP_WITH)))
				return;
			site->name = n->alias;
			item.slot = site->variable = emit_slot(m);
			drop.slot = site->loop_slot = emit_slot(m);
			index = m->p->loops.n - 1;
			emit_jump(m, n->at, OP_FOR, index, -1, &done);
			next = emit_here(m);
			emit_jump(m, n->at, OP_NEXT, index, 0, &done);
			loop_enter(m);
			emit_op(m, n->at, OP_SLOT, 0, item.slot, 1);
			emit_op(m, n->at, OP_SLOT, 0, drop.slot, 1);
		}
		names[n_names++] = item.name;
		if (n->each)
			names[n_names++] = drop.name;
	}
	for (const struct arg *a = n->args; a; a = a->next) {
		emit_expr(m, a->value);
		names[n_names++] = a->name;
	}
	uint32_t part = want_part(m, n->at, n->partial, names, n_names);

	emit_op(m, n->at, OP_CALL, 0, part, -(int)n_names);
	if (n->over && n->each) {
		emit_jump_back(m, n->at, next);
		m->loops--;
		emit_label(m, &done);
	}
}
