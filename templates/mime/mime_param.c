/* mime_param.c - parameters of a field (RFC 2045 5.1, RFC 2231).
 *
 * ASCII goes bare or quoted; what is not ASCII, too long for a line, or might be taken for an
 * encoded word goes in the extended form, cut into sections between characters, which RFC 2231 4.1
 * does not ask and weak readers need. Held by tests/unit/test_mime_header.c. */
#include "templates/mime/mime_header.h"

#include <stdio.h>

#include "engine/base/must.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_text.h"

enum {
	QUOTED_MOST = 60,  /* octets that still go as one quoted string */
	SECTION = 50,      /* columns of text in a section */
	SECTION_AROUND = 24, /* "*999*=UTF-8'';" and blanks */
	WORD_OCTETS = 36     /* of an encoded word: 60 columns, so that name=" stands before it */
};

/* Bare values are few: readers disagree about ', * and % in them. */
static bool is_bare(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      (c != '\0' && strchr("-._+", c))))
			return false;
	}
	return s.n > 0;
}

static bool is_attr_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != 0 && strchr("!#$&+-.^_`{|}~", c) != NULL;
}

static int put(struct mime_field *f, struct span s)
{
	f->column += (unsigned)s.n;
	return mime_out_copy(f->out, s);
}

/* ";" and white space before a parameter of n columns. */
static int separate(struct mime_field *f, size_t n)
{
	if (put(f, SPAN(";")) < 0)
		return -1;
	if (f->column + 1 + n + 1 <= MIME_LINE_SHOULD)
		return put(f, SPAN(" "));
	f->column = 0;
	if (mime_out_copy(f->out, SPAN("\r\n")) < 0)
		return -1;
	return put(f, SPAN(" "));
}

int mime_field_begin(struct mime_field *f, struct span name, struct span value)
{
	f->column = 0;
	if (put(f, name) < 0 || put(f, SPAN(": ")) < 0)
		return -1;
	return put(f, value);
}

int mime_field_end(struct mime_field *f)
{
	return mime_out_copy(f->out, SPAN("\r\n"));
}

static int add_short(struct mime_field *f, struct span name, struct span value)
{
	bool bare = is_bare(value);

	if (separate(f, name.n + value.n + 3) < 0 || put(f, name) < 0 || put(f, bare ? SPAN("=") : SPAN("=\"")) < 0)
		return -1;
	for (size_t i = 0; i < value.n; i++) {
		bool escape = value.p[i] == '"' || value.p[i] == '\\';

		if ((escape && put(f, SPAN("\\")) < 0) || put(f, span_sub(value, i, 1)) < 0)
			return -1;
	}
	return bare ? 0 : put(f, SPAN("\""));
}

static size_t width(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += is_attr_char((unsigned char)s.p[i]) ? 1 : 3;
	return n;
}

/* The octets of s that make one section: whole characters. */
static size_t section(struct span s)
{
	size_t n = 0;

	while (n < s.n) {
		size_t c = 1;

		while (n + c < s.n && ((unsigned char)s.p[n + c] & 0xc0) == 0x80 && c < 4)
			c++;
		if (width(span_sub(s, 0, n + c)) > SECTION && n > 0)
			break;
		n += c;
	}
	return n;
}

static int put_percent(struct mime_field *f, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char coded[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (put(f, is_attr_char(c) ? span_sub(s, i, 1) : span_of(coded, 3)) < 0)
			return -1;
	}
	return 0;
}

static int add_extended(struct mime_field *f, struct span name, struct span value)
{
	bool one = width(value) <= SECTION;
	char mark[16];

	for (unsigned number = 0; value.n > 0; number++) {
		struct span part = span_sub(value, 0, section(value));
		int n = one ? snprintf(mark, sizeof mark, "*=") : snprintf(mark, sizeof mark, "*%u*=", number);

		MUST(n > 0 && (size_t)n < sizeof mark);
		if (separate(f, name.n + SECTION_AROUND + width(part)) < 0 || put(f, name) < 0 ||
		    put(f, span_of(mark, (size_t)n)) < 0 || (number == 0 && put(f, SPAN("UTF-8''")) < 0) ||
		    put_percent(f, part) < 0)
			return -1;
		value = span_skip(value, part.n);
	}
	return 0;
}

static bool is_plain(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < ' ' || value.p[i] > 126)
			return false;
	return value.n <= QUOTED_MOST && span_search(value, SPAN("=?")) == value.n;
}

int mime_field_param(struct mime_field *f, struct span name, struct span value)
{
	return is_plain(value) ? add_short(f, name, value) : add_extended(f, name, value);
}

/* The octets of s that make one word: whole characters. */
static size_t word(struct span s)
{
	size_t n = s.n < WORD_OCTETS ? s.n : WORD_OCTETS;

	while (n < s.n && n > WORD_OCTETS - 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int mime_field_param_words(struct mime_field *f, struct span name, struct span value)
{
	char coded[WORD_OCTETS / 3 * 4];

	if (is_plain(value))
		return add_short(f, name, value);
	if (separate(f, MIME_LINE_SHOULD) < 0 || put(f, name) < 0 || put(f, SPAN("=\"")) < 0)
		return -1;
	while (value.n > 0) {
		struct span part = span_sub(value, 0, word(value));
		char *end = mime_base64_word(coded, part);

		value = span_skip(value, part.n);
		if (put(f, SPAN("=?UTF-8?B?")) < 0 || put(f, span_of(coded, (size_t)(end - coded))) < 0 ||
		    put(f, value.n > 0 ? SPAN("?=\r\n ") : SPAN("?=\"")) < 0)
			return -1;
		f->column = MIME_LINE_SHOULD; /* what follows begins a line */
	}
	return 0;
}
