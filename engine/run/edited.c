/* edited.c - the rows of a list that was edited since the campaign was begun.
 *
 * The journal knows rows by number and address. So the column of the address is enough by itself; any other column
 * wants the list as it was, and it must be that very list: its hash is in the journal.
 * Held by tests/system/test_key.py. */
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/utf8.h"
#include "engine/results/ledger.h"
#include "engine/results/rekey.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"
#include "engine/run/keyed.h"

static int key_wrong(const struct campaign *c, const char *why, struct err *e)
{
	err_set(e, ERR_INPUT, "--key %s: %s", c->job->key, why);
	return err_hint(e, "the journal knows rows by their addresses: name the column that has them; or give the list as it "
			   "was with --old-list FILE, then any column will do that tells rows apart");
}

/* Of a list that was read to its end. */
static int is_the_old_one(const struct campaign *c, const struct rows *old, struct err *e)
{
	const struct journal_identity *was = &c->header.identity;
	unsigned char digest[32];
	uint64_t size = 0;
	int64_t mtime_ns = 0;

	if (rows_stamp(old, &size, &mtime_ns, e) < 0)
		return -1;
	if (was->list_known ? rows_digest(old, digest) && memcmp(digest, was->list, sizeof digest) == 0
			    : size == was->list_size && mtime_ns == was->list_mtime_ns)
		return 0;
	err_set(e, ERR_CONFLICT, was->list_known ? "this is not the list that the campaign was begun with"
						 : "nobody can tell whether this is the list that the campaign was begun with: its hash "
						   "was not recorded so far, and size or time of change are others");
	err_at(e, c->job->old_list, 0, 0);
	return err_hint(e, "take it from a backup; or know rows by the column of the address, without --old-list");
}

static int know_old(struct campaign *c, struct err *e)
{
	struct rows_options opt = { .path = c->job->old_list, .ways = c->job->list_ways };
	struct rows *old = NULL;
	int column, rc = -1;

	if (rows_open(&old, &opt, e) < 0)
		return -1;
	column = columns_find(rows_columns(old), span_str(c->job->key));
	if (column < 0) {
		err_set(e, ERR_INPUT, "--key %s: the list as it was has no such column", c->job->key);
		err_at(e, c->job->old_list, 1, 0);
	} else {
		rows_want_digest(old);
		rc = keyed_know_old(c->keyed, old, c->job->old_list, column, e);
	}
	if (rc == 0)
		rc = is_the_old_one(c, old, e);
	rows_close(&old);
	return rc;
}

static int find_column(struct campaign *c, int *out, struct err *e)
{
	*out = columns_find(rows_columns(c->list), span_str(c->job->key));
	if (*out < 0)
		return key_wrong(c, "the list has no such column", e);
	if (c->job->old_list)
		return 0;
	if (c->address_column >= 0 && *out != c->address_column)
		return key_wrong(c, "this is not the column of the address", e);
	return c->job->redirect_to ? key_wrong(c, "every message of this campaign went to one address", e) : 0;
}

static bool any_gone(const struct ledger *l)
{
	struct ledger_counts counts;
	uint64_t n = 0;

	ledger_counts(l, &counts);
	for (int kind = 0; kind <= VERDICT_SKIPPED; kind++)
		n += counts.gone[kind];
	return n > 0;
}

static int know_rows(struct campaign *c, struct err *e)
{
	struct keyed_options opt = { .seed = c->header.seed, .path = c->job->list };

	if (find_column(c, &opt.column, e) < 0)
		return -1;
	opt.by_address = !c->job->old_list || opt.column == c->address_column;
	opt.may_share = opt.column == c->address_column && c->job->duplicates == DUPLICATES_SKIP;
	if (keyed_new(&c->keyed, c->list, &opt, e) < 0 || (c->job->old_list && know_old(c, e) < 0))
		return -1;
	if (opt.by_address || c->address_column < 0 || c->job->redirect_to || !any_gone(c->ledger))
		return 0;
	return keyed_know_addresses(c->keyed, c->list, c->job->list, c->address_column, e);
}

/* "ann@a.example, bob@b.example and 3 more" */
static void say_gone(const struct campaign *c, const struct rekey_counts *counts)
{
	char names[REKEY_NAMED * (4 * REKEY_NAME_SIZE + 2)] = "", shown[4 * REKEY_NAME_SIZE], more[64] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < counts->n_named; i++) {
		utf8_printable(span_str(counts->named[i]), shown, sizeof shown);
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", shown);
	}
	if (counts->gone > counts->n_named)
		snprintf(more, sizeof more, "%s%llu%s", n ? " and " : "", (unsigned long long)(counts->gone - counts->n_named),
			 n ? " more" : " without an address");
	if (counts->gone)
		log_line(LOG_NOTE, "lettershop: gone from the list: %s%s; '%s' keeps what became of them, and should they come back, "
			 "--key knows them", names, more, c->job->results);
}

int campaign_recognise_rows(struct campaign *c, struct err *e)
{
	const struct journal_identity *was = &c->header.identity;
	struct rekey k = { .begin = keyed_begin, .find = keyed_find, .tell = keyed_tell, .was_told = keyed_was_told };
	struct rekey_counts counts;
	unsigned long long on_record, new;
	struct ledger *now;

	if (!c->job->key || !c->ledger || (was->list_size == c->list_size && was->list_mtime_ns == c->list_mtime_ns))
		return 0;
	if (know_rows(c, e) < 0)
		return -1;
	k.ctx = c->keyed;
	k.by_row = keyed_by_row(c->keyed);
	if (ledger_rekey(&now, c->ledger, &k, &counts, e) < 0)
		return -1;
	ledger_free(&c->ledger);
	c->ledger = now;
	c->header.epoch++;
	on_record = counts.kept + counts.gone;
	new = keyed_rows(c->keyed) - counts.kept;
	log_line(LOG_NOTE, "lettershop: the list was edited: of %llu rows on record %llu are recognised, %llu are gone; "
		 "%llu are to do or new", on_record, (unsigned long long)counts.kept, (unsigned long long)counts.gone, new);
	say_gone(c, &counts);
	return 0;
}
