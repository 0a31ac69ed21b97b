/* csv_cells.c - lists in, cells out, for tests/conformance/csv-differential.
 *
 * In: 4 bytes of length (little-endian) and a list, again and again. Out, for each: for every row
 * 'r', or 'p' and a problem as a cell; 4 bytes of how many cells, and the cells, each 4 bytes of
 * length and its bytes; then '.', or '!' for a list that cannot be read to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/rows/rows.h"

enum { LIST_MAX = 1 << 20 };

static void put_number(uint32_t n)
{
	unsigned char p[4];

	put_le32(p, n);
	fwrite(p, 1, sizeof p, stdout);
}

static void put_cell(struct span s)
{
	put_number((uint32_t)s.n);
	if (s.n)
		fwrite(s.p, 1, s.n, stdout);
}

static void put_row(const struct row *row)
{
	putchar(row->problem.n ? 'p' : 'r');
	if (row->problem.n)
		put_cell(row->problem);
	put_number(row->n_cells);
	for (uint32_t i = 0; i < row->n_cells; i++)
		put_cell(row->cells[i]);
}

static int read_list(const char *path, struct row_block *b)
{
	struct rows_options o = { .path = path, .ways = { .encoding = "UTF-8", .delimiter = "comma" } };
	struct err e = { 0 };
	struct rows *r;
	int rc;

	if (rows_open(&r, &o, &e) < 0)
		return -1;
	while ((rc = rows_read(r, b, b->capacity, &e)) == 1) {
		for (uint32_t i = 0; i < b->n; i++)
			put_row(&b->rows[i]);
		row_block_reset(b);
	}
	rows_close(&r);
	return rc;
}

int main(void)
{
	static char list[LIST_MAX];
	unsigned char length[4];
	struct row_block *b;
	char path[40];
	int fd = memfd_create("list", MFD_CLOEXEC);

	if (fd < 0 || row_block_new(&b, 64) < 0)
		return 2;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	while (fread(length, 1, sizeof length, stdin) == sizeof length) {
		size_t n = get_le32(length);

		if (n > sizeof list || fread(list, 1, n, stdin) != n || ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
		    file_write_full(fd, list, n) < 0)
			return 2;
		putchar(read_list(path, b) == 0 ? '.' : '!');
		fflush(stdout);
	}
	row_block_free(&b);
	return 0;
}
