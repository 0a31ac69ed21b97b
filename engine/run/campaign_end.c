/* campaign_end.c - closes the books of a run whose threads are gone.
 *
 * Totals, results file and side files come from the journal alone.
 *
 *  1. It is read for them once, by the recorder, when that is enough: it read all that the workers wrote, each
 *     recipient has one verdict and one line, and it knows where the verdicts stand that are not sent.
 *  2. In all other cases the ledger reads the whole of it again, and the results are written anew if they have to be.
 * Held by tests/system/test_results.py, test_torture.py and tests/fault. */
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/results/results_log.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"
#include "engine/run/gone.h"

/* What a worker could not write at its end, for want of room, is tried once more. *late: there was
 * such, and the recorder did not see it. */
static int settle_journal(struct run *r, bool *late, struct err *e)
{
	for (unsigned i = 0; i < r->n_workers; i++)
		*late |= journal_pending(r->segments[i]) > 0;
	for (unsigned i = 0; i < r->n_workers; i++)
		if (journal_flush(r->segments[i], e) < 0 ||
		    (r->job->sync_ms != CAMPAIGN_SYNC_OFF && journal_sync(r->segments[i], e) < 0))
			return -1;
	return 0;
}

/* ledger: NULL, or what the recorder knows (1). */
static int close_books(struct campaign *c, struct ledger *ledger, bool rewrite, struct campaign_result *out, struct err *e)
{
	struct ledger_counts before = { 0 };
	int rc = 0;

	if (!ledger && ledger_load(&ledger, c->job->results, e) < 0)
		return -1;
	ledger_counts(ledger, &out->counts);
	if (c->ledger)
		ledger_counts(c->ledger, &before);
	out->sent_this_run = out->counts.sent - before.sent;
	if (rewrite)
		rc = results_write(c->job->results, c->job->log_format, ledger, e);
	if (rc == 0)
		rc = side_files_write(c, ledger, out, e);
	if (rc == 0 && c->job->suppress_add)
		rc = gone_append(c->job->suppress_add, ledger, &out->suppress_added, e);
	ledger_free(&ledger);
	return rc;
}

static void tell_end(const struct campaign *c, struct run *r, struct campaign_result *out)
{
	out->begun_this_run = atomic_load(&r->begun);
	out->grouped = rows_columns(c->list)->grouped;
	out->steady_after = atomic_load(&r->steady_after);
	out->allocations = out->steady_after ? mem_count() - atomic_load(&r->allocations_at_steady) : 0;
	out->end = r->end;
	if (r->end == CAMPAIGN_COMPLETE && !atomic_load(&r->all_settled))
		out->end = CAMPAIGN_INTERRUPTED;
	out->rows_total = atomic_load(&r->list_ended) ? atomic_load(&r->rows_taking_part) : 0;
	snprintf(out->refused_class, sizeof out->refused_class, "%s", r->refused_class);
}

int campaign_end(struct campaign *c, struct run *r, struct results_log **log, struct campaign_result *out, struct err *e)
{
	bool rewrite = results_log_needs_rewrite(*log);
	struct ledger *known = NULL;
	struct err books;
	int rc;

	tell_end(c, r, out);
	if (!rewrite) /* what it could not make for want of memory, or finds damaged, is told by who reads it again */
		results_log_ledger(*log, r->n_workers, &known, &books);
	results_log_close(log);
	rc = settle_journal(r, &rewrite, e);
	if (rc == 0)
		rc = run_pardon(r, e);
	rewrite |= r->pardoned;
	if (rc < 0 || rewrite)
		ledger_free(&known);
	if (rc == 0 && r->end != CAMPAIGN_COMPLETE)
		*e = r->why;
	if (close_books(c, known, rewrite, out, &books) < 0) {
		if (rc == 0)
			*e = books;
		return -1;
	}
	return rc;
}
