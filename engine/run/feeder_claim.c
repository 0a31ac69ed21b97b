/* feeder_claim.c - rows are claimed in the journal before they are handed out.
 *
 * The rows of a group stand in one CLAIM, so that a power cut leaves all of it claimed or nothing.
 * Held by tests/system/test_torture.py, test_power.py, test_grouping.py. */
#include <time.h>

#include "engine/results/journal.h"
#include "engine/run/feeder_parts.h"
#include "engine/run/run.h"
#include "engine/run/work.h"

/* While the disk is full nothing is handed out, and the workers have what they have. */
static int claim_ranges(struct feeder *f, const struct journal_range *ranges, uint32_t n, bool sync, struct err *e)
{
	struct timespec rest = { .tv_nsec = RUN_IDLE_MS * 1000000L };

	while (journal_claim_ranges(f->run->journal, ranges, n, sync, e) < 0) {
		if (!run_log_waits(f->run, journal_campaign_is_broken(f->run->journal), e))
			return -1;
		nanosleep(&rest, NULL);
	}
	run_log_works(f->run);
	return 0;
}

static void add_row(struct feeder *f, uint64_t number)
{
	struct journal_range *last = f->n_claim ? &f->claim[f->n_claim - 1] : NULL;

	if (last && number == last->last + 1)
		last->last = number;
	else
		f->claim[f->n_claim++] = (struct journal_range){ number, number };
}

static int claim_groups(struct feeder *f, const struct row *rows, uint32_t n, bool sync, struct err *e)
{
	f->n_claim = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct row_group *group = rows[i].group;

		if (f->n_claim + row_count(&rows[i]) > JOURNAL_RANGES_MAX) {
			if (claim_ranges(f, f->claim, f->n_claim, false, e) < 0)
				return -1;
			f->n_claim = 0;
		}
		add_row(f, rows[i].number);
		for (uint32_t k = 0; k < group->n_others; k++)
			add_row(f, group->others[k].number);
	}
	return claim_ranges(f, f->claim, f->n_claim, sync, e);
}

/* Rows of one range have no gap between their numbers. */
int feeder_claim(struct feeder *f, const struct work *w, struct err *e)
{
	const struct row *rows = w->rows->rows;
	bool sync = f->run->job->sync_ms != CAMPAIGN_SYNC_OFF;

	if (w->rows->n > 0 && rows[0].group)
		return claim_groups(f, rows, w->rows->n, sync, e);
	for (uint32_t i = 0, from = 0; i < w->rows->n; i++) {
		struct journal_range range = { rows[from].number, rows[i].number };
		bool last = i + 1 == w->rows->n;

		if (!last && rows[i + 1].number == rows[i].number + 1)
			continue;
		if (claim_ranges(f, &range, 1, sync && last, e) < 0)
			return -1;
		from = i + 1;
	}
	return 0;
}
