/* parse_tags.c - tags that stand alone, and those whose content is not looked at.
 *
 *   assign echo increment decrement cycle break continue include render liquid # comment raw doc
 *
 * A partial is read when it is first named, and kept: its tree serves every place that names it. */
#include <string.h>

#include "engine/base/err.h"
#include "engine/model/finding.h"
#include "templates/liquid/parse.h"
#include "templates/liquid/values.h"

static bool no_markup(struct compile *c, const struct token *t)
{
	parse_markup(c, t);
	return parse_end(c, "in a tag that takes nothing");
}

/* ---- variables and output ---- */

static void parse_assign(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_ASSIGN, t);

	if (!n)
		return;
	n->blank = true;
	parse_markup(c, t);
	if (!parse_target(c, &n->text))
		return;
	if (!lex_is(&c->lex, '=')) {
		parse_unexpected(c, "'=' and a value");
		return;
	}
	lex_step(&c->lex);
	if (c->lex.now.kind == WORD_END)
		parse_unexpected(c, "a value");
	else if (parse_chain(c, &n->chain))
		body_add(into, n);
}

static void parse_echo(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_OUTPUT, t);

	if (!n)
		return;
	parse_markup(c, t);
	if (parse_chain(c, &n->chain))
		body_add(into, n);
}

static void parse_counter(struct compile *c, const struct token *t, struct body *into)
{
	bool up = span_eq(t->name, SPAN("increment"));
	struct node *n = node_new(c, up ? NODE_INCREMENT : NODE_DECREMENT, t);

	parse_markup(c, t);
	if (n && parse_target(c, &n->text) && parse_end(c, "after the name"))
		body_add(into, n);
}

static void parse_cycle(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_CYCLE, t);
	struct arg **tail;
	struct expr *x;

	if (!n)
		return;
	n->text = t->markup;
	tail = &n->args;
	parse_markup(c, t);
	if (!(x = parse_expr(c)))
		return;
	if (lex_is(&c->lex, ':')) {
		n->name = x;
		x = NULL;
		lex_step(&c->lex);
	}
	while (x || c->lex.now.kind != WORD_END) {
		if (!x && !(x = parse_expr(c)))
			return;
		if (!(*tail = compile_new(c, sizeof **tail)))
			return;
		(*tail)->value = x;
		tail = &(*tail)->next;
		x = NULL;
		if (!lex_is(&c->lex, ','))
			break;
		lex_step(&c->lex);
	}
	if (!n->args)
		parse_unexpected(c, "a value to print");
	else if (parse_end(c, "after the values"))
		body_add(into, n);
}

static void parse_jump(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, span_eq(t->name, SPAN("break")) ? NODE_BREAK : NODE_CONTINUE, t);

	if (no_markup(c, t))
		body_add(into, n);
}

/* ---- content that is not looked at ---- */

static void parse_remark(struct compile *c, const struct token *t, struct body *into)
{
	struct span rest = t->markup;

	(void)into;
	span_cut(&rest, '\n');
	while (rest.n) {
		struct span line = span_trim(span_cut(&rest, '\n'));

		if (line.n && line.p[0] != '#') {
			struct place at = { c->scan.source, (uint32_t)(line.p - c->scan.source->text.p) };

			compile_mistake(c, at, "syntax", NULL, "each line of an inline comment begins with #");
			return;
		}
	}
}

static void parse_comment(struct compile *c, const struct token *t, struct body *into)
{
	struct token inner;
	unsigned long open = 1;

	(void)into;
	while (open) {
		scan_next(&c->scan, &inner);
		c->trim = inner.trim_after;
		if (inner.kind == TOKEN_END) {
			never_closed(c, t->name, token_place(c, t));
			return;
		}
		if (inner.kind != TOKEN_TAG)
			continue;
		if (span_eq(inner.name, SPAN("comment"))) {
			open++;
		} else if (span_eq(inner.name, SPAN("endcomment"))) {
			open--;
		} else if (span_eq(inner.name, SPAN("raw"))) {
			struct span body;
			struct token end;

			if (!scan_verbatim(&c->scan, SPAN("endraw"), &body, &end)) {
				never_closed(c, inner.name, token_place(c, &inner));
				c->scan.at = c->scan.end;
				return;
			}
		}
	}
}

static bool verbatim(struct compile *c, const struct token *t, struct span end_name, struct span *body)
{
	struct token end;
	bool bare = no_markup(c, t);

	if (!scan_verbatim(&c->scan, end_name, body, &end)) {
		never_closed(c, t->name, token_place(c, t));
		c->scan.at = c->scan.end;
		return false;
	}
	c->trim = end.trim_after;
	return bare;
}

static void parse_raw(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_TEXT, t);

	if (n && verbatim(c, t, SPAN("endraw"), &n->text) && n->text.n)
		body_add(into, n);
}

static void parse_doc(struct compile *c, const struct token *t, struct body *into)
{
	struct span body;
	struct token again;
	struct source inner;
	struct scan scan;

	(void)into;
	if (!verbatim(c, t, SPAN("enddoc"), &body))
		return;
	inner = *c->scan.source;
	scan_begin(&scan, &inner);
	scan.at = (uint32_t)(body.p - inner.text.p);
	scan.end = scan.at + (uint32_t)body.n;
	while (scan_next(&scan, &again), again.kind != TOKEN_END)
		if (again.kind == TOKEN_TAG && span_eq(again.name, SPAN("doc")))
			compile_mistake(c, token_place(c, &again), "syntax", NULL,
					"a doc tag cannot stand inside another");
}

/* ---- partials ---- */

static bool path_is_below(struct span name)
{
	struct span rest = name;

	if (name.n == 0 || name.p[0] == '/' || memchr(name.p, '\0', name.n) || memchr(name.p, '\\', name.n))
		return false;
	while (rest.n) {
		struct span part = span_cut(&rest, '/');

		if (part.n == 0 || span_eq(part, SPAN("..")) || span_eq(part, SPAN(".")))
			return false;
	}
	return true;
}

static void load_partial(struct compile *c, struct partial *p, struct place at)
{
	struct err e = { 0 };
	struct span text;
	const char *path = NULL;
	const struct source *source;

	p->missing = true;
	if (!path_is_below(p->name)) {
		compile_mistake(c, at, "partial", NULL, "a partial is named by a path below the letter's folder, "
				"without '..'");
	} else if (!c->opt->loader.load) {
		compile_mistake(c, at, "partial", NULL, "there are no partials here");
	} else if (c->opt->loader.load(c->opt->loader.ctx, p->name, &text, &path, &e) < 0) {
		if (e.kind == ERR_NOMEM)
			c->no_memory = true;
		else
			compile_mistake(c, at, "partial", e.hint[0] ? e.hint : NULL, "%s", e.text);
	} else if ((source = compile_source(c, text, path))) {
		p->missing = false;
		parse_template(c, source, &p->body);
	}
}

struct partial *parse_partial(struct compile *c, struct span name, struct place at)
{
	struct partial *p;

	for (p = c->partials; p; p = p->next)
		if (span_eq(p->name, name))
			return p;
	if (c->depth >= c->most_depth) {
		compile_mistake(c, at, "nesting", NULL, "more than %u partials inside each other",
				(unsigned)c->most_depth);
		return NULL;
	}
	if (!(p = compile_new(c, sizeof *p)))
		return NULL;
	p->name = name;
	p->next = c->partials;
	c->partials = p;
	c->depth++;
	load_partial(c, p, at);
	c->depth--;
	return p;
}

/* The name of a partial must be known now: a text, or a variable of the run that holds one. */
static bool fixed_name(struct compile *c, const struct expr *x, struct span *out)
{
	if (x->kind == EXPR_LITERAL && x->literal.kind == VALUE_TEXT) {
		*out = value_span(x->literal);
		return true;
	}
	if (x->kind != EXPR_NAME || x->steps || (c->opt->columns && columns_find(c->opt->columns, x->name) >= 0))
		return false;
	for (uint32_t i = 0; i < c->opt->n_globals; i++)
		if (span_eq(c->opt->globals[i].key, x->name) && value_is_text(c->opt->globals[i].value)) {
			*out = value_span(c->opt->globals[i].value);
			return true;
		}
	return false;
}

/* "a/b/card" is known to its partial as card. */
static struct span last_part(struct span path)
{
	for (size_t i = path.n; i-- > 0;)
		if (path.p[i] == '/')
			return span_skip(path, i + 1);
	return path;
}

static bool parse_with(struct compile *c, struct node *n)
{
	n->each = lex_is_name(&c->lex, SPAN("for"));
	if (n->each || lex_is_name(&c->lex, SPAN("with"))) {
		lex_step(&c->lex);
		if (!(n->over = parse_expr(c)))
			return false;
	}
	if (lex_is_name(&c->lex, SPAN("as"))) {
		lex_step(&c->lex);
		if (c->lex.now.kind != WORD_NAME) {
			parse_unexpected(c, "a name");
			return false;
		}
		n->alias = c->lex.now.text;
		lex_step(&c->lex);
	}
	if (lex_is(&c->lex, ','))
		lex_step(&c->lex);
	return parse_named_args(c, &n->args);
}

static void parse_call_partial(struct compile *c, const struct token *t, struct body *into)
{
	bool render = span_eq(t->name, SPAN("render"));
	struct node *n = node_new(c, render ? NODE_RENDER : NODE_INCLUDE, t);
	struct expr *x;
	struct span name;
	struct lex rest;

	if (!n)
		return;
	parse_markup(c, t);
	if (!(x = parse_expr(c)) || !parse_with(c, n))
		return;
	if ((render && x->kind != EXPR_LITERAL) || !fixed_name(c, x, &name)) {
		compile_mistake(c, x->at, "partial", "write {% include 'name' %}",
				"the name of a partial must be a text in quotes");
		return;
	}
	n->text = name;
	if (!n->alias.n)
		n->alias = last_part(name);
	rest = c->lex;
	n->partial = parse_partial(c, name, x->at);
	c->lex = rest;
	if (n->partial)
		body_add(into, n);
}

static void parse_liquid(struct compile *c, const struct token *t, struct body *into)
{
	parse_lines(c, t, into);
}

const struct tag tags_simple[] = {
	{ { "assign", 6 }, parse_assign },
	{ { "echo", 4 }, parse_echo },
	{ { "increment", 9 }, parse_counter },
	{ { "decrement", 9 }, parse_counter },
	{ { "cycle", 5 }, parse_cycle },
	{ { "break", 5 }, parse_jump },
	{ { "continue", 8 }, parse_jump },
	{ { "include", 7 }, parse_call_partial },
	{ { "render", 6 }, parse_call_partial },
	{ { "liquid", 6 }, parse_liquid },
	{ { "#", 1 }, parse_remark },
	{ { "comment", 7 }, parse_comment },
	{ { "raw", 3 }, parse_raw },
	{ { "doc", 3 }, parse_doc },
	{ { NULL, 0 }, NULL },
};
