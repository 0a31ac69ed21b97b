/* work.h - what travels between feeder and workers: a block of rows and what became of each.
 *
 * A block goes out through a worker's inbox, and comes home through the feeder's queue when the
 * last of its rows is settled. It belongs to whoever popped it. */
#ifndef ENGINE_RUN_WORK_H
#define ENGINE_RUN_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/row.h"
#include "engine/results/journal.h"
#include "engine/rows/duplicates.h"

enum { WORK_SETTLED_WORDS = JOURNAL_RECIPIENTS_MAX / 64 };

enum work_outcome {
	WORK_NOT_BEGUN, /* handed back untouched: still to do */
	WORK_OPEN,      /* in a worker's hand */
	WORK_SETTLED,
	WORK_AGAIN      /* deferred: try again after again_ms */
};

struct work_item {
	enum work_outcome outcome;
	uint32_t attempts;    /* of which the journal knows; the next one has a number of its own */
	uint32_t deferred;    /* times the relay said not now: waits grow with it */
	uint32_t lost;        /* sessions that broke under it: tried again at once */
	uint64_t settled[WORK_SETTLED_WORDS]; /* recipients that need nothing more */
	uint64_t duplicate_of; /* line of the row that mails this address; 0: none */
	uint32_t copies, n_copies; /* copies[] of its block: those of its addresses whom other rows mail. A row that
	                            * waits has none that are not settled */
	uint64_t doubt[WORK_SETTLED_WORDS]; /* recipients whom an earlier attempt may have reached */
	int64_t first_try_ms; /* monotonic; 0: not tried in this run, or the time does not count */
	int64_t again_ms;     /* for WORK_AGAIN: how long to wait from now on */
};

/* What a worker tells the feeder: that it wants one block more, or that a block comes home. */
enum work_note_kind { NOTE_WANT, NOTE_HOME };
struct work_note {
	enum work_note_kind kind;
	unsigned worker;
};

struct work {
	struct work_note note; /* first member: NOTE_HOME */
	struct row_block *rows;
	struct work_item *items; /* one a row */
	struct duplicate *copies;
	uint32_t n_copies, copies_room;
	uint32_t capacity;
	uint32_t next;      /* the worker's: first row that was not begun */
	uint32_t open;      /* the worker's: rows in hand */
	struct work *after; /* list of whoever owns it */
};

int work_new(struct work **out, uint32_t capacity); /* -1: no memory */
void work_free(struct work **w);
/* The item's row does not go to these of its addresses. -1: no memory. */
int work_add_copies(struct work *w, struct work_item *item, const struct duplicate *copies, uint32_t n);
/* Empty again, memory kept. */
void work_reset(struct work *w);

static inline bool work_is_settled(const struct work_item *item, uint32_t recipient)
{
	return item->settled[recipient / 64] >> (recipient % 64) & 1;
}

static inline bool work_is_in_doubt(const struct work_item *item, uint32_t recipient)
{
	return item->doubt[recipient / 64] >> (recipient % 64) & 1;
}

static inline void work_settle(struct work_item *item, uint32_t recipient)
{
	item->settled[recipient / 64] |= UINT64_C(1) << (recipient % 64);
}

#endif
