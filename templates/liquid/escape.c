/* escape.c - text for an HTML body: the five characters that mean something there. */
#include "templates/liquid/escape.h"

/* Index into forms for each byte; 0: prints as it is. */
static const unsigned char special[256] = { ['&'] = 1, ['<'] = 2, ['>'] = 3, ['"'] = 4, ['\''] = 5 };
static const struct span forms[] = { { "", 0 },     { "&amp;", 5 },  { "&lt;", 4 },
				     { "&gt;", 4 }, { "&quot;", 6 }, { "&#39;", 5 } };

size_t escape_find(struct span s)
{
	size_t i = 0;

	while (i < s.n && !special[(unsigned char)s.p[i]])
		i++;
	return i;
}

void text_add_html(struct text *t, struct span s)
{
	while (s.n) {
		size_t plain = escape_find(s);

		text_add(t, span_sub(s, 0, plain));
		if (plain == s.n)
			return;
		text_add(t, forms[special[(unsigned char)s.p[plain]]]);
		s = span_skip(s, plain + 1);
	}
}

struct span escape_html(struct arena *a, struct span s, bool *ok)
{
	struct text t;

	*ok = true;
	if (escape_find(s) == s.n)
		return s;
	text_begin(&t, a);
	text_add_html(&t, s);
	*ok = !t.failed;
	return text_span(&t);
}

/* ---- Markdown ---- */

static bool is_word(struct span s, size_t i)
{
	unsigned char c = i < s.n ? (unsigned char)s.p[i] : ' ';

	return c >= 128 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Only digits between the begin of a line and here? */
static bool behind_number(struct span s, size_t line, size_t i)
{
	if (i == line)
		return false;
	for (; line < i; line++) {
		if (s.p[line] < '0' || s.p[line] > '9')
			return false;
	}
	return true;
}

/* line: where the line begins that s[i] stands in. The value may itself begin one. */
static bool is_markdown(struct span s, size_t line, size_t i)
{
	char c = s.p[i];

	if (c != '\0' && strchr("\\`*[]()<>&\"'~|", c))
		return true;
	if (c == '_') /* within a word it is none */
		return i == 0 || !is_word(s, i - 1) || !is_word(s, i + 1);
	if (i == line)
		return c == ' ' || c == '\t' || c == '#' || c == '-' || c == '+' || c == '=';
	return (c == '.' || c == ')') && behind_number(s, line, i);
}

struct span escape_markdown(struct arena *a, struct span s, bool *ok)
{
	static const char digits[] = "0123456789ABCDEF";
	char form[] = "&#x0000..;";
	struct text t;
	size_t from = 0, line = 0;

	text_begin(&t, a);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || s.p[i] == '\r') {
			line = i + 1;
		} else if (is_markdown(s, line, i)) {
			form[7] = digits[(unsigned char)s.p[i] >> 4];
			form[8] = digits[s.p[i] & 15];
			text_add(&t, span_sub(s, from, i - from));
			text_add(&t, SPAN(form));
			from = i + 1;
		}
	}
	text_add(&t, span_skip(s, from));
	*ok = !t.failed;
	return from == 0 ? s : text_span(&t);
}

/* Bytes of the entity that begins at the '&' in front: "&amp;" or "&#39;", else 0. */
static size_t entity(struct span s)
{
	size_t i = 1;

	if (i < s.n && s.p[i] == '#') {
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
			i++;
		return i > 2 && i < s.n && s.p[i] == ';' ? i + 1 : 0;
	}
	while (i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z')))
		i++;
	return i > 1 && i < s.n && s.p[i] == ';' ? i + 1 : 0;
}

struct span escape_html_once(struct arena *a, struct span s, bool *ok)
{
	struct text t;

	*ok = true;
	if (escape_find(s) == s.n)
		return s;
	text_begin(&t, a);
	while (s.n) {
		size_t plain = escape_find(s), known = plain < s.n && s.p[plain] == '&' ? entity(span_skip(s, plain)) : 0;

		text_add(&t, span_sub(s, 0, plain + known));
		s = span_skip(s, plain + known);
		if (known == 0 && s.n) {
			text_add(&t, forms[special[(unsigned char)s.p[0]]]);
			s = span_skip(s, 1);
		}
	}
	*ok = !t.failed;
	return text_span(&t);
}
