/* recorder.c - reads what workers wrote, twenty times a second; nobody waits for it.
 *
 * A results file that cannot be written loses nothing: the journal has it all, the same lines are
 * tried again at the next turn, and the user is told once. A failed sync is final: what the
 * kernel dropped once it may drop silently the next time. */
#include "engine/run/recorder.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/queue.h"
#include "engine/results/journal.h"
#include "engine/results/results_log.h"
#include "engine/run/campaign_private.h"
#include "engine/run/run.h"

enum { TURN_MS = 50, PROGRESS_MS = 200 };

static void show_progress(struct recorder *r, const struct results_totals *totals, int64_t begun_ms)
{
	struct run *run = r->run;
	char pause[sizeof run->pause];
	struct campaign_progress p = {
		.totals = *totals,
		.rows = atomic_load(&run->list_ended) ? atomic_load(&run->rows_taking_part) : run->rows_expected,
		.to_retry = atomic_load(&run->rows_waiting),
		.elapsed_ms = clock_mono_ms() - begun_ms,
		.stopping = run_stopping(run) != RUN_GO,
		.asked = atomic_exchange(&run->opened->tell, false),
	};
	unsigned held = atomic_load(&run->held);

	if (!run->job->on_progress)
		return;
	pthread_mutex_lock(&run->lock);
	memcpy(pause, run->pause, sizeof pause);
	pthread_mutex_unlock(&run->lock);
	p.pause = held & RUN_HELD_BY_USER      ? "paused"
		  : held & RUN_HELD_BY_RESULTS ? "waiting for the results file"
		  : pause[0]                   ? pause
					       : NULL;
	run->job->on_progress(run->job->progress_ctx, &p);
}

static void sync_all(struct run *run)
{
	struct err e;

	for (unsigned i = 0; i < run->n_workers; i++)
		if (journal_sync(run->segments[i], &e) < 0)
			run_trouble(run, CAMPAIGN_BROKEN, &e);
}

static void write_results(struct recorder *r, struct results_totals *totals, bool *told)
{
	struct err e;

	if (results_log_poll(r->log, totals, &e) == 0) {
		if (*told)
			run_release(r->run, RUN_HELD_BY_RESULTS);
		*told = false;
		return;
	}
	if (*told)
		return;
	*told = true;
	if (r->run->job->on_log_error == LOG_ERROR_STOP) {
		run_trouble(r->run, CAMPAIGN_BROKEN, &e);
		return;
	}
	run_hold(r->run, RUN_HELD_BY_RESULTS);
	log_line(LOG_WARNING, "%s: %s; the journal has everything, nothing more is begun until this can be written",
		 r->run->job->results, e.text);
}

static void rest(struct recorder *r)
{
	void *nothing;

	queue_pop(r->over, &nothing, TURN_MS);
}

void *recorder_main(void *arg)
{
	struct recorder *r = arg;
	struct run *run = r->run;
	struct results_totals totals = { 0 };
	int64_t begun_ms = clock_mono_ms(), synced_ms = begun_ms, shown_ms = begun_ms;
	bool told = false, gone;

	do {
		gone = atomic_load(&run->workers_gone);
		int64_t now = clock_mono_ms();

		write_results(r, &totals, &told);
		if (run->job->sync_ms > 0 && (gone || now - synced_ms >= run->job->sync_ms)) {
			sync_all(run);
			synced_ms = now;
		}
		if (gone || now - shown_ms >= PROGRESS_MS) {
			show_progress(r, &totals, begun_ms);
			shown_ms = now;
		}
		if (!gone)
			rest(r);
	} while (!gone);
	return NULL;
}
