/* Lists that are too much: cells, records, lines, columns without end. Memory stays bounded and
 * the error names the line where the trouble began. */
#include "tests/unit/rows_fixture.h"

/* Reads to the error; *rows gets how many rows came before it. */
static struct err read_to_error(uint64_t *rows)
{
	struct row_block *b;
	struct err e = { 0 };
	struct rows *r;
	int rc;

	*rows = 0;
	if (list_open(&r, &e) < 0)
		return e;
	row_block_new(&b, 100);
	while ((rc = rows_read(r, b, 100, &e)) > 0) {
		*rows += b->n;
		row_block_reset(b);
	}
	if (rc < 0) {
		struct err again = { 0 };

		assert_int_equal(rows_read(r, b, 100, &again), -1); /* and it stays one */
		assert_string_equal(again.text, e.text);
		assert_int_equal(again.line, e.line);
	}
	row_block_free(&b);
	rows_close(&r);
	return e;
}

static FILE *begin(void)
{
	FILE *f = fopen(list_path, "we");

	assert_non_null(f);
	fputs("a,b\n1,2\n\n3,4\n", f);
	return f;
}

static void fill(FILE *f, const char *what, size_t bytes)
{
	for (size_t n = 0; n < bytes; n += strlen(what))
		fputs(what, f);
}

static void check(FILE *f, const char *says, unsigned line)
{
	struct err e;
	uint64_t rows;

	assert_int_equal(fclose(f), 0);
	e = read_to_error(&rows);
	if (e.kind != ERR_INPUT || !strstr(e.text, says) || e.line != line)
		fail_msg("line %d: %s", (int)e.line, e.text);
	assert_string_equal(e.path, list_path);
	assert_int_equal(rows, 2);
}

static void quote_never_closed(void **state)
{
	FILE *f = begin();

	(void)state;
	fputs("5,\"6\n7,8\n", f);
	check(f, "never closed", 5);
	f = begin();
	fputs("\"x\ny\",\"6\n", f); /* the second cell, which begins a line later */
	fill(f, "7,8\n", 500000);
	check(f, "never closed", 6);
}

/* Found after a mebibyte, not at the end of the file. */
static void quote_never_closed_in_a_large_file(void **state)
{
	FILE *f = begin();

	(void)state;
	fputs("5,\"6\n", f);
	fill(f, "someone@example.com,more\n", 20 << 20);
	check(f, "the quoted cell that begins here is over 1 MiB", 5);
}

static void cell_over_the_bound(void **state)
{
	FILE *f = begin();

	(void)state;
	fputs("5,", f);
	fill(f, "x", ROW_CELL_MAX + 1);
	fputs("\n7,8\n", f);
	check(f, "the cell that begins here is over 1 MiB", 5);
	f = begin();
	fputs("\"", f);
	fill(f, "x", ROW_CELL_MAX + 1);
	fputs("\",1\n7,8\n", f);
	check(f, "over 1 MiB", 5);
	f = begin();
	fputs("\"\n", f); /* and where it goes over more than one line */
	fill(f, "x", ROW_CELL_MAX);
	fputs("\",1\n7,8\n", f);
	check(f, "over 1 MiB", 5);
}

static void cell_of_the_bound(void **state)
{
	struct err e;
	uint64_t rows;
	FILE *f = begin();

	(void)state;
	fputs("5,", f);
	fill(f, "x", ROW_CELL_MAX);
	fputs("\n\"", f);
	fill(f, "x", ROW_CELL_MAX);
	fputs("\",8\n9,\"\n", f);
	fill(f, "x", ROW_CELL_MAX - 1);
	fputs("\"\n", f);
	assert_int_equal(fclose(f), 0);
	e = read_to_error(&rows);
	if (e.kind != ERR_NONE)
		fail_msg("line %d: %s", (int)e.line, e.text);
	assert_int_equal(rows, 5);
}

static void record_over_the_bound(void **state)
{
	FILE *f = begin();

	(void)state;
	for (int i = 0; i < 100; i++) { /* cells within their bound, each over two lines */
		fputs("\"", f);
		fill(f, "x", 100000);
		fputs("\n\",", f);
	}
	fputs("\n", f);
	check(f, "the record that begins here is over 8 MiB", 5);
}

static void line_over_the_bound(void **state)
{
	FILE *f = begin();

	(void)state;
	fill(f, "x,", 12 << 20);
	check(f, "a line of over 8 MiB begins here", 5);
}

static void too_many_columns(void **state)
{
	FILE *f = fopen(list_path, "we");
	struct err e;
	uint64_t rows;

	(void)state;
	for (int i = 0; i <= ROW_COLUMNS_MAX; i++)
		fprintf(f, "%sc%d", i ? "," : "", i);
	fclose(f);
	e = read_to_error(&rows);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.text, "16385 columns"));

	f = fopen(list_path, "we");
	for (int i = 0; i < ROW_COLUMNS_MAX; i++)
		fprintf(f, "%sc%d", i ? "," : "", i);
	fputs("\n1,2\n", f);
	fill(f, ",", 1000000); /* a row of a million cells is a problem of that row alone */
	fputs("\n1,2\n", f);
	fclose(f);
	e = read_to_error(&rows);
	assert_int_equal(e.kind, ERR_NONE);
	assert_int_equal(rows, 3);
}

/* Blocks end by bytes as well as by rows. */
static void block_of_large_rows(void **state)
{
	FILE *f = fopen(list_path, "we");
	struct row_block *b;
	struct rows *r;
	struct err e;
	uint64_t rows = 0;

	(void)state;
	fputs("a,b\n", f);
	for (int i = 0; i < 100; i++) {
		fill(f, "y", 100000);
		fputs(",2\n", f);
	}
	fclose(f);
	assert_int_equal(list_open(&r, &e), 0);
	row_block_new(&b, 1000);
	while (rows_read(r, b, 1000, &e) > 0) {
		assert_true(b->n <= 12);
		rows += b->n;
		row_block_reset(b);
	}
	assert_int_equal(rows, 100);
	row_block_free(&b);
	rows_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(quote_never_closed),
		LIST_TEST(quote_never_closed_in_a_large_file),
		LIST_TEST(cell_over_the_bound),
		LIST_TEST(cell_of_the_bound),
		LIST_TEST(record_over_the_bound),
		LIST_TEST(line_over_the_bound),
		LIST_TEST(too_many_columns),
		LIST_TEST(block_of_large_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
