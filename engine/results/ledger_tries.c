/* ledger_tries.c - who was tried lately, for limits that hold over a resume.
 *
 * A try is a RESULT that a relay gave, at the time of its verdict: a little later than it began, so that
 * a window counted from it is a little longer than it must be. A try whose verdict is not known counts
 * as of now. */
#include "engine/results/journal_record.h"
#include "engine/results/ledger.h"
#include "engine/results/ledger_parts.h"

static int tell_result(const struct record *record, const struct ledger_tries *t)
{
	struct journal_result result;
	struct verdict verdict;
	char stage[RECORD_STAGE_SIZE];

	if (record_get_result(record, &result, &verdict, stage) < 0)
		return -1;
	if (verdict.kind != VERDICT_SKIPPED && result.time_ms >= t->since_ms)
		t->tried(t->ctx, result.recipient.address, result.time_ms);
	return 0;
}

static int tell_intent(const struct ledger *l, const struct record *record, const struct ledger_tries *t)
{
	struct journal_recipient recipients[JOURNAL_RECIPIENTS_MAX];
	struct journal_intent intent;

	if (record_get_intent(record, &intent, recipients) < 0)
		return -1;
	for (uint32_t i = 0; i < intent.n_recipients && ledger_row(l, intent.row) == ROW_IN_DOUBT; i++)
		t->tried(t->ctx, recipients[i].address, t->now_ms);
	return 0;
}

static int tell_gone(struct ledger *l, const struct ledger_tries *t, struct err *e)
{
	struct ledger_gone g = { .ledger = l };
	int rc;

	while ((rc = ledger_gone_next(&g, e)) > 0)
		if (g.verdict.kind != VERDICT_SKIPPED && g.result.time_ms >= t->since_ms)
			t->tried(t->ctx, g.result.recipient.address, g.result.time_ms);
	ledger_gone_end(&g);
	return rc;
}

int ledger_each_try(struct ledger *l, const struct ledger_tries *t, struct err *e)
{
	struct ledger_walk w = { .ledger = l };
	struct record record;
	uint64_t position;
	int rc;

	while ((rc = ledger_walk_next(&w, &record, &position, e)) > 0) {
		int said = 0;

		if (record.type == RECORD_RESULT)
			said = tell_result(&record, t);
		else if (record.type == RECORD_INTENT)
			said = tell_intent(l, &record, t);
		if (said < 0) {
			rc = journal_reader_damaged(&w.reader, record.offset, e);
			break;
		}
	}
	ledger_walk_close(&w);
	return rc < 0 ? -1 : tell_gone(l, t, e);
}
