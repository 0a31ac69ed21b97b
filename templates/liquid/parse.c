/* parse.c - statements: literal text, outputs and tags into bodies, and what closes what.
 *
 * A mistake is reported and reading goes on, so that all of them are seen at once. A tag that
 * closes an outer block ends the inner ones, each reported where it was opened.
 *
 * Invariants, held by tests/unit/test_liquid_errors.c:
 *  1. However deep a template nests, this code recurses at most limits.nesting deep.
 *  2. Each mistake is reported once, with the place where a person must change something. */
#include "templates/liquid/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"

enum { MISTAKES_MAX = 1000 }; /* more are not reported: each costs a look through the text for its line */

void *compile_new(struct compile *c, size_t size)
{
	void *p = arena_zero(&c->work, size);

	if (!p)
		c->no_memory = true;
	return p;
}

void compile_mistake(struct compile *c, struct place at, const char *kind, const char *hint, const char *fmt, ...)
{
	struct finding f = { .level = FINDING_ERROR, .kind = kind, .path = at.source->path };
	char raw[2 * FINDING_TEXT_MAX];
	va_list ap;

	if (c->mistakes >= MISTAKES_MAX)
		return;
	source_position(at, &f.line, &f.column);
	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	utf8_printable(span_str(raw), f.text, sizeof f.text);
	snprintf(f.hint, sizeof f.hint, "%s", hint ? hint : "");
	if (c->mistakes++ == 0) {
		err_set(c->e, ERR_INPUT, "%s", f.text);
		err_at(c->e, f.path ? f.path : "", f.line, f.column);
		if (hint)
			err_hint(c->e, "%s", hint);
	}
	if (c->findings)
		finding_report(c->findings, &f);
}

struct place token_place(const struct compile *c, const struct token *t)
{
	return (struct place){ c->scan.source, t->from };
}

struct node *node_new(struct compile *c, enum node_kind kind, const struct token *t)
{
	struct node *n = compile_new(c, sizeof *n);

	if (n) {
		n->kind = kind;
		n->at = token_place(c, t);
	}
	return n;
}

void body_add(struct body *b, struct node *n)
{
	if (!n)
		return;
	if (b->last)
		b->last->next = n;
	else
		b->first = n;
	b->last = n;
	if (!n->blank)
		b->full = true;
}

/* ---- blocks ---- */

void never_closed(struct compile *c, struct span name, struct place at)
{
	char hint[80];

	if (c->stopped)
		return;
	snprintf(hint, sizeof hint, "add {%% end%.*s %%} where it ends", SPAN_ARG(name));
	compile_mistake(c, at, "never closed", hint, "{%% %.*s %%} opened here is never closed", SPAN_ARG(name));
}

bool block_open(struct compile *c, struct block *b, const struct token *t)
{
	if (c->depth >= c->most_depth) {
		compile_mistake(c, token_place(c, t), "nesting", NULL, "more than %u blocks inside each other",
				(unsigned)c->most_depth);
		c->stopped = true;
		c->scan.at = c->scan.end;
		return false;
	}
	c->depth++;
	*b = (struct block){ .outer = c->open, .name = t->name, .at = token_place(c, t) };
	c->open = b;
	return true;
}

void block_close(struct compile *c, struct block *b)
{
	c->open = b->outer;
	c->depth--;
}

static bool in_list(const char *list, struct span name)
{
	struct span rest = span_str(list);

	while (rest.n)
		if (span_eq(span_cut(&rest, ' '), name))
			return true;
	return false;
}

static bool ends_block(struct span tag, const struct block *b)
{
	return b->name.n && span_begins(tag, SPAN("end")) && span_eq(span_skip(tag, 3), b->name);
}

/* Is tag the end of a block around the innermost one? */
static bool ends_outer(const struct compile *c, struct span tag)
{
	for (const struct block *b = c->open; b && !b->wall; b = b->outer)
		if (b != c->open && ends_block(tag, b))
			return true;
	return false;
}

/* ---- tags that are not known ---- */

static const struct tag *find_tag(struct span name)
{
	for (int i = 0; i < 2; i++)
		for (const struct tag *t = i ? tags_block : tags_simple; t->name.n; t++)
			if (span_eq(t->name, name))
				return t;
	return NULL;
}

static struct span nearest_tag(struct span name)
{
	struct span best = { NULL, 0 };
	unsigned least = name.n > 4 ? 2 : 1;

	for (int i = 0; i < 2; i++)
		for (const struct tag *t = i ? tags_block : tags_simple; t->name.n; t++) {
			unsigned d = utf8_distance(name, t->name, least);

			if (d <= least && (d < least || !best.n)) {
				best = t->name;
				least = d;
			}
		}
	return best;
}

static void unknown_end(struct compile *c, const struct token *t)
{
	const struct block *b = c->open;
	char hint[120] = "";

	if (b && b->name.n)
		snprintf(hint, sizeof hint, "open here is {%% %.*s %%}, which {%% end%.*s %%} closes",
			 SPAN_ARG(b->name), SPAN_ARG(b->name));
	compile_mistake(c, token_place(c, t), "unknown tag", hint[0] ? hint : NULL, "{%% %.*s %%} closes nothing",
			SPAN_ARG(t->name));
}

static void unknown_tag(struct compile *c, const struct token *t)
{
	struct span near = nearest_tag(t->name);
	char hint[120] = "";

	if (in_list("else elsif when", t->name)) {
		compile_mistake(c, token_place(c, t), "unknown tag", NULL, "{%% %.*s %%} stands outside of %s",
				SPAN_ARG(t->name), span_eq(t->name, SPAN("when")) ? "{% case %}" : "a block that has one");
		return;
	}
	if (in_list("elif elseif elsif", t->name) || (span_eq(t->name, SPAN("else")) && t->markup.n))
		snprintf(hint, sizeof hint, "the language says elsif");
	else if (near.n)
		snprintf(hint, sizeof hint, "did you mean {%% %.*s %%}?", SPAN_ARG(near));
	if (span_begins(t->name, SPAN("end")) && !near.n && !hint[0]) {
		unknown_end(c, t);
		return;
	}
	compile_mistake(c, token_place(c, t), "unknown tag", hint[0] ? hint : NULL, "there is no tag {%% %.*s %%}",
			SPAN_ARG(t->name));
}

/* ---- bodies ---- */

static bool all_white(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!scan_white(s.p[i]))
			return false;
	return true;
}

static void add_text(struct compile *c, const struct token *t, bool trim_start, bool trim_end, struct body *into)
{
	struct node *n = node_new(c, NODE_TEXT, t);

	if (!n)
		return;
	n->text = span_sub(c->scan.source->text, t->from, t->to - t->from);
	while (trim_start && n->text.n && scan_white(n->text.p[0]))
		n->text = span_skip(n->text, 1);
	while (trim_end && n->text.n && scan_white(n->text.p[n->text.n - 1]))
		n->text.n--;
	n->blank = all_white(n->text);
	if (!n->blank)
		foreign_text(c, n->text);
	if (n->text.n)
		body_add(into, n);
}

static void add_output(struct compile *c, const struct token *t, struct body *into)
{
	struct node *n = node_new(c, NODE_OUTPUT, t);

	if (!n || foreign_output(c, t))
		return;
	parse_markup(c, t);
	parse_chain(c, &n->chain);
	body_add(into, n);
}

static void add_broken(struct compile *c, const struct token *t)
{
	struct place at = token_place(c, t);

	if (t->kind == TOKEN_BROKEN_OUTPUT)
		compile_mistake(c, at, "never closed", "write the closing }}", "{{ opened here is never closed");
	else if (t->kind == TOKEN_BROKEN_TAG)
		compile_mistake(c, at, "never closed", "write the closing %}", "{%% opened here is never closed");
	else
		compile_mistake(c, at, "syntax", NULL, "a tag without a name");
}

/* A tag of the template: own ones are parsed; true when it stops the body. */
static bool take_tag(struct compile *c, const struct token *t, const char *stops, struct body *into, struct token *stop)
{
	const struct tag *tag = find_tag(t->name);

	if (tag) {
		tag->parse(c, t, into);
		return false;
	}
	*stop = *t;
	if (c->open && ends_block(t->name, c->open))
		return true;
	if (in_list(stops, t->name))
		return true;
	if (in_list(stops, SPAN("elsif")) && in_list("elif elseif", t->name)) {
		unknown_tag(c, t); /* and go on as if it were right */
		stop->name = SPAN("elsif");
		return true;
	}
	if (ends_outer(c, t->name)) {
		c->held = *t;
		c->holding = true;
		stop->kind = TOKEN_END;
		return true;
	}
	unknown_tag(c, t);
	return false;
}

static void next_token(struct compile *c, struct token *t)
{
	if (c->holding) {
		*t = c->held;
		c->holding = false;
		return;
	}
	scan_next(&c->scan, t);
}

/* Peeks whether what follows asks for white space before it to go. */
static bool trims_before(const struct compile *c)
{
	struct scan look = c->scan;
	struct token t;

	if (look.at + 2 >= look.end)
		return false;
	scan_next(&look, &t);
	return t.trim_before;
}

bool parse_body(struct compile *c, const char *stops, struct body *into, struct token *stop)
{
	struct token t;

	while (next_token(c, &t), t.kind != TOKEN_END && !c->no_memory) {
		bool trim = c->trim;

		c->trim = t.trim_after;
		if (t.kind == TOKEN_TEXT)
			add_text(c, &t, trim, trims_before(c), into);
		else if (t.kind == TOKEN_OUTPUT)
			add_output(c, &t, into);
		else if (t.kind != TOKEN_TAG)
			add_broken(c, &t);
		else if (take_tag(c, &t, stops, into, stop)) {
			if (stop->kind != TOKEN_END)
				return true;
			break;
		}
	}
	stop->kind = TOKEN_END;
	if (c->open && !c->open->wall)
		never_closed(c, c->open->name, c->open->at);
	return false;
}

void parse_lines(struct compile *c, const struct token *liquid, struct body *into)
{
	struct scan around = c->scan;
	struct block wall = { .outer = c->open, .wall = true };
	struct token stop;

	if (c->depth >= c->most_depth) {
		compile_mistake(c, token_place(c, liquid), "nesting", NULL, "more than %u blocks inside each other",
				(unsigned)c->most_depth);
		return;
	}
	c->depth++;
	scan_lines(&c->scan, &around, liquid);
	c->open = &wall;
	while (parse_body(c, "", into, &stop))
		;
	c->open = wall.outer;
	c->scan = around;
	c->trim = liquid->trim_after;
	c->depth--;
}

void parse_template(struct compile *c, const struct source *source, struct body *into)
{
	struct scan around = c->scan;
	struct block wall = { .outer = c->open, .wall = true };
	struct token stop, held = c->held;
	bool holding = c->holding, trim = c->trim;

	c->holding = c->trim = false;
	scan_begin(&c->scan, source);
	c->open = &wall;
	while (parse_body(c, "", into, &stop))
		;
	c->open = wall.outer;
	c->scan = around;
	c->held = held;
	c->holding = holding;
	c->trim = trim;
}
