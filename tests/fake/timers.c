/* timers.c - a binary heap; every element knows its place, so that it can be moved or taken out. */
#include "tests/fake/timers.h"

#include <stdlib.h>

#include "tests/fake/text.h"

void timer_init(struct timer *t)
{
	t->due_ns = TIMER_NONE;
}

static void put(struct timers *ts, size_t at, struct timer *t)
{
	ts->heap[at] = t;
	t->place = at;
}

static void sift(struct timers *ts, size_t at)
{
	struct timer *t = ts->heap[at];

	while (at > 0 && ts->heap[(at - 1) / 2]->due_ns > t->due_ns) {
		put(ts, at, ts->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < ts->n && ts->heap[child + 1]->due_ns < ts->heap[child]->due_ns)
			child++;
		if (child >= ts->n || ts->heap[child]->due_ns >= t->due_ns)
			break;
		put(ts, at, ts->heap[child]);
		at = child;
	}
	put(ts, at, t);
}

static void take_out(struct timers *ts, struct timer *t)
{
	size_t at = t->place;
	struct timer *last = ts->heap[--ts->n];

	t->due_ns = TIMER_NONE;
	if (last == t)
		return;
	put(ts, at, last);
	sift(ts, at);
}

void timers_set(struct timers *ts, struct timer *t, int64_t due_ns)
{
	if (t->due_ns == due_ns)
		return;
	if (due_ns == TIMER_NONE) {
		take_out(ts, t);
		return;
	}
	if (t->due_ns == TIMER_NONE) {
		if (ts->n == ts->cap) {
			ts->cap = ts->cap ? ts->cap * 2 : 64;
			ts->heap = need_more(ts->heap, ts->cap * sizeof(struct timer *));
		}
		put(ts, ts->n++, t);
	}
	t->due_ns = due_ns;
	sift(ts, t->place);
}

struct timer *timers_first(const struct timers *ts)
{
	return ts->n ? ts->heap[0] : NULL;
}

void timers_free(struct timers *ts)
{
	free(ts->heap);
	*ts = (struct timers){ 0 };
}
