/* ledger_failed.c - the last word on every recipient that was not sent to, by row.
 *
 * Where a row's last record stands is not kept for most rows. It is found by walking the segments
 * once for as many rows as FAILED_WINDOW records allow, and sorting those: bounded memory however
 * many failed, one walk for lists of any usual kind. Held by tests/unit/test_results_ledger.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"

enum { FAILED_WINDOW = 1 << 20, FAILED_FIRST = 256 };

/* ---- one record as a result ---- */

static void say_in_doubt(struct verdict *v, const char *why)
{
	v->kind = VERDICT_IN_DOUBT;
	verdict_say(v, "%s", why);
}

void ledger_result_claimed(uint64_t row, uint32_t index, struct journal_result *out, struct verdict *verdict)
{
	*verdict = (struct verdict){ .scope = SCOPE_MAIL, .recipient = index, .stage = "" };
	say_in_doubt(verdict, "power was lost while this row was being sent; what became of it is not known");
	*out = (struct journal_result){ .row = row, .of = 1, .recipient.index = index, .verdict = verdict };
}

static int result_of_intent(struct ledger *l, const struct record *record, uint32_t index,
			    struct journal_result *out, struct verdict *verdict)
{
	struct journal_intent intent;

	if (record_get_intent(record, &intent, l->recipients) < 0)
		return -1;
	*verdict = (struct verdict){ .scope = SCOPE_MAIL, .recipient = index, .stage = "end of data" };
	say_in_doubt(verdict, "the message may have been sent: the run was cut off before an answer was recorded");
	*out = (struct journal_result){ .row = intent.row, .line = intent.line, .attempt = intent.attempt,
					.time_ms = intent.time_ms, .message_id = intent.message_id, .of = intent.of,
					.recipient.index = index, .verdict = verdict };
	for (uint32_t i = 0; i < intent.n_recipients; i++)
		if (intent.recipients[i].index == index)
			out->recipient = intent.recipients[i];
	return 0;
}

int ledger_result(struct ledger *l, const struct record *record, uint64_t row, uint32_t index,
		  struct journal_result *out, struct verdict *verdict)
{
	bool by_intent = record->type == RECORD_INTENT;

	if (by_intent ? result_of_intent(l, record, index, out, verdict) < 0
		      : record_get_result(record, out, verdict, l->stage) < 0)
		return -1;
	out->line = record_line_of(record, out->row, out->line, row);
	out->of_group = out->row != row;
	out->row = row;
	if (by_intent)
		return 0;
	if (ledger_standing(l, out->row, index) == STANDS_DEFERRED && verdict->kind == VERDICT_REFUSED)
		verdict->kind = VERDICT_DEFERRED; /* it was pardoned */
	if (ledger_standing(l, out->row, index) == STANDS_IN_DOUBT && verdict->kind != VERDICT_IN_DOUBT)
		say_in_doubt(verdict, "power was lost while it was being tried again; what became of it is not known");
	return 0;
}

/* ---- the window ---- */

static bool row_wanted(const struct ledger *l, uint64_t row)
{
	return l->failed_rows == LEDGER_ALL_ROWS || (ledger_row(l, row) == ROW_SKIPPED) == (l->failed_rows == LEDGER_SKIPPED_ROWS);
}

static bool wanted(const struct ledger *l, enum standing stands)
{
	return stands != STANDS_TO_DO && (stands != STANDS_SENT || l->sent_too);
}

static int add(struct ledger *l, uint64_t key, uint64_t position, struct err *e)
{
	if (l->n_failed == l->failed_room) {
		size_t room = l->failed_room ? 2 * l->failed_room : FAILED_FIRST;
		struct failed_record *more = mem_grow(l->failed, room * sizeof *more);

		if (!more)
			return err_nomem(e, "the list of what was not sent");
		l->failed = more;
		l->failed_room = room;
	}
	l->failed[l->n_failed++] = (struct failed_record){ key, position };
	return 0;
}

/* Is there any record of that recipient? Else it stands in no segment. */
static bool recorded(const struct ledger *l, uint64_t row, uint32_t index)
{
	const struct ledger_entry *entry;

	if (l->bytes[row] != BYTE_TABLE)
		return l->bytes[row] != BYTE_CLAIMED;
	entry = ledger_table_find(&l->table, ledger_key(row, index));
	return entry && (entry->intent_when || entry->result_when);
}

/* Rows from `first` on that fit the window: the first behind them. What has no record is added. */
static int choose_rows(struct ledger *l, uint64_t first, uint64_t *behind, struct err *e)
{
	size_t expected = 0;
	uint64_t row = first;

	for (; row < l->n_bytes && expected < FAILED_WINDOW; row++) {
		uint32_t of = row_wanted(l, row) ? ledger_row_recipients(l, row) : 0;

		for (uint32_t i = 0; i < of; i++) {
			if (!wanted(l, ledger_standing(l, row, i)))
				continue;
			expected++;
			if (!recorded(l, row, i) && add(l, ledger_key(row, i), POSITION_UNKNOWN, e) < 0)
				return -1;
		}
	}
	*behind = row;
	return expected > 0;
}

static int add_record(struct ledger *l, const struct record *record, const struct record_mark *m, uint64_t row,
		      uint64_t position, struct err *e)
{
	for (size_t i = 0; i < m->indexes.n; i++) {
		uint32_t index = (unsigned char)m->indexes.p[i];

		if (wanted(l, ledger_standing(l, row, index)) &&
		    ledger_is_final(l, row, index, record->type, position) &&
		    add(l, ledger_key(row, index), position, e) < 0)
			return -1;
	}
	return 0;
}

static int find_records(struct ledger *l, uint64_t first, uint64_t behind, struct err *e)
{
	struct ledger_walk w = { .ledger = l };
	struct record record;
	uint64_t position;
	int rc;

	while ((rc = ledger_walk_next(&w, &record, &position, e)) > 0) {
		struct record_mark m;

		if (record.type == RECORD_SYNCED || record_get_mark(&record, &m) < 0)
			continue;

		struct record_rows rows = { .rest = record.others };

		while (rc >= 0 && record_next_row(&rows, m.row))
			if (rows.now.number >= first && rows.now.number < behind && row_wanted(l, rows.now.number))
				rc = add_record(l, &record, &m, rows.now.number, position, e);
		if (rc < 0)
			break;
	}
	ledger_walk_close(&w);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct failed_record *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

int ledger_keep_failed(struct ledger *l, const struct failed_record *failed, size_t n, struct err *e)
{
	l->failed_known = true;
	for (size_t i = 0; i < n; i++)
		if (add(l, failed[i].key, failed[i].position, e) < 0)
			return -1;
	if (n > 0)
		qsort(l->failed, n, sizeof *l->failed, compare);
	return 0;
}

/* 1 the window was filled with what follows, 0 there is no more. */
static int next_window(struct ledger *l, struct err *e)
{
	uint64_t first = l->failed_next_row, behind;
	int rc;

	l->failed_first += l->n_failed;
	l->n_failed = 0;
	rc = choose_rows(l, first, &behind, e);
	if (rc > 0)
		rc = find_records(l, first, behind, e) < 0 ? -1 : 1;
	if (rc < 0) {
		l->failed_first = l->n_failed = 0; /* begin anew next time */
		l->failed_next_row = 1;
		return -1;
	}
	l->failed_next_row = behind;
	if (l->n_failed > 0)
		qsort(l->failed, l->n_failed, sizeof *l->failed, compare);
	return rc;
}

/* ---- one after the other ---- */

static int read_at(struct ledger *l, uint64_t position, struct record *record, struct err *e)
{
	size_t segment = (size_t)(position >> POSITION_BITS);

	if (l->reader_open && l->reader_segment != segment) {
		journal_reader_close(&l->reader);
		l->reader_open = false;
	}
	if (!l->reader_open) {
		if (ledger_open_segment(&l->reader, l->results_path, &l->log, l->segments[segment], e) < 0)
			return -1;
		l->reader_open = true;
		l->reader_segment = segment;
	}
	return journal_reader_at(&l->reader, position & ((UINT64_C(1) << POSITION_BITS) - 1), record, e);
}

static int give(struct ledger *l, const struct failed_record *f, struct journal_result *out,
		struct verdict *verdict, struct err *e)
{
	uint32_t index = (uint32_t)(f->key % JOURNAL_RECIPIENTS_MAX);
	struct record record;

	if (f->position == POSITION_UNKNOWN) {
		ledger_result_claimed(f->key / JOURNAL_RECIPIENTS_MAX, index, out, verdict);
		return 1;
	}
	if (read_at(l, f->position, &record, e) < 0)
		return -1;
	if (ledger_result(l, &record, f->key / JOURNAL_RECIPIENTS_MAX, index, out, verdict) < 0)
		return journal_reader_damaged(&l->reader, record.offset, e);
	return 1;
}

int ledger_next_failed(struct ledger *l, struct ledger_cursor *at, struct journal_result *out,
		       struct verdict *verdict, struct err *e)
{
	int rc;

	if (!l->failed_known && (at->at < l->failed_first || at->sent_too != l->sent_too || at->rows != l->failed_rows)) {
		/* it begins anew */
		l->sent_too = at->sent_too;
		l->failed_rows = at->rows;
		l->failed_first = l->n_failed = 0;
		l->failed_next_row = 1;
	}
	while (at->at >= l->failed_first + l->n_failed) {
		rc = l->failed_known ? 0 : next_window(l, e);
		if (rc <= 0)
			return rc;
	}
	rc = give(l, &l->failed[at->at - l->failed_first], out, verdict, e);
	if (rc > 0)
		at->at++;
	return rc;
}
