/* parse_blocks.c - tags with a body: if unless case for tablerow capture ifchanged.
 *
 * A tag whose own markup is wrong is still opened, so that its end is found and what stands in its
 * body is checked too. */
#include "templates/liquid/parse.h"

static const struct span word_else = { "else", 4 }, word_elsif = { "elsif", 5 }, word_when = { "when", 4 };

/* ---- if, unless ---- */

static struct branch *branch_new(struct compile *c, const struct token *t, struct branch ***tail)
{
	struct branch *b = compile_new(c, sizeof *b);

	if (!b)
		return NULL;
	b->at = token_place(c, t);
	**tail = b;
	*tail = &b->next;
	return b;
}

static struct cond *cond_of(struct compile *c, const struct token *t)
{
	struct cond *k;

	parse_markup(c, t);
	k = parse_cond(c);
	return k ? k : compile_new(c, sizeof *k); /* a mistake: nothing is compiled in the end */
}

static void check_else(struct compile *c, const struct token *t)
{
	if (span_begins(t->markup, SPAN("if ")))
		compile_mistake(c, token_place(c, t), "unknown tag", "the language says elsif",
				"there is no tag {%% else if %%}");
}

static void parse_if(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_IF, t);
	struct branch **tail, *b;
	struct body extra = { 0 };
	struct token stop = *t;
	struct block block;
	bool more, after_else = false;

	if (!n || !block_open(c, &block, t))
		return;
	n->negated = span_eq(t->name, SPAN("unless"));
	n->blank = true;
	tail = &n->branches;
	do {
		struct body *body = &extra;
		bool is_else = span_eq(stop.name, word_else);

		if (is_else)
			check_else(c, &stop);
		if (!after_else) { /* what follows an else is read, and never runs */
			if (!(b = branch_new(c, &stop, &tail)))
				break;
			b->cond = is_else ? NULL : cond_of(c, &stop);
			body = &b->body;
			after_else = is_else;
		}
		more = parse_body(c, "else elsif", body, &stop);
		n->blank = n->blank && !body->full;
	} while (more && (span_eq(stop.name, word_else) || span_eq(stop.name, word_elsif)));
	block_close(c, &block);
	body_add(into, n);
}

/* ---- case ---- */

static struct arg *when_values(struct compile *c, const struct token *t)
{
	struct arg *first = NULL, **tail = &first;

	parse_markup(c, t);
	for (;;) {
		struct expr *x = parse_expr(c);
		struct arg *a = x ? compile_new(c, sizeof *a) : NULL;

		if (!a)
			return first;
		a->value = x;
		*tail = a;
		tail = &a->next;
		if (!lex_is(&c->lex, ',') && !lex_is_name(&c->lex, SPAN("or")))
			break;
		lex_step(&c->lex);
	}
	parse_end(c, "after the value");
	return first;
}

static void parse_case(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_CASE, t);
	struct body head = { 0 }, *body = &head;
	struct branch **tail, *b;
	struct token stop = *t;
	struct block block;

	if (!n || !block_open(c, &block, t))
		return;
	n->blank = true;
	tail = &n->branches;
	parse_markup(c, t);
	if ((n->chain.base = parse_expr(c)))
		parse_end(c, "after the value");
	while (parse_body(c, "when else", body, &stop)) {
		bool when = span_eq(stop.name, word_when);

		n->blank = n->blank && !body->full;
		if (!when && !span_eq(stop.name, word_else))
			break;
		if (!when && stop.markup.n)
			compile_mistake(c, token_place(c, &stop), "syntax", NULL, "else of a case takes nothing");
		if (!(b = branch_new(c, &stop, &tail)))
			break;
		b->values = when ? when_values(c, &stop) : NULL;
		body = &b->body;
	}
	block_close(c, &block);
	body_add(into, n);
}

/* ---- loops ---- */

static bool loop_option(struct compile *c, struct node *n, bool table)
{
	struct span key = c->lex.now.text;
	struct expr **where = span_eq(key, SPAN("limit"))            ? &n->limit
			      : span_eq(key, SPAN("offset"))         ? &n->offset
			      : table && span_eq(key, SPAN("cols")) ? &n->cols
								     : NULL;

	if (c->lex.now.kind != WORD_NAME || !where) {
		parse_unexpected(c, table ? "cols:, limit: or offset:" : "reversed, limit: or offset:");
		return false;
	}
	lex_step(&c->lex);
	if (!lex_is(&c->lex, ':')) {
		parse_unexpected(c, "':'");
		return false;
	}
	lex_step(&c->lex);
	if (where == &n->offset && lex_is_name(&c->lex, SPAN("continue"))) {
		lex_step(&c->lex);
		n->from_last = true;
		return true;
	}
	return (*where = parse_expr(c)) != NULL;
}

/* "item in items reversed limit: 3", the same for tablerow. */
static void loop_markup(struct compile *c, const struct token *t, struct node *n, bool table)
{
	uint32_t from = t->markup_at, to;

	parse_markup(c, t);
	if (c->lex.now.kind != WORD_NAME) {
		parse_unexpected(c, "the name of the loop's variable");
		return;
	}
	n->alias = c->lex.now.text;
	lex_step(&c->lex);
	if (!lex_is_name(&c->lex, SPAN("in"))) {
		parse_unexpected(c, "'in'");
		return;
	}
	lex_step(&c->lex);
	if (!(n->over = parse_expr(c)))
		return;
	to = c->lex.now.at;
	n->loop_name = span_trim(span_sub(c->scan.source->text, from, to - from));
	while (c->lex.now.kind != WORD_END) {
		if (lex_is(&c->lex, ',')) {
			lex_step(&c->lex);
		} else if (!table && lex_is_name(&c->lex, SPAN("reversed"))) {
			n->reversed = true;
			lex_step(&c->lex);
		} else if (!loop_option(c, n, table)) {
			return;
		}
	}
}

static void parse_for(struct compile *c, const struct token *t, struct body *into)
{
	bool table = span_eq(t->name, SPAN("tablerow"));
	struct node *n = node_new(c, table ? NODE_TABLEROW : NODE_FOR, t);
	struct token stop = *t;
	struct block block;

	if (!n || !block_open(c, &block, t))
		return;
	loop_markup(c, t, n, table);
	if (parse_body(c, table ? "" : "else", &n->body, &stop))
		while (span_eq(stop.name, word_else) && parse_body(c, "else", &n->otherwise, &stop))
			;
	n->blank = !n->body.full && !n->otherwise.full;
	block_close(c, &block);
	body_add(into, n);
}

/* ---- capture, ifchanged ---- */

static void parse_capture(struct compile *c, const struct token *t, struct body *into)
{
	bool named = span_eq(t->name, SPAN("capture"));
	struct node *n = node_new(c, named ? NODE_CAPTURE : NODE_IFCHANGED, t);
	struct token stop = *t;
	struct block block;

	if (!n || !block_open(c, &block, t))
		return;
	parse_markup(c, t);
	if (named && c->lex.now.kind == WORD_STRING) { /* {% capture 'name' %} is as good */
		n->text = c->lex.now.text;
		lex_step(&c->lex);
		parse_end(c, "after the name");
	} else if (!named || parse_target(c, &n->text)) {
		parse_end(c, named ? "after the name" : "in a tag that takes nothing");
	}
	parse_body(c, "", &n->body, &stop);
	n->blank = named || !n->body.full;
	block_close(c, &block);
	body_add(into, n);
}

const struct tag tags_block[] = {
	{ { "if", 2 }, parse_if },
	{ { "unless", 6 }, parse_if },
	{ { "case", 4 }, parse_case },
	{ { "for", 3 }, parse_for },
	{ { "tablerow", 8 }, parse_for },
	{ { "capture", 7 }, parse_capture },
	{ { "ifchanged", 9 }, parse_capture },
	{ { NULL, 0 }, NULL },
};
