/* mime_word.c - invariants, held by tests/unit/test_mime_header.c:
 *  1. An encoded word has at most 75 octets and whole characters; a line with one at most 76.
 *  2. A fold goes before white space that is part of the text, or before an encoded word, where
 *     white space between two is not part of the text (RFC 2047 6.2).
 *  3. No line is empty or white space only. */
#include "templates/mime/mime_word.h"

#include <stdint.h>

#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_charset.h"
#include "templates/mime/mime_out.h"

enum {
	LINE = 78,
	LINE_WITH_WORD = 76,
	WORD = 75,
	WORD_AROUND = 12,   /* =?UTF-8?Q? and ?= */
	WORD_LEAST = 12,    /* room for any one character in Q and in B */
	AROUND_NAME = 7,    /* what WORD_AROUND has beside the charset's name */
	OTHER_LEAST = 16,   /* as WORD_LEAST, with the escapes of ISO-2022-JP */
	TOKEN_LONG = 900,   /* a longer one is encoded: no line may have 998 */
	NAME_LONG = 40      /* columns: behind such a field name the first word may begin a line */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void mime_line_begin(struct mime_line *l, struct mime_out *o, struct span name)
{
	*l = (struct mime_line){ .out = o, .limit = LINE };
	mime_line_add(l, name);
	mime_line_add(l, SPAN(":"));
}

void mime_line_add(struct mime_line *l, struct span s)
{
	if (!l->failed && mime_out_copy(l->out, s) < 0)
		l->failed = true;
	l->column += s.n;
}

void mime_line_fold(struct mime_line *l)
{
	mime_line_add(l, SPAN("\r\n"));
	l->column = 0;
	l->limit = LINE;
	l->begun = false;
}

int mime_line_end(struct mime_line *l)
{
	mime_line_add(l, SPAN("\r\n"));
	return l->failed ? -1 : 0;
}

/* White space and the word after it. */
static struct span take_token(struct span *rest)
{
	size_t n = 0;
	struct span token;

	while (n < rest->n && is_blank(rest->p[n]))
		n++;
	while (n < rest->n && !is_blank(rest->p[n]))
		n++;
	token = span_sub(*rest, 0, n);
	*rest = span_skip(*rest, n);
	return token;
}

void mime_line_plain(struct mime_line *l, struct span text)
{
	while (text.n > 0) {
		struct span token = take_token(&text);

		if (l->begun && is_blank(token.p[0]) && l->column + token.n > l->limit)
			mime_line_fold(l);
		mime_line_add(l, token);
		l->begun |= !is_blank(token.p[token.n - 1]);
	}
}

enum { IN_TEXT = 1 << MIME_WORD_TEXT, IN_BOTH = IN_TEXT | 1 << MIME_WORD_PHRASE };

/* Where each octet may stand as it is in Q. */
static const unsigned char safe[256] = {
	['!'] = IN_BOTH, ['"' ... ')'] = IN_TEXT, ['*' ... '+'] = IN_BOTH, [','] = IN_TEXT, ['-'] = IN_BOTH,
	['.'] = IN_TEXT, ['/' ... '9'] = IN_BOTH, [':' ... '<'] = IN_TEXT, ['>'] = IN_TEXT, ['@'] = IN_TEXT,
	['A' ... 'Z'] = IN_BOTH, ['[' ... '^'] = IN_TEXT, ['`'] = IN_TEXT, ['a' ... 'z'] = IN_BOTH,
	['{' ... '~'] = IN_TEXT, /* not = ? _ */
};

static inline bool is_q_safe(unsigned char c, enum mime_word_place place)
{
	return safe[c] & 1U << place;
}

/* Columns of one octet in Q. */
static size_t q_width(unsigned char c, enum mime_word_place place)
{
	return c == ' ' || is_q_safe(c, place) ? 1 : 3;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t character(struct span s)
{
	size_t n = 1;

	while (n < s.n && n < 4 && is_continuation(s.p[n]))
		n++;
	return n;
}

/* The octets of text whose encoding fits into room columns: whole characters, at least one. */
static size_t q_fits(struct span text, enum mime_word_place place, size_t room)
{
	size_t n = 0, width = 0;

	while (n < text.n) {
		size_t c = character(span_skip(text, n));

		for (size_t i = 0; i < c; i++)
			width += q_width((unsigned char)text.p[n + i], place);
		if (width > room && n > 0)
			break;
		n += c;
	}
	return n;
}

/* The same in B. Where another word follows it ends without padding, for some readers lose what
 * comes behind that; 0: no such end. */
static size_t b_fits(struct span text, size_t room)
{
	size_t most = room / 4 * 3, n = 0, whole = 0;

	while (n < text.n) {
		n += character(span_skip(text, n));
		if (n > most)
			return whole;
		if (n % 3 == 0)
			whole = n;
	}
	return n;
}

static char *put_q(char *p, struct span s, enum mime_word_place place)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ') {
			*p++ = '_';
		} else if (is_q_safe(c, place)) {
			*p++ = (char)c;
		} else {
			*p++ = '=';
			*p++ = hex[c >> 4];
			*p++ = hex[c & 15];
		}
	}
	return p;
}

static void add_word(struct mime_line *l, struct span charset, struct span s, enum mime_word_place place, bool q)
{
	char word[WORD + 1], *p = word;

	memcpy(p, "=?", 2);
	memcpy(p + 2, charset.p, charset.n);
	p += 2 + charset.n;
	memcpy(p, q ? "?Q?" : "?B?", 3);
	p += 3;
	p = q ? put_q(p, s, place) : mime_base64_word(p, s);
	*p++ = '?';
	*p++ = '=';
	mime_line_add(l, span_of(word, (size_t)(p - word)));
	l->limit = LINE_WITH_WORD;
	l->begun = true;
}

/* Columns of text in the shorter of Q and B. */
static size_t shorter(struct span text, enum mime_word_place place, bool *q)
{
	size_t q_columns = 0, b_columns = (text.n + 2) / 3 * 4;

	for (size_t i = 0; i < text.n; i++)
		q_columns += q_width((unsigned char)text.p[i], place);
	*q = q_columns <= b_columns;
	return *q ? q_columns : b_columns;
}

static void encode_utf8(struct mime_line *l, struct span text, enum mime_word_place place)
{
	bool q;
	size_t all = shorter(text, place, &q) + WORD_AROUND;

	/* some readers keep the blank between two words of a name: one word where one will do */
	if (place == MIME_WORD_PHRASE && all <= WORD && l->column + 1 + all > LINE_WITH_WORD)
		mime_line_fold(l);
	while (text.n > 0) {
		size_t room, n;
		bool in_q;

		if ((l->begun || l->column > NAME_LONG) &&
		    l->column + 1 + WORD_AROUND + WORD_LEAST > LINE_WITH_WORD)
			mime_line_fold(l);
		mime_line_add(l, SPAN(" "));
		room = l->column + WORD_AROUND + WORD_LEAST <= LINE_WITH_WORD ? LINE_WITH_WORD - l->column : WORD;
		room = (room < WORD ? room : WORD) - WORD_AROUND;
		n = q ? 0 : b_fits(text, room);
		in_q = n == 0;
		if (in_q)
			n = q_fits(text, place, room);
		add_word(l, SPAN("UTF-8"), span_sub(text, 0, n), place, in_q);
		text = span_skip(text, n);
		if (text.n > 0)
			mime_line_fold(l);
	}
}

/* ---- in another charset ---- */

struct other {
	struct mime_converter *converter;
	struct span name;
	enum mime_word_place place;
	bool q;
};

/* Columns of converted octets. */
static size_t width_of(const struct other *x, struct span octets)
{
	size_t n = 0;

	if (!x->q)
		return (octets.n + 2) / 3 * 4;
	for (size_t i = 0; i < octets.n; i++)
		n += q_width((unsigned char)octets.p[i], x->place);
	return n;
}

/* The octets of text whose word has at most room columns: whole characters, at least one, and no
 * padding in B where another word follows, if that can be. They are converted into octets. */
static size_t other_fits(const struct other *x, struct span text, size_t room, char octets[WORD], size_t *n_octets)
{
	char trial[WORD];
	bool padded = true;
	size_t n = 0;

	for (size_t more = 0; more < text.n; ) {
		size_t got;
		bool ends;

		more += character(span_skip(text, more));
		got = mime_convert_into(x->converter, span_sub(text, 0, more), trial, sizeof trial);
		if (n > 0 && (got > sizeof trial || width_of(x, span_of(trial, got)) > room))
			break;
		ends = x->q || got % 3 == 0 || more == text.n;
		if (!ends && !padded)
			continue;
		padded = !ends;
		memcpy(octets, trial, sizeof trial);
		*n_octets = got > sizeof trial ? 0 : got;
		n = more;
	}
	return n;
}

/* False: it does not fit into the charset. */
static bool encode_other(struct mime_line *l, struct span text, enum mime_word_place place)
{
	struct other x = { .converter = l->out->words, .place = place };
	const struct mime_charset *charset = mime_converter_charset(x.converter);
	struct span whole;
	enum mime_fit fit = mime_convert(x.converter, text, l->out->arena, &whole);
	size_t around;

	if (fit != MIME_FITS) {
		l->failed |= fit == MIME_NO_MEMORY;
		return false;
	}
	x.name = span_str(charset->name);
	shorter(whole, place, &x.q);
	x.q = x.q && !charset->wide;
	around = AROUND_NAME + x.name.n;
	if (place == MIME_WORD_PHRASE && around + width_of(&x, whole) <= WORD &&
	    l->column + 1 + around + width_of(&x, whole) > LINE_WITH_WORD)
		mime_line_fold(l);
	while (text.n > 0) {
		char octets[WORD];
		size_t room, n, n_octets = 0;
		struct other once = x;

		if ((l->begun || l->column > NAME_LONG) && l->column + 1 + around + OTHER_LEAST > LINE_WITH_WORD)
			mime_line_fold(l);
		mime_line_add(l, SPAN(" "));
		room = l->column + around + OTHER_LEAST <= LINE_WITH_WORD ? LINE_WITH_WORD - l->column : WORD;
		room = (room < WORD ? room : WORD) - around;
		n = other_fits(&x, text, x.q ? room : room / 4 * 4, octets, &n_octets);
		once.q |= n < text.n && n_octets % 3 != 0; /* no end without padding */
		if (once.q && !x.q)
			n = other_fits(&once, text, room, octets, &n_octets);
		add_word(l, x.name, span_of(octets, n_octets), place, once.q);
		text = span_skip(text, n);
		if (text.n > 0)
			mime_line_fold(l);
	}
	return true;
}

void mime_line_encoded(struct mime_line *l, struct span text, enum mime_word_place place)
{
	if (l->out->words) {
		l->out->misfit |= !encode_other(l, text, place);
		return;
	}
	encode_utf8(l, text, place);
}

static bool needs_encoding(struct span token)
{
	bool equals = false;

	if (token.n > TOKEN_LONG)
		return true;
	for (size_t i = 0; i < token.n; i++) {
		if ((unsigned char)token.p[i] >= 127)
			return true;
		equals |= token.p[i] == '=';
	}
	return equals && span_search(token, SPAN("=?")) < token.n;
}

struct span mime_word_needed(struct span text)
{
	struct span rest = text;
	size_t from = SIZE_MAX, to = 0;

	while (rest.n > 0) {
		size_t begin = text.n - rest.n;
		struct span token = take_token(&rest);

		if (!needs_encoding(token))
			continue;
		if (from == SIZE_MAX)
			from = begin;
		to = text.n - rest.n;
	}
	return from == SIZE_MAX ? (struct span){ NULL, 0 } : span_sub(text, from, to - from);
}
