/* letter_flow.c - what is due is written only when text follows:
 *
 *  1. No line ends with a blank, no two empty lines follow each other, none stands first or last.
 * Held by tests/unit/test_letter_plain.c. */
#include "templates/letter/letter_flow.h"

void letter_flow_put(struct letter_flow *f, struct span s)
{
	if (mime_out_copy(&f->out, s) < 0)
		longjmp(f->out_of_memory, 1);
}

static void put_indent(struct letter_flow *f, bool full)
{
	size_t n = f->indent_n;

	while (!full && n > 0 && f->indent[n - 1] == ' ')
		n--;
	letter_flow_put(f, span_of(f->indent, n));
}

void letter_flow_break(struct letter_flow *f, unsigned n)
{
	if (f->breaks < n)
		f->breaks = n;
	f->space = false;
}

static void begin_text(struct letter_flow *f)
{
	if (f->any && f->breaks > 0) {
		letter_flow_put(f, SPAN("\n"));
		for (unsigned i = 1; i < f->breaks; i++) {
			put_indent(f, false);
			letter_flow_put(f, SPAN("\n"));
		}
		f->begun = false;
	}
	f->breaks = 0;
	if (!f->begun) {
		size_t marker = strlen(f->marker);

		if (marker > 0 && f->indent_n >= marker) {
			letter_flow_put(f, span_of(f->indent, f->indent_n - marker));
			letter_flow_put(f, span_of(f->marker, marker));
			f->marker[0] = '\0';
		} else {
			put_indent(f, true);
		}
	} else if (f->space) {
		letter_flow_put(f, SPAN(" "));
	}
	f->any = f->begun = true;
	f->space = false;
}

void letter_flow_words(struct letter_flow *f, struct span s)
{
	if (s.n == 0)
		return;
	begin_text(f);
	letter_flow_put(f, s);
}

static bool is_white(struct span s, size_t i, size_t *n)
{
	char c = s.p[i];

	*n = 1;
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')
		return true;
	if ((unsigned char)c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] == 0xa0) { /* no-break space */
		*n = 2;
		return true;
	}
	if ((unsigned char)c == 0xe2 && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0x80 &&
	    ((unsigned char)s.p[i + 2] == 0x8b || (unsigned char)s.p[i + 2] == 0x8c)) { /* zero width: preheaders */
		*n = 3;
		return true;
	}
	return false;
}

void letter_flow_text(struct letter_flow *f, struct span s)
{
	size_t from = 0, n;

	for (size_t i = 0; i < s.n;) {
		if (!is_white(s, i, &n)) {
			i++;
			continue;
		}
		letter_flow_words(f, span_sub(s, from, i - from));
		f->space = f->begun && f->breaks == 0;
		i += n;
		from = i;
	}
	letter_flow_words(f, span_skip(s, from));
}

void letter_flow_preformatted(struct letter_flow *f, struct span s)
{
	while (s.n > 0) {
		size_t n = span_find(s, '\n');
		struct span line = span_sub(s, 0, n);

		while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\t'))
			line.n--;
		letter_flow_words(f, line);
		if (n < s.n)
			f->breaks++;
		s = span_skip(s, n + 1);
	}
}
