/* rekey.c - held by tests/system/test_key.py. */
#include "engine/results/rekey.h"

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/journal_parts.h"
#include "engine/results/ledger_parts.h"

struct moving {
	const struct rekey *k;
	struct rekey_counts *counts;
	uint64_t was;        /* old number of the row that `row` is the new one of; 0: none so far */
	uint64_t row, line;
	bool kept;
};

static int not_known(const struct ledger *old, uint64_t row, struct err *e)
{
	err_set(e, ERR_CONFLICT, "row %llu of '%s' was being sent when the power was lost, and its address is not on record",
		(unsigned long long)row, old->results_path);
	return err_hint(e, "give the list as it was with --old-list; or resume once with it and --in-doubt resend, then edit it");
}

/* 1 the record's row is in the new list, 0 it is gone, -1. */
static int move(struct moving *m, const struct ledger *old, const struct journal_result *r, struct err *e)
{
	if (!m->k->by_row && r->recipient.address.n == 0 && r->message_id.n == 0 && r->time_ms == 0)
		return not_known(old, r->row, e);
	if (r->row != m->was) {
		m->was = r->row;
		m->kept = m->k->find(m->k->ctx, r->row, r->recipient.address, &m->row, &m->line);
		m->counts->kept += m->kept;
		m->counts->gone += !m->kept;
	}
	return m->kept;
}

int ledger_rekey(struct ledger **out, struct ledger *old, const struct rekey *k, struct rekey_counts *counts,
		 struct err *e)
{
	struct ledger_cursor at = { .sent_too = true };
	struct moving m = { .k = k, .counts = counts };
	struct ledger *l = mem_new(sizeof *l);
	struct journal_result r;
	struct verdict v;
	int rc;

	*counts = (struct rekey_counts){ 0 };
	if (!l)
		return err_nomem(e, "the journal under its new numbers");
	l->failed_next_row = 1;
	l->results_path = mem_strdup(old->results_path);
	rc = l->results_path ? 0 : err_nomem(e, "the journal under its new numbers");
	while (rc >= 0 && (rc = ledger_next_failed(old, &at, &r, &v, e)) > 0) {
		char index = (char)r.recipient.index;
		struct record_mark mark = { .attempt = r.attempt, .of = r.of, .indexes = { &index, 1 }, .kind = v.kind };

		rc = move(&m, old, &r, e);
		if (rc <= 0)
			continue;
		mark.row = m.row;
		rc = ledger_take(l, RECORD_RESULT, &mark, 1, POSITION_UNKNOWN, e);
	}
	if (rc < 0) {
		ledger_free(&l);
		return -1;
	}
	ledger_count(l);
	*out = l;
	return 0;
}

static int write_moved(struct journal_segment *s, struct ledger *old, struct moving *m, struct err *e)
{
	struct ledger_cursor at = { .sent_too = true };
	struct journal_result r;
	struct verdict v;
	int rc;

	while ((rc = ledger_next_failed(old, &at, &r, &v, e)) > 0) {
		rc = move(m, old, &r, e);
		if (rc == 0)
			continue;
		r.row = m->row;
		r.line = m->line;
		if (rc < 0 || journal_result(s, &r, e) < 0 || (journal_pending(s) > 1 << 20 && journal_flush(s, e) < 0))
			return -1;
	}
	return rc < 0 || journal_flush(s, e) < 0 || journal_sync(s, e) < 0 ? -1 : 0;
}

int journal_rekey(struct journal *j, struct ledger *old, const struct rekey *k, const struct journal_identity *identity,
		  struct err *e)
{
	struct rekey_counts counts = { 0 };
	struct moving m = { .k = k, .counts = &counts };
	struct journal_segment *s;
	int rc;

	if (journal_segment_open(&s, j, REKEY_WORKER, e) < 0)
		return -1;
	rc = write_moved(s, old, &m, e);
	journal_segment_close(&s);
	return rc < 0 ? -1 : journal_note_rekeyed(j, identity, e);
}
