/* keyed.c - a sorted array of hashes: 32 bytes a row; and one of the old list in the order of its rows: 16 bytes.
 *
 * A hash has 128 bits of a secret key's SipHash, so two keys are never taken for one.
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
#include "engine/rows/rows.h"

enum { READ_ROWS = 1024, CHUNK = 16 << 10, ARENA_MAX = 1 << 20 };

struct keyed_row {
	uint64_t hash[2], row, line;
};

struct keyed_rows {
	struct keyed_row *rows;
	uint64_t n, room;
};

struct keyed {
	struct hash_key keys[2];
	struct keyed_rows new;
	uint64_t (*old)[2]; /* hashes of the list as it was, by row; NULL: not known */
	uint64_t n_old;
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

static void hash(const struct keyed *k, struct span address, struct keyed_row *out)
{
	out->hash[0] = hash_span(k->keys[0], address);
	out->hash[1] = hash_span(k->keys[1], address);
}

static int add(const struct keyed *k, struct keyed_rows *to, const struct row *row, int column, struct arena *memory,
	       struct err *e)
{
	struct span cell = (uint32_t)column < row->n_cells ? span_trim(row->cells[column]) : (struct span){ NULL, 0 };
	struct address address;

	if (cell.n == 0)
		return err_set(e, ERR_INPUT, "this row has no value in the column of --key");
	if (to->n == to->room) {
		uint64_t room = to->room ? 2 * to->room : 1024;
		struct keyed_row *more = mem_grow(to->rows, room * sizeof *more);

		if (!more)
			return err_nomem(e, "the rows by their keys");
		to->rows = more;
		to->room = room;
	}
	to->rows[to->n].row = row->number;
	to->rows[to->n].line = row->line;
	hash(k, address_parse(cell, memory, &address, NULL) == 0 ? address.path : cell, &to->rows[to->n++]);
	return 0;
}

static int read_all(const struct keyed *k, struct keyed_rows *to, struct rows *list, const char *path, int column,
		    struct err *e)
{
	struct row_block *block = NULL;
	struct arena memory;
	int rc = row_block_new(&block, READ_ROWS) < 0 ? err_nomem(e, "the rows by their keys") : 0;

	arena_init(&memory, CHUNK, ARENA_MAX);
	while (rc >= 0 && (rc = rows_read(list, block, READ_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && rc >= 0; i++) {
			rc = add(k, to, &block->rows[i], column, &memory, e);
			if (rc < 0)
				err_at(e, path, block->rows[i].line, 0);
			arena_reset(&memory);
		}
		row_block_reset(block);
	}
	arena_release(&memory);
	row_block_free(&block);
	return rc < 0 ? -1 : 0;
}

static int unique(struct keyed_rows *k, const char *path, struct err *e)
{
	if (k->n > 1)
		qsort(k->rows, k->n, sizeof *k->rows, by_line);
	for (uint64_t i = 1; i < k->n; i++) {
		if (compare(&k->rows[i - 1], &k->rows[i]) != 0)
			continue;
		err_set(e, ERR_INPUT, "the column of --key does not tell rows apart: line %llu has the same value",
			(unsigned long long)k->rows[i - 1].line);
		return err_at(e, path, k->rows[i].line, 0);
	}
	return 0;
}

int keyed_new(struct keyed **out, struct rows *list, const char *path, int column, struct err *e)
{
	struct keyed *k = mem_new(sizeof *k);

	if (!k)
		return err_nomem(e, "the rows by their keys");
	if (rng_secret(k->keys, sizeof k->keys, e) < 0 || rows_rewind(list, e) < 0 ||
	    read_all(k, &k->new, list, path, column, e) < 0 || unique(&k->new, path, e) < 0 || rows_rewind(list, e) < 0) {
		keyed_free(&k);
		return -1;
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

	if (rows_rewind(old, e) == 0 && read_all(k, &rows, old, path, column, e) == 0 && unique(&rows, path, e) == 0)
		rc = in_their_order(k, &rows, e);
	mem_free(rows.rows);
	return rc;
}

void keyed_free(struct keyed **k)
{
	if (!*k)
		return;
	mem_free((*k)->new.rows);
	mem_free((*k)->old);
	mem_free(*k);
	*k = NULL;
}

bool keyed_find(void *ctx, uint64_t old_row, struct span address, uint64_t *row, uint64_t *line)
{
	const struct keyed *k = ctx;
	struct keyed_row want = { .row = 0 };
	const struct keyed_row *found;

	if (!k->old) {
		hash(k, address, &want);
	} else {
		if (old_row == 0 || old_row > k->n_old)
			return false;
		memcpy(want.hash, k->old[old_row - 1], sizeof want.hash);
	}
	found = k->new.n ? bsearch(&want, k->new.rows, k->new.n, sizeof *k->new.rows, compare) : NULL;
	if (!found)
		return false;
	*row = found->row;
	*line = found->line;
	return true;
}

bool keyed_by_row(const struct keyed *k)
{
	return k->old != NULL;
}

uint64_t keyed_rows(const struct keyed *k)
{
	return k->new.n;
}
