/* worker_parts.h - one worker in three files: blocks and the turn (worker.c), verdicts and intents
 * (worker_settle.c), rows that become mails (worker_begin.c). Private to these three. */
#ifndef ENGINE_RUN_WORKER_PARTS_H
#define ENGINE_RUN_WORKER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/rng.h"
#include "engine/model/mail.h"
#include "engine/results/journal.h"
#include "engine/run/run.h"
#include "engine/run/work.h"

struct letter_desk;

/* What follows for the row when its mail is given back. */
enum slot_next {
	NEXT_NOTHING, /* settled */
	NEXT_AT_ONCE, /* its session broke */
	NEXT_ELSEWHERE, /* soon: the relay that can carry it had no room */
	NEXT_REST,    /* at once: some were too many for one transaction */
	NEXT_WAIT     /* deferred */
};

/* A mail in hand. Its index is the mail's ticket. */
struct slot {
	struct mail mail;
	struct arena arena; /* the mail's bytes */
	struct work *work;  /* NULL: the slot is free */
	uint32_t item;
	uint32_t of;        /* recipients the row's mail has in all */
	uint32_t *which;    /* index of each recipient in the row's mail; NULL: they are the same */
	bool recorded;      /* the journal has something of this attempt */
	bool settled;       /* a recipient needs nothing more, since this attempt */
	enum slot_next next;
	int64_t time_ms;    /* the mail's recorded time */
	int64_t domain_ns;  /* when it took its places in its domains' limits */
};

struct row_ref {
	struct work *work;
	uint32_t item;
};

struct worker {
	struct run *run;
	unsigned index;
	struct queue *inbox;
	struct delivery *delivery;
	struct letter_desk *desk;
	struct journal_segment *segment;
	struct rng rng;
	struct work_note want;

	struct slot *slots;
	uint32_t n_slots;
	uint32_t *free_slots;
	uint32_t n_free;
	struct row_ref *again; /* rows to begin anew at once: their session broke. A ring */
	uint32_t again_at, n_again;
	uint32_t *granted;     /* tickets whose intent is appended and not flushed */
	uint32_t n_granted;

	struct work *first, *last; /* blocks that wait to be begun, in order */
	bool inbox_closed;
	bool all_down;
	bool journal_stuck;
	int64_t now_ms, wall_ms;   /* monotonic and wall clock, read anew for each round of events or rows */
	int64_t *placed;           /* when places in the rate limit were taken whose commands are not written so far */
	uint32_t n_placed;         /* n_slots + 1 at most */
	uint32_t *begun;           /* tickets whose commands are not written so far; only where domains have limits */
	uint32_t n_begun;
	bool more_to_begin;        /* at once, when what was begun is written */
	int64_t throttle_due_ns;   /* no place in the rate limit before this; 0: none asked */
	int64_t drain_until_ms;    /* 0: not stopping */
};

/* worker.c: the time it has; what takes a place in a rate limit asks the clock itself. */
void worker_look_at_clocks(struct worker *w);
/* The rows it has. */
void worker_take_blocks(struct worker *w);
bool worker_has_row(const struct worker *w);
/* The next row to begin, seen and taken. There must be one. */
struct row_ref worker_peek_row(const struct worker *w);
struct row_ref worker_next_row(struct worker *w);
/* It is next again, before those that were not begun. */
void worker_begin_again(struct worker *w, struct row_ref ref);
void worker_end_row(struct worker *w, struct row_ref ref, enum work_outcome outcome);
/* Deferred, or in doubt and to be sent again: waits its time, unless it has waited enough. */
void worker_wait_or_end(struct worker *w, struct row_ref ref);

/* worker_settle.c: what the delivery tells. */
void worker_take_events(struct worker *w);
void worker_record(struct worker *w, const struct journal_result *result);

/* worker_begin.c: a mail for each session that wants one. */
void worker_begin_rows(struct worker *w);

#endif
