/* emit_links.c - values inside of links.
 *
 * In an HTML program the fixed text is followed as markup. Where something is printed into href, src or
 * action before the scheme is known, the render follows the value too: OP_LINK_BEGIN says how it begins,
 * OP_LINK_TEXT what fixed text comes between, and the printing instructions are marked. Where the fixed
 * text has said the scheme already ("https://shop.example/{{ id }}") there is nothing to do.
 *
 * Invariant, held by tests/unit/test_liquid_links.c: where ways meet inside of a link, the render
 * follows it on all of them or on none. */
#include <stdio.h>

#include "engine/model/finding.h"
#include "templates/liquid/emit.h"

static void begin_link(struct emit *m, struct place at)
{
	struct link *guard = compile_push(m->c, &m->p->links, sizeof *guard);

	if (!guard)
		return;
	*guard = m->markup.guard;
	m->markup.begun = true;
	emit_op(m, at, OP_LINK_BEGIN, 0, m->p->links.n - 1, 0);
}

/* Fixed text behind the first value of a link. */
static void follow(struct emit *m, struct place at, struct span text)
{
	if (text.n == 0)
		return;
	emit_op(m, at, OP_LINK_TEXT, 0, emit_constant(m, value_text(text)), 0);
	if (span_find(text, '/') < text.n || span_find(text, '?') < text.n)
		m->markup.decided = true; /* by then the render knows */
}

void emit_link_text(struct emit *m, struct place at, struct span text)
{
	struct span inside = { NULL, 0 };

	for (size_t i = 0; i < text.n && m->p->html; i++) {
		bool in_link = markup_step(&m->markup, text.p[i]);

		if (in_link && !m->markup.begun) {
			link_feed(&m->markup.guard, span_sub(text, i, 1));
		} else if (in_link) {
			inside = inside.p ? span_of(inside.p, inside.n + 1) : span_sub(text, i, 1);
		} else if (inside.p) {
			follow(m, at, inside);
			inside = (struct span){ NULL, 0 };
		}
	}
	if (inside.p && !m->markup.decided)
		follow(m, at, inside);
}

static void bad_scheme(struct emit *m, struct place at)
{
	char hint[FINDING_HINT_MAX];

	snprintf(hint, sizeof hint, "a link with a value in it may be %s", link_schemes_allowed);
	compile_mistake(m->c, at, "link", hint, "a value inside of a link '%s:'", m->markup.guard.scheme);
	m->markup.decided = true;
}

void emit_link_hole(struct emit *m, const struct node *n)
{
	bool prints = n->kind == NODE_OUTPUT || n->kind == NODE_CYCLE || n->kind == NODE_INCREMENT ||
		      n->kind == NODE_DECREMENT;
	bool silent = n->kind == NODE_TEXT || n->kind == NODE_ASSIGN || n->kind == NODE_CAPTURE ||
		      n->kind == NODE_BREAK || n->kind == NODE_CONTINUE;
	struct markup *k = &m->markup;

	if (!m->p->html || silent || (n->kind == NODE_OUTPUT && !n->chain.base))
		return;
	if (prints)
		markup_before_value(k);
	if (markup_in_link(k) && !k->begun && !k->decided) {
		if (k->guard.verdict == LINK_GOOD)
			k->decided = true;
		else if (k->guard.verdict == LINK_OPEN)
			begin_link(m, n->at);
		else if (prints)
			bad_scheme(m, n->at);
	}
	if (prints)
		markup_value(k);
}

bool emit_link_open(const struct emit *m)
{
	return markup_in_link(&m->markup) && m->markup.begun && !m->markup.decided;
}

/* A way that leads into a link leaves it followed. */
static void settle(struct emit *m, struct place at, const struct markup *before)
{
	if (m->p->html && markup_in_link(&m->markup) && !m->markup.begun && !markup_in_link(before))
		begin_link(m, at);
}

void emit_ways_begin(struct emit *m, struct ways *w)
{
	*w = (struct ways){ .before = m->markup };
}

void emit_way(struct emit *m, struct ways *w, struct place at)
{
	settle(m, at, &w->before);
	w->merged = w->any ? markup_merge(&w->merged, &m->markup) : m->markup;
	w->any = true;
	m->markup = w->before;
}

void emit_ways_end(struct emit *m, struct ways *w)
{
	if (w->any)
		m->markup = w->merged;
}
