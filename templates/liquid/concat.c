/* concat.c - two texts into one.
 *
 * A letter puts texts together piece by piece, in chains and in loops, so the text that was made last
 * has room behind it or in front: what is put to it next is written there, and a text of n pieces costs
 * n steps and not n * n. Values that are parts of it stay what they were, for bytes that were handed out
 * are never written again.
 *
 * Held by tests/conformance/test_counted.c and tests/unit/test_liquid_render.c. */
#include <string.h>

#include "templates/liquid/escape.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/values.h"

enum { ROOM = 32 };

static bool is_last(const struct grown_text *g, struct span s)
{
	return g->room && s.n && s.p == g->room + g->from && s.n == g->to - g->from;
}

/* Room for n more bytes in front or behind, the text that was there in its place. */
static int begin(struct filter_run *run, struct span kept, size_t n, bool in_front, bool again)
{
	struct grown_text *g = &run->grown;
	size_t room = again ? kept.n + n : ROOM, cap = kept.n + n + room;
	char *p = cap <= UINT32_MAX ? arena_take(run->arena, cap) : NULL;

	if (!p)
		return filter_no_memory(run);
	*g = (struct grown_text){ .room = p, .cap = cap, .from = in_front ? n + room : 0 };
	g->to = g->from + kept.n;
	if (kept.n)
		memcpy(p + g->from, kept.p, kept.n);
	return 0;
}

static int put_together(struct filter_run *run, struct span first, struct span second, struct span *out)
{
	struct grown_text *g = &run->grown;
	bool in_front = is_last(g, second) && !is_last(g, first);
	struct span kept = in_front ? second : first, more = in_front ? first : second;
	bool again = is_last(g, kept);
	size_t left = in_front ? g->from : g->cap - g->to;

	if ((!again || more.n > left) && begin(run, kept, more.n, in_front, again) < 0)
		return -1;
	if (more.n)
		memcpy(in_front ? g->room + g->from - more.n : g->room + g->to, more.p, more.n);
	g->from -= in_front ? more.n : 0;
	g->to += in_front ? 0 : more.n;
	*out = span_of(g->room + g->from, g->to - g->from);
	return 0;
}

int filter_concat(struct filter_run *run, struct value first, struct value second, struct value *out)
{
	const struct value both[] = { first, second };
	bool safe = filter_any_safe(run, both, 2), ok = true;
	struct span s[2], all;

	for (int i = 0; i < 2; i++) {
		if (filter_text(run, both[i], &s[i]) < 0)
			return -1;
		if (safe && !both[i].safe)
			s[i] = escape_html(run->arena, s[i], &ok);
		if (!ok)
			return filter_no_memory(run);
	}
	if (put_together(run, s[0], s[1], &all) < 0)
		return -1;
	*out = value_text(all);
	out->safe = safe;
	return 0;
}
