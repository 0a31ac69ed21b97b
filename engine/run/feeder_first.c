/* feeder_first.c - whom earlier runs left deferred, and the first few of --canary. */
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/results/ledger.h"
#include "engine/rows/rows.h"
#include "engine/rows/select.h"
#include "engine/run/campaign_private.h"
#include "engine/run/feeder_parts.h"
#include "engine/run/run.h"
#include "engine/run/work.h"

void feeder_begin_canary(struct feeder *f)
{
	struct ledger_counts counts = { 0 };

	if (f->run->ledger)
		ledger_counts(f->run->ledger, &counts);
	if (rows_columns(f->reader)->grouped) /* it counts messages */
		counts.sent = f->run->campaign->groups_sent;
	/* As many as were sent, and nobody else: the wait is not over. */
	f->canary = f->run->job->canary > 0 && counts.sent <= f->run->job->canary &&
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
void feeder_judge_canary(struct feeder *f)
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

/* Rows that are duplicates, or some addresses of them, come in the order of the list, as the others do: there it is
 * told for whom. 1 it is one, 0, or -1. */
static int is_duplicate(struct feeder *f, uint64_t row, struct err *e)
{
	struct duplicates_answer found;

	found.n = 0;
	if (f->run->campaign->duplicates && duplicates_of(f->run->campaign->duplicates, row, &found, e) < 0)
		return -1;
	return found.n > 0;
}

int feeder_put_deferred_first(struct feeder *f, struct err *e)
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
			struct row *row = &block->rows[i];

			wants = waiting_is_full(&f->waiting) ? SELECT_END :
				selection_wants(f->run->selection, row, &block->memory, e);
			if (wants == SELECT_BROKEN)
				rc = -1;
			if (wants != SELECT_YES || row->problem.n ||
			    ledger_row(f->run->ledger, row->number) != ROW_DEFERRED || !feeder_is_to_do(f, row->number, &waits.item))
				continue;
			rc = is_duplicate(f, row->number, e);
			if (rc != 0)
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
	if (rc >= 0 && f->run->campaign->duplicates)
		rc = duplicates_rewind(f->run->campaign->duplicates, e);
	return rc < 0 ? -1 : 0;
}
