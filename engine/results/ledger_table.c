/* ledger_table.c - entries by key, open addressing; and the newest begin times.
 *
 * Row numbers are ours and not hostile: a multiplication spreads them well enough.
 * Held by tests/unit/test_results_ledger.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"

enum { FIRST_PLACES = 64 };

static size_t home_of(const struct ledger_table *t, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (t->size - 1);
}

static size_t place_of(const struct ledger_table *t, uint64_t key)
{
	size_t mask = t->size - 1, at = home_of(t, key);

	while (t->places[at].key != 0 && t->places[at].key != key)
		at = (at + 1) & mask;
	return at;
}

struct ledger_entry *ledger_table_find(const struct ledger_table *t, uint64_t key)
{
	struct ledger_entry *entry = t->size ? &t->places[place_of(t, key)] : NULL;

	return entry && entry->key ? entry : NULL;
}

static int grow(struct ledger_table *t)
{
	struct ledger_table larger = { .n = t->n, .size = t->size ? 2 * t->size : FIRST_PLACES };

	larger.places = mem_array(larger.size, sizeof *larger.places);
	if (!larger.places)
		return -1;
	for (size_t i = 0; i < t->size; i++)
		if (t->places[i].key)
			larger.places[place_of(&larger, t->places[i].key)] = t->places[i];
	mem_free(t->places);
	*t = larger;
	return 0;
}

struct ledger_entry *ledger_table_put(struct ledger_table *t, uint64_t key)
{
	struct ledger_entry *entry;

	if (t->n >= t->size / 4 * 3 && grow(t) < 0)
		return ledger_table_find(t, key); /* it may be there */
	entry = &t->places[place_of(t, key)];
	if (entry->key)
		return entry;
	t->n++;
	*entry = (struct ledger_entry){ .key = key, .intent = POSITION_UNKNOWN, .result = POSITION_UNKNOWN };
	return entry;
}

/* The entries behind the gap move up, as far as none comes before its home. */
bool ledger_table_remove(struct ledger_table *t, uint64_t key)
{
	struct ledger_entry *entry = ledger_table_find(t, key);
	size_t mask = t->size - 1, gap, at;

	if (!entry)
		return false;
	gap = at = (size_t)(entry - t->places);
	for (;;) {
		at = (at + 1) & mask;
		if (t->places[at].key == 0)
			break;
		if (((at - home_of(t, t->places[at].key)) & mask) < ((at - gap) & mask))
			continue;
		t->places[gap] = t->places[at];
		gap = at;
	}
	t->places[gap].key = 0;
	t->n--;
	return true;
}

void ledger_table_release(struct ledger_table *t)
{
	mem_free(t->places);
	*t = (struct ledger_table){ 0 };
}

/* ---- begin times ---- */

static void swap(int64_t *a, int64_t *b)
{
	int64_t t = *a;

	*a = *b;
	*b = t;
}

/* Moves the `keep` largest to the front. Three-way quickselect: times before `larger` are above the
 * pivot, those from `smaller` on below it. */
static void select_newest(int64_t *times, size_t n, size_t keep)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		int64_t pivot = times[lo + (hi - lo) / 2];
		size_t larger = lo, at = lo, smaller = hi;

		while (at < smaller) {
			if (times[at] > pivot)
				swap(&times[at++], &times[larger++]);
			else if (times[at] < pivot)
				swap(&times[at], &times[--smaller]);
			else
				at++;
		}
		if (keep <= larger)
			hi = larger;
		else if (keep >= smaller)
			lo = smaller;
		else
			return;
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int begins_add(struct begin_times *b, int64_t time_ms)
{
	if (b->keep == 0)
		return 0;
	if (b->n == b->room && b->room >= 2 * b->keep) {
		select_newest(b->times, b->n, b->keep);
		b->n = b->keep;
	}
	if (b->n == b->room) {
		size_t room = b->room ? 2 * b->room : 1024;
		int64_t *more = mem_grow(b->times, room * sizeof *more);

		if (!more)
			return -1;
		b->times = more;
		b->room = room;
	}
	b->times[b->n++] = time_ms;
	return 0;
}

void begins_sort(struct begin_times *b)
{
	if (b->n > 0)
		qsort(b->times, b->n, sizeof *b->times, compare);
	if (b->n > b->keep) {
		memmove(b->times, b->times + (b->n - b->keep), b->keep * sizeof *b->times);
		b->n = b->keep;
	}
}
