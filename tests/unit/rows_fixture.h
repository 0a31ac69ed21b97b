/* rows_fixture.h - a list in a temporary file, for the tests of engine/rows. */
#ifndef TESTS_UNIT_ROWS_FIXTURE_H
#define TESTS_UNIT_ROWS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/rows.h"

static char list_path[] = "/tmp/rows-test-XXXXXX";

static inline int list_set_up(void **state)
{
	int fd;

	(void)state;
	snprintf(list_path, sizeof list_path, "/tmp/rows-test-XXXXXX");
	fd = mkstemp(list_path);
	return fd < 0 ? -1 : close(fd);
}

static inline int list_tear_down(void **state)
{
	(void)state;
	mem_fail_after(-1);
	return unlink(list_path);
}

#define LIST_TEST(function) cmocka_unit_test_setup_teardown(function, list_set_up, list_tear_down)

static inline void list_put(struct span content)
{
	FILE *f = fopen(list_path, "we");

	if (!f || (content.n && fwrite(content.p, 1, content.n, f) != content.n) || fclose(f) != 0)
		fail_msg("cannot write %s", list_path);
}

static inline int list_open(struct rows **out, struct err *e)
{
	struct rows_options o = { .path = list_path };

	return rows_open(out, &o, e);
}

/* The whole list as one text: a line a row, "number/line [cell][cell]" and " !problem". */
static inline int list_read(struct rows *r, uint32_t block_rows, uint32_t max, struct buf *out, struct err *e)
{
	struct row_block *b;
	int rc;

	if (row_block_new(&b, block_rows) < 0)
		return err_nomem(e, "a block");
	while ((rc = rows_read(r, b, max, e)) > 0) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct row *row = &b->rows[i];

			buf_addf(out, "%d/%d ", (int)row->number, (int)row->line);
			for (uint32_t k = 0; k < row->n_cells; k++) {
				buf_add_char(out, '[');
				buf_add(out, row->cells[k]);
				buf_add_char(out, ']');
			}
			if (row->problem.n)
				buf_addf(out, " !%.*s", SPAN_ARG(row->problem));
			buf_add_char(out, '|');
		}
		row_block_reset(b);
	}
	row_block_free(&b);
	return rc;
}

#endif
