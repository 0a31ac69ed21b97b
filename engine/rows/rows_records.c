/* rows_records.c - records as bytes: sizes first, then the texts.
 *
 *     4 bytes after these | 8 line | 4 cells | 4 bytes of problem | 4 a cell: bytes | problem | cells
 *
 * All numbers little-endian. Nobody else can write into the file, so a record that does not fit its
 * own sizes is a mistake of ours.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/rows_records.h"

#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/model/row.h"
#include "engine/rows/rows_parts.h"

enum { HEAD = 20, SIZE = 4, WINDOW = 256 << 10, CELLS_FIRST = 64 };

int rows_record_put(struct rows_spool *to, const struct rows_record *record, struct err *e)
{
	unsigned char head[HEAD], size[SIZE];
	size_t bytes = HEAD - SIZE + record->problem.n + (size_t)record->n * SIZE;

	for (uint32_t i = 0; i < record->n; i++)
		bytes += record->cells[i].n;
	put_le32(head, (uint32_t)bytes);
	put_le64(head + 4, record->line);
	put_le32(head + 12, record->n);
	put_le32(head + 16, (uint32_t)record->problem.n);
	if (rows_spool_add(to, span_of(head, HEAD), e) < 0)
		return -1;
	for (uint32_t i = 0; i < record->n; i++) {
		put_le32(size, (uint32_t)record->cells[i].n);
		if (rows_spool_add(to, span_of(size, SIZE), e) < 0)
			return -1;
	}
	if (rows_spool_add(to, record->problem, e) < 0)
		return -1;
	for (uint32_t i = 0; i < record->n; i++)
		if (rows_spool_add(to, record->cells[i], e) < 0)
			return -1;
	return 0;
}

int rows_records_open(struct rows_records *r, const struct rows_source *source, struct err *e)
{
	*r = (struct rows_records){ .source = source, .cap = WINDOW };
	r->p = mem_grow(NULL, WINDOW);
	return r->p ? 0 : err_nomem(e, "reading the list");
}

void rows_records_close(struct rows_records *r)
{
	mem_free(r->p);
	mem_free(r->cells);
	*r = (struct rows_records){ 0 };
}

void rows_records_seek(struct rows_records *r, uint64_t offset)
{
	if (offset >= r->base && offset - r->base <= r->n) {
		r->at = (size_t)(offset - r->base);
		return;
	}
	r->base = offset;
	r->n = r->at = 0;
}

/* So many bytes from `at` on: 1 they are there, 0 the file has no more, -1. */
static int need(struct rows_records *r, size_t bytes, struct err *e)
{
	ssize_t got;

	if (r->n - r->at >= bytes)
		return 1;
	memmove(r->p, r->p + r->at, r->n - r->at);
	r->base += r->at;
	r->n -= r->at;
	r->at = 0;
	if (bytes > r->cap) {
		char *more = mem_grow(r->p, bytes);

		if (!more)
			return err_nomem(e, "a row of the list");
		r->p = more;
		r->cap = bytes;
	}
	got = rows_source_read(r->source, r->p + r->n, r->cap - r->n, r->base + r->n, e);
	if (got < 0)
		return -1;
	r->n += (size_t)got;
	return r->n >= bytes;
}

static int room_for(struct rows_records *r, uint32_t n, struct err *e)
{
	uint32_t room = n < CELLS_FIRST ? CELLS_FIRST : n;
	struct span *more;

	if (n <= r->room)
		return 0;
	more = mem_grow(r->cells, room * sizeof *more);
	if (!more)
		return err_nomem(e, "a row of the list");
	r->cells = more;
	r->room = room;
	return 0;
}

int rows_records_next(struct rows_records *r, struct rows_record *out, struct err *e)
{
	const char *sizes, *p;
	size_t bytes;
	int rc = need(r, HEAD, e);

	if (rc <= 0)
		return rc;
	bytes = get_le32(r->p + r->at) + (size_t)SIZE;
	rc = need(r, bytes, e);
	if (rc < 0)
		return -1;
	MUST(rc == 1 && bytes >= HEAD);
	p = r->p + r->at;
	*out = (struct rows_record){ .line = get_le64(p + 4), .offset = r->base + r->at, .n = get_le32(p + 12) };
	out->problem.n = get_le32(p + 16);
	if (room_for(r, out->n, e) < 0)
		return -1;
	sizes = p + HEAD;
	p = sizes + (size_t)out->n * SIZE;
	out->problem.p = p;
	p += out->problem.n;
	for (uint32_t i = 0; i < out->n; i++) {
		r->cells[i] = span_of(p, get_le32(sizes + (size_t)i * SIZE));
		p += r->cells[i].n;
	}
	MUST(p == r->p + r->at + bytes);
	out->cells = r->cells;
	r->at += bytes;
	return 1;
}

int64_t rows_records_read(struct rows_records *r, struct rows_reader *front, rows_record_add *add, struct row_block *into,
			  uint32_t max, struct err *e)
{
	uint32_t before = into->n;

	while (into->n - before < max && (into->n == before || into->memory.used_bytes < ROWS_BLOCK_BYTES)) {
		struct rows_record record;
		int rc = rows_records_next(r, &record, e);

		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		if (add(front, into, &record) < 0)
			return err_nomem(e, "a row of the list");
	}
	return into->n - before;
}
