/* ledger_walk.c - all records of a campaign's segments, in the order of runs and workers. */
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"

int ledger_open_segment(struct journal_reader *out, const char *results_path, const struct campaign_log *log,
			struct segment_name name, struct err *e)
{
	char *path = segment_path(results_path, name);
	struct record_segment front;
	struct record record;
	int rc;

	if (!path)
		return err_nomem(e, "reading the journal");
	rc = journal_reader_open(out, path, e);
	mem_free(path);
	if (rc < 0)
		return -1;
	out->lost_tail_allowed = name.run <= log->n_runs && log->runs[name.run - 1].power_lost;
	rc = journal_reader_next(out, &record, e);
	if (rc > 0 && (record_get_segment(&record, &front) < 0 || front.run != name.run ||
		       front.worker != name.worker ||
		       memcmp(front.seed, log->header.seed, sizeof front.seed) != 0)) {
		err_set(e, ERR_CONFLICT, "'%s' does not belong to this campaign", out->path);
		rc = err_hint(e, "take it out of the folder if it was put there by hand");
	}
	if (rc < 0)
		journal_reader_close(out);
	return rc;
}

int ledger_walk_next(struct ledger_walk *w, struct record *record, uint64_t *position, struct err *e)
{
	const struct ledger *l = w->ledger;

	if (!w->open && !w->all && w->segment < l->first_segment)
		w->segment = l->first_segment;
	for (;;) {
		int rc = w->open ? journal_reader_next(&w->reader, record, e) : 0;

		if (rc != 0) {
			*position = (uint64_t)(w->segment - 1) << POSITION_BITS | record->offset;
			return rc;
		}
		ledger_walk_close(w);
		if (w->segment == l->n_segments)
			return 0;
		if (ledger_open_segment(&w->reader, l->results_path, &l->log, l->segments[w->segment], e) < 0)
			return -1;
		w->segment++;
		w->open = true;
	}
}

void ledger_walk_close(struct ledger_walk *w)
{
	if (w->open)
		journal_reader_close(&w->reader);
	w->open = false;
}

unsigned ledger_walk_run(const struct ledger_walk *w)
{
	return w->ledger->segments[w->segment - 1].run;
}
