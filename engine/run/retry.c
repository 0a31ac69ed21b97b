/* retry.c - growing waits with jitter, and a heap of those who wait.
 * Held by tests/unit/test_run_retry.c: waits grow, stay in their bounds, end with retry_for; rows
 * come out in the order of their due times. */
#include "engine/run/retry.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"

enum { FIRST_MIN_MS = 200, FIRST_MAX_MS = 5000, WAIT_MAX_MS = 300000, WAITING_FIRST = 256 };

int64_t retry_wait_ms(uint32_t attempts, int64_t since_first_ms, int64_t retry_for_ms, struct rng *r)
{
	int64_t wait = retry_for_ms / 60;

	if (wait < FIRST_MIN_MS)
		wait = FIRST_MIN_MS;
	if (wait > FIRST_MAX_MS)
		wait = FIRST_MAX_MS;
	for (uint32_t i = 1; i < attempts && wait < WAIT_MAX_MS; i++)
		wait *= 2;
	if (wait > WAIT_MAX_MS)
		wait = WAIT_MAX_MS;
	wait += wait / 10 - (int64_t)rng_below(r, (uint64_t)(wait / 5 + 1));
	return since_first_ms + wait > retry_for_ms ? -1 : wait;
}

void waiting_release(struct waiting *w)
{
	mem_free(w->rows);
	*w = (struct waiting){ 0 };
}

int waiting_put(struct waiting *w, const struct waiting_row *row)
{
	if (w->n == w->capacity) {
		uint32_t capacity = w->capacity ? w->capacity * 2 : WAITING_FIRST;
		struct waiting_row *rows = mem_grow(w->rows, capacity * sizeof *rows);

		if (!rows)
			return -1;
		w->rows = rows;
		w->capacity = capacity;
	}
	uint32_t at = w->n++;

	while (at > 0 && w->rows[(at - 1) / 2].due_ms > row->due_ms) {
		w->rows[at] = w->rows[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->rows[at] = *row;
	return 0;
}

int waiting_take(struct waiting *w, int64_t now_ms, struct waiting_row *out)
{
	if (w->n == 0 || w->rows[0].due_ms > now_ms)
		return 0;
	*out = w->rows[0];

	struct waiting_row last = w->rows[--w->n];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= w->n)
			break;
		if (child + 1 < w->n && w->rows[child + 1].due_ms < w->rows[child].due_ms)
			child++;
		if (w->rows[child].due_ms >= last.due_ms)
			break;
		w->rows[at] = w->rows[child];
		at = child;
	}
	if (w->n > 0)
		w->rows[at] = last;
	return 1;
}

int64_t waiting_due_ms(const struct waiting *w)
{
	return w->n ? w->rows[0].due_ms : INT64_MAX;
}
