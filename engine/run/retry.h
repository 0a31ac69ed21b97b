/* retry.h - when a deferred row is due again, and the rows that wait for it.
 *
 * Rows wait as places in the file, not as data. The feeder's thread owns the waiting room. */
#ifndef ENGINE_RUN_RETRY_H
#define ENGINE_RUN_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/rows/rows.h"
#include "engine/run/work.h"

struct rng;

/* How long to wait before the next try of a row that was deferred `attempts` times: grows from
 * 1/60 of retry_for (at least 200 ms, at most 5 s) by doubling up to 5 minutes, a fifth of it by
 * chance. -1: the next try would come after first_try + retry_for: give up for this run. */
int64_t retry_wait_ms(uint32_t attempts, int64_t since_first_ms, int64_t retry_for_ms, struct rng *r);

enum { WAITING_MAX = 250000 };

struct waiting_row {
	int64_t due_ms; /* monotonic */
	struct row_place place;
	struct work_item item;
};

struct waiting { /* binary heap, the row that is due first on top */
	struct waiting_row *rows;
	uint32_t n, capacity;
};

void waiting_release(struct waiting *w);
int waiting_put(struct waiting *w, const struct waiting_row *row); /* -1: no memory */
/* The row that is due at now_ms: 1 and *out, taken off; 0 none. */
int waiting_take(struct waiting *w, int64_t now_ms, struct waiting_row *out);
/* When the next one is due; INT64_MAX: nobody waits. */
int64_t waiting_due_ms(const struct waiting *w);
static inline bool waiting_is_full(const struct waiting *w)
{
	return w->n >= WAITING_MAX;
}

#endif
