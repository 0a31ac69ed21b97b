/* filters_html.c - filters that know about markup, and default.
 *
 * In a program that escapes, escape, escape_once and newline_to_br escape what is not safe and
 * answer with something safe; on what is safe already they do not escape again. Elsewhere nothing
 * is ever safe, and they work as in the reference. */
#include "templates/liquid/escape.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/values.h"

static int escaped(struct filter_run *run, struct value in, struct span (*how)(struct arena *, struct span, bool *),
		   struct value *out)
{
	struct span s;
	bool ok = true;

	if (in.kind == VALUE_NIL)
		return 0;
	if (filter_text(run, in, &s) < 0)
		return -1;
	*out = value_text(in.safe ? s : how(run->arena, s, &ok));
	out->safe = run->html;
	return ok ? 0 : filter_no_memory(run);
}

static int escape(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return escaped(run, in, escape_html, out);
}

static int escape_once(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		       struct value *out)
{
	(void)args, (void)n;
	if (in.kind == VALUE_NIL)
		in = value_text(SPAN(""));
	return escaped(run, in, escape_html_once, out);
}

static int raw(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct span s;

	(void)args, (void)n;
	if (!run->html || in.kind == VALUE_NIL) {
		*out = in;
		return 0;
	}
	if (filter_text(run, in, &s) < 0)
		return -1;
	*out = filter_like(in, s);
	out->safe = true;
	return 0;
}

static int newline_to_br(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	struct span s;
	struct text t;
	bool ok = true;

	(void)args, (void)n;
	if (filter_text(run, in, &s) < 0)
		return -1;
	if (run->html && !in.safe)
		s = escape_html(run->arena, s, &ok);
	text_begin(&t, run->arena);
	while (s.n) {
		size_t end = span_find(s, '\n'), keep = end;

		if (end < s.n && end > 0 && s.p[end - 1] == '\r')
			keep--;
		text_add(&t, span_sub(s, 0, keep));
		if (end < s.n)
			text_add(&t, SPAN("<br />\n"));
		s = span_skip(s, end + 1);
	}
	return ok ? filter_joined(run, &t, run->html, out) : filter_no_memory(run);
}

/* ---- strip_html ---- */

static const struct {
	struct span open, close;
} blocks[] = { { { "<script", 7 }, { "</script>", 9 } },
	       { { "<!--", 4 }, { "-->", 3 } },
	       { { "<style", 6 }, { "</style>", 8 } } };

enum { N_BLOCKS = sizeof blocks / sizeof blocks[0] };

/* Bytes of the block that begins at s, 0 for none. closed[i] false: none of that kind ends any
 * more, so nobody looks for its end again. */
static size_t block_length(struct span s, bool closed[N_BLOCKS])
{
	for (int i = 0; i < N_BLOCKS; i++) {
		if (!closed[i] || !span_begins(s, blocks[i].open))
			continue;
		struct span rest = span_skip(s, blocks[i].open.n);
		size_t end = span_search(rest, blocks[i].close);

		if (end < rest.n)
			return blocks[i].open.n + end + blocks[i].close.n;
		closed[i] = false;
	}
	return 0;
}

static void without_blocks(struct text *t, struct span s)
{
	bool closed[N_BLOCKS] = { true, true, true };

	while (s.n) {
		size_t plain = span_find(s, '<'), gone;

		text_add(t, span_sub(s, 0, plain));
		s = span_skip(s, plain);
		if (s.n == 0)
			return;
		gone = block_length(s, closed);
		if (!gone)
			text_add_char(t, '<');
		s = span_skip(s, gone ? gone : 1);
	}
}

static void without_tags(struct text *t, struct span s)
{
	while (s.n) {
		size_t open = span_find(s, '<'), close = span_find(span_skip(s, open), '>');

		if (open + close >= s.n) {
			text_add(t, s);
			return;
		}
		text_add(t, span_sub(s, 0, open));
		s = span_skip(s, open + close + 1);
	}
}

static int strip_html(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	struct span s;
	struct text t, u;

	(void)args, (void)n;
	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	without_blocks(&t, s);
	text_begin(&u, run->arena);
	without_tags(&u, text_span(&t));
	return t.failed ? filter_no_memory(run) : filter_joined(run, &u, false, out);
}

/* ---- default ---- */

static int default_value(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	bool allow_false = n > 1 && value_true(args[1]);
	bool nothing = (value_is_text(in) || in.kind == VALUE_ARRAY || in.kind == VALUE_OBJECT) && in.n == 0;

	(void)run;
	if (in.kind == VALUE_NIL || nothing || (in.kind == VALUE_BOOL && !in.b && !allow_false))
		*out = args[0];
	else
		*out = in;
	return 0;
}

const struct filter filters_html[] = {
	{ { "escape", 6 }, 0, 0, NULL, escape },
	{ { "h", 1 }, 0, 0, NULL, escape },
	{ { "escape_once", 11 }, 0, 0, NULL, escape_once },
	{ { "raw", 3 }, 0, 0, NULL, raw },
	{ { "newline_to_br", 13 }, 0, 0, NULL, newline_to_br },
	{ { "strip_html", 10 }, 0, 0, NULL, strip_html },
	{ { "default", 7 }, 0, 1, "allow_false", default_value },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
