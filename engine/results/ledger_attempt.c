/* ledger_attempt.c - a walk over all segments; what stands last in time counts.
 *
 * A row that was sent before the list was edited is found by the id of its message, which went into the renumbering.
 * Held by tests/system/test_show.py, test_key.py. */
#include "engine/results/ledger_attempt.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/journal_fields.h"
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

/* What is looked for: a row of the list as it is; or, sent before that was edited, a message by its id and one of its
 * recipients. */
struct wanted {
	uint64_t row;
	bool before;
	char message_id[MESSAGE_ID_KEPT], address[ADDRESS_KEPT];
	size_t n_id, n_address;
};

static bool is_wanted(const struct wanted *w, const struct record *record, const struct journal_intent *intent)
{
	if (!w->before)
		return is_about(record, intent->row, w->row);
	if (!span_eq(intent->message_id, span_of(w->message_id, w->n_id)))
		return false;
	for (uint32_t i = 0; i < intent->n_recipients; i++)
		if (span_eq(intent->recipients[i].address, span_of(w->address, w->n_address)))
			return true;
	return false;
}

static int look(struct journal_reader *r, const struct wanted *w, const struct campaign_run *run,
		struct ledger_attempt *out, bool *found, struct err *e)
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
		if (!is_wanted(w, &record, &intent) || (*found && intent.time_ms < out->time_ms))
			continue;
		*out = (struct ledger_attempt){ .time_ms = intent.time_ms, .attempt = intent.attempt, .row = intent.row,
						.epoch = run->epoch, .renumbered = w->before };
		memcpy(out->letter, run->letter, sizeof out->letter);
		*found = true;
	}
	return rc;
}

static int look_everywhere(const char *results_path, const struct campaign_log *log, const struct wanted *w,
			   struct ledger_attempt *out, struct err *e)
{
	struct segment_name *names = NULL;
	bool found = false;
	size_t n = 0;
	int rc = campaign_segments(results_path, 0, &names, &n, e);

	for (size_t i = 0; i < n && rc >= 0 && names[i].run <= log->n_runs; i++) {
		struct journal_reader r;

		if ((names[i].run < log->epoch) != w->before || names[i].worker == REKEY_WORKER)
			continue;
		rc = ledger_open_segment(&r, results_path, log, names[i], e);
		if (rc < 0)
			break;
		if (rc > 0)
			rc = look(&r, w, &log->runs[names[i].run - 1], out, &found, e);
		journal_reader_close(&r);
	}
	mem_free(names);
	return rc < 0 ? -1 : found;
}

/* The message that the row had before the list was edited: 1, 0 it had none, -1. */
static int find_before(const char *results_path, const struct campaign_log *log, struct wanted *w, struct err *e)
{
	struct journal_reader r;
	struct record record;
	int rc;

	if (log->epoch == 0)
		return 0;
	rc = ledger_open_segment(&r, results_path, log, (struct segment_name){ log->epoch, REKEY_WORKER }, e);
	if (rc < 0)
		return -1;
	while (!w->before && rc > 0 && (rc = journal_reader_next(&r, &record, e)) > 0) {
		struct journal_result result;
		struct verdict verdict;
		char stage[RECORD_STAGE_SIZE];

		if (record.type != RECORD_RESULT || record_get_result(&record, &result, &verdict, stage) < 0 ||
		    result.row != w->row || result.message_id.n == 0)
			continue;
		w->before = true;
		w->n_id = result.message_id.n < sizeof w->message_id ? result.message_id.n : sizeof w->message_id;
		memcpy(w->message_id, result.message_id.p, w->n_id);
		w->n_address = result.recipient.address.n < sizeof w->address ? result.recipient.address.n : sizeof w->address;
		if (w->n_address)
			memcpy(w->address, result.recipient.address.p, w->n_address);
	}
	journal_reader_close(&r);
	return rc < 0 ? -1 : w->before;
}

static int find(const char *results_path, const struct campaign_log *log, uint64_t row, struct ledger_attempt *out,
		struct err *e)
{
	struct wanted w = { .row = row };
	int rc = look_everywhere(results_path, log, &w, out, e);

	if (rc == 0)
		rc = find_before(results_path, log, &w, e);
	return rc > 0 && w.before ? look_everywhere(results_path, log, &w, out, e) : rc;
}

int ledger_find_attempt(const char *results_path, uint64_t row, struct ledger_attempt *out, struct err *e)
{
	struct campaign_log log = { 0 };
	int rc = campaign_read(&log, results_path, e);

	if (rc == 0) {
		err_set(e, ERR_INPUT, "there is no campaign of '%s'", results_path);
		rc = err_hint(e, "its journal, the folder %s.journal, is what knows when each message was written", results_path);
	} else if (rc > 0) {
		rc = find(results_path, &log, row, out, e);
	}
	campaign_release(&log);
	return rc;
}
