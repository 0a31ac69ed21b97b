/* rows_group.c - rows with one key become one row: sorted through temporary files, never all in memory.
 *
 *     list -> keys (hash, number)     sorted by hash: who belongs together, and who is first of them
 *          -> order (first, number)   sorted by it: each row's rank in the output
 *          -> ranks (number, rank)    sorted by number: told as the list is read again
 *     list + ranks -> shelves, each of so many ranks in turn -> groups, one record each (group_record.h)
 *
 *  1. Whatever the list's size, memory holds one group, one shelf's index and the buffers of the sorts and
 *     of at most SHELVES_MAX shelves. A list whose keys never return goes without shelves.
 *  2. Which rows take part is asked once, in the first pass: the second one takes those.
 *  3. A row without a key is a group of its own, and cannot be a mail: nobody is mixed into another's mail.
 *  4. Groups come in the order of their first rows, also the pieces of one that is too large to be a message:
 *     a key with more than ROW_GROUP_MAX rows is several groups, none of which can be a mail.
 *  5. Keys are compared by 128 bits of a secret key's SipHash: two are never taken for one.
 * Held by tests/unit/test_rows_group.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/rng.h"
#include "engine/model/address.h"
#include "engine/rows/group_record.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/spill.h"

enum {
	READ_ROWS = 512,
	SORT_MEMORY = 4 << 20,
	SHELVES_MAX = 256,
	SHELF_ROWS_MIN = 1 << 16,
	KEY_SCRATCH = 4 << 10
};

struct key_row {
	uint64_t hash[2], number;
};

struct order_row {
	uint64_t first, number;
	bool too_many; /* rows with its key */
};

struct rank_row {
	uint64_t number, rank, first;
	bool too_many;
};

struct shelf { /* rows with neighbouring ranks, in the order of the list */
	struct rows_spool spool;
	bool open;
};

struct shelf_place {
	uint64_t rank, offset;
};

struct grouper {
	const struct rows_list *list;
	const struct rows_grouping *how;
	struct rows *reader;
	struct row_block *block;
	struct hash_key keys[2], alone[2];
	struct arena scratch;
	struct spill *by_key, *order, *ranks;
	bool returns;             /* a key comes again behind another one */
	struct shelf *shelves;
	uint64_t left_out;        /* rows that take no part */
	uint64_t shelf_rows;      /* ranks on each */
	unsigned n_shelves;
	struct group_writer writer;
	const struct rank_row *next; /* of the first row that was not sorted yet; NULL: there is none */
};

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_keys(const void *x, const void *y)
{
	const struct key_row *a = x, *b = y;
	int rc = order_of(a->hash[0], b->hash[0]);

	rc = rc ? rc : order_of(a->hash[1], b->hash[1]);
	return rc ? rc : order_of(a->number, b->number);
}

static int compare_order(const void *x, const void *y)
{
	const struct order_row *a = x, *b = y;
	int rc = order_of(a->first, b->first);

	return rc ? rc : order_of(a->number, b->number);
}

static int compare_ranks(const void *x, const void *y)
{
	return order_of(((const struct rank_row *)x)->number, ((const struct rank_row *)y)->number);
}

static int compare_places(const void *x, const void *y)
{
	return order_of(((const struct shelf_place *)x)->rank, ((const struct shelf_place *)y)->rank);
}

/* ---- the key of a row ---- */

static struct span key_cell(const struct grouper *g, const struct row *row)
{
	return (uint32_t)g->how->column < row->n_cells ? span_trim(row->cells[g->how->column]) : (struct span){ NULL, 0 };
}

/* As on the wire when it is an address; without ASCII case. */
static int address_key(struct grouper *g, struct span *key, struct err *e)
{
	struct address a;
	struct err unused;
	char *lower;

	if (address_parse(*key, &g->scratch, &a, &unused) == 0)
		*key = a.path;
	lower = arena_take(&g->scratch, key->n);
	if (!lower)
		return err_nomem(e, "the groups of the list");
	for (size_t i = 0; i < key->n; i++)
		lower[i] = key->p[i] >= 'A' && key->p[i] <= 'Z' ? (char)(key->p[i] | 0x20) : key->p[i];
	key->p = lower;
	return 0;
}

static int hash_key(struct grouper *g, const struct row *row, struct key_row *out, struct err *e)
{
	struct span key = key_cell(g, row);
	const struct hash_key *by = g->keys;
	unsigned char number[8];

	*out = (struct key_row){ .number = row->number };
	arena_reset(&g->scratch);
	if (key.n > 0 && g->how->addresses && address_key(g, &key, e) < 0)
		return -1;
	if (key.n == 0) { /* (3) */
		put_le64(number, row->number);
		key = span_of((const char *)number, sizeof number);
		by = g->alone;
	}
	out->hash[0] = hash_span(by[0], key);
	out->hash[1] = hash_span(by[1], key);
	return 0;
}

/* ---- who belongs together ---- */

static int see_row(struct grouper *g, struct row *row, struct err *e)
{
	int wants = g->how->wants ? g->how->wants(g->how->ctx, row, &g->block->memory, e) : 1;
	struct key_row key;

	g->left_out += wants == 0;
	if (wants <= 0)
		return wants;
	return hash_key(g, row, &key, e) < 0 ? -1 : spill_add(g->by_key, &key, 1, e);
}

static int each_row(struct grouper *g, int (*take)(struct grouper *g, struct row *row, struct err *e), struct err *e)
{
	int rc = rows_rewind(g->reader, e) < 0 ? -1 : 1;

	while (rc > 0 && (rc = rows_read(g->reader, g->block, READ_ROWS, e)) > 0) {
		for (uint32_t i = 0; i < g->block->n && rc > 0; i++)
			rc = take(g, &g->block->rows[i], e) < 0 ? -1 : 1;
		row_block_reset(g->block);
	}
	return rc;
}

static int find_firsts(struct grouper *g, struct err *e)
{
	struct key_row before = { .number = 0 };
	struct order_row row = { .first = 0 };
	uint32_t n = 0;
	const void *p;
	int rc;

	if (spill_rewind(g->by_key, e) < 0)
		return -1;
	while ((rc = spill_next(g->by_key, &p, e)) > 0) {
		const struct key_row *key = p;

		bool same = before.number && key->hash[0] == before.hash[0] && key->hash[1] == before.hash[1];

		if (!same || n > ROW_GROUP_MAX) { /* (4) */
			row.first = key->number;
			row.too_many = same;
			n = 0;
		}
		n++;
		row.number = key->number;
		before = *key;
		if (spill_add(g->order, &row, 1, e) < 0)
			return -1;
	}
	spill_free(&g->by_key);
	return rc;
}

static int find_ranks(struct grouper *g, struct err *e)
{
	struct rank_row row = { .rank = 0 };
	uint64_t before = 0;
	const void *p;
	int rc;

	if (spill_rewind(g->order, e) < 0)
		return -1;
	while ((rc = spill_next(g->order, &p, e)) > 0) {
		const struct order_row *o = p;

		row.number = o->number;
		row.first = o->first;
		row.too_many = o->too_many;
		g->returns |= o->number < before;
		before = o->number;
		if (spill_add(g->ranks, &row, 1, e) < 0)
			return -1;
		row.rank++;
	}
	spill_free(&g->order);
	return rc < 0 ? -1 : spill_rewind(g->ranks, e);
}

/* ---- rows in their new order ---- */

static int put_row(struct grouper *g, const struct rank_row *at, const struct row *row, struct err *e)
{
	struct shelf *shelf;

	if (!g->returns)
		return group_add_row(&g->writer, at->first, at->too_many, row, e);
	shelf = &g->shelves[at->rank / g->shelf_rows];
	if (!shelf->open && rows_spool_open(&shelf->spool, e) < 0)
		return -1;
	shelf->open = true;
	return group_put_shelved(&g->writer, &shelf->spool, at->rank, at->first, at->too_many, row, e);
}

/* The ranks are told in the order of the list. */
static int sort_row(struct grouper *g, struct row *row, struct err *e)
{
	const struct rank_row *next = g->next;
	const void *p = NULL;
	int rc;

	if (!next || next->number != row->number)
		return 0;
	if (g->how->judge && g->how->judge(g->how->ctx, row, &g->block->memory, e) < 0)
		return -1;
	if (put_row(g, next, row, e) < 0)
		return -1;
	rc = spill_next(g->ranks, &p, e);
	g->next = rc > 0 ? p : NULL;
	return rc;
}

static int sort_rows(struct grouper *g, struct err *e)
{
	const void *p = NULL;
	int rc = spill_next(g->ranks, &p, e);

	g->next = rc > 0 ? p : NULL;
	if (rc < 0 || each_row(g, sort_row, e) < 0)
		return -1;
	if (!g->next)
		return 0;
	err_set(e, ERR_CONFLICT, "the list became shorter while it was being read");
	return err_at(e, g->list->source.path, 0, 0);
}

/* Finds where each row of the shelf begins. */
static int index_shelf(struct grouper *g, struct rows_records *r, struct shelf_place *places, size_t *n, struct err *e)
{
	struct rows_record record;
	int rc;

	*n = 0;
	while ((rc = rows_records_next(r, &record, e)) > 0) {
		MUST(*n < g->shelf_rows);
		places[(*n)++] = (struct shelf_place){ group_shelved_rank(&record), record.offset };
	}
	if (*n > 1)
		qsort(places, *n, sizeof *places, compare_places);
	return rc;
}

static int empty_shelf(struct grouper *g, struct shelf *shelf, struct shelf_place *places, struct err *e)
{
	struct rows_source source = { .fd = shelf->spool.fd, .list_fd = shelf->spool.fd, .path = g->list->source.path };
	struct rows_records r;
	size_t n;
	int rc = rows_spool_flush(&shelf->spool, e) < 0 || rows_records_open(&r, &source, e) < 0 ? -1 : 0;

	if (rc < 0)
		return -1;
	rc = index_shelf(g, &r, places, &n, e);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		struct rows_record record;

		rows_records_seek(&r, places[i].offset);
		rc = rows_records_next(&r, &record, e) > 0 ? group_add_shelved(&g->writer, &record, e) : -1;
	}
	rows_records_close(&r);
	rows_spool_close(&shelf->spool);
	shelf->open = false;
	return rc;
}

static int empty_shelves(struct grouper *g, struct err *e)
{
	struct shelf_place *places = mem_array(g->shelf_rows, sizeof *places);
	int rc = places ? 0 : err_nomem(e, "the groups of the list");

	for (unsigned i = 0; i < g->n_shelves && rc >= 0; i++)
		if (g->shelves[i].open)
			rc = empty_shelf(g, &g->shelves[i], places, e);
	mem_free(places);
	return rc;
}

static int make_shelves(struct grouper *g, struct err *e)
{
	uint64_t n = spill_count(g->ranks);

	if (!g->returns)
		return 0;
	g->shelf_rows = n / SHELVES_MAX + 1;
	if (g->shelf_rows < SHELF_ROWS_MIN)
		g->shelf_rows = SHELF_ROWS_MIN;
	g->n_shelves = (unsigned)((n + g->shelf_rows - 1) / g->shelf_rows);
	g->shelves = mem_array(g->n_shelves, sizeof *g->shelves);
	return g->shelves ? 0 : err_nomem(e, "the groups of the list");
}

/* ---- the whole ---- */

static int begin(struct grouper *g, const struct rows *of, struct err *e)
{
	arena_init(&g->scratch, KEY_SCRATCH, 4 * ROW_CELL_MAX);
	if (row_block_new(&g->block, READ_ROWS) < 0)
		return err_nomem(e, "the groups of the list");
	return rows_share(&g->reader, of, e) < 0 || rng_secret(g->keys, sizeof g->keys, e) < 0 ||
	       rng_secret(g->alone, sizeof g->alone, e) < 0 ||
	       spill_new(&g->by_key, sizeof(struct key_row), SORT_MEMORY, compare_keys, e) < 0 ||
	       spill_new(&g->order, sizeof(struct order_row), SORT_MEMORY, compare_order, e) < 0 ||
	       spill_new(&g->ranks, sizeof(struct rank_row), SORT_MEMORY, compare_ranks, e) < 0 ? -1 : 0;
}

static void end(struct grouper *g)
{
	for (unsigned i = 0; i < g->n_shelves && g->shelves; i++)
		if (g->shelves[i].open)
			rows_spool_close(&g->shelves[i].spool);
	mem_free(g->shelves);
	spill_free(&g->by_key);
	spill_free(&g->order);
	spill_free(&g->ranks);
	rows_close(&g->reader);
	row_block_free(&g->block);
	arena_release(&g->scratch);
	group_writer_release(&g->writer);
}

static int check_columns(const struct rows_list *list, struct err *e)
{
	int i = columns_find(&list->columns, SPAN("rows"));

	if (i < 0)
		return 0;
	err_set(e, ERR_INPUT, "the list has a column '%.*s', and a letter to groups knows their rows by that name",
		SPAN_ARG(list->columns.names[i]));
	err_hint(e, "give the column another name%s", list->columns.objects ? "" : " in the header line");
	return err_at(e, list->source.path, list->start.header_line, 0);
}

static void describe(struct rows_list *out, const struct rows_list *from, const struct rows_grouping *how)
{
	struct span name = from->columns.names[how->column];

	out->kind = &rows_kind_group;
	out->columns = from->columns;
	out->columns.grouped = true;
	out->members = from->members; /* which outlives it */
	snprintf(out->form, sizeof out->form, "%.80s, grouped by '%.*s'", from->form, SPAN_ARG(span_sub(name, 0, 40)));
	memcpy(out->notes, from->notes, sizeof out->notes);
	out->n_notes = from->n_notes;
}

int rows_group_make(struct rows_list *out, const struct rows *of, const struct rows_grouping *how, struct err *e)
{
	const struct rows_list *from = rows_list_of(of);
	struct grouper g = { .list = from, .how = how };
	int rc = -1;

	MUST(how->column >= 0 && (uint32_t)how->column < from->columns.n);
	if (check_columns(from, e) < 0)
		return -1;
	describe(out, from, how);
	if (begin(&g, of, e) == 0 && rows_source_copy(&out->source, &from->source, e) == 0 &&
	    group_writer_open(&g.writer, from, how, e) == 0 && each_row(&g, see_row, e) == 0 && find_firsts(&g, e) == 0 &&
	    find_ranks(&g, e) == 0 && make_shelves(&g, e) == 0 && sort_rows(&g, e) == 0 &&
	    (!g.returns || empty_shelves(&g, e) == 0))
		rc = group_writer_end(&g.writer, &out->source, e);
	out->left_out = g.left_out;
	end(&g);
	return rc;
}
