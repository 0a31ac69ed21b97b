/* mime_header.c - one function for each kind of field body (RFC 5322 3.6, 2.2.1).
 *
 * Values arrive checked for controls: whoever renders a field calls mime_header_bad() and knows
 * what to blame. MUST() holds that against a caller that forgets (1 below).
 *  1. No field that is written here has a CR, LF or NUL of its value.
 *  2. Unfolding and decoding a field gives its value back, blanks included.
 * Held by tests/unit/test_mime_header.c. */
#include "templates/mime/mime_header.h"

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_text.h"
#include "templates/mime/mime_word.h"

enum {
	NAME_MAX_OCTETS = 64,
	QUOTED_LONG = 70 /* a longer display name goes into encoded words, which can be folded */
};

bool mime_header_name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] >= 127 || name.p[i] == ':')
			return false;
	}
	return name.n > 0 && name.n <= NAME_MAX_OCTETS;
}

static const char *bad_character(int32_t c)
{
	if (c < 0)
		return "bytes that are not UTF-8";
	if (c == '\r' || c == '\n')
		return "a line break";
	if (c == 0)
		return "a NUL byte";
	if (c == 0x2028 || c == 0x2029)
		return "a line separator character";
	if ((c < ' ' && c != '\t') || (c >= 127 && c < 160))
		return "a control character";
	return NULL;
}

const char *mime_header_bad(struct span value, size_t *at)
{
	struct span rest = value;

	while ((rest = span_skip(rest, utf8_printable_run(rest))).n > 0) {
		const char *bad;

		*at = value.n - rest.n;
		bad = bad_character(utf8_take(&rest));
		if (bad)
			return bad;
	}
	return NULL;
}

static bool is_printable(struct span s)
{
	return utf8_printable_run(s) == s.n;
}

/* Does something in it look like an encoded word? */
static bool has_word(struct span s)
{
	for (size_t at; (at = span_find(s, '=')) + 1 < s.n; s = span_skip(s, at + 1))
		if (s.p[at + 1] == '?')
			return true;
	return false;
}

static char *put(char *p, struct span s)
{
	memcpy(p, s.p, s.n);
	return p + s.n;
}

/* The common case: it fits on one line as it is. 1 written, 0 not so, -1 no memory. */
static int write_short(struct mime_out *o, struct span name, struct span value)
{
	size_t n = name.n + 2 + value.n;
	char *p;

	if (n > MIME_LINE_SHOULD || !is_printable(value) || has_word(value))
		return 0;
	p = mime_out_room(o, n + 2);
	if (!p)
		return -1;
	p = put(p, name);
	p = value.n > 0 ? put(put(p, SPAN(": ")), value) : put(p, SPAN(":"));
	mime_out_wrote(o, put(p, SPAN("\r\n")));
	return 1;
}

static void must_be_clean(struct span value)
{
	if (is_printable(value))
		return;
	for (size_t i = 0; i < value.n; i++)
		MUST(value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != '\0');
}

static int end_line(struct mime_line *l, struct err *e)
{
	return mime_line_end(l) < 0 ? err_nomem(e, "a header") : 0;
}

/* Plain text, encoded words where needed, plain text again. */
static void add_text(struct mime_line *l, struct span value, enum mime_word_place place)
{
	struct span words = mime_word_needed(value);
	size_t before;

	if (words.n == 0) {
		mime_line_add(l, SPAN(" "));
		mime_line_plain(l, value);
		return;
	}
	before = (size_t)(words.p - value.p);
	if (before > 0) {
		mime_line_add(l, SPAN(" "));
		mime_line_plain(l, span_sub(value, 0, before));
		words = span_skip(words, 1); /* the blank between: every word brings one */
	}
	mime_line_encoded(l, words, place);
	mime_line_plain(l, span_skip(value, (size_t)(words.p - value.p) + words.n));
}

int mime_header_text(struct mime_out *o, struct span name, struct span value, struct err *e)
{
	struct mime_line l;
	int rc;

	value = span_trim(value);
	rc = write_short(o, name, value);
	if (rc != 0)
		return rc < 0 ? err_nomem(e, "a header") : 0;
	must_be_clean(value);
	mime_line_begin(&l, o, name);
	add_text(&l, value, MIME_WORD_TEXT);
	return end_line(&l, e);
}

/* Can value be folded at its blanks so that no line has more than 998? */
static bool can_fold(struct span value)
{
	size_t run = 0;

	for (size_t i = 0; i < value.n; i++) {
		run = value.p[i] == ' ' || value.p[i] == '\t' ? 0 : run + 1;
		if (run > MIME_LINE_MUST - NAME_MAX_OCTETS - 2)
			return false;
	}
	return true;
}

int mime_header_plain(struct mime_out *o, struct span name, struct span value, struct err *e)
{
	struct mime_line l;
	int rc;

	value = span_trim(value);
	rc = write_short(o, name, value);
	if (rc != 0)
		return rc < 0 ? err_nomem(e, "a header") : 0;
	must_be_clean(value);
	if (!utf8_ascii(value))
		return err_set(e, ERR_INPUT, "header '%.*s' takes ASCII only", SPAN_ARG(name));
	if (!can_fold(value))
		return err_set(e, ERR_INPUT, "header '%.*s' has a word too long for a line", SPAN_ARG(name));
	mime_line_begin(&l, o, name);
	mime_line_add(&l, SPAN(" "));
	mime_line_plain(&l, value);
	return end_line(&l, e);
}

enum { ATEXT = 1, BLANK = 2, SPECIAL = 4, BEYOND = 8, EQUALS = 16 };

static const unsigned char kinds[256] = {
	[0 ... 31] = BEYOND, [' '] = BLANK, ['!'] = ATEXT, ['"'] = SPECIAL, ['#' ... '\''] = ATEXT,
	['(' ... ')'] = SPECIAL, ['*' ... '+'] = ATEXT, [','] = SPECIAL, ['-'] = ATEXT, ['.'] = SPECIAL,
	['/' ... '9'] = ATEXT, [':' ... '<'] = SPECIAL, ['='] = EQUALS, ['>'] = SPECIAL, ['?'] = ATEXT, ['@'] = SPECIAL,
	['A' ... 'Z'] = ATEXT, ['[' ... ']'] = SPECIAL, ['^' ... '~'] = ATEXT, [127 ... 255] = BEYOND,
};

enum name_form { NAME_ATOMS, NAME_QUOTED, NAME_ENCODED };

/* Words of atoms with single spaces between can stand bare; other ASCII is quoted. */
static enum name_form form_of(struct span name)
{
	unsigned before = BLANK, all = 0, twice = 0; /* kinds: of the byte before, of all bytes, of two in a row */

	if (name.n > QUOTED_LONG)
		return NAME_ENCODED;
	for (size_t i = 0; i < name.n; i++) {
		unsigned kind = kinds[(unsigned char)name.p[i]];

		all |= kind;
		twice |= kind & before;
		before = kind;
	}
	if ((all & BEYOND) || ((all & EQUALS) && has_word(name)))
		return NAME_ENCODED;
	return (all & SPECIAL) || ((twice | before) & BLANK) ? NAME_QUOTED : NAME_ATOMS;
}

static void add_quoted(struct mime_line *l, struct span s)
{
	mime_line_add(l, SPAN("\""));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			mime_line_add(l, SPAN("\\"));
		mime_line_add(l, span_sub(s, i, 1));
	}
	mime_line_add(l, SPAN("\""));
	l->begun = true;
}

static size_t quoted_width(struct span s)
{
	size_t n = 2 + s.n;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '"' || s.p[i] == '\\';
	return n;
}

/* A display name or a group's, with the blank before it; follows: columns that stay with it. */
static void add_name(struct mime_line *l, struct span name, size_t follows)
{
	enum name_form form = form_of(name);

	if (form == NAME_ENCODED) {
		mime_line_encoded(l, name, MIME_WORD_PHRASE);
		return;
	}
	if (l->begun && l->column + 1 + quoted_width(name) + follows > l->limit)
		mime_line_fold(l);
	mime_line_add(l, SPAN(" "));
	if (form == NAME_QUOTED)
		add_quoted(l, name);
	else
		mime_line_add(l, name);
	l->begun = true;
}

static void add_mailbox(struct mime_line *l, const struct address *a)
{
	bool named = a->name.n > 0;

	if (named)
		add_name(l, a->name, a->path.n + 3);
	if (l->begun && l->column + a->path.n + 4 > l->limit)
		mime_line_fold(l);
	mime_line_add(l, named ? SPAN(" <") : SPAN(" "));
	mime_line_add(l, a->path);
	if (named)
		mime_line_add(l, SPAN(">"));
	l->begun = true;
}

/* The common case: one mailbox whose name needs no quotes, or which has none, on one line. As write_short(). */
static int write_mailbox(struct mime_out *o, struct span name, const struct address *a)
{
	size_t n = name.n + 2 + a->name.n + 2 + a->path.n + 1;
	char *p;

	if (n >= MIME_LINE_SHOULD || a->group.n > 0 || !is_printable(a->path) ||
	    (a->name.n > 0 && form_of(a->name) != NAME_ATOMS))
		return 0;
	p = mime_out_room(o, n + 2);
	if (!p)
		return -1;
	p = put(put(p, name), SPAN(": "));
	if (a->name.n > 0)
		p = put(put(put(put(p, a->name), SPAN(" <")), a->path), SPAN(">"));
	else
		p = put(p, a->path);
	mime_out_wrote(o, put(p, SPAN("\r\n")));
	return 1;
}

static bool same_group(struct span a, struct span b)
{
	return a.p == b.p && a.n == b.n;
}

/* Closes the group that stands open and opens that of the next address, each where due. */
static void change_group(struct mime_line *l, struct span *open, struct span next, bool first)
{
	if (open->n > 0 && !same_group(*open, next)) {
		mime_line_add(l, SPAN(";"));
		*open = (struct span){ NULL, 0 };
	}
	if (!first)
		mime_line_add(l, SPAN(","));
	if (next.n > 0 && open->n == 0) {
		add_name(l, next, 1);
		mime_line_add(l, SPAN(":"));
		*open = next;
	}
}

int mime_header_addresses(struct mime_out *o, struct span name, const struct address_list *list, struct err *e)
{
	struct mime_line l;
	struct span open = { NULL, 0 }, none = { NULL, 0 };
	int rc = list->n == 1 && list->n_empty_groups == 0 ? write_mailbox(o, name, &list->items[0]) : 0;

	if (rc != 0)
		return rc < 0 ? err_nomem(e, "a header") : 0;
	mime_line_begin(&l, o, name);
	for (uint32_t i = 0; i < list->n; i++) {
		must_be_clean(list->items[i].name);
		must_be_clean(list->items[i].path);
		change_group(&l, &open, list->items[i].group, i == 0);
		add_mailbox(&l, &list->items[i]);
	}
	for (uint32_t i = 0; i < list->n_empty_groups; i++) {
		must_be_clean(list->empty_groups[i]);
		change_group(&l, &open, none, list->n + i == 0);
		add_name(&l, list->empty_groups[i], 2);
		mime_line_add(&l, SPAN(":;"));
	}
	if (open.n > 0)
		mime_line_add(&l, SPAN(";"));
	return end_line(&l, e);
}

int mime_header_phrase_id(struct mime_out *o, struct span name, struct span value, struct err *e)
{
	size_t open = value.n;
	struct span phrase;
	struct mime_line l;

	value = span_trim(value);
	must_be_clean(value);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '<')
			open = i;
	}
	if (open >= value.n || value.p[value.n - 1] != '>' || !is_printable(span_skip(value, open)))
		return err_set(e, ERR_INPUT, "header '%.*s' wants the form: words <id.domain>", SPAN_ARG(name));
	phrase = span_trim(span_sub(value, 0, open));
	if (phrase.n > 1 && phrase.p[0] == '"' && phrase.p[phrase.n - 1] == '"')
		phrase = span_sub(phrase, 1, phrase.n - 2);
	mime_line_begin(&l, o, name);
	if (phrase.n > 0)
		add_name(&l, phrase, value.n - open + 1);
	if (l.begun && l.column + 1 + value.n - open > l.limit)
		mime_line_fold(&l);
	mime_line_add(&l, SPAN(" "));
	mime_line_add(&l, span_skip(value, open));
	return end_line(&l, e);
}
