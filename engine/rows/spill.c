/* spill.c - sorted runs in a temporary file without a name, merged when they are read.
 *
 *  1. At most memory_bytes hold records that are collected; what is full is sorted and becomes a run.
 *  2. Merging reads each run through a buffer of its own, RUN_BUFFER_BYTES at most: memory grows with
 *     the number of runs alone, which is the number of records / what memory holds.
 *  3. A list that fits never touches the disk.
 * Held by tests/unit/test_rows_spill.c. */
#include "engine/rows/spill.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"

enum { FIRST_RECORDS = 512, RUN_BUFFER_BYTES = 64 << 10, RUNS_MAX = 4096 };

struct spill_run {
	uint64_t from, to; /* in the file, in bytes */
	uint64_t at;       /* of the next fill */
	char *p;           /* its buffer, when merging */
	size_t n, used;
};

struct spill {
	size_t record, memory_bytes;
	int (*compare)(const void *a, const void *b);
	char *p;           /* collected, or all of them sorted when there are no runs */
	size_t n, room;    /* records */
	uint64_t count, file_bytes;
	int fd;            /* -1: nothing was spilled */
	struct spill_run *runs;
	unsigned n_runs;
	unsigned *heap;    /* runs that have more, the one with the lowest record on top */
	unsigned n_heap;
	bool reading, taken; /* the top's record was handed out */
	size_t next;       /* without runs: of the next record */
};

int spill_new(struct spill **out, size_t record_bytes, size_t memory_bytes,
	      int (*compare)(const void *a, const void *b), struct err *e)
{
	struct spill *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "sorting");
	s->record = record_bytes;
	s->memory_bytes = memory_bytes;
	s->compare = compare;
	s->fd = -1;
	*out = s;
	return 0;
}

void spill_free(struct spill **out)
{
	struct spill *s = *out;

	if (!s)
		return;
	for (unsigned i = 0; i < s->n_runs; i++)
		mem_free(s->runs[i].p);
	mem_free(s->runs);
	mem_free(s->heap);
	mem_free(s->p);
	if (s->fd >= 0)
		close(s->fd);
	mem_free(s);
	*out = NULL;
}

uint64_t spill_count(const struct spill *s)
{
	return s->count;
}

/* ---- collecting ---- */

static int add_run(struct spill *s, struct err *e)
{
	size_t bytes = s->n * s->record;
	struct spill_run *runs;

	if (s->n_runs == RUNS_MAX)
		return err_set(e, ERR_LIMIT, "the list is too long to be sorted: over %d runs", RUNS_MAX);
	if ((s->n_runs & (s->n_runs - 1)) == 0) { /* full at each power of two */
		runs = mem_grow(s->runs, (s->n_runs ? 2 * s->n_runs : 1) * sizeof *runs);
		if (!runs)
			return err_nomem(e, "sorting");
		s->runs = runs;
	}
	if (s->fd < 0)
		s->fd = file_temporary(e);
	if (s->fd < 0)
		return -1;
	qsort(s->p, s->n, s->record, s->compare);
	if (file_write_full(s->fd, s->p, bytes) < 0) {
		err_sys(e, "cannot write to a temporary file");
		return err_hint(e, "set TMPDIR to a folder with more room");
	}
	s->runs[s->n_runs++] = (struct spill_run){ .from = s->file_bytes, .to = s->file_bytes + bytes };
	s->file_bytes += bytes;
	s->n = 0;
	return 0;
}

/* Room for at least one more. */
static int make_room(struct spill *s, struct err *e)
{
	size_t most = s->memory_bytes / s->record, room = s->room ? 2 * s->room : FIRST_RECORDS;
	char *p;

	if (most == 0)
		most = 1;
	if (s->room >= most)
		return add_run(s, e);
	if (room > most)
		room = most;
	p = mem_grow(s->p, room * s->record);
	if (!p)
		return err_nomem(e, "sorting");
	s->p = p;
	s->room = room;
	return 0;
}

int spill_add(struct spill *s, const void *records, size_t n, struct err *e)
{
	const char *p = records;

	MUST(!s->reading);
	while (n > 0) {
		size_t fits = s->room - s->n;

		if (fits == 0) {
			if (make_room(s, e) < 0)
				return -1;
			continue;
		}
		if (fits > n)
			fits = n;
		memcpy(s->p + s->n * s->record, p, fits * s->record);
		p += fits * s->record;
		s->n += fits;
		s->count += fits;
		n -= fits;
	}
	return 0;
}

/* ---- reading ---- */

static const char *front(const struct spill *s, unsigned run)
{
	return s->runs[run].p + s->runs[run].used;
}

/* 1 the run has a record at hand, 0 it is at its end, -1. */
static int fill(struct spill *s, struct spill_run *r, struct err *e)
{
	size_t most = RUN_BUFFER_BYTES / s->record * s->record, left = (size_t)(r->to - r->at);
	ssize_t got;

	if (r->used < r->n)
		return 1;
	r->used = r->n = 0;
	if (most == 0)
		most = s->record;
	if (left > most)
		left = most;
	if (left == 0)
		return 0;
	if (!r->p)
		r->p = mem_new(most);
	if (!r->p)
		return err_nomem(e, "sorting");
	got = file_pread_full(s->fd, r->p, left, (off_t)r->at);
	if (got < 0)
		return err_sys(e, "cannot read back a temporary file");
	if ((size_t)got < left)
		return err_set(e, ERR_SYS, "a temporary file became shorter");
	r->at += left;
	r->n = left;
	return 1;
}

static bool is_before(const struct spill *s, unsigned a, unsigned b)
{
	return s->compare(front(s, s->heap[a]), front(s, s->heap[b])) < 0;
}

static void sift_down(struct spill *s, unsigned at)
{
	for (;;) {
		unsigned low = at, left = 2 * at + 1, moved = s->heap[at];

		if (left < s->n_heap && is_before(s, left, low))
			low = left;
		if (left + 1 < s->n_heap && is_before(s, left + 1, low))
			low = left + 1;
		if (low == at)
			return;
		s->heap[at] = s->heap[low];
		s->heap[low] = moved;
		at = low;
	}
}

static int begin_reading(struct spill *s, struct err *e)
{
	s->reading = true;
	if (s->n_runs == 0) {
		if (s->n > 1)
			qsort(s->p, s->n, s->record, s->compare);
		return 0;
	}
	if (s->n > 0 && add_run(s, e) < 0)
		return -1;
	mem_free(s->p);
	s->p = NULL;
	s->heap = mem_array(s->n_runs, sizeof *s->heap);
	return s->heap ? 0 : err_nomem(e, "sorting");
}

int spill_rewind(struct spill *s, struct err *e)
{
	if (!s->reading && begin_reading(s, e) < 0)
		return -1;
	s->next = 0;
	s->n_heap = 0;
	s->taken = false;
	for (unsigned i = 0; i < s->n_runs; i++) {
		struct spill_run *r = &s->runs[i];

		r->at = r->from;
		r->n = r->used = 0;
		if (fill(s, r, e) < 0)
			return -1;
		s->heap[s->n_heap++] = i;
	}
	for (unsigned i = s->n_heap / 2; i-- > 0;)
		sift_down(s, i);
	return 0;
}

/* The record on top was used: the next of its run, or the run leaves. */
static int advance(struct spill *s, struct err *e)
{
	struct spill_run *r = &s->runs[s->heap[0]];
	int rc;

	r->used += s->record;
	rc = fill(s, r, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		s->heap[0] = s->heap[--s->n_heap];
	sift_down(s, 0);
	return 0;
}

int spill_next(struct spill *s, const void **out, struct err *e)
{
	MUST(s->reading);
	if (s->n_runs == 0) {
		if (s->next == s->n)
			return 0;
		*out = s->p + s->next++ * s->record;
		return 1;
	}
	if (s->taken && advance(s, e) < 0)
		return -1;
	s->taken = s->n_heap > 0;
	if (!s->taken)
		return 0;
	*out = front(s, s->heap[0]);
	return 1;
}
