/* ledger.c - what stands for each recipient after everything the journal says.
 *
 * The newest RESULT stands, "newest" by run and then by attempt, never by the order of reading,
 * because two attempts of one row may be in segments of two workers. In doubt is a recipient
 *  a. whose newest RESULT says so;
 *  b. who has an INTENT of a later run or attempt than the newest RESULT, or without any;
 *  c. whose row was claimed in a run that ended in a power cut, after the newest RESULT was
 *     written, when that is a deferral or there is none. Claims are numbered over the campaign,
 *     and each RESULT carries how many there were, which gives the order of the two files.
 * README.md has the whole table of states. The record of a group is one of each of its rows, so that
 * these stand alike whatever a crash left.
 *
 *  1. A row is a byte as long as at most one INTENT and one RESULT are known of it, of attempt 1,
 *     for one recipient; runs are read in order, so any later record of it is newer than those.
 *  2. Memory is that byte a row and sizeof(struct ledger_entry) for each other recipient.
 * Held by tests/unit/test_results_ledger.c. */
#include "engine/results/ledger.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/rekey.h"

/* ---- taking records in ---- */

/* The bytes reach up to that row. */
static int reach(struct ledger *l, uint64_t row, struct err *e)
{
	uint64_t room = l->room ? l->room : 4096;
	uint8_t *bytes;

	if (row < l->n_bytes)
		return 0;
	while (room <= row)
		room *= 2;
	if (room > l->room) {
		bytes = mem_grow(l->bytes, room);
		if (!bytes)
			return err_nomem(e, "reading the journal");
		memset(bytes + l->room, BYTE_NONE, room - l->room);
		l->bytes = bytes;
		l->room = room;
	}
	l->n_bytes = row + 1;
	return 0;
}

/* A row's byte becomes an entry; what it said counts as older than all that comes (1). */
static struct ledger_entry *move_to_table(struct ledger *l, uint64_t row)
{
	static const enum verdict_kind kinds[] = {
		[BYTE_SENT] = VERDICT_SENT, [BYTE_SKIPPED] = VERDICT_SKIPPED, [BYTE_REFUSED] = VERDICT_REFUSED,
		[BYTE_DOUBT] = VERDICT_IN_DOUBT,
	};
	uint8_t byte = l->bytes[row];
	struct ledger_entry *entry = ledger_table_put(&l->table, ledger_key(row, 0));

	if (!entry || byte == BYTE_TABLE)
		return entry;
	entry->of = 1;
	if (byte == BYTE_INTENT)
		entry->intent_when = 1;
	else if (byte != BYTE_NONE) {
		entry->result_when = 1;
		entry->kind = (uint8_t)kinds[byte];
	}
	l->bytes[row] = BYTE_TABLE;
	return entry;
}

/* The row fits a byte with this record too: 1 and it is taken in. */
static int take_as_byte(struct ledger *l, enum record_type type, const struct record_mark *m)
{
	static const uint8_t bytes[] = {
		[VERDICT_SENT] = BYTE_SENT, [VERDICT_DEFERRED] = BYTE_TABLE, [VERDICT_REFUSED] = BYTE_REFUSED,
		[VERDICT_IN_DOUBT] = BYTE_DOUBT, [VERDICT_SKIPPED] = BYTE_SKIPPED,
	};
	uint8_t *byte = &l->bytes[m->row];
	uint8_t wanted = type == RECORD_INTENT ? (uint8_t)BYTE_INTENT : bytes[m->kind];

	if (m->of != 1 || m->attempt > 1 || m->indexes.n != 1 || m->indexes.p[0] != 0 || wanted == BYTE_TABLE)
		return 0;
	if (*byte != BYTE_NONE && !(*byte == BYTE_INTENT && type == RECORD_RESULT))
		return 0;
	*byte = wanted;
	return 1;
}

static void take_entry(struct ledger_entry *entry, enum record_type type, const struct record_mark *m,
		       uint64_t when, uint64_t position)
{
	if (type == RECORD_INTENT) {
		if (when < entry->intent_when)
			return;
		entry->intent_when = when;
		entry->intent = position;
		return;
	}
	if (when < entry->result_when)
		return;
	entry->result_when = when;
	entry->result = position;
	entry->kind = (uint8_t)m->kind;
	entry->claims = m->claims < UINT32_MAX ? (uint32_t)m->claims : UINT32_MAX;
}

int ledger_take(struct ledger *l, enum record_type type, const struct record_mark *m, unsigned run, uint64_t position,
		struct err *e)
{
	uint64_t when = (uint64_t)run << 32 | m->attempt;
	struct ledger_entry *entry;

	if (reach(l, m->row, e) < 0)
		return -1;
	if (take_as_byte(l, type, m))
		return 0;
	entry = move_to_table(l, m->row);
	if (!entry)
		return err_nomem(e, "reading the journal");
	if (m->of > entry->of)
		entry->of = (uint8_t)m->of;
	for (size_t i = 0; i < m->indexes.n; i++) {
		uint32_t index = (unsigned char)m->indexes.p[i];

		if (index >= entry->of)
			entry->of = (uint8_t)(index + 1);
	}
	for (size_t i = 0; i < m->indexes.n; i++) {
		entry = ledger_table_put(&l->table, ledger_key(m->row, (unsigned char)m->indexes.p[i]));
		if (!entry)
			return err_nomem(e, "reading the journal");
		take_entry(entry, type, m, when, position);
	}
	return 0;
}

/* A refusal that was pardoned since is a deferral. */
static int weigh(struct ledger *l, const struct record *record, unsigned run, struct record_mark *m)
{
	struct journal_result result;
	struct verdict verdict;

	if (record->type != RECORD_RESULT || m->kind != VERDICT_REFUSED || l->log.n_pardons == 0)
		return 0;
	if (record_get_result(record, &result, &verdict, l->stage) < 0)
		return -1;
	if (campaign_is_pardoned(&l->log, run, &verdict))
		m->kind = VERDICT_DEFERRED;
	return 0;
}

/* Begin times: those of BEGIN records; of a segment without any, those of its intents. 1: it has no time. */
static int take_time(struct ledger *l, enum record_type type, const struct record_mark *m, bool *has_begins, struct err *e)
{
	int64_t time_ms;

	*has_begins |= type == RECORD_BEGIN;
	if (type == RECORD_RESULT || (type == RECORD_INTENT && *has_begins) || l->begins.keep == 0)
		return 0;
	if (record_get_time(m, &time_ms) < 0)
		return 1;
	return begins_add(&l->begins, time_ms) < 0 ? err_nomem(e, "reading the journal") : 0;
}

static uint64_t highest_row(const struct record *record, uint64_t first)
{
	struct record_rows rows = { .rest = record->others };
	uint64_t highest = first;

	while (record_next_row(&rows, first))
		if (rows.now.number > highest)
			highest = rows.now.number;
	return highest;
}

/* What a record says, it says of all rows of its group. */
static int take_rows(struct ledger *l, const struct record *record, struct record_mark *m, unsigned run,
		     uint64_t position, struct err *e)
{
	struct record_rows rows = { .rest = record->others };
	uint64_t first = m->row;
	int rc = 0;

	while (rc == 0 && record_next_row(&rows, first)) {
		m->row = rows.now.number;
		rc = ledger_take(l, record->type, m, run, position, e);
	}
	return rc;
}

/* Somebody whom the list does not have: 1 it was that, 0 it is another record, -1 it is damaged. */
static int take_gone(struct ledger *l, const struct record *record)
{
	struct journal_gone how;
	struct journal_result result;
	struct verdict verdict;

	if (record->type != RECORD_GONE)
		return 0;
	if (ledger_gone_result(l, record, &how, &result, &verdict) < 0)
		return -1;
	l->counts.gone[verdict.kind]++;
	return 1;
}

/* 0, 1 it is no such record, -1 with e. */
static int take_record(struct ledger *l, const struct ledger_walk *w, const struct record *record, uint64_t position,
		       bool *has_begins, struct err *e)
{
	struct record_mark m;
	int rc = take_gone(l, record);

	if (rc != 0)
		return rc < 0;
	if (record_get_mark(record, &m) < 0 || highest_row(record, m.row) > LEDGER_ROWS_MAX ||
	    weigh(l, record, ledger_walk_run(w), &m) < 0)
		return 1;
	rc = take_time(l, record->type, &m, has_begins, e);
	if (rc != 0 || record->type == RECORD_BEGIN || w->segment <= l->first_segment)
		return rc;
	return take_rows(l, record, &m, ledger_walk_run(w), position, e);
}

static int take_segments(struct ledger *l, struct err *e)
{
	struct ledger_walk w = { .ledger = l, .all = true };
	bool has_begins = false;
	struct record record;
	size_t segment = 0;
	uint64_t position;
	int rc;

	while ((rc = ledger_walk_next(&w, &record, &position, e)) > 0) {
		if (w.segment != segment) {
			segment = w.segment;
			has_begins = false;
		}
		if (record.type == RECORD_SYNCED)
			continue;
		rc = take_record(l, &w, &record, position, &has_begins, e);
		if (rc > 0)
			rc = journal_reader_damaged(&w.reader, record.offset, e);
		if (rc < 0)
			break;
	}
	ledger_walk_close(&w);
	return rc;
}

/* ---- claims of runs that ended in a power cut ---- */

/* Rule c for a row with entries. */
static int claim_entries(struct ledger *l, uint64_t row, uint64_t number, struct err *e)
{
	uint32_t of = ledger_row_recipients(l, row);

	for (uint32_t i = 0; i < of; i++) {
		struct ledger_entry *entry = ledger_table_put(&l->table, ledger_key(row, i));
		enum standing stands;

		if (!entry)
			return err_nomem(e, "reading the journal");
		stands = ledger_entry_standing(entry);
		if ((stands == STANDS_TO_DO || stands == STANDS_DEFERRED) && number > entry->claims)
			entry->claimed = true;
	}
	return 0;
}

static bool any_power_lost(const struct campaign_log *log)
{
	for (unsigned i = 0; i < log->n_runs; i++)
		if (log->runs[i].power_lost)
			return true;
	return false;
}

static int take_claims(struct ledger *l, struct err *e)
{
	uint64_t first, last, number;
	struct claim_walk *w;
	int rc;

	if (l->log.rows_claimed > LEDGER_ROWS_MAX)
		return err_set(e, ERR_CONFLICT, "the journal of '%s' claims an impossible row", l->results_path);
	if (!any_power_lost(&l->log))
		return 0;
	if (reach(l, l->log.rows_claimed, e) < 0 || claim_walk_open(&w, l->results_path, &l->log, e) < 0)
		return -1;
	while ((rc = claim_walk_next(w, &first, &last, &number, e)) > 0) {
		if (last > l->log.rows_claimed) { /* it stands before the rows of its run got their numbers */
			rc = err_set(e, ERR_CONFLICT, "the journal of '%s' claims an impossible row", l->results_path);
			break;
		}
		for (uint64_t row = first; row <= last && rc >= 0; row++) {
			if (l->bytes[row] == BYTE_NONE)
				l->bytes[row] = BYTE_CLAIMED;
			else if (l->bytes[row] == BYTE_TABLE)
				rc = claim_entries(l, row, number, e);
		}
		if (rc < 0)
			break;
	}
	claim_walk_close(&w);
	return rc;
}

/* ---- the whole ---- */

static void count_one(struct ledger_counts *c, enum standing stands)
{
	c->sent += stands == STANDS_SENT;
	c->skipped += stands == STANDS_SKIPPED;
	c->refused += stands == STANDS_REFUSED;
	c->deferred += stands == STANDS_DEFERRED;
	c->in_doubt += stands == STANDS_IN_DOUBT;
}

void ledger_count(struct ledger *l)
{
	uint64_t by_byte[BYTE_TABLE + 1] = { 0 };
	struct ledger_counts *c = &l->counts;

	for (uint64_t row = 0; row < l->n_bytes; row++)
		by_byte[l->bytes[row]]++;
	c->sent = by_byte[BYTE_SENT];
	c->skipped = by_byte[BYTE_SKIPPED];
	c->refused = by_byte[BYTE_REFUSED];
	c->in_doubt = by_byte[BYTE_DOUBT] + by_byte[BYTE_INTENT] + by_byte[BYTE_CLAIMED];
	for (size_t i = 0; i < l->table.size; i++)
		if (l->table.places[i].key)
			count_one(c, ledger_entry_standing(&l->table.places[i]));
	c->rows_claimed = l->log.rows_claimed;
}

/* What a run wrote again for an edited list, and was stopped before it counted. */
static void leave_out_unfinished(struct ledger *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_segments; i++)
		if (l->segments[i].worker != REKEY_WORKER || l->segments[i].run == l->log.epoch)
			l->segments[n++] = l->segments[i];
	l->n_segments = n;
}

/* Segments of runs that began after `campaign` was read are left out. */
static int list_segments(struct ledger *l, struct err *e)
{
	if (campaign_segments(l->results_path, 0, &l->segments, &l->n_segments, e) < 0)
		return -1;
	while (l->n_segments > 0 && l->segments[l->n_segments - 1].run > l->log.n_runs)
		l->n_segments--;
	leave_out_unfinished(l);
	while (l->first_segment < l->n_segments && l->segments[l->first_segment].run < l->log.epoch)
		l->first_segment++;
	if (l->n_segments > SEGMENTS_MAX)
		return err_set(e, ERR_LIMIT, "the journal of '%s' has over %d files", l->results_path, SEGMENTS_MAX);
	return 0;
}

static int pardon(struct ledger *l, const char *class, struct err *e)
{
	struct record_pardon p = { .run = l->log.n_runs };

	snprintf(p.class, sizeof p.class, "%s", class);
	return campaign_pardon(&l->log, &p) < 0 ? err_nomem(e, "reading the journal") : 0;
}

/* Which runs and segments there are. */
static int find_all(struct ledger *l, const char *results_path, const char *class, struct err *e)
{
	int rc;

	l->results_path = mem_strdup(results_path);
	if (!l->results_path)
		return err_nomem(e, "reading the journal");
	rc = campaign_read(&l->log, results_path, e);
	if (rc == 0)
		return err_set(e, ERR_INPUT, "there is no campaign of '%s'", results_path);
	return rc < 0 || (class && pardon(l, class, e) < 0) ? -1 : list_segments(l, e);
}

static int load(struct ledger *l, const char *results_path, const char *class, struct err *e)
{
	if (find_all(l, results_path, class, e) < 0 || take_segments(l, e) < 0 || take_claims(l, e) < 0)
		return -1;
	begins_sort(&l->begins);
	ledger_count(l);
	return 0;
}

static struct ledger *new_ledger(struct err *e)
{
	struct ledger *l = mem_new(sizeof *l);

	if (!l)
		err_nomem(e, "reading the journal");
	else
		l->failed_next_row = 1;
	return l;
}

int ledger_known(struct ledger **out, const char *results_path, const struct ledger_counts *counts,
		 const struct failed_record *failed, size_t n_failed, struct err *e)
{
	*out = new_ledger(e);
	if (!*out)
		return -1;
	(*out)->counts = *counts;
	if (find_all(*out, results_path, NULL, e) == 0 && ledger_keep_failed(*out, failed, n_failed, e) == 0)
		return 0;
	ledger_free(out);
	return -1;
}

int ledger_load(struct ledger **out, const char *results_path, struct err *e)
{
	return ledger_load_pardoned(out, results_path, 0, NULL, e);
}

int ledger_load_begins(struct ledger **out, const char *results_path, size_t begins, struct err *e)
{
	return ledger_load_pardoned(out, results_path, begins, NULL, e);
}

int ledger_load_pardoned(struct ledger **out, const char *results_path, size_t begins, const char *class,
			 struct err *e)
{
	*out = new_ledger(e);
	if (!*out)
		return -1;
	(*out)->begins.keep = begins;
	if (load(*out, results_path, class, e) == 0)
		return 0;
	ledger_free(out);
	return -1;
}

void ledger_free(struct ledger **l)
{
	struct ledger *old = *l;

	if (!old)
		return;
	if (old->reader_open)
		journal_reader_close(&old->reader);
	campaign_release(&old->log);
	ledger_table_release(&old->table);
	mem_free(old->segments);
	mem_free(old->bytes);
	mem_free(old->begins.times);
	mem_free(old->failed);
	mem_free(old->results_path);
	mem_free(old);
	*l = NULL;
}

void ledger_counts(const struct ledger *l, struct ledger_counts *out)
{
	*out = l->counts;
}

size_t ledger_begins(const struct ledger *l, int64_t since_ms, int64_t *out, size_t max)
{
	const struct begin_times *b = &l->begins;
	size_t n = 0;

	while (n < max && n < b->n && b->times[b->n - 1 - n] >= since_ms)
		n++;
	if (n > 0)
		memcpy(out, b->times + (b->n - n), n * sizeof *out);
	return n;
}
