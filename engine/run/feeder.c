/* feeder.c - reads the list once, in order, and keeps the workers in rows.
 *
 * Invariants (tests/system/test_torture.py, test_promises.py, tests/fault):
 *  1. A row is handed out, also for another try, only after its CLAIM is in the journal (synced,
 *     unless sync is off): what a power cut takes from the segments is then known to be missing.
 *  2. A row that the ledger calls settled, or that the selection leaves out, is never handed out.
 *  3. At any time a row is in one place: unread, in a block, in the waiting room, or settled.
 *  4. The feeder's queue has room for every block and every wish there can be: no worker ever
 *     waits for the feeder.
 *
 * Blocks are sized by what workers begin: about BLOCK_MS of work each. */
#include "engine/run/feeder.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/queue.h"
#include "engine/results/journal.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"
#include "engine/run/feeder_parts.h"
#include "engine/run/run.h"
#include "engine/run/work.h"
#include "engine/run/worker.h"
#include "templates/letter/letter.h"

enum {
	BLOCK_MS = 50,
	MEASURE_MS = 100,
	MEASURE_TURNS = 4,    /* the first time it is enough that each place for a row had so many */
	FIRST_ROWS_MOST = 256 /* blocks double up to this until there is a measurement */
};

static unsigned rows_in_hand(const struct run *run)
{
	unsigned most = 0;

	for (unsigned i = 0; i < run->n_workers; i++)
		most += worker_rows_in_hand(run->workers[i]);
	return most;
}

int feeder_new(struct feeder **out, struct run *run, struct err *e)
{
	struct feeder *f = mem_new(sizeof *f);

	if (!f)
		return err_nomem(e, "the feeder");
	f->run = run;
	f->reader = run->list;
	/* Each row in hand may be the last one of its block: with so many blocks stalled sessions never
	 * keep rows from the others. Those above LARGE_BLOCKS are small, and rarely made. */
	f->blocks_max = (RUN_UNSTARTED_BLOCKS + 2) * run->n_workers + rows_in_hand(run);
	f->block_rows_min = run->throttle || run->domains ? 1 : (run->connections + run->n_workers - 1) / run->n_workers;
	f->block_rows = f->block_rows_min < RUN_BLOCK_ROWS ? f->block_rows_min : RUN_BLOCK_ROWS;
	f->measured_ms = clock_mono_ms();
	f->domain_column = letter_domain_column(run->letter);
	f->wants = mem_array(run->n_workers, sizeof *f->wants);
	f->all = mem_array(f->blocks_max, sizeof(struct work *));
	if (!f->wants || !f->all) {
		err_nomem(e, "the feeder");
		feeder_free(&f);
		return -1;
	}
	for (unsigned i = 0; i < run->n_workers; i++)
		f->wants[i] = RUN_UNSTARTED_BLOCKS;
	/* Each block once, each wish once, each inbox's note. */
	if (queue_new(&run->home, f->blocks_max + run->n_workers * (RUN_UNSTARTED_BLOCKS + 1), e) < 0 ||
	    rows_share(&f->fetcher, f->reader, e) < 0 || rows_rewind(f->reader, e) < 0 ||
	    (run->campaign->duplicates && duplicates_rewind(run->campaign->duplicates, e) < 0)) {
		feeder_free(&f);
		return -1;
	}
	rows_want_digest(f->reader);
	*out = f;
	return 0;
}

void feeder_free(struct feeder **out)
{
	struct feeder *f = *out;

	if (!f)
		return;
	for (unsigned i = 0; i < f->blocks; i++)
		work_free(&f->all[i]);
	mem_free(f->all);
	waiting_release(&f->waiting);
	rows_close(&f->fetcher);
	mem_free(f->wants);
	mem_free(f);
	*out = NULL;
}

/* ---- blocks that come home ---- */

static int keep_deferred(struct feeder *f, const struct work *w, int64_t now_ms)
{
	for (uint32_t i = 0; i < w->rows->n; i++) {
		const struct row *row = &w->rows->rows[i];

		if (w->items[i].outcome != WORK_AGAIN)
			continue;
		struct waiting_row waits = {
			.due_ms = f->run->job->retry_at_end && !f->list_ended ? AT_END_MS : now_ms + w->items[i].again_ms,
			.place = { row->number, row->line, row->offset },
			.item = w->items[i],
		};

		if (waiting_put(&f->waiting, &waits) < 0)
			return -1;
	}
	return 0;
}

static int come_home(struct feeder *f, struct work *w, struct err *e)
{
	if (keep_deferred(f, w, clock_mono_ms()) < 0)
		return err_nomem(e, "the rows that wait");
	work_reset(w);
	w->after = f->home;
	f->home = w;
	f->away--;
	atomic_store_explicit(&f->run->rows_waiting, f->waiting.n, memory_order_relaxed);
	return 0;
}

static int take_notes(struct feeder *f, int64_t wait_ms, struct err *e)
{
	void *item;

	while (queue_pop(f->run->home, &item, wait_ms) == 1) {
		struct work_note *note = item;

		wait_ms = 0;
		if (note->kind == NOTE_WANT)
			f->wants[note->worker]++;
		else if (come_home(f, (struct work *)note, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- handing out ---- */

/* Its blocks grow until it is known how fast the workers are. */
static bool doubles(const struct feeder *f)
{
	return !f->measured && !f->run->throttle && !f->run->domains;
}

static void measure(struct feeder *f)
{
	uint64_t taken = atomic_load_explicit(&f->run->taken, memory_order_relaxed), rows;
	int64_t now = clock_mono_ms(), took = now - f->measured_ms;
	bool early = doubles(f) && took > 0 && taken >= MEASURE_TURNS * (uint64_t)rows_in_hand(f->run);

	if (took < MEASURE_MS && !early)
		return;
	rows = (taken - f->measured_taken) * BLOCK_MS / (uint64_t)took / f->run->n_workers;
	f->measured_taken = taken;
	f->measured_ms = now;
	f->measured = true;
	if (rows < f->block_rows / 2)
		rows = f->block_rows / 2; /* little by little: it may have been the blocks that were too small */
	if (rows < f->block_rows_min)
		rows = f->block_rows_min;
	f->block_rows = rows > RUN_BLOCK_ROWS ? RUN_BLOCK_ROWS : (uint32_t)rows;
}

/* The next worker that wants a block, or n_workers. */
static unsigned who_wants(struct feeder *f)
{
	for (unsigned i = 0; i < f->run->n_workers; i++) {
		unsigned at = (f->turn + i) % f->run->n_workers;

		if (f->wants[at] > 0) {
			f->turn = at + 1;
			return at;
		}
	}
	return f->run->n_workers;
}

static int hand_out(struct feeder *f, struct err *e)
{
	struct work *w = NULL;
	unsigned worker;

	measure(f);
	while ((worker = who_wants(f)) < f->run->n_workers) {
		int rc;

		if (f->measured && f->wants[worker] == RUN_UNSTARTED_BLOCKS && 2 * f->block_rows <= RUN_BLOCK_ROWS)
			f->block_rows *= 2; /* it ran out of rows while claims went to the disk */
		rc = feeder_next_block(f, &w, e);

		if (rc <= 0)
			return rc;
		MUST(w);
		if (doubles(f) && f->block_rows < FIRST_ROWS_MOST)
			f->block_rows *= 2;
		f->wants[worker]--;
		f->away++;
		w->note.worker = worker;
		if (queue_push(worker_inbox(f->run->workers[worker]), w, 0) != 1)
			return err_set(e, ERR_LIMIT, "a worker took no block");
	}
	return 0;
}

static int64_t wait_ms(struct feeder *f)
{
	int64_t due = waiting_due_ms(&f->waiting);
	int64_t wait = RUN_IDLE_MS;

	if (who_wants(f) == f->run->n_workers)
		return wait; /* whoever wants one says so */
	if (f->skims)
		return 0;
	if (due != INT64_MAX && due - clock_mono_ms() < wait)
		wait = due - clock_mono_ms();
	return wait < 1 ? 1 : wait;
}

static int check_list(struct feeder *f, struct err *e)
{
	unsigned char digest[32];

	if (!rows_digest(f->reader, digest))
		return 0;
	if (!f->run->list_known)
		return journal_note_list(f->run->journal, digest, e);
	if (memcmp(digest, f->run->list_digest, sizeof digest) == 0)
		return 0;
	err_set(e, ERR_CONFLICT, "the list was changed between the check and the sending");
	err_at(e, f->run->job->list, 0, 0);
	return err_hint(e, "compare the results with the list before you send anything more");
}

static int feed(struct feeder *f, struct err *e)
{
	if (feeder_put_deferred_first(f, e) < 0)
		return -1;
	feeder_begin_canary(f);
	while (run_stopping(f->run) == RUN_GO) {
		feeder_judge_canary(f);
		if (hand_out(f, e) < 0)
			return -1;
		if (f->list_ended && f->away == 0 && f->waiting.n == 0) {
			atomic_store(&f->run->all_settled, true);
			break;
		}
		if (take_notes(f, wait_ms(f), e) < 0)
			return -1;
	}
	if (!f->list_ended)
		return 0;
	atomic_store(&f->run->list_ended, true);
	if (journal_note_rows(f->run->journal, atomic_load(&f->run->rows_taking_part), e) < 0)
		return -1;
	return check_list(f, e);
}

void *feeder_main(void *arg)
{
	struct feeder *f = arg;
	struct err e = { 0 };

	if (feed(f, &e) < 0 || run_pardon(f->run, &e) < 0)
		run_trouble(f->run, CAMPAIGN_BROKEN, &e);
	for (unsigned i = 0; i < f->run->n_workers; i++)
		queue_close(worker_inbox(f->run->workers[i]));
	return NULL;
}
