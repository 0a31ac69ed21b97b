/* letter_address.c - an address header whose text is partly the letter's and partly data.
 *
 * The letter's own bytes decide the structure: where an address ends, what is a name, what stands
 * between < and >. So a name from the list may hold any text (`Müller, Ann`, `Ann "x" (y)`,
 * `x <evil@example.net>, `) and is written quoted or encoded:
 *
 *     element  between two commas of the letter
 *     angle    {{ name }} <{{ email }}>    name: text; inside < >: one address, no syntax from data; a value that
 *                                          stands alone there is an address by itself: "Ann <ann@example.com>" too
 *     plain    {{ user }}@example.com      one address, no syntax from data
 *     alone    {{ email }}                 the value is an address, or a list of them, by itself
 *
 *  1. The number of addresses is that of the letter's elements, but for values that stand alone.
 *  2. A byte of a value never opens or closes anything, but for the local part that is all its own:
 *     "ann lee"@example.com.
 * Held by tests/unit/test_letter_address.c. */
#include "templates/letter/letter_text.h"

#include "engine/base/err.h"
#include "engine/model/address.h"
#include "templates/mime/mime_header.h"

struct reader {
	const struct letter_rendered *line;
	struct span text; /* of line */
	uint32_t hole;    /* the first of line that ends behind the begin of this element */
	struct arena *a;
	struct address_list *out;
	struct span group; /* that stands open; p NULL: none */
	uint32_t group_from; /* addresses in out when it was opened */
	struct err *e;
};

enum { NOWHERE = -1 };

struct element {
	size_t from, to;    /* of the text, without the delimiter */
	ptrdiff_t open, close; /* of < and >, or NOWHERE */
	char end;           /* ',', ';', ':' or NUL at the end of the text */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int not_closed(struct reader *r, char c)
{
	return err_set(r->e, ERR_INPUT, "a '%c' is not closed in '%.*s'", c, SPAN_ARG(r->text));
}

/* Index behind the quoted string or comment of the letter that begins at i; 0: it never ends. */
static size_t skip_enclosed(const struct reader *r, uint32_t *hole, size_t i)
{
	char open = r->text.p[i], close = open == '"' ? '"' : ')';
	unsigned depth = 1;

	for (i++; i < r->text.n; i++) {
		const struct letter_hole *value = letter_hole_at(r->line, hole, i);
		char c = r->text.p[i];

		if (value)
			i = value->to - 1;
		else if (c == '\\')
			i++;
		else if (c == close && --depth == 0)
			return i + 1;
		else if (c == open)
			depth++;
	}
	return 0;
}

static int take_element(struct reader *r, size_t from, struct element *el)
{
	uint32_t hole;
	size_t i = from;

	letter_hole_at(r->line, &r->hole, from);
	hole = r->hole;
	*el = (struct element){ .from = from, .open = NOWHERE, .close = NOWHERE };
	while (i < r->text.n) {
		const struct letter_hole *value = letter_hole_at(r->line, &hole, i);
		bool inside = el->open != NOWHERE && el->close == NOWHERE;
		char c = r->text.p[i];

		if (value) {
			i = value->to;
			continue;
		}
		if (c == '"' || (c == '(' && !inside)) {
			i = skip_enclosed(r, &hole, i);
			if (i == 0)
				return not_closed(r, c);
			continue;
		}
		if (c == '<' && el->open == NOWHERE)
			el->open = (ptrdiff_t)i;
		else if (c == '>' && inside)
			el->close = (ptrdiff_t)i;
		else if (!inside && (c == ',' || c == ';' || (c == ':' && el->open == NOWHERE))) {
			el->end = c;
			break;
		}
		i++;
	}
	el->to = i;
	return el->open != NOWHERE && el->close == NOWHERE ? not_closed(r, '<') : 0;
}

static struct span trimmed(const struct reader *r, size_t from, size_t to)
{
	return span_trim(span_sub(r->text, from, to - from));
}

static int append(struct reader *r, const struct address *x)
{
	struct address_list *l = r->out;
	struct address *items = l->items;
	size_t at;

	if (l->n == ADDRESS_LIST_MAX)
		return err_set(r->e, ERR_INPUT, "more than %d addresses", ADDRESS_LIST_MAX);
	if (mime_header_bad(x->name, &at) || mime_header_bad(x->path, &at))
		return err_set(r->e, ERR_INPUT, "an address has a control character in its name");
	if ((l->n & (l->n - 1)) == 0) { /* full at each power of two */
		items = arena_grow(r->a, l->items, l->n * sizeof *items, (l->n ? 2 * l->n : 1) * sizeof *items);
		if (!items)
			return err_nomem(r->e, "the addresses");
	}
	l->items = items;
	l->items[l->n] = *x;
	if (r->group.p)
		l->items[l->n].group = r->group;
	l->n++;
	return 0;
}

static bool is_special(char c)
{
	switch (c) {
	case '<': case '>': case '(': case ')': case '[': case ']': case ',': case ';': case ':': case '\\': case '"':
		return true;
	default:
		return false;
	}
}

/* Index behind a quoted string that one value begins with at from; from when there is none. */
static size_t skip_quoted_value(const struct reader *r, size_t from, size_t to)
{
	uint32_t hole = r->hole;
	const struct letter_hole *value = letter_hole_at(r->line, &hole, from);

	for (size_t i = from; value && i < to && i < value->to; i++) {
		char c = r->text.p[i];

		if (i > from && c == '"')
			return i + 1;
		if (i == from ? c != '"' : c == '\\' && ++i == to)
			break;
	}
	return from;
}

/* Bytes from data within [from, to) may not be syntax of an address, but for a quoted local part. */
static int check_values(struct reader *r, size_t from, size_t to)
{
	static const struct span scheme = { "mailto:", 7 };
	uint32_t hole = r->hole;

	while (from < to && is_blank(r->text.p[from]))
		from++;
	if (span_case_begins(span_sub(r->text, from, to - from), scheme)) /* as copied from a link */
		from += scheme.n;
	for (size_t i = skip_quoted_value(r, from, to); i < to; i++) {
		char c = r->text.p[i];

		if (is_special(c) && letter_hole_at(r->line, &hole, i))
			return err_set(r->e, ERR_INPUT, "'%.*s' is not one address: it has a '%c'",
				       SPAN_ARG(trimmed(r, from, to)), c);
	}
	return 0;
}

/* [from, to) as one address without a name. */
static int parse_bare(struct reader *r, size_t from, size_t to, struct address *out)
{
	struct span text = trimmed(r, from, to);

	if (check_values(r, from, to) < 0 || address_parse(text, r->a, out, r->e) < 0)
		return -1;
	if (out->name.n > 0)
		return err_set(r->e, ERR_INPUT, "'%.*s' is not an address alone", SPAN_ARG(text));
	return 0;
}

struct name {
	char *p;
	size_t n;
	bool quoted;
	bool space; /* a blank of the letter waits for what follows */
};

static void name_add(struct name *name, struct span s)
{
	if (name->space && name->n > 0)
		name->p[name->n++] = ' ';
	name->space = false;
	memcpy(name->p + name->n, s.p, s.n);
	name->n += s.n;
}

/* The words of [from, to) as a name: quotes of the letter undone, its comments and spare blanks
 * left out, values as they are. */
static int build_name(struct reader *r, size_t from, size_t to, struct span *out)
{
	struct name name = { .p = arena_take(r->a, 2 * (to - from) + 1) };
	uint32_t hole = r->hole;

	if (!name.p)
		return err_nomem(r->e, "a name");
	for (size_t i = from; i < to; i++) {
		const struct letter_hole *value = letter_hole_at(r->line, &hole, i);
		char c = r->text.p[i];

		if (value) {
			name_add(&name, span_sub(r->text, i, value->to - i));
			i = value->to - 1;
		} else if (c == '"')
			name.quoted = !name.quoted;
		else if (c == '(' && !name.quoted)
			i = skip_enclosed(r, &hole, i) - 1;
		else if (c == '\\' && name.quoted && i + 1 < to)
			name_add(&name, span_sub(r->text, ++i, 1));
		else if (is_blank(c) && !name.quoted)
			name.space = true;
		else
			name_add(&name, span_sub(r->text, i, 1));
	}
	*out = span_trim(span_of(name.p, name.n));
	return 0;
}

static int check_tail(struct reader *r, size_t from, size_t to)
{
	uint32_t hole = r->hole;

	for (size_t i = from; i < to; i++) {
		if (r->text.p[i] == '(' && !letter_hole_at(r->line, &hole, i))
			i = skip_enclosed(r, &hole, i) - 1;
		else if (!is_blank(r->text.p[i]))
			return err_set(r->e, ERR_INPUT, "'%.*s' stands behind an address",
				       SPAN_ARG(trimmed(r, i, to)));
	}
	return 0;
}

/* Does [from, to), but for blanks of the letter, come from one value? */
static bool stands_alone(const struct reader *r, size_t from, size_t to)
{
	const struct letter_hole *value = NULL, *end = r->line->holes + r->line->n_holes;
	uint32_t hole = r->hole;

	while (from < to && !(value = letter_hole_at(r->line, &hole, from)) && is_blank(r->text.p[from]))
		from++;
	if (!value || (value + 1 < end && value[1].from < to))
		return false;
	while (to > value->to && is_blank(r->text.p[to - 1]))
		to--;
	return to == value->to;
}

/* [from, to) is one value, and that is one address: nothing in it can reach beyond it. */
static int parse_value(struct reader *r, size_t from, size_t to, struct address *out)
{
	return address_parse(trimmed(r, from, to), r->a, out, r->e);
}

static int read_angle(struct reader *r, const struct element *el)
{
	size_t open = (size_t)el->open, close = (size_t)el->close;
	struct address x;
	struct span name = { NULL, 0 };

	if (build_name(r, el->from, open, &name) < 0 || check_tail(r, close + 1, el->to) < 0)
		return -1;
	if (trimmed(r, open + 1, close).n == 0) {
		if (name.n == 0)
			return 0;
		err_set(r->e, ERR_INPUT, "'%.*s' has no address between < and >", SPAN_ARG(name));
		return err_topic(r->e, "no address");
	}
	if ((stands_alone(r, open + 1, close) ? parse_value(r, open + 1, close, &x) : parse_bare(r, open + 1, close, &x)) < 0)
		return -1;
	if (name.n > 0)
		x.name = name;
	return append(r, &x);
}

/* One address, with what comes along when it is copied: "mailto:", odd spaces. Or a list of them. */
static int read_alone(struct reader *r, struct span text)
{
	struct address_list list;
	struct address x;

	if (text.n > 0 && address_parse(text, r->a, &x, NULL) == 0)
		return append(r, &x);
	if (span_case_begins(text, SPAN("mailto:")))
		return address_parse(text, r->a, &x, r->e);
	if (address_parse_list(text, r->a, &list, r->e) < 0)
		return -1;
	for (uint32_t i = 0; i < list.n; i++) {
		if (list.items[i].group.n > 0)
			break;
		list.items[i].of_list = i > 0;
		if (append(r, &list.items[i]) < 0)
			return -1;
	}
	if (list.n_empty_groups > 0 || (list.n > 0 && list.items[list.n - 1].group.n > 0))
		return err_set(r->e, ERR_INPUT, "'%.*s' is a group, not an address", SPAN_ARG(text));
	return 0;
}

static int read_plain(struct reader *r, const struct element *el)
{
	struct span text = trimmed(r, el->from, el->to);
	struct address x;

	if (text.n == 0)
		return 0;
	if (stands_alone(r, el->from, el->to))
		return read_alone(r, text);
	return parse_bare(r, el->from, el->to, &x) < 0 ? -1 : append(r, &x);
}

static int open_group(struct reader *r, const struct element *el)
{
	if (r->group.p)
		return err_set(r->e, ERR_INPUT, "a group inside a group in '%.*s'", SPAN_ARG(r->text));
	r->group_from = r->out->n;
	if (build_name(r, el->from, el->to, &r->group) < 0)
		return -1;
	return r->group.n ? 0 : err_set(r->e, ERR_INPUT, "a group without a name in '%.*s'", SPAN_ARG(r->text));
}

static int add_empty_group(struct reader *r, struct span name)
{
	struct address_list *l = r->out;
	struct span *groups = arena_grow(r->a, l->empty_groups, l->n_empty_groups * sizeof *groups,
					 (l->n_empty_groups + 1) * sizeof *groups);

	if (!groups)
		return err_nomem(r->e, "the addresses");
	groups[l->n_empty_groups++] = name;
	l->empty_groups = groups;
	return 0;
}

static int close_group(struct reader *r)
{
	if (!r->group.p)
		return err_set(r->e, ERR_INPUT, "addresses are separated by commas, not by ';', in '%.*s'",
			       SPAN_ARG(r->text));
	if (r->out->n == r->group_from && add_empty_group(r, r->group) < 0)
		return -1;
	r->group = (struct span){ NULL, 0 };
	return 0;
}

/* All of it is the letter's own: the grammar of RFC 5322 and nothing else. */
static int read_own(struct reader *r)
{
	struct address_list list;

	if (address_parse_list(r->text, r->a, &list, r->e) < 0)
		return -1;
	for (uint32_t i = 0; i < list.n; i++) {
		struct address *x = &list.items[i];

		x->name = x->name.n ? mime_words_decode(x->name, r->a) : x->name;
		if (x->name.n && !x->name.p)
			return err_nomem(r->e, "a name");
		if (append(r, x) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < list.n_empty_groups; i++) {
		if (add_empty_group(r, list.empty_groups[i]) < 0)
			return -1;
	}
	return 0;
}

static bool has_value(const struct reader *r, const struct element *el)
{
	bool angle = el->open != NOWHERE;
	size_t from = angle ? (size_t)el->open : el->from, to = angle ? (size_t)el->close : el->to;
	uint32_t hole = r->hole;

	letter_hole_at(r->line, &hole, from);
	return hole < r->line->n_holes && r->line->holes[hole].from < to;
}

static int read_element(struct reader *r, const struct element *el)
{
	uint32_t first = r->out->n;
	bool of_row;

	if (el->end == ':')
		return open_group(r, el);
	if ((el->open != NOWHERE ? read_angle(r, el) : read_plain(r, el)) < 0)
		return -1;
	of_row = has_value(r, el);
	for (uint32_t i = first; i < r->out->n; i++)
		r->out->items[i].of_row = of_row;
	return el->end == ';' ? close_group(r) : 0;
}

int letter_addresses(const struct letter_rendered *line, struct arena *a, struct address_list *out, struct err *e)
{
	struct reader r = { .line = line, .text = line->text, .a = a, .out = out, .e = e };
	struct element el;
	size_t at = 0;

	if (line->fixed)
		return read_own(&r);
	do {
		if (take_element(&r, at, &el) < 0 || read_element(&r, &el) < 0)
			return -1;
		at = el.to + 1;
	} while (el.end);
	return r.group.p ? err_set(e, ERR_INPUT, "a group is not closed by ';' in '%.*s'", SPAN_ARG(r.text)) : 0;
}
