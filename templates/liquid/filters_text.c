/* filters_text.c - filters that make a text of a text. */
#include <string.h>

#include "engine/base/utf8.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/letter_case.h"
#include "templates/liquid/scan.h"
#include "templates/liquid/values.h"

static int done(struct filter_run *run, struct value in, const struct text *t, struct value *out)
{
	if (t->failed)
		return filter_no_memory(run);
	*out = filter_like(in, text_span(t));
	return 0;
}

/* ---- letters ---- */

static int change_case(struct filter_run *run, struct value in, void (*add)(struct text *, struct span),
		       struct value *out)
{
	struct span s;
	struct text t;

	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	add(&t, s);
	return done(run, in, &t, out);
}

static int upcase(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return change_case(run, in, text_add_upper, out);
}

static int downcase(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return change_case(run, in, text_add_lower, out);
}

static int capitalize(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return change_case(run, in, text_add_capitalized, out);
}

/* ---- white space ---- */

static bool stripped(char c)
{
	return scan_white(c) || c == '\0';
}

static int strip_ends(struct filter_run *run, struct value in, bool left, bool right, struct value *out)
{
	struct span s;

	if (filter_text(run, in, &s) < 0)
		return -1;
	while (left && s.n && stripped(s.p[0]))
		s = span_skip(s, 1);
	while (right && s.n && stripped(s.p[s.n - 1]))
		s.n--;
	*out = filter_like(in, s);
	return 0;
}

static int strip(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return strip_ends(run, in, true, true, out);
}

static int lstrip(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return strip_ends(run, in, true, false, out);
}

static int rstrip(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return strip_ends(run, in, false, true, out);
}

static int strip_newlines(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			  struct value *out)
{
	struct span s;
	struct text t;

	(void)args, (void)n;
	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	while (s.n) {
		size_t end = span_find(s, '\n'), keep = end;

		if (end < s.n && end > 0 && s.p[end - 1] == '\r')
			keep--;
		text_add(&t, span_sub(s, 0, keep));
		s = span_skip(s, end + 1);
	}
	return done(run, in, &t, out);
}

/* ---- putting together ---- */

static int append(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return filter_concat(run, in, args[0], out);
}

static int prepend(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return filter_concat(run, args[0], in, out);
}

/* ---- replacing ---- */

enum which { ALL, FIRST, LAST };

static struct span reversed(struct arena *a, struct span s)
{
	char *p = arena_take(a, s.n);

	for (size_t i = 0; p && i < s.n; i++)
		p[i] = s.p[s.n - 1 - i];
	return span_of(p, p ? s.n : 0);
}

/* Where what stands last in s, or s.n + 1. Backwards, so that it is found in one pass. */
static size_t search_last(struct arena *a, struct span s, struct span what)
{
	struct span back = reversed(a, s), needle = reversed(a, what);
	size_t at;

	if (what.n == 0)
		return s.n;
	if (!back.p || !needle.p || what.n > s.n)
		return s.n + 1;
	at = span_search(back, needle);
	return at < s.n ? s.n - at - what.n : s.n + 1;
}

struct replacing {
	struct text t;
	struct value in, with;
	bool safe;
};

static void add_kept(struct replacing *r, struct span s)
{
	filter_join(&r->t, filter_like(r->in, s), r->safe);
}

static void replace_one(struct replacing *r, struct span s, struct span what, enum which which)
{
	size_t at = which == LAST ? search_last(r->t.arena, s, what) : what.n ? span_search(s, what) : 0;

	if (at > s.n || (what.n && at == s.n)) {
		add_kept(r, s);
		return;
	}
	add_kept(r, span_sub(s, 0, at));
	filter_join(&r->t, r->with, r->safe);
	add_kept(r, span_skip(s, at + what.n));
}

static void replace_all(struct replacing *r, struct span s, struct span what)
{
	while (s.n || what.n == 0) {
		size_t at = what.n ? span_search(s, what) : 0;

		if (what.n == 0) { /* between all letters, before and after */
			filter_join(&r->t, r->with, r->safe);
			if (s.n == 0)
				return;
			at = utf8_index(s, 1);
		}
		add_kept(r, span_sub(s, 0, at));
		if (what.n && at < s.n)
			filter_join(&r->t, r->with, r->safe);
		s = span_skip(s, at + what.n);
		if (r->t.failed)
			return;
	}
}

static int replaced(struct filter_run *run, struct value in, struct value what, struct value with, enum which which,
		    struct value *out)
{
	const struct value parts[] = { in, with };
	struct replacing r = { .in = in, .with = with, .safe = filter_any_safe(run, parts, 2) };
	struct span s, needle;

	if (filter_text(run, in, &s) < 0 || filter_text(run, what, &needle) < 0)
		return -1;
	text_begin(&r.t, run->arena);
	if (which == ALL)
		replace_all(&r, s, needle);
	else
		replace_one(&r, s, needle, which);
	if (filter_joined(run, &r.t, r.safe, out) < 0)
		return -1;
	if (in.kind == VALUE_CELL)
		out->kind = VALUE_CELL;
	return 0;
}

static struct value second(const struct value *args, unsigned n)
{
	return n > 1 ? args[1] : value_text(SPAN(""));
}

static int replace(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	return replaced(run, in, args[0], second(args, n), ALL, out);
}

static int replace_first(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	return replaced(run, in, args[0], second(args, n), FIRST, out);
}

static int replace_last(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			struct value *out)
{
	return replaced(run, in, args[0], second(args, n), LAST, out);
}

static int remove_all(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	return replaced(run, in, args[0], second(args, n), ALL, out);
}

static int remove_first(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			struct value *out)
{
	return replaced(run, in, args[0], second(args, n), FIRST, out);
}

static int remove_last(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		       struct value *out)
{
	return replaced(run, in, args[0], second(args, n), LAST, out);
}

/* ---- cutting ---- */

static int with_ending(struct filter_run *run, struct value in, struct span kept, struct value ending,
		       struct value *out)
{
	return filter_concat(run, filter_like(in, kept), ending, out);
}

static int truncate(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct value ending = n > 1 ? args[1] : value_text(SPAN("..."));
	int64_t most = 50, keep;
	struct span s, end;

	if (in.kind == VALUE_NIL)
		return 0;
	if ((n > 0 && filter_integer(run, args[0], &most) < 0) || filter_text(run, in, &s) < 0 ||
	    filter_text(run, ending, &end) < 0)
		return -1;
	if (most >= 0 && utf8_length(s) <= (uint64_t)most) {
		*out = filter_like(in, s);
		return 0;
	}
	keep = most - (int64_t)utf8_length(end);
	return with_ending(run, in, span_sub(s, 0, utf8_index(s, keep > 0 ? (size_t)keep : 0)), ending, out);
}

static int truncatewords(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	struct value ending = n > 1 ? args[1] : value_text(SPAN("..."));
	int64_t most = 15, words = 0;
	struct span s, rest;
	struct text t;

	if (in.kind == VALUE_NIL)
		return 0;
	if ((n > 0 && filter_integer(run, args[0], &most) < 0) || filter_text(run, in, &s) < 0)
		return -1;
	most = most < 1 ? 1 : most;
	text_begin(&t, run->arena);
	for (rest = s; words <= most; words++) {
		size_t end = 0;

		while (rest.n && scan_white(rest.p[0]))
			rest = span_skip(rest, 1);
		if (words == most || (rest.n == 0 && words > 0))
			break;
		while (end < rest.n && !scan_white(rest.p[end]))
			end++;
		text_add(&t, words ? SPAN(" ") : SPAN(""));
		text_add(&t, span_sub(rest, 0, end));
		rest = span_skip(rest, end);
	}
	/* White space behind the last word counts as one more, as in the reference. */
	if (words < most || t.n == 0 || (rest.n == 0 && !scan_white(s.p[s.n - 1]))) {
		*out = filter_like(in, s);
		return 0;
	}
	if (t.failed)
		return filter_no_memory(run);
	return with_ending(run, in, text_span(&t), ending, out);
}

const struct filter filters_text[] = {
	{ { "upcase", 6 }, 0, 0, NULL, upcase },
	{ { "downcase", 8 }, 0, 0, NULL, downcase },
	{ { "capitalize", 10 }, 0, 0, NULL, capitalize },
	{ { "strip", 5 }, 0, 0, NULL, strip },
	{ { "lstrip", 6 }, 0, 0, NULL, lstrip },
	{ { "rstrip", 6 }, 0, 0, NULL, rstrip },
	{ { "strip_newlines", 14 }, 0, 0, NULL, strip_newlines },
	{ { "append", 6 }, 1, 1, NULL, append },
	{ { "prepend", 7 }, 1, 1, NULL, prepend },
	{ { "replace", 7 }, 1, 2, NULL, replace },
	{ { "replace_first", 13 }, 1, 2, NULL, replace_first },
	{ { "replace_last", 12 }, 2, 2, NULL, replace_last },
	{ { "remove", 6 }, 1, 1, NULL, remove_all },
	{ { "remove_first", 12 }, 1, 1, NULL, remove_first },
	{ { "remove_last", 11 }, 1, 1, NULL, remove_last },
	{ { "truncate", 8 }, 0, 2, NULL, truncate },
	{ { "truncatewords", 13 }, 0, 2, NULL, truncatewords },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
