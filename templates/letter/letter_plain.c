/* letter_plain.c - the door to gumbo: a tree of HTML is walked, and its text written.
 *
 *  1. The walk is a loop over parents and indexes: no nesting is deep enough to fill the stack.
 *  2. gumbo takes its memory from an arena; when that is used up it cannot tell, so the walk is
 *     left by a jump, and the arena forgets all of it.
 * Held by tests/unit/test_letter_plain.c. */
#include "templates/letter/letter_plain.h"

#include <gumbo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "templates/letter/letter_flow.h"
#include "templates/letter/letter_marks.h"
#include "templates/letter/letter_style.h"

enum { LEVELS_MAX = 32, LINKS_MAX = 400, HTML_MAX = 64 << 20, ALIKE_MOST = 3 };

struct level { /* a list or a quote */
	GumboTag tag;
	unsigned number; /* of the last item of an ordered list */
	size_t indent;   /* length of the indent outside of it */
};

struct plain {
	struct letter_flow flow;
	struct arena *work;
	unsigned pre;           /* within <pre> */
	struct level levels[LEVELS_MAX];
	unsigned n_levels;      /* deeper ones than LEVELS_MAX are counted, too */
	struct span *links;
	unsigned n_links;
	uint64_t link_from;     /* size of the text where the open link began */
	struct letter_marks *marks; /* NULL: none */
};

static void *take(void *ctx, size_t size)
{
	struct plain *p = ctx;
	void *piece = arena_take(p->work, size);

	if (!piece)
		longjmp(p->flow.out_of_memory, 1);
	return piece;
}

static void give_back(void *ctx, void *piece)
{
	(void)ctx;
	(void)piece; /* arena_reset() does */
}

/* ---- elements ---- */

static struct span attribute(const GumboNode *node, const char *name)
{
	const GumboAttribute *a = gumbo_get_attribute(&node->v.element.attributes, name);

	return a ? span_str(a->value) : (struct span){ NULL, 0 };
}

static bool is_hidden(const GumboNode *node)
{
	switch (node->v.element.tag) {
	case GUMBO_TAG_HEAD:
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_STYLE:
	case GUMBO_TAG_TITLE:
	case GUMBO_TAG_TEMPLATE:
	case GUMBO_TAG_NOSCRIPT:
	case GUMBO_TAG_OBJECT:
	case GUMBO_TAG_SVG:
		return true;
	default:
		return attribute(node, "hidden").p || letter_style_hides(attribute(node, "style"));
	}
}

/* Line ends around an element: 2 with an empty line, 1 a new line, 0 within the line. */
static unsigned breaks_around(GumboTag tag)
{
	switch (tag) {
	case GUMBO_TAG_P:
	case GUMBO_TAG_H1:
	case GUMBO_TAG_H2:
	case GUMBO_TAG_H3:
	case GUMBO_TAG_H4:
	case GUMBO_TAG_H5:
	case GUMBO_TAG_H6:
	case GUMBO_TAG_BLOCKQUOTE:
	case GUMBO_TAG_PRE:
	case GUMBO_TAG_TABLE:
	case GUMBO_TAG_DL:
	case GUMBO_TAG_HR:
		return 2;
	case GUMBO_TAG_DIV:
	case GUMBO_TAG_TR:
	case GUMBO_TAG_LI:
	case GUMBO_TAG_DT:
	case GUMBO_TAG_DD:
	case GUMBO_TAG_SECTION:
	case GUMBO_TAG_ARTICLE:
	case GUMBO_TAG_HEADER:
	case GUMBO_TAG_FOOTER:
	case GUMBO_TAG_NAV:
	case GUMBO_TAG_MAIN:
	case GUMBO_TAG_ASIDE:
	case GUMBO_TAG_ADDRESS:
	case GUMBO_TAG_CENTER:
	case GUMBO_TAG_CAPTION:
	case GUMBO_TAG_FIGURE:
	case GUMBO_TAG_BODY:
		return 1;
	default:
		return 0;
	}
}

static void push_level(struct plain *p, GumboTag tag, const char *indent)
{
	size_t n = strlen(indent);

	if (p->n_levels++ >= LEVELS_MAX)
		return;
	p->levels[p->n_levels - 1] = (struct level){ .tag = tag, .indent = p->flow.indent_n };
	if (p->flow.indent_n + n > INDENT_MAX)
		return;
	memcpy(p->flow.indent + p->flow.indent_n, indent, n);
	p->flow.indent_n += n;
}

static void pop_level(struct plain *p)
{
	if (p->n_levels-- <= LEVELS_MAX)
		p->flow.indent_n = p->levels[p->n_levels].indent;
}

/* The list that an item is in, the item's own level aside. */
static struct level *list_around(struct plain *p)
{
	return p->n_levels > 0 && p->n_levels <= LEVELS_MAX ? &p->levels[p->n_levels - 1] : NULL;
}

static void begin_item(struct plain *p)
{
	struct level *list = list_around(p);
	char marker[sizeof p->flow.marker] = "- ";
	static const char blanks[] = "               ";

	if (list && list->tag == GUMBO_TAG_OL)
		snprintf(marker, sizeof marker, "%u. ", ++list->number % 100000);
	push_level(p, GUMBO_TAG_LI, blanks + sizeof blanks - 1 - strlen(marker));
	memcpy(p->flow.marker, marker, sizeof marker);
}

static void begin_list(struct plain *p, const GumboNode *node)
{
	struct level *outer = list_around(p);
	unsigned long long start = 1;

	letter_flow_break(&p->flow, outer && outer->tag == GUMBO_TAG_LI ? 1 : 2);
	push_level(p, node->v.element.tag, "");
	if (span_number(attribute(node, "start"), 99999, &start) == 0 && p->n_levels <= LEVELS_MAX)
		p->levels[p->n_levels - 1].number = (unsigned)start - 1;
}

/* A cell that holds more than a line of text: its table only arranges. */
static bool arranges(const GumboNode *cell)
{
	const GumboVector *v = &cell->v.element.children;

	for (unsigned i = 0; i < v->length; i++) {
		const GumboNode *n = v->data[i];

		if (n->type == GUMBO_NODE_ELEMENT && breaks_around(n->v.element.tag) > 0)
			return true;
	}
	return false;
}

static void begin_cell(struct plain *p, const GumboNode *node)
{
	if (arranges(node))
		letter_flow_break(&p->flow, 1);
	else if (node->index_within_parent > 0 && p->flow.begun && p->flow.breaks == 0)
		letter_flow_words(&p->flow, SPAN("  "));
	p->flow.space = false;
}

static void put_image(struct plain *p, const GumboNode *node)
{
	struct span alt = span_trim(attribute(node, "alt"));

	if (alt.n == 0)
		return;
	letter_flow_words(&p->flow, SPAN("["));
	letter_flow_text(&p->flow, alt);
	p->flow.space = false;
	letter_flow_words(&p->flow, SPAN("]"));
}

static void enter(struct plain *p, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;

	if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) {
		begin_list(p, node);
		return;
	}
	if (breaks_around(tag) > 0)
		letter_flow_break(&p->flow, breaks_around(tag));
	if (tag == GUMBO_TAG_LI)
		begin_item(p);
	else if (tag == GUMBO_TAG_BLOCKQUOTE)
		push_level(p, tag, "> ");
	else if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH)
		begin_cell(p, node);
	else if (tag == GUMBO_TAG_BR)
		p->flow.breaks++;
	else if (tag == GUMBO_TAG_HR)
		letter_flow_words(&p->flow, SPAN("----------"));
	else if (tag == GUMBO_TAG_IMG)
		put_image(p, node);
	else if (tag == GUMBO_TAG_PRE)
		p->pre++;
	else if (tag == GUMBO_TAG_A)
		p->link_from = mime_out_size(&p->flow.out);
	if (tag == GUMBO_TAG_BR)
		p->flow.space = false;
}

/* ---- links ---- */

static bool is_outside(struct span to)
{
	return span_case_begins(to, SPAN("http:")) || span_case_begins(to, SPAN("https:")) ||
	       span_case_begins(to, SPAN("mailto:")) || span_case_begins(to, SPAN("tel:"));
}

static unsigned number_of(struct plain *p, struct span to)
{
	for (unsigned i = 0; i < p->n_links; i++) {
		if (span_eq(p->links[i], to))
			return i + 1;
	}
	if (p->n_links == LINKS_MAX)
		return 0;
	p->links[p->n_links++] = to;
	return p->n_links;
}

/* Is what the link shows where it goes? Its text is the end of what was written. */
static bool shows_itself(struct plain *p, struct span to)
{
	mime_out_close(&p->flow.out);
	struct span last = p->flow.out.n ? p->flow.out.spans[p->flow.out.n - 1] : SPAN("");

	if (span_case_begins(to, SPAN("mailto:")))
		to = span_sub(span_skip(to, 7), 0, span_find(span_skip(to, 7), '?'));
	return to.n > 0 && p->flow.out.size - p->link_from >= to.n && p->flow.out.size - p->link_from <= to.n + p->flow.indent_n + 3 &&
	       span_ends(last, to);
}

/* Tells of the link that is left; returns where it goes. */
static struct span tell_link(struct plain *p, struct span to)
{
	struct mime_out *o = &p->flow.out;
	char *copy = take(p, to.n);
	uint64_t n;

	mime_out_close(o);
	n = o->size - p->link_from;
	memcpy(copy, to.p ? to.p : "", to.n);
	if (n > o->spans[o->n - 1].n)
		p->marks->unfit = true; /* its text is not in one piece */
	else
		letter_marks_link(p->marks, span_skip(o->spans[o->n - 1], o->spans[o->n - 1].n - (size_t)n), copy, to.n);
	return span_of(copy, to.n);
}

static void leave_link(struct plain *p, const GumboNode *node)
{
	struct span to = span_trim(attribute(node, "href"));
	char mark[24];
	unsigned number;

	if (mime_out_size(&p->flow.out) == p->link_from)
		return;
	if (p->marks)
		to = tell_link(p, to);
	if (!is_outside(to) || shows_itself(p, to))
		return;
	number = number_of(p, to);
	if (number == 0)
		return;
	snprintf(mark, sizeof mark, "[%u]", number);
	p->flow.space = p->flow.begun && p->flow.breaks == 0;
	letter_flow_words(&p->flow, span_str(mark));
}

static void put_links(struct plain *p)
{
	char mark[24];

	if (p->marks) {
		p->marks->links_from = (size_t)mime_out_size(&p->flow.out);
		letter_marks_links(p->marks, p->links, p->n_links);
	}
	p->flow.indent_n = 0;
	p->flow.marker[0] = '\0';
	for (unsigned i = 0; i < p->n_links; i++) {
		letter_flow_break(&p->flow, i == 0 ? 2 : 1);
		snprintf(mark, sizeof mark, "[%u] ", i + 1);
		letter_flow_words(&p->flow, span_str(mark));
		letter_flow_words(&p->flow, p->links[i]);
	}
}

static void leave(struct plain *p, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;
	struct level *outer;

	if (tag == GUMBO_TAG_A)
		leave_link(p, node);
	else if (tag == GUMBO_TAG_PRE)
		p->pre--;
	else if (tag == GUMBO_TAG_LI)
		p->flow.marker[0] = '\0';
	if (tag == GUMBO_TAG_LI || tag == GUMBO_TAG_BLOCKQUOTE || tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL)
		pop_level(p);
	if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) {
		outer = list_around(p);
		letter_flow_break(&p->flow, outer && outer->tag == GUMBO_TAG_LI ? 1 : 2);
	} else if (breaks_around(tag) > 0) {
		letter_flow_break(&p->flow, breaks_around(tag));
	}
}

/* ---- the walk ---- */

static bool is_element(const GumboNode *node)
{
	return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE;
}

static const GumboVector *children_of(const GumboNode *node)
{
	return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children : &node->v.element.children;
}

static void show_text(struct plain *p, const GumboNode *node)
{
	if (node->type == GUMBO_NODE_COMMENT)
		return;
	if (p->pre > 0)
		letter_flow_preformatted(&p->flow, span_str(node->v.text.text));
	else
		letter_flow_text(&p->flow, span_str(node->v.text.text));
}

/* The node behind this one and all that is in it, leaving what ends there; NULL: the end. */
static const GumboNode *behind(struct plain *p, const GumboNode *node)
{
	while (node->parent) {
		const GumboVector *v = children_of(node->parent);

		if (node->index_within_parent + 1 < v->length)
			return v->data[node->index_within_parent + 1];
		node = node->parent;
		if (is_element(node))
			leave(p, node);
	}
	return NULL;
}

static void walk(struct plain *p, const GumboNode *node)
{
	while (node) {
		bool inside = is_element(node) && !is_hidden(node);

		if (inside)
			enter(p, node);
		else if (!is_element(node) && node->type != GUMBO_NODE_DOCUMENT)
			show_text(p, node);
		if ((inside || node->type == GUMBO_NODE_DOCUMENT) && children_of(node)->length > 0) {
			node = children_of(node)->data[0];
			continue;
		}
		if (inside)
			leave(p, node);
		node = behind(p, node);
	}
}

/* ---- marks ---- */

/* Elements whose text is not decoded. */
static bool is_raw(GumboTag tag)
{
	return tag == GUMBO_TAG_XMP || tag == GUMBO_TAG_IFRAME || tag == GUMBO_TAG_NOEMBED || tag == GUMBO_TAG_NOFRAMES ||
	       tag == GUMBO_TAG_PLAINTEXT;
}

/* The parser opens these again behind a paragraph, but only three that are alike: that may not depend on a value. */
static bool is_opened_again(GumboTag tag)
{
	return tag == GUMBO_TAG_B || tag == GUMBO_TAG_BIG || tag == GUMBO_TAG_CODE || tag == GUMBO_TAG_EM || tag == GUMBO_TAG_FONT ||
	       tag == GUMBO_TAG_I || tag == GUMBO_TAG_NOBR || tag == GUMBO_TAG_S || tag == GUMBO_TAG_SMALL ||
	       tag == GUMBO_TAG_STRIKE || tag == GUMBO_TAG_STRONG || tag == GUMBO_TAG_TT || tag == GUMBO_TAG_U;
}

struct elements { /* by tag; marked: one has a value in an attribute */
	unsigned n[GUMBO_TAG_LAST];
	bool marked[GUMBO_TAG_LAST];
};

static void tell_attributes(struct letter_marks *m, const GumboNode *node, struct elements *all)
{
	const GumboVector *v = &node->v.element.attributes;
	GumboTag tag = node->v.element.tag;

	m->unfit = m->unfit || is_raw(tag);
	for (unsigned i = 0; i < v->length; i++) {
		const GumboAttribute *a = v->data[i];
		char quote = a->original_value.length ? a->original_value.data[0] : '\0';

		all->marked[tag] |= letter_marks_attribute(m, a->name, span_str(a->value), quote == '"' || quote == '\'');
	}
	all->n[tag] += !(node->parse_flags & (GUMBO_INSERTION_RECONSTRUCTED_FORMATTING_ELEMENT | GUMBO_INSERTION_ADOPTION_AGENCY_CLONED));
	m->unfit = m->unfit || (is_opened_again(tag) && all->marked[tag] && all->n[tag] > ALIKE_MOST);
}

/* All elements, hidden ones too. */
static void tell_elements(struct letter_marks *m, const GumboNode *root)
{
	struct elements all = { { 0 }, { false } };

	for (const GumboNode *node = root; node;) {
		const GumboVector *v = is_element(node) || node->type == GUMBO_NODE_DOCUMENT ? children_of(node) : NULL;

		if (is_element(node))
			tell_attributes(m, node, &all);
		if (v && v->length > 0) {
			node = v->data[0];
			continue;
		}
		while (node->parent && node->index_within_parent + 1 >= children_of(node->parent)->length)
			node = node->parent;
		node = node->parent ? children_of(node->parent)->data[node->index_within_parent + 1] : NULL;
	}
}

int letter_plain(struct span html, struct arena *work, struct arena *a, struct span *text, struct err *e)
{
	return letter_plain_marked(html, NULL, work, a, text, e);
}

int letter_plain_marked(struct span html, struct letter_marks *marks, struct arena *work, struct arena *a,
			struct span *text, struct err *e)
{
	GumboOptions options = kGumboDefaultOptions;
	struct plain p = { .work = work, .marks = marks };
	const GumboOutput *tree;

	if (html.n > HTML_MAX)
		return err_set(e, ERR_INPUT, "an HTML text of more than %d bytes", HTML_MAX);
	if (setjmp(p.flow.out_of_memory)) {
		arena_reset(work);
		return err_nomem(e, "the text form of HTML");
	}
	options.allocator = take;
	options.deallocator = give_back;
	options.userdata = &p;
	options.max_errors = 0;
	mime_out_init(&p.flow.out, a);
	p.links = take(&p, LINKS_MAX * sizeof *p.links);
	tree = gumbo_parse_with_options(&options, html.n ? html.p : "", html.n);
	if (marks)
		tell_elements(marks, tree->document);
	walk(&p, tree->document);
	put_links(&p);
	if (p.flow.any)
		letter_flow_put(&p.flow, SPAN("\n"));
	*text = mime_out_flat(&p.flow.out, a);
	arena_reset(work);
	return text->p ? 0 : err_nomem(e, "the text form of HTML");
}
