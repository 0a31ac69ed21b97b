/* bench_rows.c - rows_read() beside bare libcsv over the same file.
 *
 *     bench_rows [ROWS [FILE]]      1,000,000 rows of a made list, or FILE
 *
 * For each kind of list the two take turns, and the round with the least processor time of each
 * counts: on a shared machine everything else is noise. The ratio must stay under 1.3. */
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/model/row.h"
#include "engine/rows/rows.h"

enum { ROUNDS = 15, BLOCK_ROWS = 512, READ_BYTES = 256 << 10 };

static const struct list_kind {
	const char *name, *header, *row; /* %ld: the row's number, four times */
} kinds[] = {
	{ "plain", "email,name,city,plan,amount,since\n",
	  "user%ld@example.com,Maria Schmidt %ld,Hamburg,pro,%ld.50,2024-03-%02ld\n" },
	{ "all quoted", "\"email\",\"name\",\"city\",\"plan\",\"amount\",\"since\"\r\n",
	  "\"user%ld@example.com\",\"Maria Schmidt %ld\",\"Hamburg\",\"pro\",\"%ld.50\",\"2024-03-%02ld\"\r\n" },
	{ "some quoted", "email,name,city,plan,amount,since\n",
	  "user%ld@example.com,\"Schmidt, Maria %ld\",Hamburg,pro,%ld.50,2024-03-%02ld\n" },
	{ "beyond ASCII", "email,name,city,plan,amount,since\n",
	  "user%ld@example.com,\xe5\xbc\xa0\xe4\xbc\x9f%ld,\xe4\xb8\x8a\xe6\xb5\xb7\xe5\xb8\x82\xe6\xb5\xa6\xe4\xb8\x9c\xe6\x96\xb0\xe5\x8c\xba,\xe4\xbc\x9a\xe5\x91\x98,%ld.50,2024-03-%02ld\n" },
};

struct counts {
	uint64_t rows, cells, bytes;
};

static void bare_cell(void *p, size_t n, void *data)
{
	struct counts *c = data;

	(void)p;
	c->cells++;
	c->bytes += n;
}

static void bare_row(int end, void *data)
{
	(void)end;
	((struct counts *)data)->rows++;
}

/* Seconds of processor time of this process. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double bare(const char *path, struct counts *c)
{
	static char window[READ_BYTES];
	struct csv_parser parser;
	double begun = seconds();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*c = (struct counts){ 0 };
	csv_init(&parser, 0);
	while ((n = read(fd, window, sizeof window)) > 0)
		csv_parse(&parser, window, (size_t)n, bare_cell, bare_row, c);
	csv_fini(&parser, bare_cell, bare_row, c);
	csv_free(&parser);
	close(fd);
	return seconds() - begun;
}

static double ours(const char *path, bool digest, struct counts *c)
{
	struct rows_options options = { .path = path };
	struct row_block *block = NULL;
	struct rows *rows;
	struct err e = { 0 };
	double begun = seconds();
	int rc;

	*c = (struct counts){ 0 };
	if (rows_open(&rows, &options, &e) < 0 || row_block_new(&block, BLOCK_ROWS) < 0)
		goto fail;
	if (digest)
		rows_want_digest(rows);
	while ((rc = rows_read(rows, block, BLOCK_ROWS, &e)) > 0) {
		for (uint32_t i = 0; i < block->n; i++)
			c->bytes += block->rows[i].cells[0].n;
		c->rows += block->n;
		row_block_reset(block);
	}
	if (rc < 0)
		goto fail;
	row_block_free(&block);
	rows_close(&rows);
	return seconds() - begun;
fail:
	fprintf(stderr, "%s:%llu: %s\n", e.path, (unsigned long long)e.line, e.text);
	exit(1);
}

static void compare(const char *name, const char *path)
{
	struct counts bare_counts, our_counts;
	double best[3] = { 1e9, 1e9, 1e9 };

	for (int i = 0; i < ROUNDS; i++) {
		double t[3] = { bare(path, &bare_counts), ours(path, false, &our_counts),
				ours(path, true, &our_counts) };

		for (int k = 0; k < 3; k++)
			best[k] = t[k] < best[k] ? t[k] : best[k];
	}
	if (our_counts.rows + 1 != bare_counts.rows)
		printf("%-13s %llu rows, libcsv says %llu\n", name, (unsigned long long)our_counts.rows,
		       (unsigned long long)bare_counts.rows - 1);
	printf("%-13s libcsv %6.2f M rows/s   rows_read %6.2f M rows/s   ratio %.2f   with SHA-256 %.2f\n", name,
	       (double)our_counts.rows / best[0] / 1e6, (double)our_counts.rows / best[1] / 1e6, best[1] / best[0],
	       best[2] / best[0]);
}

static void make(const char *path, const struct list_kind *k, long rows)
{
	FILE *f = fopen(path, "we");
	char line[512];

	if (!f)
		exit(1);
	fputs(k->header, f);
	for (long i = 1; i <= rows; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof line, k->row, i, i % 977, i % 500, i % 28 + 1);
#pragma GCC diagnostic pop
		fputs(line, f);
	}
	if (fclose(f) != 0)
		exit(1);
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/bench_rows_XXXXXX";
	long rows = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
	int fd;

	if (argc > 2) {
		compare(argv[2], argv[2]);
		return 0;
	}
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		make(path, &kinds[i], rows);
		compare(kinds[i].name, path);
	}
	unlink(path);
	return 0;
}
