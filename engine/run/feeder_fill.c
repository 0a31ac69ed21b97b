/* feeder_fill.c - what a block is filled with: rows that are due again, and new ones of the list. */
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/results/journal.h"
#include "engine/results/ledger.h"
#include "engine/rows/rows.h"
#include "engine/rows/seen.h"
#include "engine/rows/select.h"
#include "engine/run/backoff.h"
#include "engine/run/campaign_private.h"
#include "engine/run/domain_rate.h"
#include "engine/run/feeder_parts.h"
#include "engine/run/run.h"
#include "engine/run/work.h"

enum {
	LARGE_BLOCKS = 8,    /* a worker */
	SMALL_BLOCK_ROWS = 64,
	SKIM_ROWS = 64,      /* most rows of a block where nothing is to be sent, and */
	SKIM_BLOCKS = 64,    /* how many of these are read before somebody else is looked after */
	LOOK_AHEAD = 16,     /* rows whose places in memory are fetched at once */
	LINE_UP_MS = 20      /* a row whose domain is as near to its turn goes out at once */
};

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

bool feeder_is_to_do(struct feeder *f, uint64_t row, struct work_item *item)
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

/* Milliseconds until it is the turn of that address's domain, about; 0 now. Lines up. */
static int64_t turn_ms(struct feeder *f, struct span address, struct work_item *item, bool is_new)
{
	int64_t now_ms = f->now_ns / 1000000;
	int64_t wait_ms = backoff_ask(f->run->backoff, address, item->first_try_ms ? item->first_try_ms : now_ms, now_ms);

	if (wait_ms > 0 && item->first_try_ms == 0)
		item->first_try_ms = now_ms; /* its time runs from here */
	if (wait_ms != 0 || !is_new || !f->run->domains)
		return wait_ms < 0 ? 0 : wait_ms; /* one that has waited enough goes to a worker, who says so */
	wait_ms = domain_rates_queue(f->run->domains, address, f->now_ns) / 1000000;
	return wait_ms < LINE_UP_MS ? 0 : wait_ms;
}

/* 1 the row is not yet the turn of its domain and waits as a place in the file, unclaimed; 0 it goes out
 * now; -1. Where the letter makes its To otherwise, the worker finds out. */
static int line_up(struct feeder *f, const struct row *row, struct work_item *item, bool is_new, struct err *e)
{
	int column = f->domain_column;
	int64_t wait_ms;

	if (f->run->redirect.n || column < 0 || (uint32_t)column >= row->n_cells || row->problem.n)
		return 0;
	wait_ms = turn_ms(f, row->cells[column], item, is_new);
	if (wait_ms == 0)
		return 0;
	struct waiting_row waits = { .due_ms = f->now_ns / 1000000 + wait_ms,
				     .place = { row->number, row->line, row->offset },
				     .item = *item };

	return waiting_put(&f->waiting, &waits) < 0 ? err_nomem(e, "the rows that wait") : 1;
}

/* Whether other rows mail its address, or some of its addresses. A row of which the journal says something already
 * is left out address by address: what it says is of single ones. */
static int find_duplicates(struct feeder *f, struct work *w, const struct row *row, struct work_item *item,
			   struct hash_wide hash, struct err *e)
{
	const struct campaign *c = f->run->campaign;
	struct duplicates_answer found;
	bool as_one;

	if (c->seen)
		return row->problem.n ? 0 : seen_row(c->seen, hash, row->line, &item->duplicate_of, e);
	if (duplicates_of(c->duplicates, row->number, &found, e) < 0)
		return -1;
	if (found.n == 0)
		return 0;
	as_one = found.of == 1 || f->run->redirect.n || !f->run->ledger ||
		 ledger_row(f->run->ledger, row->number) == ROW_TO_DO;
	if (found.n == found.of && as_one)
		item->duplicate_of = found.each[0].line;
	else if (work_add_copies(w, item, found.each, found.n) < 0)
		return err_nomem(e, "the search for duplicates");
	return 0;
}

/* It waits since the run began: feeder_put_deferred_first(). */
static bool goes_first(const struct feeder *f, const struct row *row, const struct work_item *item)
{
	return row->number <= f->deferred_up_to && row->problem.n == 0 && item->n_copies == 0 && item->duplicate_of == 0 &&
	       ledger_row(f->run->ledger, row->number) == ROW_DEFERRED;
}

/* Keeps of the block's rows those that were asked for and are not done. */
static int choose(struct feeder *f, struct work *w, struct err *e)
{
	uint32_t kept = 0;
	uint64_t taking_part = 0;

	for (uint32_t i = 0; i < w->rows->n && !f->list_ended; i++) {
		struct row *row = &w->rows->rows[i];
		enum select_answer wants = selection_wants(f->run->selection, row, &w->rows->memory, e);

		if (wants == SELECT_BROKEN)
			return -1;
		if (wants == SELECT_END)
			f->list_ended = true;
		if (wants != SELECT_YES)
			continue;
		if (campaign_group_differs(f->run->campaign, row, e))
			return -1;
		taking_part += row_count(row);
		if (feeder_is_to_do(f, row->number, &w->items[kept]))
			w->rows->rows[kept++] = *row;
	}
	w->rows->n = kept;
	atomic_fetch_add_explicit(&f->run->rows_taking_part, taking_part, memory_order_relaxed);
	return 0;
}

static void look_ahead(const struct feeder *f, const struct work *w, uint32_t from, struct hash_wide hashes[LOOK_AHEAD])
{
	for (uint32_t i = from; f->run->campaign->seen && i < w->rows->n && i - from < LOOK_AHEAD; i++)
		hashes[i - from] = seen_hash(f->run->campaign->seen, &w->rows->rows[i]);
}

/* Keeps of the block's rows those that go out now. */
static int sift(struct feeder *f, struct work *w, struct err *e)
{
	struct hash_wide hashes[LOOK_AHEAD] = { { 0 } };
	uint32_t kept = 0;

	if (choose(f, w, e) < 0)
		return -1;
	for (uint32_t i = 0; i < w->rows->n; i++) {
		struct row *row = &w->rows->rows[i];
		struct work_item *item = &w->items[i];
		int waits;

		if (i % LOOK_AHEAD == 0)
			look_ahead(f, w, i, hashes);
		if (find_duplicates(f, w, row, item, hashes[i % LOOK_AHEAD], e) < 0)
			return -1;
		if (goes_first(f, row, item))
			continue;
		waits = item->n_copies ? 0 : line_up(f, row, item, true, e);
		if (waits < 0)
			return -1;
		if (waits)
			continue;
		if (kept < i) {
			w->items[kept] = *item;
			w->rows->rows[kept] = *row;
		}
		kept++;
	}
	w->rows->n = kept;
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

/* 1 the block has rows; 0 none: the list has no more, or f->skims; -1. Where row after row waits or is done,
 * blocks grow, and the feeder looks up now and then. */
static int read_block(struct feeder *f, struct work *w, struct err *e)
{
	uint32_t most = most_new_rows(f, w);

	for (unsigned blocks = 0; !f->list_ended && blocks < SKIM_BLOCKS; blocks++) {
		int rc;

		if (campaign_list_changed(f->run->campaign, f->reader, e))
			return -1;
		rc = rows_read(f->reader, w->rows, most, e);
		f->now_ns = clock_mono_ns();
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
		if (waiting_is_full(&f->waiting))
			return 0;
		if (!f->canary && most < SKIM_ROWS && 2 * most <= w->capacity)
			most *= 2;
	}
	f->skims = !f->list_ended;
	return 0;
}

/* Rows whose waiting is over. 1 the block has rows, 0 nobody is due, -1. */
static int fetch_due(struct feeder *f, struct work *w, struct err *e)
{
	struct waiting_row due;
	int64_t now_ms = f->now_ns / 1000000;
	uint32_t n = 0, looked_at = 0;
	int rc = 0;

	if (waiting_due_ms(&f->waiting) == AT_END_MS && (f->list_ended || waiting_is_full(&f->waiting)))
		now_ms = AT_END_MS; /* nobody else waits */
	if (waiting_due_ms(&f->waiting) > now_ms)
		return 0;
	if (campaign_list_changed(f->run->campaign, f->fetcher, e))
		return -1;
	while (n < most_rows(f, w) && looked_at++ < w->capacity && (rc = waiting_take(&f->waiting, now_ms, &due, e)) > 0) {
		if (rows_fetch(f->fetcher, &due.place, 1, w->rows, e) < 0)
			return -1;
		if (due.due_ms == AT_END_MS)
			due.item.first_try_ms = due.item.deferred = 0; /* --retry-for begins anew */
		due.item.outcome = WORK_NOT_BEGUN;
		due.item.n_copies = 0; /* of another block, and settled there */
		w->items[n] = due.item;
		rc = line_up(f, &w->rows->rows[n], &w->items[n], false, e);
		if (rc < 0)
			return -1;
		n += rc == 0;
		w->rows->n = n; /* its domain is left alone for a while: it waits again */
	}
	atomic_store_explicit(&f->run->rows_waiting, f->waiting.n, memory_order_relaxed);
	return rc < 0 ? -1 : n > 0;
}

int feeder_next_block(struct feeder *f, struct work **out, struct err *e)
{
	struct work *w;
	int rc;

	f->skims = false;
	if (!f->home && f->blocks == f->blocks_max)
		return 0;
	w = free_block(f, e);
	if (!w)
		return -1;
	f->now_ns = clock_mono_ns();
	rc = fetch_due(f, w, e);
	if (rc == 0 && !waiting_is_full(&f->waiting) && !(f->canary && f->canary_left == 0))
		rc = read_block(f, w, e);
	if (rc == 1 && feeder_claim(f, w, e) < 0)
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
