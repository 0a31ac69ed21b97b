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
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/queue.h"
#include "engine/results/journal.h"
#include "engine/results/ledger.h"
#include "engine/rows/rows.h"
#include "engine/rows/select.h"
#include "engine/run/campaign_private.h"
#include "engine/run/domain_rate.h"
#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/base/throttle.h"
#include "engine/run/work.h"
#include "engine/run/worker.h"
#include "templates/letter/letter.h"

/* Due when the list was read to its end: --retry-at-end. */
#define AT_END_MS (INT64_MAX - 1)

enum {
	BLOCK_MS = 50,
	MEASURE_MS = 100,
	FIRST_ROWS_MOST = 256, /* blocks double up to this until there is a measurement */
	LARGE_BLOCKS = 8,    /* a worker */
	SMALL_BLOCK_ROWS = 64,
	LINE_UP_MS = 20      /* a row whose domain is as near to its turn goes out at once */
};

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
	uint64_t deferred_up_to; /* rows up to here that earlier runs left deferred wait already: they go first */
	uint64_t canary_left;    /* rows that may go out before the canary is judged */
	bool canary;             /* it was not judged so far */
	int64_t canary_until_ms; /* accepted, and the wait is on; 0 not yet */

	int to_column;           /* the To of every mail; -1: the letter makes it otherwise */
	uint32_t block_rows;     /* rows of the next block */
	uint32_t block_rows_min;
	uint64_t measured_begun;
	int64_t measured_ms;
	bool measured;
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
	f->to_column = letter_to_column(run->letter);
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
	    duplicates_rewind(run->campaign->duplicates, e) < 0) {
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

/* ---- filling a block ---- */

static struct work *free_block(struct feeder *f, struct err *e)
{
	struct work *w = f->home;

	if (w) {
		f->home = w->after;
		return w;
	}
	if (work_new(&w, f->blocks < LARGE_BLOCKS * f->run->n_workers ? RUN_BLOCK_ROWS : SMALL_BLOCK_ROWS) < 0) {
		err_nomem(e, "a block of rows");
		return NULL;
	}
	f->all[f->blocks++] = w;
	return w;
}

static void measure(struct feeder *f)
{
	int64_t now = clock_mono_ms(), took = now - f->measured_ms;
	uint64_t begun, rows;

	if (took < MEASURE_MS)
		return;
	begun = atomic_load_explicit(&f->run->begun, memory_order_relaxed);
	rows = (begun - f->measured_begun) * BLOCK_MS / (uint64_t)took / f->run->n_workers;
	f->measured_begun = begun;
	f->measured_ms = now;
	f->measured = true;
	if (rows < f->block_rows_min)
		rows = f->block_rows_min;
	f->block_rows = rows > RUN_BLOCK_ROWS ? RUN_BLOCK_ROWS : (uint32_t)rows;
}

/* True when this row is to be handed out; *item says what earlier runs did for it. */
static bool is_to_do(struct feeder *f, uint64_t row, struct work_item *item)
{
	const struct ledger *l = f->run->ledger;
	bool hold = f->run->job->in_doubt == IN_DOUBT_HOLD;
	uint32_t attempts = 0;

	*item = (struct work_item){ .outcome = WORK_NOT_BEGUN };
	if (!l)
		return true;
	if (ledger_is_done(l, row, hold))
		return false;
	if (ledger_row(l, row) != ROW_TO_DO) {
		uint64_t sure[WORK_SETTLED_WORDS];

		ledger_settled(l, row, true, item->doubt, &attempts);
		ledger_settled(l, row, false, sure, &attempts);
		ledger_settled(l, row, hold, item->settled, &attempts);
		for (unsigned i = 0; i < WORK_SETTLED_WORDS; i++)
			item->doubt[i] &= ~sure[i];
		item->attempts = attempts;
	}
	return true;
}

/* 1 the row is not yet the turn of its domain and waits as a place in the file, unclaimed; 0 it goes out
 * now; -1. Where the letter makes its To by itself, the worker finds out. */
static int line_up(struct feeder *f, const struct row *row, const struct work_item *item, struct err *e)
{
	int column = f->to_column;
	int64_t now_ns = clock_mono_ns(), wait_ms;

	if (!f->run->domains || f->run->redirect.n || column < 0 || (uint32_t)column >= row->n_cells)
		return 0;
	wait_ms = domain_rates_queue(f->run->domains, row->cells[column], now_ns) / 1000000;
	if (wait_ms < LINE_UP_MS)
		return 0;
	struct waiting_row waits = { .due_ms = now_ns / 1000000 + wait_ms,
				     .place = { row->number, row->line, row->offset },
				     .item = *item };

	return waiting_put(&f->waiting, &waits) < 0 ? err_nomem(e, "the rows that wait") : 1;
}

/* Keeps of the block's rows those that are to be sent now. */
static int sift(struct feeder *f, struct work *w, struct err *e)
{
	struct duplicates *duplicates = f->run->campaign->duplicates;
	uint32_t kept = 0;
	uint64_t taking_part = 0;

	for (uint32_t i = 0; i < w->rows->n && !f->list_ended; i++) {
		enum select_answer wants = selection_wants(f->run->selection, &w->rows->rows[i], e);

		if (wants == SELECT_BROKEN)
			return -1;
		if (wants == SELECT_END)
			f->list_ended = true;
		if (wants != SELECT_YES)
			continue;
		taking_part++;
		if (w->rows->rows[i].number <= f->deferred_up_to &&
		    ledger_row(f->run->ledger, w->rows->rows[i].number) == ROW_DEFERRED)
			continue;
		if (!is_to_do(f, w->rows->rows[i].number, &w->items[kept]))
			continue;
		if (duplicates_of(duplicates, w->rows->rows[i].number, &w->items[kept].duplicate_of, e) < 0)
			return -1;
		int waits = line_up(f, &w->rows->rows[i], &w->items[kept], e);

		if (waits < 0)
			return -1;
		if (waits == 0)
			w->rows->rows[kept++] = w->rows->rows[i];
	}
	w->rows->n = kept;
	atomic_fetch_add_explicit(&f->run->rows_taking_part, taking_part, memory_order_relaxed);
	return 0;
}

static uint32_t most_rows(const struct feeder *f, const struct work *w)
{
	return f->block_rows < w->capacity ? f->block_rows : w->capacity;
}

static uint32_t most_new_rows(const struct feeder *f, const struct work *w)
{
	uint32_t most = most_rows(f, w);

	return f->canary && f->canary_left < most ? (uint32_t)f->canary_left : most;
}

/* 1 the block has rows, 0 the list has no more, -1. */
static int read_block(struct feeder *f, struct work *w, struct err *e)
{
	while (!f->list_ended) {
		int rc;

		if (campaign_list_changed(f->run->campaign, f->reader, e))
			return -1;
		rc = rows_read(f->reader, w->rows, most_new_rows(f, w), e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			f->list_ended = true;
		if (sift(f, w, e) < 0)
			return -1;
		f->canary_left -= f->canary ? w->rows->n : 0;
		if (w->rows->n > 0)
			return 1;
		row_block_reset(w->rows);
		if (run_stopping(f->run) != RUN_GO || waiting_is_full(&f->waiting))
			return 0;
	}
	return 0;
}

/* While the disk is full nothing is handed out, and the workers have what they have. */
static int claim_range(struct feeder *f, uint64_t first, uint64_t last, bool sync, struct err *e)
{
	struct timespec rest = { .tv_nsec = RUN_IDLE_MS * 1000000L };

	while (journal_claim(f->run->journal, first, last, sync, e) < 0) {
		if (!run_log_waits(f->run, journal_campaign_is_broken(f->run->journal), e))
			return -1;
		nanosleep(&rest, NULL);
	}
	run_log_works(f->run);
	return 0;
}

/* Rows of one claim have no gap between their numbers. */
static int claim(struct feeder *f, const struct work *w, struct err *e)
{
	const struct row *rows = w->rows->rows;
	bool sync = f->run->job->sync_ms != CAMPAIGN_SYNC_OFF;

	for (uint32_t i = 0, from = 0; i < w->rows->n; i++) {
		bool last = i + 1 == w->rows->n;

		if (!last && rows[i + 1].number == rows[i].number + 1)
			continue;
		if (claim_range(f, rows[from].number, rows[i].number, sync && last, e) < 0)
			return -1;
		from = i + 1;
	}
	return 0;
}

/* Rows whose waiting is over. 1 the block has rows, 0 nobody is due, -1. */
static int fetch_due(struct feeder *f, struct work *w, struct err *e)
{
	struct waiting_row due;
	int64_t now_ms = clock_mono_ms();
	uint32_t n = 0;

	if (waiting_due_ms(&f->waiting) == AT_END_MS && (f->list_ended || waiting_is_full(&f->waiting)))
		now_ms = AT_END_MS; /* nobody else waits */
	if (waiting_due_ms(&f->waiting) > now_ms)
		return 0;
	if (campaign_list_changed(f->run->campaign, f->fetcher, e))
		return -1;
	while (n < most_rows(f, w) && waiting_take(&f->waiting, now_ms, &due)) {
		if (rows_fetch(f->fetcher, &due.place, 1, w->rows, e) < 0)
			return -1;
		w->items[n] = due.item;
		if (due.due_ms == AT_END_MS)
			w->items[n].first_try_ms = w->items[n].deferred = 0; /* --retry-for begins anew */
		w->items[n++].outcome = WORK_NOT_BEGUN;
	}
	atomic_store_explicit(&f->run->rows_waiting, f->waiting.n, memory_order_relaxed);
	return n > 0;
}

/* 1 *out goes to a worker, 0 there is nothing to hand out now, -1. */
static int next_block(struct feeder *f, struct work **out, struct err *e)
{
	struct work *w;
	int rc;

	if (!f->home && f->blocks == f->blocks_max)
		return 0;
	w = free_block(f, e);
	if (!w)
		return -1;
	rc = fetch_due(f, w, e);
	if (rc == 0 && !waiting_is_full(&f->waiting) && !(f->canary && f->canary_left == 0))
		rc = read_block(f, w, e);
	if (rc == 1 && claim(f, w, e) < 0)
		rc = -1;
	if (rc == 1) {
		*out = w;
		return 1;
	}
	work_reset(w);
	w->after = f->home;
	f->home = w;
	return rc;
}

/* ---- handing out ---- */

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
		int rc = next_block(f, &w, e);

		if (rc <= 0)
			return rc;
		MUST(w);
		if (!f->measured && !f->run->throttle && !f->run->domains && f->block_rows < FIRST_ROWS_MOST)
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

/* ---- the first few ---- */

static void begin_canary(struct feeder *f)
{
	struct ledger_counts counts = { 0 };

	if (f->run->ledger)
		ledger_counts(f->run->ledger, &counts);
	f->canary = counts.sent < f->run->job->canary &&
		    !(f->run->rows_expected && f->run->rows_expected <= f->run->job->canary);
	f->canary_left = f->canary ? f->run->job->canary - counts.sent : 0;
}

static void say_canary_waits(struct feeder *f)
{
	struct err e;

	err_set(&e, ERR_NONE, "the first %llu were accepted; the others follow in %lld s",
		(unsigned long long)f->run->job->canary, (long long)(f->run->job->canary_wait_ms + 999) / 1000);
	run_pause(f->run, &e);
}

/* The first few are out: when all have their verdicts, the others may follow, after the wait, or nobody. */
static void judge_canary(struct feeder *f)
{
	uint64_t bad = atomic_load(&f->run->not_accepted);
	struct err e;

	if (!f->canary || f->canary_left > 0 || f->away > 0 || f->waiting.n > 0)
		return;
	if (bad > 0) {
		err_set(&e, ERR_NET, "%llu of the first %llu were not accepted; nobody else was sent to", (unsigned long long)bad,
			(unsigned long long)f->run->job->canary);
		err_hint(&e, "lettershop status %s says why; --resume goes on with the others", f->run->job->results);
		run_trouble(f->run, CAMPAIGN_CANARY, &e);
		return;
	}
	if (f->canary_until_ms == 0) {
		f->canary_until_ms = clock_mono_ms() + f->run->job->canary_wait_ms;
		say_canary_waits(f);
	}
	if (clock_mono_ms() < f->canary_until_ms)
		return;
	f->canary = false;
	run_pause(f->run, NULL);
}

/* Whom earlier runs left deferred waits in front of all others; as many as the waiting room takes. */
static int put_deferred_first(struct feeder *f, struct err *e)
{
	struct row_block *block = NULL;
	struct rows *list = NULL;
	struct waiting_row waits = { .due_ms = 0 };
	struct ledger_counts counts = { 0 };
	enum select_answer wants = SELECT_NO;
	int rc;

	if (f->run->ledger)
		ledger_counts(f->run->ledger, &counts);
	if (counts.deferred == 0)
		return 0;
	rc = row_block_new(&block, RUN_BLOCK_ROWS) < 0 ? err_nomem(e, "the rows that wait") : rows_share(&list, f->reader, e);
	while (rc >= 0 && wants != SELECT_END && (rc = rows_read(list, block, RUN_BLOCK_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && rc >= 0 && wants != SELECT_END; i++) {
			const struct row *row = &block->rows[i];

			wants = waiting_is_full(&f->waiting) ? SELECT_END : selection_wants(f->run->selection, row, e);
			if (wants == SELECT_BROKEN)
				rc = -1;
			if (wants != SELECT_YES || ledger_row(f->run->ledger, row->number) != ROW_DEFERRED ||
			    !is_to_do(f, row->number, &waits.item))
				continue;
			waits.place = (struct row_place){ row->number, row->line, row->offset };
			rc = waiting_put(&f->waiting, &waits) < 0 ? err_nomem(e, "the rows that wait") : 0;
			f->deferred_up_to = row->number;
		}
		row_block_reset(block);
	}
	selection_rewind(f->run->selection);
	rows_close(&list);
	row_block_free(&block);
	return rc < 0 ? -1 : 0;
}

static int feed(struct feeder *f, struct err *e)
{
	if (put_deferred_first(f, e) < 0)
		return -1;
	begin_canary(f);
	while (run_stopping(f->run) == RUN_GO) {
		judge_canary(f);
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
