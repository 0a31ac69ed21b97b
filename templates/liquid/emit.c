/* emit.c - the tree into instructions: the frame of the work, and what all of it uses.
 *
 * Invariants, held by tests/unit/test_liquid_render.c and test_liquid_limits.c:
 *  1. Two fixed pieces never follow each other, unless a jump leads between them.
 *  2. program.stack, most_loops and most_captures are upper bounds for one frame.
 *  3. A program has at most PROGRAM_OPS_MAX instructions, however partials include each other. */
#include "templates/liquid/emit.h"

#include <string.h>

static struct op *op_at(struct emit *m, uint32_t i)
{
	return (struct op *)m->p->ops.items + i;
}

void emit_too_large(struct emit *m, struct place at)
{
	if (!m->c->stopped)
		compile_mistake(m->c, at, "too large", NULL, "the template and its partials are too large");
	m->c->stopped = true;
}

static uint32_t put(struct emit *m, struct place at, struct op op)
{
	struct op *o;

	if (m->p->ops.n >= PROGRAM_OPS_MAX) {
		emit_too_large(m, at);
		return 0;
	}
	if (m->c->no_memory || !(o = compile_push(m->c, &m->p->ops, sizeof *o)))
		return 0;
	*o = op;
	o->source = at.source->number;
	o->at = at.offset;
	return m->p->ops.n - 1;
}

uint32_t emit_op(struct emit *m, struct place at, enum op_code code, uint8_t n, uint32_t a, int stack)
{
	emit_flush(m);
	m->stack = (uint32_t)((int)m->stack + stack);
	if (m->stack > m->p->stack)
		m->p->stack = m->stack;
	return put(m, at, (struct op){ .code = (uint8_t)code, .n = n, .a = a });
}

uint32_t emit_here(struct emit *m)
{
	emit_flush(m);
	return m->p->ops.n;
}

/* ---- jumps ---- */

void emit_jump(struct emit *m, struct place at, enum op_code code, uint32_t a, int stack, struct label *to)
{
	uint32_t i = emit_op(m, at, code, 0, a, stack);

	if (m->c->no_memory || m->c->stopped)
		return;
	op_at(m, i)->b = to->chain;
	to->chain = i + 1;
}

void emit_jump_back(struct emit *m, struct place at, uint32_t to)
{
	uint32_t i = emit_op(m, at, OP_JUMP, 0, 0, 0);

	if (!m->c->no_memory && !m->c->stopped)
		op_at(m, i)->b = to;
}

void emit_label(struct emit *m, struct label *l)
{
	uint32_t here = emit_here(m);

	while (l->chain && !m->c->no_memory && !m->c->stopped) {
		struct op *o = op_at(m, l->chain - 1);

		l->chain = o->b;
		o->b = here;
	}
	l->chain = 0;
}

/* ---- literal text ---- */

void emit_text(struct emit *m, struct place at, struct span text)
{
	if (text.n == 0)
		return;
	emit_link_text(m, at, text);
	if (m->n_pending == m->cap_pending) {
		uint32_t cap = m->cap_pending ? m->cap_pending * 2 : 8;
		struct span *more = arena_grow(&m->c->work, m->pending, m->cap_pending * sizeof *more,
					       cap * sizeof *more);

		if (!more) {
			m->c->no_memory = true;
			return;
		}
		m->pending = more;
		m->cap_pending = cap;
	}
	if (m->n_pending == 0)
		m->pending_at = at;
	m->pending[m->n_pending++] = text;
}

/* One text of all that is pending: the source's own bytes where it is but one. */
static struct span joined(struct emit *m)
{
	size_t n = 0;
	char *p;

	if (m->n_pending == 1)
		return m->pending[0];
	for (uint32_t i = 0; i < m->n_pending; i++)
		n += m->pending[i].n;
	if (!(p = arena_take(&m->p->memory, n))) {
		m->c->no_memory = true;
		return (struct span){ NULL, 0 };
	}
	n = 0;
	for (uint32_t i = 0; i < m->n_pending; i++) {
		memcpy(p + n, m->pending[i].p, m->pending[i].n);
		n += m->pending[i].n;
	}
	return span_of(p, n);
}

void emit_flush(struct emit *m)
{
	struct span *piece;

	if (m->n_pending == 0 || m->c->no_memory)
		return;
	struct span text = joined(m);

	m->n_pending = 0;
	if (m->c->no_memory || !(piece = compile_push(m->c, &m->p->pieces, sizeof *piece)))
		return;
	*piece = text;
	put(m, m->pending_at, (struct op){ .code = OP_PIECE, .a = m->p->pieces.n - 1 });
}

/* ---- tables ---- */

uint32_t emit_constant(struct emit *m, struct value v)
{
	struct value *k = compile_push(m->c, &m->p->constants, sizeof *k);

	if (!k)
		return 0;
	*k = v;
	return m->p->constants.n - 1;
}

uint32_t emit_slot(struct emit *m)
{
	return m->frame->n_slots++;
}

uint32_t emit_named_slot(struct emit *m, struct names *map, struct span name)
{
	struct names_item *item = names_find(map, name);

	if (!item)
		item = names_add(map, &m->c->work, name, emit_slot(m));
	if (!item)
		m->c->no_memory = true;
	return item ? item->value : 0;
}

/* ---- which names a frame assigns ---- */

static void collect(struct emit *m, const struct body *body);

static void collect_node(struct emit *m, const struct node *n)
{
	if (n->kind == NODE_ASSIGN || n->kind == NODE_CAPTURE)
		emit_named_slot(m, &m->frame->assigned, n->text);
	if (n->kind == NODE_INCREMENT || n->kind == NODE_DECREMENT)
		emit_named_slot(m, &m->frame->counters, n->text);
	if (n->kind == NODE_INCLUDE && n->partial->seen != m->passes) {
		n->partial->seen = m->passes;
		collect(m, &n->partial->body);
	}
	collect(m, &n->body);
	collect(m, &n->otherwise);
	for (const struct branch *b = n->branches; b; b = b->next)
		collect(m, &b->body);
}

static void collect(struct emit *m, const struct body *body)
{
	for (const struct node *n = body->first; n && !m->c->no_memory; n = n->next)
		collect_node(m, n);
}

void emit_collect(struct emit *m, const struct body *body)
{
	m->passes++;
	collect(m, body);
}

/* ---- the whole ---- */

static void emit_parts(struct emit *m)
{
	for (struct wanted_part *w = m->parts; w && !m->c->no_memory && !m->c->stopped; w = w->next) {
		struct frame frame = { 0 };
		struct label out = { 0 };
		struct place at = { program_source(m->p, 0), 0 };
		uint32_t *slots = arena_array(&m->p->memory, w->n_names, sizeof *slots);

		if (!slots) {
			m->c->no_memory = true;
			return;
		}
		m->frame = &frame;
		m->out = &out;
		m->stack = m->loops = m->captures = 0;
		m->markup = w->markup;
		for (uint32_t i = 0; i < w->n_names; i++)
			slots[i] = emit_named_slot(m, &frame.assigned, w->names[i]);
		emit_collect(m, &w->partial->body);
		uint32_t entry = emit_here(m);

		emit_body(m, &w->partial->body, false);
		emit_label(m, &out);
		emit_op(m, at, OP_RETURN, 0, 0, 0);
		((struct part *)m->p->parts.items)[w->index] = (struct part){
			.entry = entry, .n_slots = frame.n_slots, .n_args = w->n_names, .args = slots
		};
	}
}

static void begin(struct emit *m, struct compile *c, struct frame *frame, struct label *out)
{
	*m = (struct emit){ .c = c, .p = c->program, .frame = frame, .out = out };
	m->parts_tail = &m->parts;
	m->markup.markdown = c->program->markdown;
}

void emit_program(struct compile *c, const struct body *body)
{
	struct frame frame = { 0 };
	struct label out = { 0 };
	struct emit m;
	struct place at = { program_source(c->program, 0), 0 };

	begin(&m, c, &frame, &out);
	emit_collect(&m, body);
	emit_body(&m, body, false);
	emit_label(&m, &out);
	emit_op(&m, at, OP_END, 0, 0, 0);
	c->program->n_slots = frame.n_slots;
	emit_parts(&m);
}

void emit_condition(struct compile *c, const struct cond *cond)
{
	struct frame frame = { 0 };
	struct label out = { 0 };
	struct emit m;

	begin(&m, c, &frame, &out);
	emit_cond(&m, cond);
	emit_op(&m, cond->at, OP_END, 0, 0, 0);
}
