/* keyed.c - a sorted array of hashes: 40 bytes a row; one of the old list in the order of its rows, and one of
 * the addresses on record: 16 bytes each.
 *
 *  1. A key's hash has 128 bits of SipHash, with the campaign's seed: two keys are never taken for one, and what the
 *     journal has of somebody who was gone is the same in a later run.
 *  2. Rows that are alike in all cells may share a key: each is found once, in the order of the list.
 * Held by tests/system/test_key.py. */
#include "engine/run/keyed.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/address.h"
#include "engine/results/rekey.h"
#include "engine/rows/row_hash.h"
#include "engine/rows/rows.h"

enum { READ_ROWS = 1024, CHUNK = 16 << 10, ARENA_MAX = 1 << 20, LOWERED_MAX = 512 };

struct keyed_row {
	uint64_t hash[2], row, line;
	uint64_t cells; /* hash of all of them */
};

struct keyed_rows {
	struct keyed_row *rows;
	uint64_t n, room;
};

struct keyed {
	struct hash_key key, of_cells;
	struct arena memory;
	bool may_share;
	uint64_t column;     /* hash of its name; 0: it has the addresses that are on record */
	struct keyed_rows new, addresses;
	uint64_t *taken;     /* a bit for each row of the new list: it was found */
	uint64_t (*old)[2];  /* hashes of the list as it was, by row; NULL: not known */
	uint64_t n_old;
	uint64_t (*told)[2]; /* hashes of addresses */
	uint64_t n_told, told_room;
	bool told_sorted;
};

static int compare(const void *a, const void *b)
{
	const struct keyed_row *x = a, *y = b;

	if (x->hash[0] != y->hash[0])
		return x->hash[0] < y->hash[0] ? -1 : 1;
	return (x->hash[1] > y->hash[1]) - (x->hash[1] < y->hash[1]);
}

static int by_line(const void *a, const void *b)
{
	const struct keyed_row *x = a, *y = b;
	int order = compare(a, b);

	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static struct span lowered(struct span s, char out[LOWERED_MAX])
{
	if (s.n > LOWERED_MAX)
		return s;
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
	return (struct span){ out, s.n };
}

static void hash(struct keyed *k, struct span cell, uint64_t out[2])
{
	char lower[LOWERED_MAX];
	struct address address;
	struct hash_wide h;

	if (address_parse(cell, &k->memory, &address, NULL) == 0)
		cell = lowered(address.path, lower);
	h = hash_spans(k->key, &cell, 1);
	out[0] = h.a;
	out[1] = h.b;
	arena_reset(&k->memory);
}

static uint64_t hash_of_name(const struct keyed *k, struct span name)
{
	char lower[LOWERED_MAX];
	struct span parts[2] = { SPAN("column"), lowered(span_trim(name), lower) };

	return hash_spans(k->key, parts, 2).a | 1;
}

static int make_room(struct keyed_rows *to, struct err *e)
{
	uint64_t room = to->room ? 2 * to->room : 1024;
	struct keyed_row *more;

	if (to->n < to->room)
		return 0;
	more = mem_grow(to->rows, room * sizeof *more);
	if (!more)
		return err_nomem(e, "the rows by their keys");
	to->rows = more;
	to->room = room;
	return 0;
}

/* empty: such cells are passed over. */
static int add(struct keyed *k, struct keyed_rows *to, const struct row *row, int column, bool empty, struct err *e)
{
	struct span cell = (uint32_t)column < row->n_cells ? span_trim(row->cells[column]) : (struct span){ NULL, 0 };
	struct keyed_row *new;

	if (cell.n == 0 && empty)
		return 0;
	if (cell.n == 0)
		return err_set(e, ERR_INPUT, "this row has no value in the column of --key");
	if (make_room(to, e) < 0)
		return -1;
	new = &to->rows[to->n++];
	*new = (struct keyed_row){ .row = row->number, .line = row->line, .cells = row_hash(k->of_cells, row) };
	hash(k, cell, new->hash);
	return 0;
}

static int read_all(struct keyed *k, struct keyed_rows *to, struct rows *list, const char *path, int column, bool empty,
		    struct err *e)
{
	struct row_block *block = NULL;
	int rc = row_block_new(&block, READ_ROWS) < 0 ? err_nomem(e, "the rows by their keys") : 0;

	if (rc == 0)
		rc = rows_rewind(list, e);
	while (rc >= 0 && (rc = rows_read(list, block, READ_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && rc >= 0; i++) {
			rc = add(k, to, &block->rows[i], column, empty, e);
			if (rc < 0)
				err_at(e, path, block->rows[i].line, 0);
		}
		row_block_reset(block);
	}
	row_block_free(&block);
	if (rc >= 0 && to->n > 1)
		qsort(to->rows, to->n, sizeof *to->rows, by_line);
	return rc < 0 ? -1 : 0;
}

/* Sorted rows: those that share a key are alike. */
static int tells_apart(const struct keyed *k, const struct keyed_rows *rows, const char *path, struct err *e)
{
	for (uint64_t i = 1; i < rows->n && !k->may_share; i++) {
		const struct keyed_row *a = &rows->rows[i - 1], *b = &rows->rows[i];

		if (compare(a, b) != 0 || a->cells == b->cells)
			continue;
		err_set(e, ERR_INPUT, "the column of --key does not tell rows apart: line %llu has the same value, and other cells",
			(unsigned long long)a->line);
		err_at(e, path, b->line, 0);
		return err_hint(e, "name a column that tells them apart, with the list as it was: --key COLUMN --old-list FILE; or "
				   "leave one of the two rows in the list, and mail the other in a campaign of its own");
	}
	return 0;
}

int keyed_new(struct keyed **out, struct rows *list, const struct keyed_options *opt, struct err *e)
{
	struct keyed *k = mem_new(sizeof *k);

	if (!k)
		return err_nomem(e, "the rows by their keys");
	memcpy(&k->key, opt->seed, sizeof k->key);
	arena_init(&k->memory, CHUNK, ARENA_MAX);
	k->may_share = opt->may_share;
	if (!opt->by_address)
		k->column = hash_of_name(k, rows_columns(list)->names[opt->column]);
	if (rng_secret(&k->of_cells, sizeof k->of_cells, e) < 0 ||
	    read_all(k, &k->new, list, opt->path, opt->column, false, e) < 0 || tells_apart(k, &k->new, opt->path, e) < 0 ||
	    rows_rewind(list, e) < 0) {
		keyed_free(&k);
		return -1;
	}
	k->taken = mem_array(k->new.n / 64 + 1, sizeof *k->taken);
	if (!k->taken) {
		keyed_free(&k);
		return err_nomem(e, "the rows by their keys");
	}
	*out = k;
	return 0;
}

/* Rows are numbered from 1 without a gap. */
static int in_their_order(struct keyed *k, const struct keyed_rows *rows, struct err *e)
{
	k->old = mem_array(rows->n ? rows->n : 1, sizeof *k->old);
	if (!k->old)
		return err_nomem(e, "the rows by their keys");
	for (uint64_t i = 0; i < rows->n; i++)
		memcpy(k->old[rows->rows[i].row - 1], rows->rows[i].hash, sizeof *k->old);
	k->n_old = rows->n;
	return 0;
}

int keyed_know_old(struct keyed *k, struct rows *old, const char *path, int column, struct err *e)
{
	struct keyed_rows rows = { 0 };
	int rc = -1;

	if (read_all(k, &rows, old, path, column, false, e) == 0 && tells_apart(k, &rows, path, e) == 0)
		rc = in_their_order(k, &rows, e);
	mem_free(rows.rows);
	return rc;
}

int keyed_know_addresses(struct keyed *k, struct rows *list, const char *path, int column, struct err *e)
{
	return read_all(k, &k->addresses, list, path, column, true, e) < 0 ? -1 : rows_rewind(list, e);
}

void keyed_free(struct keyed **k)
{
	if (!*k)
		return;
	arena_release(&(*k)->memory);
	mem_free((*k)->new.rows);
	mem_free((*k)->addresses.rows);
	mem_free((*k)->taken);
	mem_free((*k)->old);
	mem_free((*k)->told);
	mem_free(*k);
	*k = NULL;
}

/* ---- finding ---- */

void keyed_begin(void *ctx)
{
	struct keyed *k = ctx;

	memset(k->taken, 0, (k->new.n / 64 + 1) * sizeof *k->taken);
	k->n_told = 0;
}

static int compare_told(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t[2]));
}

int keyed_tell(void *ctx, struct span address)
{
	struct keyed *k = ctx;

	if (k->n_told == k->told_room) {
		uint64_t room = k->told_room ? 2 * k->told_room : 1024;
		uint64_t (*more)[2] = mem_grow(k->told, room * sizeof *more);

		if (!more)
			return -1;
		k->told = more;
		k->told_room = room;
	}
	hash(k, address, k->told[k->n_told++]);
	k->told_sorted = false;
	return 0;
}

bool keyed_was_told(void *ctx, struct span address)
{
	struct keyed *k = ctx;
	uint64_t want[2];

	if (!k->told_sorted && k->n_told > 1)
		qsort(k->told, k->n_told, sizeof *k->told, compare_told);
	k->told_sorted = true;
	hash(k, address, want);
	return k->n_told > 0 && bsearch(want, k->told, k->n_told, sizeof *k->told, compare_told) != NULL;
}

/* The first one that was not found so far. */
static bool find_in(struct keyed *k, const struct keyed_rows *in, const uint64_t key[2], uint64_t *row, uint64_t *line)
{
	struct keyed_row want = { .hash = { key[0], key[1] } };
	uint64_t low = 0, high = in->n;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (compare(&in->rows[middle], &want) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < in->n && compare(&in->rows[low], &want) == 0; low++) {
		uint64_t at = in->rows[low].row - 1, bit = UINT64_C(1) << at % 64;

		if (k->taken[at / 64] & bit)
			continue;
		k->taken[at / 64] |= bit;
		*row = in->rows[low].row;
		*line = in->rows[low].line;
		return true;
	}
	return false;
}

bool keyed_find(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line)
{
	struct keyed *k = ctx;
	uint64_t key[2];

	if (who->row && k->old) {
		if (who->row > k->n_old)
			return false;
		who->column = k->column;
		memcpy(who->key, k->old[who->row - 1], sizeof who->key);
		return find_in(k, &k->new, who->key, row, line);
	}
	if (who->column && who->column == k->column)
		return find_in(k, &k->new, who->key, row, line);
	hash(k, who->address, key);
	return who->address.n > 0 && find_in(k, k->column ? &k->addresses : &k->new, key, row, line);
}

bool keyed_by_row(const struct keyed *k)
{
	return k->old != NULL;
}

uint64_t keyed_rows(const struct keyed *k)
{
	return k->new.n;
}
