/* Lists as programs save them, read without any option: tests/lists/NAME is to mean what
 * tests/lists/expected/NAME.txt says: form, columns, rows with their lines, what is told. The files
 * and what is expected of them are made by tests/lists/make, which never asks lettershop. */
#include "tests/unit/rows_fixture.h"

#include <dirent.h>

#include "engine/base/file.h"
#include "engine/model/finding.h"

enum { EXPECTED_MAX = 1 << 20, LISTS_LEAST = 60 };

struct telling {
	struct finding_sink sink;
	struct buf *out;
};

static void put_text(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '\n': buf_add_str(out, "\\n"); break;
		case '\r': buf_add_str(out, "\\r"); break;
		case '\t': buf_add_str(out, "\\t"); break;
		case '\\': buf_add_str(out, "\\\\"); break;
		case '\0': buf_add_str(out, "\\0"); break;
		default: buf_add_char(out, s.p[i]);
		}
}

static void put_cells(struct buf *out, const struct span *cells, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_add_char(out, '[');
		put_text(out, cells[i]);
		buf_add_char(out, ']');
	}
	buf_add_char(out, '\n');
}

static void tell(struct finding_sink *self, const struct finding *f)
{
	buf_addf(((struct telling *)(void *)self)->out, "told %d: %s\n", (int)f->line, f->text);
}

static void describe(const char *path, struct buf *out)
{
	struct rows_options o = { .path = path };
	struct telling telling = { .sink = { .report = tell }, .out = out };
	struct row_block *b;
	struct err e = { 0 };
	struct rows *r;
	int rc;

	buf_reset(out);
	if (rows_open(&r, &o, &e) < 0) {
		buf_addf(out, "refused %d,%d: %s\n", (int)e.line, (int)e.column, e.text);
		return;
	}
	buf_addf(out, "form %s\ncolumns ", rows_form(r));
	put_cells(out, rows_columns(r)->names, rows_columns(r)->n);
	rows_tell(r, &telling.sink);
	assert_int_equal(row_block_new(&b, 7), 0);
	while ((rc = rows_read(r, b, 7, &e)) == 1) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct row *row = &b->rows[i];

			buf_addf(out, "%d, line %d: ", (int)row->number, (int)row->line);
			put_cells(out, row->cells, row->n_cells);
			if (row->problem.n)
				buf_addf(out, "  problem: %.*s\n", SPAN_ARG(row->problem));
		}
		row_block_reset(b);
	}
	if (rc < 0)
		buf_addf(out, "unreadable %d,%d: %s\n", (int)e.line, (int)e.column, e.text);
	row_block_free(&b);
	rows_close(&r);
}

static int by_name(const struct dirent *d)
{
	return d->d_name[0] != '.' && strchr(d->d_name, '.') != NULL;
}

static void every_list(void **state)
{
	struct dirent **names;
	struct buf got, wanted;
	struct err e;
	int n = scandir("tests/lists", &names, by_name, alphasort), lists = 0, wrong = 0;

	(void)state;
	assert_true(n > 0);
	buf_init(&got, EXPECTED_MAX);
	buf_init(&wanted, EXPECTED_MAX);
	for (int i = 0; i < n; i++) {
		char path[600], expected[600];

		snprintf(path, sizeof path, "tests/lists/%s", names[i]->d_name);
		snprintf(expected, sizeof expected, "tests/lists/expected/%s.txt", names[i]->d_name);
		free(names[i]);
		buf_reset(&wanted);
		if (file_read(expected, &wanted, &e) < 0)
			fail_msg("%s", e.text);
		describe(path, &got);
		lists++;
		if (span_eq(buf_span(&got), buf_span(&wanted)))
			continue;
		wrong++;
		print_error("%s is read as\n%s\nand not as\n%s\n", path, buf_str(&got), buf_str(&wanted));
	}
	free(names);
	buf_release(&got);
	buf_release(&wanted);
	assert_int_equal(wrong, 0);
	assert_true(lists >= LISTS_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
