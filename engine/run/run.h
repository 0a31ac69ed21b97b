/* run.h - what the threads of one running campaign share (inside engine/run only).
 *
 * All of it is const after run_start(), but for the atomics, the queues and what `lock` guards. */
#ifndef ENGINE_RUN_RUN_H
#define ENGINE_RUN_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/refusal.h"
#include "engine/run/campaign.h"

struct journal;
struct journal_segment;
struct ledger;
struct letter;
struct queue;
struct rows;
struct selection;
struct throttle;
struct backoff;
struct domain_rates;
struct worker;
struct feeder;
struct breaker;

enum run_stop { RUN_GO, RUN_DRAIN, RUN_NOW };
enum { RUN_HELD_BY_USER = 1, RUN_HELD_BY_RESULTS = 2 };

enum {
	RUN_IDLE_MS = 200,       /* no thread sleeps longer without looking at `stop` */
	RUN_DRAIN_MS = 30000,    /* what is under way gets this long after a stop, when nobody says */
	RUN_BLOCK_ROWS = 4096,   /* most rows of a block */
	RUN_UNSTARTED_BLOCKS = 2, /* blocks a worker has and did not finish beginning */
	RUN_STEADY_AFTER = 20000, /* mails after which allocations are counted */
	RUN_THREADS_MAX = 64,
	RUN_DOWN_MAX = 64
};

struct run {
	const struct campaign *campaign;
	struct campaign *opened;      /* the same; the control thread's */
	const struct campaign_job *job;
	const struct letter *letter;
	const struct delivery_plan *plan;
	struct ledger *ledger; /* NULL for a new campaign; const while threads run */
	struct rows *list;
	struct selection *selection;  /* the feeder's */
	struct journal *journal;      /* the feeder's */
	struct domain_rates *domains; /* NULL: no limit of a domain */
	struct backoff *backoff;      /* NULL: nobody is tried again, or all goes to one address */
	_Atomic(struct throttle *) throttle; /* NULL: no limit; may be another one at any time */
	struct breaker *breaker;      /* NULL: off */
	struct span redirect;         /* path of --redirect-to, empty: none */
	int address_column;           /* -1: none */
	bool list_known;              /* list_digest: preflight hashed it */
	unsigned char list_digest[32];
	uint64_t rows_expected;       /* rows that take part as preflight counted them; 0 unknown */

	struct queue *home;           /* workers -> feeder: struct work_note */
	struct worker **workers;
	struct journal_segment **segments; /* one a worker */
	unsigned n_workers;
	unsigned connections;

	atomic_int *stop;             /* enum run_stop; the campaign's, also set by signals */
	atomic_bool workers_gone;     /* every worker thread has ended */
	atomic_bool list_ended;       /* the feeder read the list to its end */
	atomic_bool all_settled;      /* and every row that takes part is settled: a stop comes too late */
	atomic_uint_fast64_t rows_taking_part; /* counted by the feeder */
	atomic_uint_fast64_t rows_waiting;
	atomic_uint_fast64_t begun;   /* mails whose envelope was begun */
	atomic_uint_fast64_t taken;   /* rows that a worker looked at, those it sent home again, too */
	atomic_uint_fast64_t steady_after, allocations_at_steady; /* mem_count() when RUN_STEADY_AFTER were begun */

	atomic_uint held;             /* RUN_HELD_...: no mail is begun while it is not 0 */
	atomic_bool log_stuck;        /* it was told that the journal takes nothing just now */
	atomic_bool paused;           /* `pause` says something */
	atomic_uint_fast64_t not_accepted; /* recipients refused or in doubt, and rows put off for good */

	pthread_mutex_t lock;         /* guards what follows */
	enum campaign_end end;
	struct err why;               /* of the first trouble */
	char down[RUN_DOWN_MAX][128]; /* relays whose end was told */
	unsigned n_down;
	char refused_class[REFUSAL_CLASS_SIZE]; /* the breaker tripped over it; "" it did not */
	bool pardoned;                /* the journal has that class (feeder; after it, the caller) */
	char pause[256];              /* last DELIVERY_PAUSE, "" after something moved */
};

static inline int64_t run_drain_ms(const struct run *r)
{
	return r->job->drain_ms ? r->job->drain_ms : RUN_DRAIN_MS;
}

static inline enum run_stop run_stopping(const struct run *r)
{
	return (enum run_stop)atomic_load_explicit(r->stop, memory_order_relaxed);
}

/* The first trouble is kept, and the run drains. Any thread. */
void run_trouble(struct run *r, enum campaign_end end, const struct err *why);
/* A relay is out for good: told once to the log. Any thread. */
void run_relay_down(struct run *r, const char *relay, const struct err *why);
/* The breaker tripped: this class is pardoned, so that nobody loses their mail by it, and the run
 * drains. Any thread. */
void run_refused(struct run *r, const char *class, uint32_t count, const struct verdict *v);
/* Writes the pardon of that class into the journal, once. The feeder's thread; after its end, the caller's. */
int run_pardon(struct run *r, struct err *e);
/* No mail begins until it is released. Any thread. */
void run_hold(struct run *r, unsigned why);
void run_release(struct run *r, unsigned why);
/* From now on this limit counts; what was begun under the old one does, too. Takes over the new one. The
 * control thread. */
void run_change_throttle(struct run *r, struct throttle *next);
/* The journal took nothing: true when the run is to wait until it does, and the user was told; false when
 * it is to stop. broken: it never will. Any thread. */
bool run_log_waits(struct run *r, bool broken, const struct err *why);
void run_log_works(struct run *r);
/* NULL clears. Any thread. */
void run_pause(struct run *r, const struct err *why);

#endif
