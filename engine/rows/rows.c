/* rows.c - the front door: one opened list, readers of it.
 *
 *  1. What is found when a list is opened (struct rows_list) is const afterwards: handles of
 *     rows_share() use it from other threads without a lock.
 *  2. An error that comes after some rows of the same call waits for the next call: no row that
 *     stands before the place of the error is lost.
 *  3. rows_fetch() has a reader of its own, so that the place of rows_read() stays.
 * Held by tests/unit/test_rows_open.c, test_rows_csv.c. */
#include "engine/rows/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/rows/rows_parts.h"

enum { LIST_CHUNK_BYTES = 4 << 10, LIST_BYTES_MAX = 4 * ROW_BYTES_MAX, PROBLEM_MAX = 240 };

struct rows {
	struct rows_list *list;
	bool owner;
	struct rows_reader *reader;  /* of rows_read() */
	struct rows_reader *fetcher; /* of rows_fetch(), made when first used */
	bool want_digest, at_start;
	struct digest *digest;       /* NULL: not wanted yet */
	bool digest_done;
	unsigned char sum[SHA256_SIZE];
	bool failed;                 /* (2) */
	struct err failure;
};

/* ---- opening ---- */

static int read_header(struct rows_list *list, struct err *e)
{
	struct rows_reader *r;
	struct span *names;
	uint32_t n;
	int rc;

	if (list->kind->open(&r, list, NULL, e) < 0)
		return -1;
	rc = list->kind->header(r, &list->memory, &names, &n, &list->start, e);
	list->kind->close(r);
	return rc < 0 ? -1 : rows_columns_set(list, names, n, e);
}

static int open_list(struct rows_list *list, const char *path, struct err *e)
{
	arena_init(&list->memory, LIST_CHUNK_BYTES, LIST_BYTES_MAX);
	if (rows_source_open(&list->source, path, e) < 0 || rows_form_find(list, e) < 0)
		return -1;
	return read_header(list, e);
}

/* A handle on a list that is open. */
static int open_handle(struct rows *r, struct err *e)
{
	r->at_start = true;
	if (r->list->kind->open(&r->reader, r->list, NULL, e) < 0)
		return -1;
	return r->list->kind->rewind(r->reader, e);
}

int rows_open(struct rows **out, const struct rows_options *opt, struct err *e)
{
	struct rows *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "opening the list");
	r->owner = true;
	r->list = mem_new(sizeof *r->list);
	if (!r->list) {
		err_nomem(e, "opening the list");
		goto fail;
	}
	if (open_list(r->list, opt->path, e) < 0 || open_handle(r, e) < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	rows_close(&r);
	return -1;
}

int rows_share(struct rows **out, const struct rows *of, struct err *e)
{
	struct rows *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "opening the list");
	r->list = of->list;
	if (open_handle(r, e) < 0) {
		rows_close(&r);
		return -1;
	}
	*out = r;
	return 0;
}

static void close_list(struct rows_list *list)
{
	rows_source_close(&list->source);
	arena_release(&list->memory);
	mem_free(list);
}

void rows_close(struct rows **r)
{
	struct rows *old = *r;

	if (!old)
		return;
	if (old->list) {
		if (old->reader)
			old->list->kind->close(old->reader);
		if (old->fetcher)
			old->list->kind->close(old->fetcher);
		if (old->owner)
			close_list(old->list);
	}
	digest_free(&old->digest);
	mem_free(old);
	*r = NULL;
}

/* ---- reading ---- */

/* The reader begins anew with a digest. */
static int start_digest(struct rows *r, struct err *e)
{
	const struct rows_kind *kind = r->list->kind;
	struct rows_reader *reader;

	if (digest_new(&r->digest, DIGEST_SHA256, e) < 0)
		return -1;
	if (kind->open(&reader, r->list, r->digest, e) < 0) {
		digest_free(&r->digest);
		return -1;
	}
	kind->close(r->reader);
	r->reader = reader;
	return kind->rewind(reader, e);
}

int rows_rewind(struct rows *r, struct err *e)
{
	unsigned char unused[DIGEST_MAX];

	r->failed = r->digest_done = false;
	r->at_start = true;
	if (r->want_digest && !r->digest)
		return start_digest(r, e);
	if (r->digest)
		digest_end(r->digest, unused); /* begins anew */
	return r->list->kind->rewind(r->reader, e);
}

/* 0 the end; the digest is complete, because the reader saw the end of the file. */
static int end_of_list(struct rows *r)
{
	if (r->digest && !r->digest_done) {
		digest_end(r->digest, r->sum);
		r->digest_done = true;
	}
	return 0;
}

int rows_read(struct rows *r, struct row_block *into, uint32_t max, struct err *e)
{
	uint32_t before = into->n, room = into->capacity - into->n;
	int64_t got;

	MUST(max > 0 && room > 0);
	if (r->at_start && r->want_digest && !r->digest && start_digest(r, e) < 0)
		return -1;
	r->at_start = false;
	if (!r->failed) {
		got = r->list->kind->read(r->reader, into, max < room ? max : room, &r->failure);
		r->failed = got < 0;
		if (into->n > before)
			return 1;
		if (got >= 0)
			return end_of_list(r);
	}
	if (e)
		*e = r->failure;
	return -1;
}

static int fetch_one(struct rows *r, const struct row_place *place, struct row_block *into, struct err *e)
{
	const struct rows_kind *kind = r->list->kind;
	int64_t got;

	MUST(into->n < into->capacity);
	if (kind->seek(r->fetcher, place, e) < 0)
		return -1;
	got = kind->read(r->fetcher, into, 1, e);
	if (got == 0) {
		err_set(e, ERR_INPUT, "the list ends before row %llu: it was changed meanwhile",
			(unsigned long long)place->number);
		return err_at(e, r->list->source.path, place->line, 0);
	}
	return got < 0 ? -1 : 0;
}

int rows_fetch(struct rows *r, const struct row_place *places, uint32_t n, struct row_block *into, struct err *e)
{
	if (!r->fetcher && r->list->kind->open(&r->fetcher, r->list, NULL, e) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (fetch_one(r, &places[i], into, e) < 0)
			return -1;
	return 0;
}

/* ---- what is known ---- */

const struct columns *rows_columns(const struct rows *r)
{
	return &r->list->columns;
}

const char *rows_form(const struct rows *r)
{
	return r->list->form;
}

uint64_t rows_bytes_done(const struct rows *r)
{
	return r->list->kind->bytes_done(r->reader);
}

uint64_t rows_bytes(const struct rows *r)
{
	return r->list->source.size_bytes;
}

void rows_want_digest(struct rows *r)
{
	r->want_digest = true;
}

bool rows_digest(const struct rows *r, unsigned char out[32])
{
	if (r->digest_done)
		memcpy(out, r->sum, sizeof r->sum);
	return r->digest_done;
}

int rows_stamp(const struct rows *r, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e)
{
	return rows_source_stamp(&r->list->source, size_bytes, mtime_ns, e);
}

int rows_problem(struct row_block *b, struct row *row, const char *fmt, ...)
{
	char text[PROBLEM_MAX];
	va_list ap;
	int n, ok;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	row->problem = arena_copy(&b->memory, span_sub(span_of(text, sizeof text - 1), 0, (size_t)(n < 0 ? 0 : n)), &ok);
	return ok ? 0 : -1;
}
