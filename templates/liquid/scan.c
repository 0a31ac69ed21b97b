/* scan.c - where literal text ends and the language begins.
 *
 * As in the reference a tag ends at the first "%}" and an output at the first "}", quotes or not;
 * an output that meets "{%" first runs to the end of that tag. Both are mistakes, and the parser
 * says so. Inside comment, raw and doc the same rules decide what closes them.
 *
 * Invariants, held by tests/unit/test_liquid_scan.c:
 *  1. The tokens of a text, joined, are the text.
 *  2. Each byte is looked at a bounded number of times. */
#include "templates/liquid/scan.h"

bool scan_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void scan_begin(struct scan *s, const struct source *source)
{
	*s = (struct scan){ .source = source, .end = (uint32_t)source->text.n };
}

void scan_lines(struct scan *s, const struct scan *around, const struct token *liquid)
{
	*s = (struct scan){ .source = around->source, .at = liquid->markup_at, .lines = true,
			    .end = liquid->markup_at + (uint32_t)liquid->markup.n };
}

/* name and markup out of the bytes [from, to). */
static void split_tag(const char *text, uint32_t from, uint32_t to, struct token *t)
{
	while (from < to && scan_white(text[from]))
		from++;
	uint32_t name = from;

	if (from < to && text[from] == '#')
		from++;
	else
		while (from < to && word_char(text[from]))
			from++;
	t->name = span_of(text + name, from - name);
	while (from < to && scan_white(text[from]))
		from++;
	while (to > from && scan_white(text[to - 1]))
		to--;
	t->markup = span_of(text + from, to - from);
	t->markup_at = from;
}

static void next_line(struct scan *s, struct token *t)
{
	const char *text = s->source->text.p;

	while (s->at < s->end && scan_white(text[s->at]))
		s->at++;
	t->from = s->at;
	while (s->at < s->end && text[s->at] != '\n')
		s->at++;
	t->to = s->at;
	if (t->from == t->to)
		return;
	split_tag(text, t->from, t->to, t);
	t->kind = t->name.n ? TOKEN_TAG : TOKEN_NAMELESS_TAG;
}

/* Index behind the "%}" that follows from, or 0. */
static uint32_t tag_end(const struct scan *s, uint32_t from)
{
	struct span rest = span_sub(s->source->text, from, s->end - from);
	size_t i = span_search(rest, SPAN("%}"));

	return i < rest.n ? from + (uint32_t)i + 2 : 0;
}

static void take_tag(struct scan *s, uint32_t from, struct token *t)
{
	const char *text = s->source->text.p;
	uint32_t begin = from + 2, to = tag_end(s, begin), end;

	t->from = from;
	t->kind = TOKEN_BROKEN_TAG;
	t->to = s->end;
	if (to) {
		t->to = to;
		end = to - 2;
		t->trim_before = begin < end && text[begin] == '-';
		begin += t->trim_before;
		t->trim_after = end > begin && text[end - 1] == '-';
		end -= t->trim_after;
		split_tag(text, begin, end, t);
		t->kind = t->name.n ? TOKEN_TAG : TOKEN_NAMELESS_TAG;
	} else {
		split_tag(text, begin, s->end, t);
	}
	s->at = t->to;
}

/* "{{" stands at s->at. */
static void take_output(struct scan *s, struct token *t)
{
	const char *text = s->source->text.p;
	uint32_t i = s->at + 2;

	t->from = s->at;
	t->kind = TOKEN_BROKEN_OUTPUT;
	while (i < s->end && text[i] != '}' && !(text[i] == '{' && i + 1 < s->end && text[i + 1] == '%'))
		i++;
	if (i < s->end && text[i] == '{') {
		uint32_t to = tag_end(s, i);

		t->to = s->at = to ? to : s->end;
		return;
	}
	if (i + 1 >= s->end || text[i + 1] != '}') {
		t->to = s->at = i < s->end ? i + 1 : s->end;
		return;
	}
	uint32_t from = s->at + 2, end = i;

	t->kind = TOKEN_OUTPUT;
	t->to = s->at = i + 2;
	t->trim_before = from < end && text[from] == '-';
	from += t->trim_before;
	t->trim_after = end > from && text[end - 1] == '-';
	end -= t->trim_after;
	while (from < end && scan_white(text[from]))
		from++;
	while (end > from && scan_white(text[end - 1]))
		end--;
	t->markup = span_of(text + from, end - from);
	t->markup_at = from;
}

void scan_next(struct scan *s, struct token *out)
{
	const char *text = s->source->text.p;

	*out = (struct token){ .kind = TOKEN_END, .from = s->at, .to = s->at };
	if (s->lines) {
		next_line(s, out);
		return;
	}
	if (s->at >= s->end)
		return;
	uint32_t i = s->at;

	for (;;) {
		struct span rest = span_sub(s->source->text, i, s->end - i);

		i += (uint32_t)span_find(rest, '{');
		if (i + 1 >= s->end) {
			i = s->end;
			break;
		}
		if (text[i + 1] == '{' || text[i + 1] == '%')
			break;
		i++;
	}
	if (i > s->at) {
		out->kind = TOKEN_TEXT;
		out->to = s->at = i;
	} else if (text[i + 1] == '%') {
		take_tag(s, i, out);
	} else {
		take_output(s, out);
	}
}

static bool verbatim_line(struct scan *s, struct span end_name, struct span *body, struct token *end)
{
	struct scan look = *s;

	do {
		scan_next(&look, end);
	} while (end->kind != TOKEN_END && !(end->kind == TOKEN_TAG && span_eq(end->name, end_name)));
	if (end->kind == TOKEN_END)
		return false;
	*body = span_sub(s->source->text, s->at, end->from - s->at);
	*s = look;
	return true;
}

bool scan_verbatim(struct scan *s, struct span end_name, struct span *body, struct token *end)
{
	struct span text = s->source->text;
	struct scan look = *s;
	uint32_t i = s->at;

	if (s->lines)
		return verbatim_line(s, end_name, body, end);
	for (;;) {
		struct span rest = span_sub(text, i, s->end - i);
		size_t skip = span_search(rest, SPAN("{%"));

		if (skip >= rest.n)
			return false;
		i += (uint32_t)skip;
		uint32_t name = i + 2;

		name += name < s->end && text.p[name] == '-';
		while (name < s->end && scan_white(text.p[name]))
			name++;
		struct span found = span_sub(text, name, end_name.n);
		char next = name + end_name.n < s->end ? text.p[name + end_name.n] : '%';

		if (span_eq(found, end_name) && !word_char(next)) {
			*end = (struct token){ 0 };
			take_tag(&look, i, end);
			if (end->kind != TOKEN_TAG)
				return false;
			*body = span_sub(text, s->at, i - s->at);
			s->at = look.at;
			return true;
		}
		i += 2;
	}
}
