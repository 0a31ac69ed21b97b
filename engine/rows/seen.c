/* seen.c - a table of hashes in memory that grows with the list; when it is as large as it may be and full, it
 * goes to a file as it is, and a new one begins.
 *
 *  1. A place is found by the first bits of the hash and by looking on from there, in memory and on
 *     disk alike: a table on disk is asked by reading a page of it.
 *  2. Each table on disk has a filter in memory that knows all its rows, and takes one row in a hundred
 *     for one of them: so a row that is new asks the disk rarely.
 *  3. A row is in one table at most: only what is new is kept.
 * Held by tests/unit/test_rows_seen.c. */
#include "engine/rows/seen.h"

#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/rng.h"
#include "engine/rows/row_hash.h"

enum {
	PAGE_PLACES = 64,   /* read at once */
	FILTER_WORDS = 8,   /* a block of the filter: one line of the cache, one bit in each of its words */
	GROWTH = 4,
	PLACES_MIN = 64,    /* then the filter has one block */
	PLACES_FIRST = 4096 /* a short list touches little memory */
};

struct place {
	struct hash_wide hash;
	uint64_t line; /* 0: free */
};

struct filter_block {
	uint64_t words[FILTER_WORDS];
};

struct seen {
	struct hash_key keys[2];
	struct place *table;
	uint32_t places, places_max, used;
	unsigned shift; /* of a hash, to its place */
	int fd;         /* -1: nothing is on disk */
	uint32_t n_filters;
	struct filter_block **filters; /* one for each table on disk */
};

int seen_new(struct seen **out, uint32_t places, struct err *e)
{
	struct seen *s = mem_new(sizeof *s);

	MUST(places >= PLACES_MIN && (places & (places - 1)) == 0);
	*out = NULL;
	if (!s)
		return err_nomem(e, "the search for duplicates");
	s->fd = -1;
	s->places_max = places;
	s->places = places < PLACES_FIRST ? places : PLACES_FIRST;
	s->shift = 64 - (unsigned)__builtin_ctz(s->places);
	s->table = mem_array(s->places, sizeof *s->table);
	if (!s->table) {
		seen_free(&s);
		return err_nomem(e, "the search for duplicates");
	}
	if (rng_secret(s->keys, sizeof s->keys, e) < 0) {
		seen_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void seen_free(struct seen **out)
{
	struct seen *s = *out;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_filters; i++)
		mem_free(s->filters[i]);
	mem_free(s->filters);
	mem_free(s->table);
	if (s->fd >= 0)
		close(s->fd);
	mem_free(s);
	*out = NULL;
}

static uint32_t first_place(const struct seen *s, struct hash_wide h)
{
	return (uint32_t)(h.a >> s->shift);
}

static bool is_of(const struct place *p, struct hash_wide h)
{
	return p->hash.a == h.a && p->hash.b == h.b;
}

/* Where it stands, or the free place that it would take. */
static struct place *place_of(const struct seen *s, struct hash_wide h)
{
	struct place *p = &s->table[first_place(s, h)], *end = s->table + s->places;

	while (p->line && !is_of(p, h))
		p = p + 1 == end ? s->table : p + 1;
	return p;
}

static int grow(struct seen *s, struct err *e)
{
	struct place *old = s->table;
	uint32_t n = s->places, places = n < s->places_max / GROWTH ? GROWTH * n : s->places_max;
	struct place *table = mem_array(places, sizeof *table);

	if (!table)
		return err_nomem(e, "the search for duplicates");
	mem_populate(table, places * sizeof *table);
	s->table = table;
	s->places = places;
	s->shift = 64 - (unsigned)__builtin_ctz(places);
	for (uint32_t i = 0; i < n; i++)
		if (old[i].line)
			*place_of(s, old[i].hash) = old[i];
	mem_free(old);
	return 0;
}

/* ---- filters, each for a table of the largest size ---- */

static struct filter_block *filter_block(const struct seen *s, struct filter_block *filter, struct hash_wide h)
{
	return &filter[h.b % (s->places / sizeof *filter)];
}

static uint64_t filter_bit(struct hash_wide h, unsigned word)
{
	return UINT64_C(1) << (h.a >> 6 * word & 63);
}

static void filter_add(const struct seen *s, struct filter_block *filter, struct hash_wide h)
{
	struct filter_block *block = filter_block(s, filter, h);

	for (unsigned i = 0; i < FILTER_WORDS; i++)
		block->words[i] |= filter_bit(h, i);
}

static bool filter_may_have(const struct seen *s, struct filter_block *filter, struct hash_wide h)
{
	const struct filter_block *block = filter_block(s, filter, h);
	uint64_t missing = 0;

	for (unsigned i = 0; i < FILTER_WORDS; i++)
		missing |= ~block->words[i] & filter_bit(h, i);
	return missing == 0;
}

/* ---- tables on disk ---- */

static struct filter_block *add_filter(struct seen *s)
{
	uint32_t n = s->n_filters;

	if ((n & (n - 1)) == 0) { /* full at each power of two */
		struct filter_block **more = mem_grow(s->filters, (n ? 2 * n : 1) * sizeof(struct filter_block *));

		if (!more)
			return NULL;
		s->filters = more;
	}
	return s->filters[n] = mem_new(s->places);
}

/* The table goes to disk, and is empty. */
static int put_away(struct seen *s, struct err *e)
{
	size_t bytes = s->places * sizeof *s->table;
	struct filter_block *filter = add_filter(s);

	if (!filter)
		return err_nomem(e, "the search for duplicates");
	s->n_filters++;
	if (s->fd < 0)
		s->fd = file_temporary(e);
	if (s->fd < 0)
		return -1;
	if (file_write_full(s->fd, s->table, bytes) < 0) {
		err_sys(e, "cannot write to a temporary file");
		return err_hint(e, "set TMPDIR to a folder with more room");
	}
	for (uint32_t i = 0; i < s->places; i++)
		if (s->table[i].line)
			filter_add(s, filter, s->table[i].hash);
	memset(s->table, 0, bytes);
	s->used = 0;
	return 0;
}

/* Its line in that table on disk, 0 it is not there, in *line. */
static int ask_disk(const struct seen *s, uint32_t table, struct hash_wide h, uint64_t *line, struct err *e)
{
	struct place page[PAGE_PLACES];
	uint32_t at = first_place(s, h), n;
	off_t base = (off_t)table * s->places;

	for (;; at = (at + n) & (s->places - 1)) { /* behind the last place comes the first */
		n = s->places - at < PAGE_PLACES ? s->places - at : PAGE_PLACES;
		ssize_t got = file_pread_full(s->fd, page, n * sizeof *page, (base + at) * (off_t)sizeof *page);

		if (got < 0)
			return err_sys(e, "cannot read back a temporary file");
		if ((size_t)got < n * sizeof *page)
			return err_set(e, ERR_SYS, "a temporary file became shorter");
		for (uint32_t i = 0; i < n; i++) {
			*line = page[i].line;
			if (*line == 0 || is_of(&page[i], h))
				return 0;
		}
	}
}

static int ask_all_on_disk(const struct seen *s, struct hash_wide h, uint64_t *line, struct err *e)
{
	*line = 0;
	for (uint32_t i = 0; i < s->n_filters && *line == 0; i++)
		if (filter_may_have(s, s->filters[i], h) && ask_disk(s, i, h, line, e) < 0)
			return -1;
	return 0;
}

/* ---- rows ---- */

struct hash_wide seen_hash(const struct seen *s, const struct row *row)
{
	struct hash_wide h = row_hash_wide(s->keys, row);

	__builtin_prefetch(&s->table[first_place(s, h)], 1);
	return h;
}

int seen_row(struct seen *s, struct hash_wide h, uint64_t line, uint64_t *of, struct err *e)
{
	struct place *p = place_of(s, h);

	MUST(line > 0);
	*of = p->line;
	if (*of)
		return 0;
	if (ask_all_on_disk(s, h, of, e) < 0)
		return -1;
	if (*of)
		return 0;
	*p = (struct place){ h, line };
	if (++s->used <= s->places / 4 * 3)
		return 0;
	return s->places < s->places_max ? grow(s, e) : put_away(s, e);
}
