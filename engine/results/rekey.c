/* rekey.c - two passes over all that is known: rows that were skipped come last, because one that was a duplicate may
 * share its key with the one that was sent to, and that must find its place first. A duplicate of one that was not
 * sent to is forgotten: either may be the one that is left.
 *
 * Held by tests/unit/test_results_rekey.c, tests/system/test_key.py. */
#include "engine/results/rekey.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/results/journal_parts.h"
#include "engine/results/ledger_parts.h"

enum { PENDING_MOST = 1 << 20 };

struct moving {
	const struct rekey *k;
	struct rekey_counts *counts;
	struct ledger *into;             /* or */
	struct journal_segment *segment;
	bool skipped;                    /* the pass is that of rows that were */
	uint64_t was;                    /* old number of the row that all below is about; 0: none so far */
	struct rekey_who who;
	bool kept;
	uint64_t row, line;              /* where it stands now */
	uint64_t n_gone;                 /* written so far: their numbers */
};

static int not_known(const struct ledger *old, uint64_t row, struct err *e)
{
	err_set(e, ERR_CONFLICT, "row %llu of '%s' was being sent when the power was lost, and its address is not on record",
		(unsigned long long)row, old->results_path);
	return err_hint(e, "give the list as it was with --old-list; or resume once with it and --in-doubt resend, then edit it");
}

static void name_gone(struct rekey_counts *c, struct span address)
{
	if (address.n && c->n_named < REKEY_NAMED)
		snprintf(c->named[c->n_named++], REKEY_NAME_SIZE, "%.*s", SPAN_ARG(utf8_cut(address, REKEY_NAME_SIZE - 1)));
}

/* The first record of a row. */
static void find(struct moving *m, uint64_t was, const struct rekey_who *who)
{
	m->was = was;
	m->who = *who;
	m->kept = m->k->find(m->k->ctx, &m->who, &m->row, &m->line);
	m->counts->kept += m->kept;
	m->counts->gone += !m->kept;
	m->n_gone += !m->kept;
	if (!m->kept)
		name_gone(m->counts, who->address);
}

static int take(struct moving *m, const struct journal_result *r, struct err *e)
{
	char index = (char)r->recipient.index;
	struct record_mark mark = { .row = m->row, .attempt = r->attempt, .of = r->of, .indexes = { &index, 1 },
				    .kind = r->verdict->kind };

	return m->kept ? ledger_take(m->into, RECORD_RESULT, &mark, 1, POSITION_UNKNOWN, e) : 0;
}

static int put(struct moving *m, struct journal_result *r, struct err *e)
{
	struct journal_gone gone = { m->skipped, m->who.column, { m->who.key[0], m->who.key[1] } };
	int rc;

	if (m->into)
		return take(m, r, e);
	r->row = m->kept ? m->row : m->n_gone;
	r->line = m->kept ? m->line : 0;
	rc = m->kept ? journal_result(m->segment, r, e) : journal_gone(m->segment, &gone, r, e);
	return rc < 0 || (journal_pending(m->segment) > PENDING_MOST && journal_flush(m->segment, e) < 0) ? -1 : 0;
}

static int tell(const struct moving *m, const struct journal_result *r, struct err *e)
{
	if (m->skipped || r->verdict->kind == VERDICT_SKIPPED || m->k->tell(m->k->ctx, r->recipient.address) == 0)
		return 0;
	return err_nomem(e, "the journal under its new numbers");
}

static bool is_idle_duplicate(const struct moving *m, const struct journal_result *r)
{
	return m->skipped && r->verdict->kind == VERDICT_SKIPPED && r->verdict->stage &&
	       strcmp(r->verdict->stage, "duplicate") == 0 && r->recipient.address.n > 0 &&
	       !m->k->was_told(m->k->ctx, r->recipient.address);
}

static int move_rows(struct moving *m, struct ledger *old, struct err *e)
{
	struct ledger_cursor at = { .sent_too = true, .rows = m->skipped ? LEDGER_SKIPPED_ROWS : LEDGER_OTHER_ROWS };
	struct journal_result r;
	struct verdict v;
	int rc;

	m->was = 0;
	while ((rc = ledger_next_failed(old, &at, &r, &v, e)) > 0) {
		struct rekey_who who = { .row = r.row, .address = r.recipient.address };

		rc = tell(m, &r, e);
		if (rc < 0)
			break;
		if (is_idle_duplicate(m, &r))
			continue;
		if (!m->k->by_row && r.recipient.address.n == 0 && r.message_id.n == 0 && r.time_ms == 0)
			return not_known(old, r.row, e);
		if (r.row != m->was)
			find(m, r.row, &who);
		rc = put(m, &r, e);
		if (rc < 0)
			break;
	}
	return rc;
}

/* Whom an earlier list had. */
static int move_gone(struct moving *m, struct ledger *old, struct err *e)
{
	struct ledger_gone g = { .ledger = old };
	int rc;

	m->was = 0;
	while ((rc = ledger_gone_next(&g, e)) > 0) {
		struct rekey_who who = { 0, g.result.recipient.address, g.how.column, { g.how.key[0], g.how.key[1] } };

		rc = tell(m, &g.result, e);
		if (rc < 0)
			break;
		if (g.how.skipped != m->skipped || is_idle_duplicate(m, &g.result))
			continue;
		if (g.result.row != m->was)
			find(m, g.result.row, &who);
		rc = put(m, &g.result, e);
		if (rc < 0)
			break;
	}
	ledger_gone_end(&g);
	return rc;
}

static int move_all(struct moving *m, struct ledger *old, struct err *e)
{
	int rc = 0;

	*m->counts = (struct rekey_counts){ 0 };
	m->k->begin(m->k->ctx);
	for (int pass = 0; pass < 2 && rc >= 0; pass++) {
		m->skipped = pass == 1;
		rc = move_rows(m, old, e);
		if (rc >= 0)
			rc = move_gone(m, old, e);
	}
	return rc;
}

int ledger_rekey(struct ledger **out, struct ledger *old, const struct rekey *k, struct rekey_counts *counts,
		 struct err *e)
{
	struct ledger *l = mem_new(sizeof *l);
	struct moving m = { .k = k, .counts = counts, .into = l };

	if (!l)
		return err_nomem(e, "the journal under its new numbers");
	l->failed_next_row = 1;
	l->results_path = mem_strdup(old->results_path);
	if ((l->results_path ? move_all(&m, old, e) : err_nomem(e, "the journal under its new numbers")) < 0) {
		ledger_free(&l);
		return -1;
	}
	ledger_count(l);
	*out = l;
	return 0;
}

int journal_rekey(struct journal *j, struct ledger *old, const struct rekey *k, const struct journal_identity *identity,
		  struct err *e)
{
	struct rekey_counts counts;
	struct moving m = { .k = k, .counts = &counts };
	int rc;

	if (journal_segment_open(&m.segment, j, REKEY_WORKER, e) < 0)
		return -1;
	rc = move_all(&m, old, e) < 0 || journal_flush(m.segment, e) < 0 || journal_sync(m.segment, e) < 0 ? -1 : 0;
	if (rc == 0)
		rc = journal_note_segment(j, REKEY_WORKER, journal_segment_synced(m.segment), e);
	journal_segment_close(&m.segment);
	return rc < 0 ? -1 : journal_note_rekeyed(j, identity, e);
}
