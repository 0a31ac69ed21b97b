/* tally.c - one walk over the ledger's records.
 *
 *  1. Each recipient is counted once, with its last word.
 *  2. While a run holds the lock, what was offered in that run and not answered is under way, not in
 *     doubt: it becomes that when the process is gone.
 *  3. Answers are the same when kind, code and enhanced code are; those without a code when their
 *     text is, up to the first colon.
 * Held by tests/system/test_status.py. */
#include "engine/results/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/results/ledger_parts.h"

enum { DOMAIN_PLACES = 2 * TALLY_DOMAINS_MAX };

struct counting {
	struct tally *tally;
	struct ledger *ledger;
	struct hash_key key;
	uint16_t *places; /* index of a domain plus 1, 0 free */
	int64_t now_ms;
	unsigned run;     /* that of the record */
};

/* ---- domains ---- */

static struct span domain_of(struct span address)
{
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == '@')
			return utf8_cut(span_skip(address, i), TALLY_DOMAIN_SIZE - 1);
	return (struct span){ NULL, 0 };
}

static struct tally_domain *find_domain(struct counting *c, struct span name)
{
	struct tally *t = c->tally;
	size_t at = (size_t)hash_span(c->key, name) % DOMAIN_PLACES;

	while (c->places[at] && !span_case_eq(span_str(t->domains[c->places[at] - 1].name), name))
		at = (at + 1) % DOMAIN_PLACES;
	if (c->places[at])
		return &t->domains[c->places[at] - 1];
	if (t->n_domains == TALLY_DOMAINS_MAX - 1) { /* the last place is for all others */
		snprintf(t->domains[t->n_domains].name, TALLY_DOMAIN_SIZE, "other domains");
		return &t->domains[t->n_domains];
	}
	c->places[at] = (uint16_t)(t->n_domains + 1);
	snprintf(t->domains[t->n_domains].name, TALLY_DOMAIN_SIZE, "%.*s", SPAN_ARG(name));
	return &t->domains[t->n_domains++];
}

/* ---- reasons ---- */

static bool same_reason(const struct tally_reason *r, const struct verdict *v)
{
	struct span a = span_str(r->reply), b = span_str(v->text);

	if (r->kind != v->kind || r->code != v->code || memcmp(r->enhanced, v->enhanced, sizeof r->enhanced) != 0)
		return false;
	a = span_sub(a, 0, span_find(a, ':'));
	b = span_sub(b, 0, span_find(b, ':'));
	return v->code != 0 || span_eq(a, utf8_cut(b, TALLY_REPLY_SIZE - 1));
}

static void count_reason(struct tally *t, const struct verdict *v)
{
	struct tally_reason *r = t->reasons;

	for (uint32_t i = 0; i < t->n_reasons; i++, r++)
		if (same_reason(r, v)) {
			r->count++;
			return;
		}
	if (t->n_reasons == TALLY_REASONS_MAX) {
		r = &t->reasons[TALLY_REASONS_MAX - 1];
		r->count++;
		r->code = 0;
		snprintf(r->reply, sizeof r->reply, "other reasons");
		return;
	}
	*r = (struct tally_reason){ .kind = v->kind, .code = v->code, .count = 1 };
	memcpy(r->enhanced, v->enhanced, sizeof r->enhanced);
	snprintf(r->reply, sizeof r->reply, "%.*s", SPAN_ARG(utf8_cut(span_str(v->text), sizeof r->reply - 1)));
	t->n_reasons++;
}

/* ---- the walk ---- */

static void count_result(struct counting *c, const struct journal_result *r)
{
	struct tally_domain *d = find_domain(c, domain_of(r->recipient.address));

	d->by_kind[r->verdict->kind]++;
	if (r->verdict->kind != VERDICT_SENT)
		count_reason(c->tally, r->verdict);
}

static int count_row(struct counting *c, const struct record *record, const struct record_mark *m, uint64_t row,
		     uint64_t position, struct err *e)
{
	for (size_t i = 0; i < m->indexes.n; i++) {
		uint32_t index = (unsigned char)m->indexes.p[i];
		struct journal_result result;
		struct verdict verdict;

		if (!ledger_is_final(c->ledger, row, index, record->type, position))
			continue;
		if (record->type == RECORD_INTENT && c->tally->running && c->run == c->tally->runs) { /* (2) */
			c->tally->under_way++;
			continue;
		}
		if (ledger_result(c->ledger, record, row, index, &result, &verdict) < 0)
			return err_set(e, ERR_CONFLICT, "the journal of '%s' is damaged", c->ledger->results_path);
		count_result(c, &result);
	}
	return 0;
}

static int count_record(struct counting *c, const struct record *record, const struct record_mark *m, uint64_t position,
			struct err *e)
{
	struct record_rows rows = { .rest = record->others };
	int rc = 0;

	while (rc == 0 && record_next_row(&rows, m->row))
		rc = count_row(c, record, m, rows.now.number, position, e);
	return rc;
}

static int count_records(struct counting *c, struct err *e)
{
	struct ledger_walk w = { .ledger = c->ledger };
	struct record record;
	uint64_t position;
	int rc;

	while ((rc = ledger_walk_next(&w, &record, &position, e)) > 0) {
		struct record_mark m;
		int64_t time_ms;

		if (record.type == RECORD_SYNCED || record_get_mark(&record, &m) < 0)
			continue;
		c->run = ledger_walk_run(&w);
		if (record.type == RECORD_RESULT && record_get_time(&m, &time_ms) == 0) {
			if (time_ms > c->tally->newest_ms)
				c->tally->newest_ms = time_ms;
			c->tally->recent += time_ms > c->now_ms - TALLY_RECENT_MS && c->run == c->tally->runs;
		}
		rc = count_record(c, &record, &m, position, e);
		if (rc < 0)
			break;
	}
	ledger_walk_close(&w);
	return rc;
}

/* Rows in doubt by their claim alone, and rows of which nothing is known. */
static void count_rows(struct counting *c)
{
	const struct ledger *l = c->ledger;
	struct journal_result result;
	struct verdict verdict;
	uint64_t known = 0;

	for (uint64_t row = 1; row < l->n_bytes; row++) {
		known += l->bytes[row] != BYTE_NONE;
		if (l->bytes[row] != BYTE_CLAIMED)
			continue;
		ledger_result_claimed(row, 0, &result, &verdict);
		count_result(c, &result);
	}
	if (c->tally->rows > known)
		c->tally->rows_to_do = c->tally->rows - known;
}

static int by_count(const void *a, const void *b)
{
	const struct tally_reason *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static uint64_t not_sent(const struct tally_domain *d)
{
	return d->by_kind[VERDICT_REFUSED] + d->by_kind[VERDICT_DEFERRED] + d->by_kind[VERDICT_IN_DOUBT] +
	       d->by_kind[VERDICT_SKIPPED];
}

static int by_not_sent(const void *a, const void *b)
{
	const struct tally_domain *x = a, *y = b;
	uint64_t p = not_sent(x), q = not_sent(y);

	if (p != q)
		return p < q ? 1 : -1;
	return (x->by_kind[VERDICT_SENT] < y->by_kind[VERDICT_SENT]) - (x->by_kind[VERDICT_SENT] > y->by_kind[VERDICT_SENT]);
}

static void take_log(struct tally *t, const struct campaign_log *log, int64_t now_ms)
{
	const struct campaign_run *last = &log->runs[log->n_runs - 1];
	int64_t age_ms = now_ms - last->note.time_ms;

	t->runs = log->n_runs;
	t->finished = last->ended;
	t->begun_ms = log->header.begun_ms;
	t->rows = log->rows;
	t->recent_ms = age_ms > 0 && age_ms < TALLY_RECENT_MS ? age_ms : TALLY_RECENT_MS;
	for (unsigned i = 0; i < log->n_runs; i++)
		t->power_was_lost |= log->runs[i].power_lost;
}

static int count(struct counting *c, struct err *e)
{
	struct tally *t = c->tally;

	t->reasons = mem_array(TALLY_REASONS_MAX, sizeof *t->reasons);
	t->domains = mem_array(TALLY_DOMAINS_MAX, sizeof *t->domains);
	c->places = mem_array(DOMAIN_PLACES, sizeof *c->places);
	if (!t->reasons || !t->domains || !c->places)
		return err_nomem(e, "the counts");
	ledger_counts(c->ledger, &t->counts);
	take_log(t, &c->ledger->log, c->now_ms);
	if (count_records(c, e) < 0)
		return -1;
	t->counts.in_doubt -= t->under_way < t->counts.in_doubt ? t->under_way : t->counts.in_doubt;
	count_rows(c);
	t->n_domains += t->domains[t->n_domains].name[0] != '\0'; /* the one for all others */
	qsort(t->reasons, t->n_reasons, sizeof *t->reasons, by_count);
	qsort(t->domains, t->n_domains, sizeof *t->domains, by_not_sent);
	return 0;
}

int tally_read(struct tally *out, const char *results_path, int64_t now_ms, struct err *e)
{
	struct counting c = { .tally = out, .now_ms = now_ms };
	int rc = -1;

	*out = (struct tally){ 0 };
	out->running = journal_is_held(results_path, out->holder, sizeof out->holder);
	if (rng_secret(&c.key, sizeof c.key, e) == 0 && ledger_load(&c.ledger, results_path, e) == 0)
		rc = count(&c, e);
	mem_free(c.places);
	ledger_free(&c.ledger);
	if (rc < 0)
		tally_release(out);
	return rc;
}

void tally_release(struct tally *t)
{
	mem_free(t->reasons);
	mem_free(t->domains);
	t->reasons = NULL;
	t->domains = NULL;
}
