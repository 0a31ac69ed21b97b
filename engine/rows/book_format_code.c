/* book_format_code.c - "0.00;[Red]-0.00": sections, conditions, pieces.
 *
 * A code has up to four sections: for positive numbers, negative ones, zero, and text. A condition
 * ([>=100]) takes the place of that order. With a section of its own a negative number is shown
 * without its sign; the section has one where it is wanted. Colours and places are left out.
 * Held by tests/unit/test_rows_format.c, which compares with what LibreOffice shows. */
#include "engine/rows/book_format_code.h"

#include <math.h>
#include <stdlib.h>

enum { SECTIONS_MAX = 4, NUMBER_BYTES = 32 };

static const char date_letters[] = "ymdhsgbe";

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Bytes of the unit that begins at s and is no sign of the format: "text", \x, _x, *x, [..]; or 0. */
static size_t enclosed(struct span s)
{
	if (s.p[0] == '"') {
		size_t end = span_find(span_skip(s, 1), '"');

		return end + 2 < s.n ? end + 2 : s.n;
	}
	if (s.p[0] == '[') {
		size_t end = span_find(s, ']');

		return end < s.n ? end + 1 : s.n;
	}
	if (s.p[0] == '\\' || s.p[0] == '_' || s.p[0] == '*') {
		size_t n = 2;

		while (n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n++; /* the whole of the character */
		return n < s.n ? n : s.n;
	}
	return 0;
}

/* Cuts at the first ';' that stands for itself. */
static struct span take_section(struct span *rest, bool *more)
{
	struct span s = *rest;
	size_t at = 0;

	while (at < s.n && s.p[at] != ';') {
		size_t n = enclosed(span_skip(s, at));

		at += n ? n : 1;
	}
	*more = at < s.n;
	*rest = span_skip(s, at + 1);
	return span_sub(s, 0, at);
}

/* A condition [>=100] anywhere in the section. */
static bool find_condition(struct span s, double value, bool *holds, bool *below_zero)
{
	for (size_t at = 0; at < s.n;) {
		size_t n = enclosed(span_skip(s, at));

		if (n > 2 && n < NUMBER_BYTES && (s.p[at + 1] == '<' || s.p[at + 1] == '>' || s.p[at + 1] == '=')) {
			char text[NUMBER_BYTES];
			char first = s.p[at + 1], second = s.p[at + 2];
			bool two = second == '=' || second == '>';
			double than;

			memcpy(text, s.p + at + 1, n - 2);
			text[n - 2] = '\0';
			than = strtod(text + 1 + two, NULL);
			*below_zero = first == '<' && second != '>' && than <= 0;
			if (first == '=')
				*holds = value == than;
			else if (first == '>')
				*holds = two ? value >= than : value > than;
			else
				*holds = second == '>' ? value != than : two ? value <= than : value < than;
			return true;
		}
		at += n ? n : 1;
	}
	return false;
}

static struct span choose(struct span code, double value, bool *negative)
{
	struct span sections[SECTIONS_MAX], none = { NULL, 0 };
	bool more = true, conditions = false;
	unsigned n = 0, numbers;

	*negative = value < 0;
	while (more && n < SECTIONS_MAX)
		sections[n++] = take_section(&code, &more);
	numbers = n < SECTIONS_MAX ? n : SECTIONS_MAX - 1; /* the fourth is for text */
	for (unsigned i = 0; i < numbers; i++) {
		bool holds = false, below_zero = false;

		if (!find_condition(sections[i], value, &holds, &below_zero)) {
			if (conditions)
				return sections[i];
			continue;
		}
		conditions = true;
		if (holds) {
			*negative = *negative && !below_zero; /* the section knows its sign */
			return sections[i];
		}
	}
	if (conditions)
		return none;
	if (value < 0 && numbers > 1) {
		*negative = false;
		return sections[1];
	}
	return sections[value == 0 && numbers > 2 ? 2 : 0];
}

static struct piece *add(struct section *s, enum piece_kind kind, char c, struct span text)
{
	struct piece *p = &s->pieces[s->n];

	if (s->n == PIECES_MAX)
		return NULL;
	*p = (struct piece){ (uint8_t)kind, c, text };
	s->n++;
	return p;
}

/* [$EUR-407] shows EUR; [h] counts on above 24; all else is for programs. */
static void add_bracket(struct section *s, struct span text)
{
	char first = text.n ? lower(text.p[0]) : 0;
	size_t i = 0;

	if (first == '$') {
		add(s, PIECE_TEXT, 0, span_sub(text, 1, span_find(text, '-') - 1));
		return;
	}
	while (i < text.n && lower(text.p[i]) == first)
		i++;
	if (i == text.n && (first == 'h' || first == 'm' || first == 's')) {
		add(s, PIECE_ELAPSED, first, text);
		s->date = true;
	}
}

static void add_enclosed(struct section *s, struct span text)
{
	switch (text.p[0]) {
	case '"':
		text = span_skip(text, 1);
		add(s, PIECE_TEXT, 0, span_sub(text, 0, span_find(text, '"')));
		break;
	case '[':
		text = span_skip(text, 1);
		add_bracket(s, span_sub(text, 0, span_find(text, ']')));
		break;
	case '\\':
		add(s, PIECE_TEXT, 0, span_skip(text, 1));
		break;
	default: /* a space of some width, or a fill */
		break;
	}
}

/* A sign of the format; how many bytes it takes. */
static size_t add_sign(struct section *s, struct span rest)
{
	char c = rest.p[0];
	size_t n = 1;

	if (span_case_begins(rest, SPAN("general"))) {
		add(s, PIECE_WHOLE, 0, SPAN(""));
		s->whole = true;
		return sizeof "general" - 1;
	}
	if (span_case_begins(rest, SPAN("AM/PM")) || span_case_begins(rest, SPAN("A/P"))) {
		add(s, PIECE_DATE, 'a', SPAN(""));
		s->date = true;
		return span_case_begins(rest, SPAN("A/P")) ? 3 : 5;
	}
	if ((c == 'E' || c == 'e') && rest.n > 1 && (rest.p[1] == '+' || rest.p[1] == '-')) {
		add(s, PIECE_EXPONENT, rest.p[1], SPAN(""));
		return 2;
	}
	if (strchr(date_letters, lower(c))) {
		while (n < rest.n && lower(rest.p[n]) == lower(c))
			n++;
		add(s, PIECE_DATE, lower(c), span_sub(rest, 0, n));
		s->date = true;
		return n;
	}
	if (c == '0' || c == '#' || c == '?') {
		add(s, PIECE_DIGIT, c, SPAN(""));
	} else if (c == '.') {
		add(s, PIECE_POINT, c, SPAN(""));
	} else if (c == ',') {
		add(s, PIECE_COMMA, c, SPAN(""));
	} else if (c == '%') {
		add(s, PIECE_PERCENT, c, SPAN(""));
	} else if (c == '@') {
		add(s, PIECE_WHOLE, c, SPAN(""));
		s->whole = true;
	} else {
		s->fraction |= c == '/';
		add(s, PIECE_TEXT, 0, span_sub(rest, 0, 1));
	}
	return n;
}

bool format_choose(struct span code, double value, struct section *out)
{
	struct span rest;

	*out = (struct section){ .n = 0 };
	rest = choose(code, value, &out->negative);
	if (!rest.p)
		return code.n == 0;
	while (rest.n > 0) {
		size_t n = enclosed(rest);

		if (n)
			add_enclosed(out, span_sub(rest, 0, n));
		else
			n = add_sign(out, rest);
		rest = span_skip(rest, n);
	}
	return out->n < PIECES_MAX;
}
