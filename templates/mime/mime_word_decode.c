/* mime_word_decode.c - encoded words (RFC 2047) back to UTF-8.
 *
 *     word = "=?" charset "?" ( "Q" / "B" ) "?" text "?="
 *
 * Blanks between two words are none (6.2). What is no word, or in a charset that is not known
 * here, stays as it is. Held by tests/unit/test_mime_header.c. */
#include "templates/mime/mime_header.h"

#include "engine/base/utf8.h"

enum charset { CHARSET_UTF8, CHARSET_LATIN1, CHARSET_OTHER };

struct word {
	enum charset charset;
	bool q;
	struct span text;
	size_t n; /* octets of the whole word */
};

static enum charset charset_of(struct span name)
{
	struct span plain = span_sub(name, 0, span_find(name, '*')); /* RFC 2231 5: a language */

	if (span_case_eq(plain, SPAN("utf-8")) || span_case_eq(plain, SPAN("us-ascii")))
		return CHARSET_UTF8;
	return span_case_eq(plain, SPAN("iso-8859-1")) ? CHARSET_LATIN1 : CHARSET_OTHER;
}

/* Is there a word at the begin of s that can be decoded? */
static bool take_word(struct span s, struct word *w)
{
	struct span rest = span_skip(s, 2), charset, kind;

	if (!span_begins(s, SPAN("=?")))
		return false;
	charset = span_cut(&rest, '?');
	kind = span_cut(&rest, '?');
	w->text = span_sub(rest, 0, span_search(rest, SPAN("?=")));
	w->charset = charset_of(charset);
	w->q = span_case_eq(kind, SPAN("Q"));
	if (w->text.n == rest.n || w->charset == CHARSET_OTHER || (!w->q && !span_case_eq(kind, SPAN("B"))) ||
	    span_find(w->text, ' ') < w->text.n)
		return false;
	w->n = (size_t)(w->text.p + w->text.n + 2 - s.p);
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t decode_q(struct span s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '=' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i] == '_' ? ' ' : s.p[i];
		}
	}
	return n;
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t decode_b(struct span s, char *out)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (digit(s.p[i]) < 0)
			continue;
		bits = bits << 6 | (unsigned)digit(s.p[i]);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 255);
		}
	}
	return n;
}

/* Octets [from, n) of out, in Latin-1, become UTF-8 in place; there is room for twice as many. */
static size_t widen(char *out, size_t from, size_t n)
{
	size_t high = 0, to;

	for (size_t i = from; i < n; i++)
		high += (unsigned char)out[i] >> 7;
	to = n + high;
	for (size_t i = n, at = to; i > from; i--) {
		char c[4];
		size_t width = utf8_put((unsigned char)out[i - 1], c);

		at -= width;
		memcpy(out + at, c, width);
	}
	return to;
}

struct span mime_words_decode(struct span text, struct arena *a)
{
	size_t n = 0, after_word = 0;
	bool behind = false; /* a word, with nothing but blanks since: n was after_word then */
	struct word w;
	char *out;

	if (span_search(text, SPAN("=?")) == text.n)
		return text;
	out = arena_take(a, 2 * text.n);
	if (!out)
		return (struct span){ NULL, 0 };
	for (size_t i = 0; i < text.n;) {
		if (take_word(span_skip(text, i), &w)) {
			size_t from = behind ? after_word : n;

			n = from + (w.q ? decode_q(w.text, out + from) : decode_b(w.text, out + from));
			if (w.charset == CHARSET_LATIN1)
				n = widen(out, from, n);
			after_word = n;
			behind = true;
			i += w.n;
			continue;
		}
		behind = behind && text.p[i] == ' ';
		out[n++] = text.p[i++];
	}
	return span_of(out, n);
}
