/* letter_marks.c - what a value can change in the text form of HTML, besides itself.
 *
 * Values are escaped and not empty, so in a text they are text, and in quotation marks they do not end them. Left are
 *  1. attributes that the text form reads (or the parser does): none of them may have a value in it, but href; and
 *     elements of formatting, which the parser compares with each other when there are more than three;
 *  2. links: two that come out alike are listed once, and one that shows where it goes is not listed at all. So no
 *     two may be alike for some values, and none may come to show where it goes.
 * Held by tests/unit/test_letter_mould.c. */
#include "templates/letter/letter_marks.h"

#include <string.h>

static const char begin[] = "qzvalue"; /* of a mark; five digits follow */

enum { BEGIN = sizeof begin - 1, SCHEME_MOST = 7 /* mailto: */ };

void letter_mark_put(uint32_t number, char out[LETTER_MARK_SIZE])
{
	memcpy(out, begin, BEGIN);
	for (int i = LETTER_MARK_SIZE - 1; i >= BEGIN; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
}

size_t letter_mark_find(struct span s, uint32_t *number)
{
	size_t at = span_search(s, span_of(begin, BEGIN));
	unsigned long long n = 0;

	if (at == s.n || span_number(span_sub(s, at + BEGIN, LETTER_MARK_SIZE - BEGIN), UINT32_MAX, &n) < 0)
		return s.n;
	*number = (uint32_t)n;
	return at;
}

static bool has_mark(struct span s)
{
	uint32_t unused;

	return letter_mark_find(s, &unused) < s.n;
}

bool letter_marks_attribute(struct letter_marks *m, const char *name, struct span value, bool quoted)
{
	static const char *const read[] = { "style", "alt", "start", "type", "encoding", "prompt", "action" };
	bool marked = false;
	uint32_t number;
	size_t at;

	while ((at = letter_mark_find(value, &number)) < value.n) {
		marked = true;
		for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
			m->unfit = m->unfit || strcmp(name, read[i]) == 0;
		if (!quoted || number >= m->n) {
			m->unfit = true;
			return true;
		}
		m->is_known[number] = true;
		value = span_skip(value, at + LETTER_MARK_SIZE);
	}
	return marked;
}

static void link_text(struct letter_marks *m, struct span text, struct span to)
{
	uint32_t number;
	size_t at;

	/* where it goes has a ':', or behind mailto: an '@': the values of such a text may have none */
	if (span_case_begins(to, SPAN("mailto:")) && span_find(to, '@') == to.n)
		m->unfit = true;
	while ((at = letter_mark_find(text, &number)) < text.n && number < m->n) {
		m->in_link[number] = true;
		text = span_skip(text, at + LETTER_MARK_SIZE);
	}
}

void letter_marks_link(struct letter_marks *m, struct span text, char *to, size_t n)
{
	struct span all = span_of(to, n);
	bool looks_like_one = span_find(text, ':') < text.n || span_find(text, '@') < text.n;
	uint32_t number;
	size_t at = letter_mark_find(all, &number);

	if (at == n && !has_mark(text))
		return;
	if (looks_like_one || (at < n && (at < SCHEME_MOST || span_case_begins(all, SPAN("mailto:")))))
		m->unfit = true;
	link_text(m, text, all);
	for (size_t from = 0; (at = letter_mark_find(span_skip(all, from), &number)) < n - from; from += LETTER_MARK_SIZE) {
		from += at;
		if (number < m->n)
			letter_mark_put(m->first[number], to + from);
	}
}

/* Can a and b be alike for some values? Those of one number are. */
static bool can_be_alike(struct span a, struct span b)
{
	while (a.n > 0 && b.n > 0) {
		bool marked = span_begins(a, span_of(begin, BEGIN)), other = span_begins(b, span_of(begin, BEGIN));

		if (marked != other || (marked && memcmp(a.p, b.p, LETTER_MARK_SIZE) != 0))
			return true;
		if (!marked && a.p[0] != b.p[0])
			return false;
		a = span_skip(a, marked ? LETTER_MARK_SIZE : 1);
		b = span_skip(b, marked ? LETTER_MARK_SIZE : 1);
	}
	return a.n == 0 && b.n == 0; /* what is left of one is not empty */
}

void letter_marks_links(struct letter_marks *m, const struct span *links, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = i + 1; j < n && !m->unfit; j++)
			m->unfit = (has_mark(links[i]) || has_mark(links[j])) && can_be_alike(links[i], links[j]);
	}
}
