/* fuzz_list.h - any bytes as a list: what every reader owes, whatever it reads. */
#ifndef TESTS_FUZZ_FUZZ_LIST_H
#define TESTS_FUZZ_FUZZ_LIST_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "engine/rows/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIST_BLOCK = 5, LIST_ROWS_MAX = 2000 };

static inline void list_ignore(struct finding_sink *self, const struct finding *f)
{
	(void)self;
	MUST(f->text[0]);
}

/* Found again by its place, a row is the same. */
static inline void list_check_place(struct rows *r, const struct row *row, struct row_block *one)
{
	struct row_place place = { row->number, row->line, row->offset };
	struct err e = { 0 };

	row_block_reset(one);
	MUST(rows_fetch(r, &place, 1, one, &e) == 0 && one->n == 1);
	MUST(one->rows[0].number == row->number && one->rows[0].line == row->line);
	MUST(span_eq(one->rows[0].problem, row->problem));
	for (uint32_t i = 0; i < row->n_cells; i++)
		MUST(span_eq(one->rows[0].cells[i], row->cells[i]));
}

static inline uint64_t list_read_all(struct rows *r, struct row_block *b, struct row_block *one, struct err *e)
{
	uint64_t rows = 0;
	int rc;

	while ((rc = rows_read(r, b, LIST_BLOCK, e)) == 1) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct row *row = &b->rows[i];

			MUST(row->number == ++rows && row->n_cells == rows_columns(r)->n && utf8_valid(row->problem));
			for (uint32_t k = 0; k < row->n_cells; k++)
				MUST(utf8_valid(row->cells[k]) && row->cells[k].n <= ROW_BYTES_MAX);
			if (one && rows < LIST_ROWS_MAX)
				list_check_place(r, row, one);
		}
		row_block_reset(b);
	}
	MUST(rc == 0 || (e->kind != ERR_NONE && e->text[0]));
	return rows;
}

static inline void list_check(struct span bytes, const struct rows_ways *ways)
{
	struct finding_sink sink = { .report = list_ignore };
	static struct row_block *b, *one; /* kept: they are large */
	struct rows_options o = { .ways = *ways };
	struct rows *r = NULL;
	struct err e = { 0 };
	char path[40];
	int fd = memfd_create("list", MFD_CLOEXEC);

	MUST(fd >= 0 && file_write_full(fd, bytes.p, bytes.n) == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	o.path = path;
	if (rows_open(&r, &o, &e) < 0) {
		MUST(e.kind != ERR_NONE && e.text[0] && !r);
		close(fd);
		return;
	}
	if (!b)
		MUST(row_block_new(&b, LIST_BLOCK) == 0 && row_block_new(&one, 1) == 0);
	row_block_reset(b);
	MUST(rows_form(r)[0] && rows_columns(r)->n > 0);
	for (uint32_t i = 0; i < rows_columns(r)->n; i++)
		MUST(utf8_valid(rows_columns(r)->names[i]));
	rows_tell(r, &sink);
	uint64_t rows = list_read_all(r, b, one, &e);

	if (rows_rewind(r, &e) == 0)
		MUST(list_read_all(r, b, NULL, &e) == rows);
	rows_close(&r);
	close(fd);
}

#endif
