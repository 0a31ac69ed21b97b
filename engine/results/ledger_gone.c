/* ledger_gone.c - those whom the edited list does not have: read from the one segment that has them, kept nowhere.
 *
 * That is the segment of the newest renumbering; what an older one said of them was written into it again.
 * Held by tests/unit/test_results_rekey.c. */
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/rekey.h"

/* 1 open, 0 there is none, -1. */
static int open_segment(struct ledger_gone *g, struct err *e)
{
	const struct ledger *l = g->ledger;
	struct segment_name name = { l->log.epoch, REKEY_WORKER };
	int rc;

	if (l->log.epoch == 0)
		return 0;
	g->reader = mem_new(sizeof *g->reader);
	if (!g->reader)
		return err_nomem(e, "reading the journal");
	rc = ledger_open_segment(g->reader, l->results_path, &l->log, name, e);
	if (rc < 0) {
		mem_free(g->reader);
		g->reader = NULL;
	}
	return rc;
}

int ledger_gone_result(struct ledger *l, const struct record *record, struct journal_gone *how, struct journal_result *out,
		       struct verdict *verdict)
{
	if (record_get_gone(record, how, out, verdict, l->stage) < 0)
		return -1;
	if (verdict->kind == VERDICT_REFUSED && campaign_is_pardoned(&l->log, l->log.epoch, verdict))
		verdict->kind = VERDICT_DEFERRED;
	out->line = 0;
	return 0;
}

int ledger_gone_next(struct ledger_gone *g, struct err *e)
{
	struct record record;
	int rc = g->reader ? 1 : open_segment(g, e);

	while (rc > 0 && (rc = journal_reader_next(g->reader, &record, e)) > 0) {
		if (record.type != RECORD_GONE)
			continue;
		if (ledger_gone_result(g->ledger, &record, &g->how, &g->result, &g->verdict) < 0)
			return journal_reader_damaged(g->reader, record.offset, e);
		return 1;
	}
	return rc;
}

void ledger_gone_end(struct ledger_gone *g)
{
	if (!g->reader)
		return;
	journal_reader_close(g->reader);
	mem_free(g->reader);
	g->reader = NULL;
}
