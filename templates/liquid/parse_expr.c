/* parse_expr.c - expressions, conditions and filters.
 *
 *   expr   = (name / "[" expr "]" / text / number / "(" expr ".." expr ")") *("." name / "[" expr "]")
 *   chain  = expr *("|" name [":" [arg *("," arg)] [","]])
 *   arg    = [name ":"] expr
 *   cond   = expr [compare expr] *(("and" / "or") expr [compare expr])
 *
 * A condition binds from right to left, as in the reference: "a and b or c" is "a and (b or c)". */
#include "templates/liquid/parse.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/liquid/number.h"

enum { COLUMN_SHOWN = 80 };

static struct place here(const struct compile *c)
{
	return (struct place){ c->lex.source, c->lex.now.at };
}

void parse_markup(struct compile *c, const struct token *t)
{
	lex_begin(&c->lex, c->scan.source, t->markup_at, t->markup);
}

void parse_unexpected(struct compile *c, const char *wanted)
{
	const struct word *w = &c->lex.now;
	char found[80];

	if (w->kind == WORD_BAD_STRING)
		compile_mistake(c, here(c), "syntax", "a text ends with the quote it begins with",
				"a quote is never closed");
	else if (w->kind == WORD_END)
		compile_mistake(c, here(c), "syntax", NULL, "%s is missing here", wanted);
	else
		compile_mistake(c, here(c), "syntax", NULL, "unexpected %s, %s was expected",
				lex_describe(w, found), wanted);
}

/* "First Name" stands here as it does in the list, and the word that was found is in its middle. */
static struct span column_written_out(const struct compile *c, struct span found)
{
	const struct columns *columns = c->opt->columns;
	struct span text = c->lex.source->text;

	for (uint32_t i = 0; columns && i < columns->n; i++) {
		struct span name = columns->names[i];

		for (size_t at = span_find(name, ' '); at < name.n; at += 1 + span_find(span_skip(name, at + 1), ' ')) {
			struct span rest = span_skip(name, at + 1);

			if (span_begins(rest, found) && found.p >= text.p + at + 1 &&
			    span_begins(span_skip(text, (size_t)(found.p - text.p) - at - 1), name))
				return name;
		}
	}
	return (struct span){ NULL, 0 };
}

bool parse_end(struct compile *c, const char *where)
{
	if (c->lex.now.kind == WORD_END)
		return true;
	char found[80], hint[FINDING_HINT_MAX] = "";
	struct span column = c->lex.now.kind == WORD_NAME ? column_written_out(c, c->lex.now.text) : SPAN("");

	if (column.n)
		snprintf(hint, sizeof hint, "the column '%.*s' is written without its spaces, or as ['%.*s']",
			 SPAN_ARG(utf8_cut(column, COLUMN_SHOWN)), SPAN_ARG(utf8_cut(column, COLUMN_SHOWN)));
	else if (lex_is(&c->lex, '='))
		snprintf(hint, sizeof hint, "equality is written ==");
	if (c->lex.now.kind == WORD_BAD_STRING)
		parse_unexpected(c, "the end");
	else
		compile_mistake(c, here(c), "syntax", hint[0] ? hint : NULL,
				"unexpected %s %s", lex_describe(&c->lex.now, found), where);
	return false;
}

static bool expect_sign(struct compile *c, char sign, const char *wanted)
{
	if (!lex_is(&c->lex, sign)) {
		parse_unexpected(c, wanted);
		return false;
	}
	lex_step(&c->lex);
	return true;
}

static struct expr *expr_new(struct compile *c, enum expr_kind kind)
{
	struct expr *x = compile_new(c, sizeof *x);

	if (x) {
		x->kind = kind;
		x->at = here(c);
	}
	return x;
}

static bool deeper(struct compile *c)
{
	if (c->depth < c->most_depth) {
		c->depth++;
		return true;
	}
	compile_mistake(c, here(c), "nesting", NULL, "more than %u brackets and blocks inside each other",
			(unsigned)c->most_depth);
	return false;
}

/* Words that are values, when they stand alone. */
static bool word_value(struct span name, struct value *out)
{
	static const struct {
		const char *word;
		struct value value;
	} words[] = {
		{ "nil", { .kind = VALUE_NIL } },
		{ "null", { .kind = VALUE_NIL } },
		{ "true", { .kind = VALUE_BOOL, .b = true } },
		{ "false", { .kind = VALUE_BOOL } },
		{ "empty", { .kind = VALUE_EMPTY } },
		{ "blank", { .kind = VALUE_BLANK } },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (span_eq(name, span_str(words[i].word))) {
			*out = words[i].value;
			return true;
		}
	return false;
}

static struct expr *parse_steps(struct compile *c, struct expr *x)
{
	struct step **tail = &x->steps;

	while (lex_is(&c->lex, '.') || lex_is(&c->lex, '[')) {
		struct step *s = compile_new(c, sizeof *s);
		bool dot = lex_is(&c->lex, '.');

		if (!s)
			return NULL;
		s->at = here(c);
		lex_step(&c->lex);
		if (dot) {
			if (c->lex.now.kind != WORD_NAME) {
				parse_unexpected(c, "a name after the point");
				return NULL;
			}
			s->name = c->lex.now.text;
			lex_step(&c->lex);
		} else {
			if (!deeper(c))
				return NULL;
			s->key = parse_expr(c);
			c->depth--;
			if (!s->key || !expect_sign(c, ']', "']'"))
				return NULL;
		}
		*tail = s;
		tail = &s->next;
	}
	return x;
}

static struct expr *parse_bracketed(struct compile *c)
{
	struct expr *x = expr_new(c, EXPR_NAMED_BY);

	lex_step(&c->lex);
	if (!x || !deeper(c))
		return NULL;
	x->first = parse_expr(c);
	c->depth--;
	if (!x->first || !expect_sign(c, ']', "']'"))
		return NULL;
	if (x->first->kind == EXPR_LITERAL && x->first->literal.kind == VALUE_TEXT) {
		x->kind = EXPR_NAME;
		x->name = value_span(x->first->literal);
	}
	return parse_steps(c, x);
}

static struct expr *parse_range(struct compile *c)
{
	struct expr *x = expr_new(c, EXPR_RANGE);

	lex_step(&c->lex);
	if (!x || !deeper(c))
		return NULL;
	x->first = parse_expr(c);
	if (x->first && c->lex.now.kind == WORD_DOTDOT) {
		lex_step(&c->lex);
		x->last = parse_expr(c);
	} else if (x->first) {
		parse_unexpected(c, "'..' of a range");
	}
	c->depth--;
	return x->last && expect_sign(c, ')', "')'") ? x : NULL;
}

struct expr *parse_expr(struct compile *c)
{
	const struct word w = c->lex.now;
	struct expr *x;

	if (lex_is(&c->lex, '['))
		return parse_bracketed(c);
	if (lex_is(&c->lex, '('))
		return parse_range(c);
	if (w.kind != WORD_NAME && w.kind != WORD_STRING && w.kind != WORD_NUMBER) {
		parse_unexpected(c, "a name or a value");
		return NULL;
	}
	if (!(x = expr_new(c, w.kind == WORD_NAME ? EXPR_NAME : EXPR_LITERAL)))
		return NULL;
	lex_step(&c->lex);
	if (w.kind == WORD_STRING) {
		x->literal = value_text(w.text);
	} else if (w.kind == WORD_NUMBER) {
		if (number_parse(&c->program->memory, w.text, &x->literal) < 0) {
			if (w.text.n > NUMBER_DIGITS_MAX)
				compile_mistake(c, x->at, "syntax", NULL, "this number is too long");
			else
				c->no_memory = true;
			return NULL;
		}
	} else {
		x->name = w.text;
		if (!lex_is(&c->lex, '.') && !lex_is(&c->lex, '[') && word_value(w.text, &x->literal))
			x->kind = EXPR_LITERAL;
		return parse_steps(c, x);
	}
	return x;
}

/* ---- filters ---- */

static bool end_of_args(const struct compile *c)
{
	return c->lex.now.kind == WORD_END || lex_is(&c->lex, '|');
}

static bool parse_arg(struct compile *c, struct arg ***tail)
{
	struct arg *a = compile_new(c, sizeof *a);

	if (!a)
		return false;
	a->at = here(c);
	if (c->lex.now.kind == WORD_NAME && c->lex.next.kind == WORD_SIGN && *c->lex.next.text.p == ':') {
		a->name = c->lex.now.text;
		lex_step(&c->lex);
		lex_step(&c->lex);
	}
	a->value = parse_expr(c);
	**tail = a;
	*tail = &a->next;
	return a->value != NULL;
}

static bool parse_args(struct compile *c, struct call *call)
{
	struct arg **tail = &call->args;

	if (end_of_args(c))
		return true;
	if (!parse_arg(c, &tail))
		return false;
	while (lex_is(&c->lex, ',')) {
		lex_step(&c->lex);
		if (end_of_args(c))
			break;
		if (!parse_arg(c, &tail))
			return false;
	}
	return true;
}

static const struct liquid_filter *foreign_filter(const struct compile *c, struct span name)
{
	for (uint32_t i = 0; i < c->opt->n_filters; i++)
		if (span_eq(c->opt->filters[i].name, name))
			return &c->opt->filters[i];
	return NULL;
}

static void unknown_filter(struct compile *c, struct place at, struct span name)
{
	struct span near = filter_nearest(name);
	char hint[FINDING_HINT_MAX];

	for (uint32_t i = 0; !near.n && i < c->opt->n_filters; i++)
		if (utf8_distance(name, c->opt->filters[i].name, 2) <= 2)
			near = c->opt->filters[i].name;
	snprintf(hint, sizeof hint, "did you mean '%.*s'?", SPAN_ARG(near));
	compile_mistake(c, at, "unknown filter", near.n ? hint : NULL, "there is no filter '%.*s'", SPAN_ARG(name));
}

/* The number and the names of the arguments are known now: say so now. */
static void check_args(struct compile *c, struct call *call, struct span name)
{
	unsigned least = call->own ? call->own->min_args : call->foreign->min_args;
	unsigned most = call->own ? call->own->max_args : call->foreign->max_args;
	const char *keyword = call->own ? call->own->keyword : NULL;

	for (const struct arg *a = call->args; a; a = a->next) {
		if (a->name.n == 0)
			call->n_args++;
		else if (!keyword || !span_eq(a->name, span_str(keyword)))
			compile_mistake(c, a->at, "filter argument", NULL, "filter '%.*s' takes no argument named '%.*s'",
					SPAN_ARG(name), SPAN_ARG(a->name));
	}
	if (call->n_args < least)
		compile_mistake(c, call->at, "filter argument", NULL, "filter '%.*s' needs %s%u argument%s",
				SPAN_ARG(name), least < most ? "at least " : "", least, least == 1 ? "" : "s");
	else if (call->n_args > most)
		compile_mistake(c, call->at, "filter argument", NULL, "filter '%.*s' takes %s%u argument%s, not %u",
				SPAN_ARG(name), least < most ? "at most " : "", most, most == 1 ? "" : "s",
				call->n_args);
}

static struct call *parse_call(struct compile *c)
{
	struct call *call = compile_new(c, sizeof *call);
	struct span name = c->lex.now.text;

	if (!call)
		return NULL;
	if (c->lex.now.kind != WORD_NAME) {
		parse_unexpected(c, "the name of a filter");
		return NULL;
	}
	call->at = here(c);
	call->foreign = foreign_filter(c, name);
	call->own = call->foreign ? NULL : filter_find(name);
	lex_step(&c->lex);
	if (lex_is(&c->lex, ':')) {
		lex_step(&c->lex);
		if (!parse_args(c, call))
			return NULL;
	}
	if (call->own || call->foreign)
		check_args(c, call, name);
	else
		unknown_filter(c, call->at, name);
	return call;
}

bool parse_chain(struct compile *c, struct chain *out)
{
	struct call **tail = &out->calls;

	*out = (struct chain){ 0 };
	if (c->lex.now.kind == WORD_END)
		return true;
	if (!(out->base = parse_expr(c)))
		return false;
	while (lex_is(&c->lex, '|')) {
		lex_step(&c->lex);
		if (!(*tail = parse_call(c)))
			return false;
		tail = &(*tail)->next;
	}
	return parse_end(c, "after the value");
}

/* ---- conditions ---- */

static enum comparison comparison_of(struct span sign)
{
	static const struct {
		struct span sign;
		enum comparison op;
	} all[] = { { { "==", 2 }, COMPARE_EQ }, { { "!=", 2 }, COMPARE_NE }, { { "<>", 2 }, COMPARE_NE },
		    { { "<", 1 }, COMPARE_LT },  { { ">", 1 }, COMPARE_GT },  { { "<=", 2 }, COMPARE_LE },
		    { { ">=", 2 }, COMPARE_GE } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (span_eq(sign, all[i].sign))
			return all[i].op;
	return COMPARE_CONTAINS;
}

static struct cond *parse_comparison(struct compile *c)
{
	struct cond *k = compile_new(c, sizeof *k);

	if (!k)
		return NULL;
	k->at = here(c);
	if (!(k->left = parse_expr(c)))
		return NULL;
	if (c->lex.now.kind != WORD_COMPARE)
		return k;
	k->at = here(c);
	k->op = comparison_of(c->lex.now.text);
	lex_step(&c->lex);
	return (k->right = parse_expr(c)) ? k : NULL;
}

struct cond *parse_cond(struct compile *c)
{
	struct cond *first = parse_comparison(c);

	for (struct cond *last = first; last; last = last->next) {
		if (lex_is_name(&c->lex, SPAN("and")))
			last->relation = RELATION_AND;
		else if (lex_is_name(&c->lex, SPAN("or")))
			last->relation = RELATION_OR;
		else
			return parse_end(c, "in the condition") ? first : NULL;
		lex_step(&c->lex);
		if (!(last->next = parse_comparison(c)))
			return NULL;
	}
	return NULL;
}

/* ---- pieces of tags ---- */

bool parse_named_args(struct compile *c, struct arg **out)
{
	struct arg **tail = out;

	while (c->lex.now.kind == WORD_NAME) {
		if (c->lex.next.kind != WORD_SIGN || *c->lex.next.text.p != ':') {
			lex_step(&c->lex);
			parse_unexpected(c, "':' after the argument's name");
			return false;
		}
		if (!parse_arg(c, &tail))
			return false;
		if (lex_is(&c->lex, ','))
			lex_step(&c->lex);
	}
	return parse_end(c, "after the arguments");
}

bool parse_target(struct compile *c, struct span *out)
{
	const struct word *w = &c->lex.now;

	if ((w->kind != WORD_NAME && w->kind != WORD_NUMBER) || w->text.p[0] == '-' ||
	    w->text.p[w->text.n - 1] == '?') {
		parse_unexpected(c, "the name of a variable");
		return false;
	}
	*out = w->text;
	lex_step(&c->lex);
	return true;
}
