/* feeder_parts.h - the feeder in four files: notes and handing out (feeder.c), what a block is filled with
 * (feeder_fill.c), its claim (feeder_claim.c), who goes before all others (feeder_first.c). Private to these; the
 * feeder's thread. */
#ifndef ENGINE_RUN_FEEDER_PARTS_H
#define ENGINE_RUN_FEEDER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/results/journal.h"
#include "engine/run/waiting.h"

struct err;
struct rows;
struct run;
struct work;

/* Due when the list was read to its end: --retry-at-end. */
#define AT_END_MS (INT64_MAX - 1)

struct feeder {
	struct run *run;
	struct rows *reader, *fetcher; /* the list in order; and single rows again */
	struct waiting waiting;
	struct work *home;       /* free blocks */
	struct work **all;       /* every block that was made, wherever it is */
	unsigned *wants;         /* blocks each worker wants */
	unsigned turn;           /* the worker that is served next */
	unsigned blocks, blocks_max, away; /* made, at most, with workers */
	bool list_ended;
	bool skims;              /* what was read of the list was nothing to send now: it goes on at once */
	uint64_t deferred_up_to; /* rows up to here that earlier runs left deferred wait already: they go first */
	uint64_t canary_left;    /* rows that may go out before the canary is judged */
	bool canary;             /* it was not judged so far */
	int64_t canary_until_ms; /* accepted, and the wait is on; 0 not yet */

	struct journal_range claim[JOURNAL_RANGES_MAX]; /* of groups, on its way into the journal */
	uint32_t n_claim;
	int domain_column;       /* has the domain of the mail; -1: the letter makes it otherwise */
	uint32_t block_rows;     /* rows of the next block */
	uint32_t block_rows_min;
	int64_t now_ns;          /* when the block was begun to be filled */
	uint64_t measured_taken;
	int64_t measured_ms;
	bool measured;
};

/* feeder_fill.c: 1 *out goes to a worker, 0 there is nothing to hand out now, -1. */
int feeder_next_block(struct feeder *f, struct work **out, struct err *e);
/* feeder_claim.c: the block's rows stand in the journal, when it returns 0. */
int feeder_claim(struct feeder *f, const struct work *w, struct err *e);
/* Who is to go out now or later: true; *item says what earlier runs did for the row. */
bool feeder_is_to_do(struct feeder *f, uint64_t row, struct work_item *item);

/* feeder_first.c: whom earlier runs left deferred waits in front of all others. */
int feeder_put_deferred_first(struct feeder *f, struct err *e);
/* The first few (--canary). */
void feeder_begin_canary(struct feeder *f);
void feeder_judge_canary(struct feeder *f);

#endif
