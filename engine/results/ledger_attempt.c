/* ledger_attempt.c - a walk over all segments; what stands last in time counts.
 *
 * Held by tests/system/test_show.py. */
#include "engine/results/ledger_attempt.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/rekey.h"

static bool is_about(const struct record *record, uint64_t first, uint64_t row)
{
	struct record_rows rows = { .rest = record->others };

	while (record_next_row(&rows, first))
		if (rows.now.number == row)
			return true;
	return false;
}

static int look(struct journal_reader *r, uint64_t row, const unsigned char letter[32], struct ledger_attempt *out,
		bool *found, struct err *e)
{
	struct journal_recipient recipients[JOURNAL_RECIPIENTS_MAX];
	struct journal_intent intent;
	struct record record;
	int rc;

	while ((rc = journal_reader_next(r, &record, e)) > 0) {
		if (record.type != RECORD_INTENT)
			continue;
		if (record_get_intent(&record, &intent, recipients) < 0)
			return journal_reader_damaged(r, record.offset, e);
		if (!is_about(&record, intent.row, row) || (*found && intent.time_ms < out->time_ms))
			continue;
		*out = (struct ledger_attempt){ .time_ms = intent.time_ms, .attempt = intent.attempt };
		memcpy(out->letter, letter, sizeof out->letter);
		*found = true;
	}
	return rc;
}

static int look_everywhere(const char *results_path, const struct campaign_log *log, uint64_t row,
			   struct ledger_attempt *out, struct err *e)
{
	struct segment_name *names = NULL;
	bool found = false;
	size_t n = 0;
	int rc = campaign_segments(results_path, 0, &names, &n, e);

	for (size_t i = 0; i < n && rc >= 0 && names[i].run <= log->n_runs; i++) {
		struct journal_reader r;

		if (names[i].run < log->epoch || names[i].worker == REKEY_WORKER)
			continue;
		rc = ledger_open_segment(&r, results_path, log, names[i], e);
		if (rc < 0)
			break;
		if (rc > 0)
			rc = look(&r, row, log->runs[names[i].run - 1].letter, out, &found, e);
		journal_reader_close(&r);
	}
	mem_free(names);
	return rc < 0 ? -1 : found;
}

int ledger_find_attempt(const char *results_path, uint64_t row, struct ledger_attempt *out, struct err *e)
{
	struct campaign_log log = { 0 };
	int rc = campaign_read(&log, results_path, e);

	if (rc == 0) {
		err_set(e, ERR_INPUT, "there is no campaign of '%s'", results_path);
		rc = err_hint(e, "its journal, the folder %s.journal, is what knows when each message was written", results_path);
	} else if (rc > 0) {
		rc = look_everywhere(results_path, &log, row, out, e);
	}
	campaign_release(&log);
	return rc;
}
