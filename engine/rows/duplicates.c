/* duplicates.c - a sort by address, and a sort by row of what it found. A row is a record for each of its addresses.
 *
 *  1. Of the rows with one address, one that an earlier run began comes first, then the lowest: so a
 *     resume, also with another choice of rows, never sends a second copy.
 *  2. Which row is the duplicate of which depends on the rows and on (1) alone, not on the order in
 *     which threads added them.
 * Held by tests/unit/test_rows_duplicates.c. */
#include "engine/rows/duplicates.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/rng.h"
#include "engine/rows/row_hash.h"
#include "engine/rows/spill.h"

enum {
	SEEN_MEMORY = 2 << 20,
	FOUND_MEMORY = 8 << 20,
	ADDRESS_HASHED_MAX = 512
};

struct found_row { /* a duplicate */
	uint64_t row, line;
	uint32_t size;
	uint32_t which : 10, of : 10, shown : 10, begun : 1;
};

struct duplicates {
	enum duplicates_rule rule;
	struct hash_key keys[3];
	pthread_mutex_t lock; /* guards seen while rows are added */
	struct spill *seen;   /* struct duplicates_row */
	struct spill *found;  /* struct found_row; NULL before duplicates_find() */
	struct found_row next;
	bool more;
};

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* The one that the others are duplicates of comes first. */
static int by_rank(const struct duplicates_row *a, const struct duplicates_row *b)
{
	return a->begun != b->begun ? order(b->begun, a->begun) : order(a->place.number, b->place.number);
}

static int by_address(const struct duplicates_row *a, const struct duplicates_row *b)
{
	return a->address[0] != b->address[0] ? order(a->address[0], b->address[0])
					      : order(a->address[1], b->address[1]);
}

static int compare_skip(const void *x, const void *y)
{
	int rc = by_address(x, y);

	return rc ? rc : by_rank(x, y);
}

static int compare_same(const void *x, const void *y)
{
	const struct duplicates_row *a = x, *b = y;
	int rc = by_address(a, b);

	if (rc == 0)
		rc = order(a->cells, b->cells);
	return rc ? rc : by_rank(a, b);
}

static int compare_found(const void *x, const void *y)
{
	const struct found_row *a = x, *b = y;

	return a->row != b->row ? order(a->row, b->row) : order(a->which, b->which);
}

int duplicates_new(struct duplicates **out, enum duplicates_rule rule, struct err *e)
{
	struct duplicates *d = mem_new(sizeof *d);

	*out = NULL;
	if (!d)
		return err_nomem(e, "the search for duplicates");
	d->rule = rule == DUPLICATES_GROUP ? DUPLICATES_STOP : rule;
	pthread_mutex_init(&d->lock, NULL);
	if (rng_secret(d->keys, sizeof d->keys, e) < 0 ||
	    spill_new(&d->seen, sizeof(struct duplicates_row), SEEN_MEMORY,
		      rule == DUPLICATES_SKIP ? compare_skip : compare_same, e) < 0) {
		duplicates_free(&d);
		return -1;
	}
	*out = d;
	return 0;
}

void duplicates_free(struct duplicates **out)
{
	struct duplicates *d = *out;

	if (!d)
		return;
	spill_free(&d->seen);
	spill_free(&d->found);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
	*out = NULL;
}

/* ---- what is remembered ---- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void duplicates_see(const struct duplicates *d, const struct row *row, struct span address,
		    struct duplicates_row *out)
{
	char text[ADDRESS_HASHED_MAX];
	struct span key = address;
	struct hash_wide cells = row_hash_wide(d->keys, row), of_address;

	*out = (struct duplicates_row){ .address = { cells.a, cells.b }, .cells = cells.a, .of = 1, .shown = 1 };
	out->place = (struct row_place){ row->number, row->line, row->offset };
	if (address.n == 0)
		return;
	if (address.n <= sizeof text) {
		for (size_t i = 0; i < address.n; i++)
			text[i] = lower(address.p[i]);
		key.p = text;
	}
	of_address = hash_spans(d->keys[2], &key, 1);
	out->address[0] = of_address.a;
	out->address[1] = of_address.b;
}

int duplicates_add(struct duplicates *d, const struct duplicates_row *rows, uint32_t n, struct err *e)
{
	int rc;

	pthread_mutex_lock(&d->lock);
	rc = spill_add(d->seen, rows, n, e);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* ---- what was found, in the order of the list ---- */

static int step(struct duplicates *d, struct err *e)
{
	const void *record;
	int rc = spill_next(d->found, &record, e);

	d->more = rc == 1;
	if (d->more)
		d->next = *(const struct found_row *)record;
	return rc < 0 ? -1 : 0;
}

int duplicates_rewind(struct duplicates *d, struct err *e)
{
	return spill_rewind(d->found, e) < 0 ? -1 : step(d, e);
}

/* ---- finding ---- */

struct finder {
	struct duplicates *d;
	struct duplicates_found *out;
	struct duplicates_row first; /* of the rows that are one */
	struct duplicates_case now;  /* of the address */
	bool any;
};

static void keep_place(struct duplicates_case *c, const struct duplicates_row *row)
{
	struct row_place place = row->place;
	uint32_t at = c->n_places, most = sizeof c->places / sizeof *c->places;

	while (at > 0 && place.number < c->places[at - 1].number)
		at--;
	if (at == most)
		return;
	if (at == 0)
		c->which = row->which;
	if (c->n_places < most)
		c->n_places++;
	memmove(&c->places[at + 1], &c->places[at], (c->n_places - 1 - at) * sizeof *c->places);
	c->places[at] = place;
}

static void end_address(struct finder *f)
{
	struct duplicates_found *out = f->out;
	uint32_t at = out->n_first, most = sizeof out->first / sizeof *out->first;
	const struct duplicates_case *c = &f->now;

	if (f->d->rule != DUPLICATES_STOP || c->rows < 2)
		return;
	out->cases++;
	while (at > 0 && c->places[0].number < out->first[at - 1].places[0].number)
		at--;
	if (at == most)
		return;
	if (out->n_first < most)
		out->n_first++;
	memmove(&out->first[at + 1], &out->first[at], (out->n_first - 1 - at) * sizeof *out->first);
	out->first[at] = *c;
}

static int take(struct finder *f, const struct duplicates_row *row, struct err *e)
{
	bool address = f->any && by_address(&f->first, row) == 0;

	if (address && (f->d->rule == DUPLICATES_SKIP || f->first.cells == row->cells)) {
		struct found_row dup = {
			.row = row->place.number, .line = f->first.place.line, .size = row->size,
			.which = row->which, .of = row->of, .shown = row->shown, .begun = row->begun,
		};

		return spill_add(f->d->found, &dup, 1, e);
	}
	if (!address) {
		end_address(f);
		f->now = (struct duplicates_case){ 0 };
	}
	f->any = true;
	f->first = *row;
	f->now.rows++;
	f->now.shared |= row->of > 1;
	keep_place(&f->now, row);
	return 0;
}

/* Rows are told from addresses when these stand together: in the order of the list. */
static int count(struct duplicates *d, struct duplicates_found *out, struct err *e)
{
	struct found_row row = { 0 };
	uint32_t n = 0, fresh = 0;

	if (duplicates_rewind(d, e) < 0)
		return -1;
	for (;;) {
		if (n > 0 && (!d->more || d->next.row != row.row)) {
			bool whole = n == row.shown && fresh == n;

			out->skipped += whole;
			out->skipped_bytes += whole ? row.size : 0;
			*(whole ? &out->addresses : &out->left_out) += fresh;
			n = fresh = 0;
		}
		if (!d->more)
			return 0;
		row = d->next;
		n++;
		fresh += !row.begun;
		if (step(d, e) < 0)
			return -1;
	}
}

int duplicates_find(struct duplicates *d, struct duplicates_found *out, struct err *e)
{
	struct finder f = { .d = d, .out = out };
	const void *record;
	int rc;

	*out = (struct duplicates_found){ 0 };
	if (spill_new(&d->found, sizeof(struct found_row), FOUND_MEMORY, compare_found, e) < 0 ||
	    spill_rewind(d->seen, e) < 0)
		return -1;
	while ((rc = spill_next(d->seen, &record, e)) == 1)
		if (take(&f, record, e) < 0)
			return -1;
	if (rc < 0)
		return -1;
	end_address(&f);
	spill_free(&d->seen);
	return count(d, out, e) < 0 ? -1 : duplicates_rewind(d, e);
}

int duplicates_of(struct duplicates *d, uint64_t row, struct duplicates_answer *out, struct err *e)
{
	out->n = 0;
	while (d->more && d->next.row <= row) {
		if (d->next.row == row) {
			MUST(out->n < DUPLICATES_ADDRESSES_MAX);
			out->of = d->next.of;
			out->each[out->n++] = (struct duplicate){ d->next.which, d->next.line };
		}
		if (step(d, e) < 0)
			return -1;
	}
	return 0;
}
