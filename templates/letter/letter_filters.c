/* letter_filters.c - for fields and texts that show addresses. In From, To and their like nothing is
 * to be filtered: there a value is a name or an address already.
 *
 * Held by tests/unit/test_letter_calendar.c. */
#include "templates/letter/letter_filters.h"

#include "engine/base/err.h"
#include "engine/model/address.h"

static struct span text_of(struct value v)
{
	return v.kind == VALUE_TEXT || v.kind == VALUE_CELL ? value_span(v) : SPAN("");
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 128 && c != ' ' && c != '-' && c != '\'' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			return false;
	}
	return s.n > 0;
}

static int phrase(struct arena *a, bool html, struct value in, const struct value *args, unsigned n_args,
		  struct value *out, struct err *e)
{
	struct span s = span_trim(text_of(in));
	char *p;
	size_t n = 0;

	(void)html;
	(void)args;
	(void)n_args;
	*out = value_text(s);
	if (is_plain(s))
		return 0;
	p = arena_take(a, 2 * s.n + 2);
	if (!p)
		return err_nomem(e, "a name");
	p[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			p[n++] = '\\';
		p[n++] = s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\t' ? ' ' : s.p[i];
	}
	p[n++] = '"';
	*out = value_text(span_of(p, n));
	return 0;
}

static int address(struct arena *a, bool html, struct value in, const struct value *args, unsigned n_args,
		   struct value *out, struct err *e)
{
	struct address x;

	(void)html;
	(void)args;
	(void)n_args;
	if (address_parse(text_of(in), a, &x, e) < 0)
		return -1;
	*out = value_text(x.path);
	return 0;
}

const struct liquid_filter letter_filters[LETTER_FILTERS] = {
	{ .name = { "phrase", 6 }, .apply = phrase },
	{ .name = { "address", 7 }, .apply = address },
};
