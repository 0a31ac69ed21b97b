/* waiting.c - a heap in memory and sorted runs in a file without a name.
 *
 *  1. Rows come out in the order of their due times, whether they were in the file or not.
 *  2. When near_max rows are in memory, the half that is due last becomes a run. Each run is read through a
 *     buffer of READ_ROWS, and there are at most RUNS_MAX of them: then, or when the file is mostly of rows
 *     that have left, all are merged into one run of a new file. So memory and file are bounded.
 *  3. A file that takes nothing loses nobody: rows stay in memory, waiting_is_full() says so, and it is
 *     tried again when half of them have left.
 * Held by tests/unit/test_run_waiting.c. */
#include "engine/run/waiting.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"

enum { NEAR_FIRST = 256, READ_ROWS = 32, WRITE_ROWS = 1024, RUNS_MAX = 256, SPARSE = 4 };

struct waiting_run {
	uint64_t at, to;   /* of what was not read so far, in bytes */
	uint32_t n, used;  /* rows of `rows`, and how many of them have left */
	struct waiting_row *rows; /* READ_ROWS; never all used while the run lives */
	int64_t due_ms;    /* of the row in front */
};

void waiting_release(struct waiting *w)
{
	for (uint32_t i = 0; i < w->n_runs; i++)
		mem_free(w->runs[i].rows);
	mem_free(w->runs);
	mem_free(w->near);
	if (w->has_file)
		close(w->fd);
	*w = (struct waiting){ 0 };
}

/* ---- the heap ---- */

static int push(struct waiting *w, const struct waiting_row *row)
{
	if (w->n_near == w->capacity) {
		uint32_t capacity = w->capacity ? w->capacity * 2 : NEAR_FIRST;
		struct waiting_row *near = mem_grow(w->near, capacity * sizeof *near);

		if (!near)
			return -1;
		w->near = near;
		w->capacity = capacity;
	}
	uint32_t at = w->n_near++;

	while (at > 0 && w->near[(at - 1) / 2].due_ms > row->due_ms) {
		w->near[at] = w->near[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->near[at] = *row;
	return 0;
}

static void pop(struct waiting *w, struct waiting_row *out)
{
	struct waiting_row last = w->near[--w->n_near];
	uint32_t at = 0;

	*out = w->near[0];
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= w->n_near)
			break;
		if (child + 1 < w->n_near && w->near[child + 1].due_ms < w->near[child].due_ms)
			child++;
		if (w->near[child].due_ms >= last.due_ms)
			break;
		w->near[at] = w->near[child];
		at = child;
	}
	if (w->n_near > 0)
		w->near[at] = last;
}

/* ---- the runs ---- */

static const struct waiting_row *front(const struct waiting_run *r)
{
	return &r->rows[r->used];
}

/* 1 a row is at hand, 0 the run is at its end, -1. */
static int fill(int fd, struct waiting_run *r, struct err *e)
{
	uint64_t left = (r->to - r->at) / sizeof *r->rows;
	size_t bytes = (left < READ_ROWS ? left : READ_ROWS) * sizeof *r->rows;
	ssize_t got;

	if (r->used < r->n) {
		r->due_ms = front(r)->due_ms;
		return 1;
	}
	if (bytes == 0)
		return 0;
	if (!r->rows)
		r->rows = mem_array(READ_ROWS, sizeof *r->rows);
	if (!r->rows)
		return err_nomem(e, "the rows that wait");
	got = file_pread_full(fd, r->rows, bytes, (off_t)r->at);
	if (got < 0)
		return err_sys(e, "cannot read back the rows that wait");
	if ((size_t)got < bytes)
		return err_set(e, ERR_SYS, "the temporary file of the rows that wait became shorter");
	r->at += bytes;
	r->n = (uint32_t)(bytes / sizeof *r->rows);
	r->used = 0;
	r->due_ms = r->rows[0].due_ms;
	return 1;
}

static struct waiting_run *first_run(const struct waiting *w)
{
	struct waiting_run *first = NULL;

	for (uint32_t i = 0; i < w->n_runs; i++)
		if (!first || w->runs[i].due_ms < first->due_ms)
			first = &w->runs[i];
	return first;
}

/* The row in front of the run has left. */
static int advance(struct waiting *w, int fd, struct waiting_run *r, struct err *e)
{
	int rc;

	r->used++;
	rc = fill(fd, r, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	mem_free(r->rows);
	*r = w->runs[--w->n_runs];
	return 0;
}

static int open_file(struct waiting *w, struct err *e)
{
	if (!w->runs)
		w->runs = mem_array(RUNS_MAX, sizeof *w->runs);
	if (!w->runs)
		return err_nomem(e, "the rows that wait");
	if (w->has_file)
		return 0;
	w->fd = file_temporary(e);
	w->has_file = w->fd >= 0;
	w->file_bytes = 0;
	return w->has_file ? 0 : -1;
}

static int write_rows(int fd, const struct waiting_row *rows, size_t n, struct err *e)
{
	return file_write_full(fd, rows, n * sizeof *rows) < 0 ? err_sys(e, "cannot write the rows that wait to a temporary file") : 0;
}

/* All runs, in their order, to `to`, whose size goes to *bytes. The runs are read to their ends. */
static int merge_to(struct waiting *w, int to, uint64_t *bytes, struct err *e)
{
	struct waiting_row *out = mem_array(WRITE_ROWS, sizeof *out);
	struct waiting_run *r;
	size_t n = 0;
	int rc = 0;

	*bytes = 0;
	if (!out)
		return err_nomem(e, "the rows that wait");
	while (rc == 0 && (r = first_run(w))) {
		out[n++] = *front(r);
		*bytes += sizeof *out;
		rc = advance(w, w->fd, r, e);
		if (rc == 0 && (n == WRITE_ROWS || w->n_runs == 0)) {
			rc = write_rows(to, out, n, e);
			n = 0;
		}
	}
	mem_free(out);
	return rc;
}

/* The state of the runs, so that a merge that fails leaves them as they were. */
static int copy_runs(const struct waiting *w, struct waiting *copy)
{
	*copy = *w;
	copy->runs = mem_array(RUNS_MAX, sizeof *copy->runs);
	if (!copy->runs)
		return -1;
	for (uint32_t i = 0; i < w->n_runs; i++) {
		copy->runs[i] = w->runs[i];
		copy->runs[i].at -= (w->runs[i].n - w->runs[i].used) * sizeof(struct waiting_row);
		copy->runs[i].n = copy->runs[i].used = 0;
		copy->runs[i].rows = NULL;
	}
	return 0;
}

static void free_runs(struct waiting *w)
{
	for (uint32_t i = 0; i < w->n_runs; i++)
		mem_free(w->runs[i].rows);
	mem_free(w->runs);
}

static int merge(struct waiting *w, struct err *e)
{
	struct waiting copy;
	struct waiting_run whole = { 0 };
	int to = -1, rc = copy_runs(w, &copy) < 0 ? err_nomem(e, "the rows that wait") : 0;

	for (uint32_t i = 0; i < copy.n_runs && rc == 0; i++)
		rc = fill(w->fd, &copy.runs[i], e) < 0 ? -1 : 0;
	if (rc == 0)
		to = file_temporary(e);
	rc = rc == 0 && to >= 0 ? merge_to(&copy, to, &whole.to, e) : -1;
	if (rc == 0)
		rc = fill(to, &whole, e) < 0 ? -1 : 0;
	if (copy.runs)
		free_runs(&copy);
	if (rc < 0) {
		mem_free(whole.rows);
		if (to >= 0)
			close(to);
		return -1;
	}
	for (uint32_t i = 0; i < w->n_runs; i++)
		mem_free(w->runs[i].rows);
	close(w->fd);
	w->fd = to;
	w->file_bytes = whole.to;
	w->runs[0] = whole;
	w->n_runs = 1;
	return 0;
}

static int by_due(const void *a, const void *b)
{
	int64_t x = ((const struct waiting_row *)a)->due_ms, y = ((const struct waiting_row *)b)->due_ms;

	return (x > y) - (x < y);
}

/* The file is mostly of rows that have left. */
static bool is_sparse(const struct waiting *w)
{
	return w->file_bytes > SPARSE * (w->n - w->n_near + w->capacity) * sizeof *w->near;
}

/* The half of the heap that is due last goes to the file. */
static int spill(struct waiting *w, struct err *e)
{
	uint32_t keep = w->n_near / 2, n = w->n_near - keep;
	struct waiting_run run = { 0 };

	if (open_file(w, e) < 0 || ((w->n_runs == RUNS_MAX || (w->n_runs > 0 && is_sparse(w))) && merge(w, e) < 0))
		return -1;
	if (w->n_runs == 0)
		w->file_bytes = 0; /* nothing in it counts any more */
	qsort(w->near, w->n_near, sizeof *w->near, by_due); /* sorted, it is a heap still */
	run.at = w->file_bytes;
	run.to = run.at + n * sizeof *w->near;
	if (lseek(w->fd, (off_t)run.at, SEEK_SET) < 0 || ftruncate(w->fd, (off_t)run.at) < 0)
		return err_sys(e, "cannot write the rows that wait to a temporary file");
	if (write_rows(w->fd, w->near + keep, n, e) < 0)
		return -1;
	if (fill(w->fd, &run, e) < 0) {
		mem_free(run.rows);
		return -1;
	}
	w->runs[w->n_runs++] = run;
	w->file_bytes = run.to;
	w->n_near = keep;
	return 0;
}

/* ---- the room ---- */

static uint32_t near_max(const struct waiting *w)
{
	return w->near_max ? w->near_max : WAITING_NEAR_MAX;
}

int waiting_put(struct waiting *w, const struct waiting_row *row)
{
	struct err e;

	if (w->n_near >= near_max(w) && !w->no_room && spill(w, &e) < 0) {
		w->no_room = true;
		log_line(LOG_WARNING, "%s; so many rows wait that no more of the list is read until some have left "
			 "(TMPDIR may name a folder with more room)", e.text);
	}
	if (push(w, row) < 0)
		return -1;
	w->n++;
	return 0;
}

int waiting_take(struct waiting *w, int64_t now_ms, struct waiting_row *out, struct err *e)
{
	struct waiting_run *run = first_run(w);

	if (waiting_due_ms(w) > now_ms || w->n == 0)
		return 0;
	w->n--;
	if (run && (w->n_near == 0 || run->due_ms < w->near[0].due_ms)) {
		*out = *front(run);
		return advance(w, w->fd, run, e) < 0 ? -1 : 1;
	}
	pop(w, out);
	if (w->n_near <= near_max(w) / 2)
		w->no_room = false;
	return 1;
}

int64_t waiting_due_ms(const struct waiting *w)
{
	const struct waiting_run *run = first_run(w);
	int64_t due = w->n_near ? w->near[0].due_ms : INT64_MAX;

	return run && run->due_ms < due ? run->due_ms : due;
}

bool waiting_is_full(const struct waiting *w)
{
	return w->no_room && w->n_near >= near_max(w);
}
