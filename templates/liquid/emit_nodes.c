/* emit_nodes.c - statements.
 *
 * A block of which nothing can print but white space loses that white space, as in the reference:
 * it is what makes {% if %} around {% assign %} leave no empty lines. */
#include <stdio.h>

#include "templates/liquid/emit.h"

enum { PATH_SHOWN = 120 };

static bool has_default(const struct chain *chain)
{
	for (const struct call *call = chain->calls; call; call = call->next)
		if (call->own && span_eq(call->own->name, SPAN("default")))
			return true;
	return false;
}

/* A member as it is written, `lines[0].item`. False: too long, or it has a step that only a render knows. */
static bool path_of(const struct expr *x, char out[PATH_SHOWN])
{
	int n = snprintf(out, PATH_SHOWN, "%.*s", SPAN_ARG(x->name));

	for (const struct step *s = x->steps; s && n < PATH_SHOWN; s = s->next) {
		size_t room = (size_t)(PATH_SHOWN - n);

		if (!s->key)
			n += snprintf(out + n, room, ".%.*s", SPAN_ARG(s->name));
		else if (s->key->kind == EXPR_LITERAL && !s->key->steps && s->key->literal.kind == VALUE_INT)
			n += snprintf(out + n, room, "[%lld]", (long long)s->key->literal.i);
		else
			return false;
	}
	return n < PATH_SHOWN;
}

/* What OP_PRINT says is empty, when that is worth a word: a member, or the column that the op at `from`
 * pushes, and nothing in the template stands in for it. 0: none. */
static uint32_t watched(struct emit *m, const struct chain *chain, uint32_t from)
{
	const struct op *op = (const struct op *)m->p->ops.items + from;
	const struct expr *x = chain->base;
	char path[PATH_SHOWN];
	struct span name;
	int ok;

	if (from >= m->p->ops.n || has_default(chain))
		return 0;
	if (!x->steps)
		return op->code == OP_COLUMN ? op->a + 1 : 0;
	if (x->kind != EXPR_NAME || span_eq(x->name, SPAN("forloop")) || span_eq(x->name, SPAN("tablerowloop")) ||
	    !path_of(x, path))
		return 0;
	name = arena_copy(&m->p->memory, span_str(path), &ok);
	m->c->no_memory |= !ok;
	return (m->p->columns ? m->p->columns->n : 0) + emit_constant(m, value_text(name)) + 1;
}

static void emit_output(struct emit *m, const struct node *n)
{
	const struct expr *x = n->chain.base;
	uint8_t how = emit_link_open(m) ? IN_LINK : 0;
	uint32_t from = m->p->ops.n;

	if (!x)
		return;
	emit_chain(m, &n->chain);
	struct op *last = (struct op *)m->p->ops.items + (m->p->ops.n ? m->p->ops.n - 1 : 0);

	if (x->kind == EXPR_NAME && !x->steps && !n->chain.calls && m->p->ops.n && last->code == OP_COLUMN &&
	    !names_find(&m->frame->assigned, x->name)) {
		last->code = OP_PRINT_COLUMN;
		last->n = how;
		m->stack--;
		return;
	}
	emit_op(m, x->at, OP_PRINT, how, watched(m, &n->chain, from), -1);
}

static void emit_if(struct emit *m, const struct node *n)
{
	struct label end = { 0 };
	bool negated = n->negated, otherwise = false;
	struct ways ways;

	emit_ways_begin(m, &ways);
	for (const struct branch *b = n->branches; b; b = b->next) {
		struct label no = { 0 };

		if (b->cond) {
			emit_cond(m, b->cond);
			if (negated) {
				struct label yes = { 0 };

				emit_jump(m, b->at, OP_JUMP_FALSE, 0, -1, &yes);
				emit_jump(m, b->at, OP_JUMP, 0, 0, &no);
				emit_label(m, &yes);
			} else {
				emit_jump(m, b->at, OP_JUMP_FALSE, 0, -1, &no);
			}
		}
		negated = false; /* an elsif of unless is as any other */
		otherwise = otherwise || !b->cond;
		emit_body(m, &b->body, n->blank);
		emit_way(m, &ways, b->at);
		if (b->next)
			emit_jump(m, b->at, OP_JUMP, 0, 0, &end);
		emit_label(m, &no);
	}
	if (!otherwise)
		emit_way(m, &ways, n->at);
	emit_ways_end(m, &ways);
	emit_label(m, &end);
}

/* Each when whose value fits runs, as often as its values fit; else runs where none did so far. */
static void emit_case(struct emit *m, const struct node *n)
{
	uint32_t value = emit_slot(m), times = emit_slot(m), fits = emit_slot(m);
	struct ways ways;

	if (!n->chain.base)
		return;
	emit_ways_begin(m, &ways);
	emit_expr(m, n->chain.base);
	emit_op(m, n->at, OP_SET, 0, value, -1);
	emit_op(m, n->at, OP_PUSH, 0, emit_constant(m, value_int(0)), 1);
	emit_op(m, n->at, OP_SET, 0, fits, -1);
	for (const struct branch *b = n->branches; b; b = b->next) {
		struct label done = { 0 };
		uint32_t again;

		if (!b->values) {
			emit_jump(m, b->at, OP_JUMP_COUNTED, fits, 0, &done);
			emit_body(m, &b->body, n->blank);
			emit_way(m, &ways, b->at);
			emit_label(m, &done);
			continue;
		}
		emit_op(m, b->at, OP_PUSH, 0, emit_constant(m, value_int(0)), 1);
		emit_op(m, b->at, OP_SET, 0, times, -1);
		for (const struct arg *v = b->values; v; v = v->next) {
			emit_op(m, b->at, OP_SLOT, 0, value, 1);
			emit_expr(m, v->value);
			emit_op(m, b->at, OP_COMPARE, COMPARE_EQ, 0, -1);
			uint32_t count = emit_op(m, b->at, OP_COUNT, 0, times, -1);

			if (!m->c->no_memory && !m->c->stopped)
				((struct op *)m->p->ops.items)[count].b = fits;
		}
		again = emit_here(m);
		emit_jump(m, b->at, OP_COUNTDOWN, times, 0, &done);
		emit_body(m, &b->body, n->blank);
		emit_way(m, &ways, b->at);
		emit_jump_back(m, b->at, again);
		emit_label(m, &done);
	}
	emit_way(m, &ways, n->at);
	emit_ways_end(m, &ways);
}

static void emit_capture(struct emit *m, const struct node *n)
{
	bool named = n->kind == NODE_CAPTURE;

	if (!named && !m->frame->changed)
		m->frame->changed = emit_slot(m) + 1;
	uint32_t slot = named ? emit_named_slot(m, &m->frame->assigned, n->text) : m->frame->changed - 1;
	uint8_t how = !named && emit_link_open(m) ? IN_LINK : 0;
	struct open_capture open = { m->capture, named ? OP_CAPTURED : OP_IF_CHANGED, slot, how };
	struct markup around = m->markup;

	if (++m->captures > m->p->most_captures)
		m->p->most_captures = m->captures;
	emit_op(m, n->at, OP_CAPTURE, 0, 0, 0);
	m->capture = &open;
	if (named)
		m->markup = (struct markup){ .markdown = around.markdown };
	else if (how)
		m->markup.decided = true; /* what is collected is looked at when it is printed */
	emit_body(m, &n->body, false);
	if (named || how)
		m->markup = around;
	m->capture = open.outer;
	m->captures--;
	emit_op(m, n->at, open.end, how, slot, 0);
}

static void emit_cycle(struct emit *m, const struct node *n)
{
	uint32_t items = 0, slot;
	uint8_t how = (uint8_t)((n->name ? CYCLE_NAMED : 0) | (emit_link_open(m) ? IN_LINK : 0));

	if (n->name) {
		if (!m->frame->named_cycles)
			m->frame->named_cycles = emit_slot(m) + 1;
		slot = m->frame->named_cycles - 1;
		emit_expr(m, n->name);
	} else {
		slot = emit_named_slot(m, &m->frame->cycles, n->text);
	}
	for (const struct arg *a = n->args; a; a = a->next, items++)
		emit_expr(m, a->value);
	uint32_t i = emit_op(m, n->at, OP_CYCLE, how, slot, -(int)items - (n->name != NULL));

	if (!m->c->no_memory && !m->c->stopped)
		((struct op *)m->p->ops.items)[i].b = items;
}

/* break and continue: out of what was opened inside of the loop, then to its end or its head. */
static void emit_leave(struct emit *m, const struct node *n)
{
	const struct open_loop *loop = m->loop;

	for (const struct open_capture *k = m->capture; k && k != (loop ? loop->captures : NULL); k = k->outer)
		emit_op(m, n->at, k->end, k->how, k->slot, 0);
	for (uint32_t i = m->loops; i > (loop ? loop->loops : 0); i--)
		emit_op(m, n->at, OP_END_LOOP, 0, 0, 0);
	if (!loop)
		emit_jump(m, n->at, OP_JUMP, 0, 0, m->out);
	else
		emit_jump(m, n->at, OP_JUMP, 0, 0,
			  n->kind == NODE_BREAK ? &m->loop->leave : &m->loop->again);
}

void emit_node(struct emit *m, const struct node *n)
{
	emit_link_hole(m, n);
	switch (n->kind) {
	case NODE_TEXT:
		emit_text(m, n->at, n->text);
		break;
	case NODE_OUTPUT:
		emit_output(m, n);
		break;
	case NODE_ASSIGN:
		if (!n->chain.base)
			break;
		emit_chain(m, &n->chain);
		emit_op(m, n->at, OP_SET, 0, emit_named_slot(m, &m->frame->assigned, n->text), -1);
		break;
	case NODE_CAPTURE:
	case NODE_IFCHANGED:
		emit_capture(m, n);
		break;
	case NODE_IF:
		emit_if(m, n);
		break;
	case NODE_CASE:
		emit_case(m, n);
		break;
	case NODE_FOR:
	case NODE_TABLEROW:
		emit_loop(m, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		emit_leave(m, n);
		break;
	case NODE_CYCLE:
		emit_cycle(m, n);
		break;
	case NODE_INCREMENT:
	case NODE_DECREMENT:
		emit_op(m, n->at, n->kind == NODE_INCREMENT ? OP_INCREMENT : OP_DECREMENT, 0,
			emit_named_slot(m, &m->frame->counters, n->text), 0);
		break;
	case NODE_INCLUDE:
		emit_include(m, n);
		break;
	case NODE_RENDER:
		emit_render(m, n);
		break;
	}
}

void emit_body(struct emit *m, const struct body *body, bool blank)
{
	for (const struct node *n = body->first; n && !m->c->no_memory && !m->c->stopped; n = n->next) {
		if (++m->nodes > PROGRAM_NODES_MAX)
			emit_too_large(m, n->at);
		else if (!blank || n->kind != NODE_TEXT)
			emit_node(m, n);
	}
}
