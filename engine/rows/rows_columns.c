/* rows_columns.c - the header's names become columns.
 *
 * Names are the letter's variables: no two may be alike, also not without case, because one of
 * them could then never be meant. Office programs save columns that nobody filled, beside the table
 * or within it: one without a name is good while its cells are empty.
 * Held by tests/unit/test_rows_open.c. */
#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/base/utf8_case.h"
#include "engine/rows/book_row.h"
#include "engine/rows/rows_parts.h"

struct name {
	struct span text;
	uint32_t column; /* from 0 */
};

static int without_case(struct span a, struct span b)
{
	while (a.n > 0 && b.n > 0) {
		int d = utf8_lower(utf8_take(&a)) - utf8_lower(utf8_take(&b));

		if (d)
			return d;
	}
	return (a.n > 0) - (b.n > 0);
}

/* Alike ones side by side, in the order of the columns. */
static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int d = without_case(x->text, y->text);

	return d ? d : (x->column > y->column) - (x->column < y->column);
}

static int find_alike(struct rows_list *list, const struct span *names, uint32_t n, struct err *e)
{
	struct name *sorted = arena_array(&list->memory, n, sizeof *sorted);

	if (!sorted)
		return err_nomem(e, "the header of the list");
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = (struct name){ names[i], i };
	qsort(sorted, n, sizeof *sorted, compare);
	for (uint32_t i = 1; i < n; i++) {
		const struct name *x = &sorted[i - 1], *y = &sorted[i];

		if (x->text.n == 0 || without_case(x->text, y->text) != 0)
			continue;
		if (span_eq(x->text, y->text))
			err_set(e, ERR_INPUT, "columns %u and %u are both named '%.*s'", x->column + 1, y->column + 1,
				SPAN_ARG(x->text));
		else
			err_set(e, ERR_INPUT, "columns %u and %u are named alike: '%.*s' and '%.*s'", x->column + 1,
				y->column + 1, SPAN_ARG(x->text), SPAN_ARG(y->text));
		err_hint(e, "give each column a name of its own in the header line");
		return err_at(e, list->source.path, list->start.header_line, 0);
	}
	return 0;
}

int rows_columns_given(struct rows_list *list, uint32_t cells, struct span **names, uint32_t *n, struct err *e)
{
	struct span rest = span_str(list->ways.names);
	uint32_t count = 1;

	for (size_t i = 0; i < rest.n; i++)
		count += rest.p[i] == ',';
	if (count > ROW_COLUMNS_MAX)
		return err_set(e, ERR_INPUT, "--columns has %u names, at most %d are possible", count, ROW_COLUMNS_MAX);
	*names = arena_array(&list->memory, count, sizeof **names);
	if (!*names)
		return err_nomem(e, "the columns of the list");
	for (*n = 0; *n < count; (*n)++) {
		int ok;

		(*names)[*n] = arena_copy(&list->memory, span_trim(span_cut(&rest, ',')), &ok);
		if (!ok)
			return err_nomem(e, "the columns of the list");
		if ((*names)[*n].n == 0)
			return err_set(e, ERR_INPUT, "--columns: name %u is empty", *n + 1);
	}
	if (count == cells)
		return 0;
	err_set(e, ERR_INPUT, "--columns names %u column%s, but the first row has %u cell%s", count, count == 1 ? "" : "s",
		cells, cells == 1 ? "" : "s");
	return err_at(e, list->source.path, list->start.line, 0);
}

/* No program writes these into a header, and other files than tables are full of them. */
static int find_control(const struct rows_list *list, struct span name, uint32_t column, struct err *e)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r')
			continue;
		err_set(e, ERR_INPUT, "the name of column %u has a control character (0x%02X)", column, c);
		err_hint(e, "is this a list of recipients? Its first line names the columns, as in: email,name");
		return err_at(e, list->source.path, list->start.header_line, 0);
	}
	return 0;
}

static int no_name_at_all(const struct rows_list *list, struct err *e)
{
	err_set(e, ERR_INPUT, "no column has a name");
	err_hint(e, "the first line that is not empty names the columns, as in: email,name");
	return err_at(e, list->source.path, list->start.header_line, 0);
}

int rows_columns_set(struct rows_list *list, struct span *names, uint32_t n, struct err *e)
{
	uint32_t nameless = 0;

	for (uint32_t i = 0; i < n; i++) {
		names[i] = span_trim(names[i]);
		if (names[i].n > 0 && find_control(list, names[i], i + 1, e) < 0)
			return -1;
		nameless += names[i].n == 0;
	}
	if (nameless == n)
		return no_name_at_all(list, e);
	if (find_alike(list, names, n, e) < 0)
		return -1;
	list->columns = (struct columns){ .n = n, .names = names, .form = list->form, .sheets = list->sheets };
	if (nameless == 0)
		return 0;
	list->nameless = arena_array(&list->memory, nameless, sizeof *list->nameless);
	if (!list->nameless)
		return err_nomem(e, "the header of the list");
	for (uint32_t i = 0; i < n; i++)
		if (names[i].n == 0)
			list->nameless[list->n_nameless++] = i;
	return 0;
}

static int problem_below(const struct rows_list *list, struct row_block *b, struct row *row, uint32_t column)
{
	char name[BOOK_CELL_NAME];

	if (list->kind == &rows_kind_sheet)
		return rows_problem(b, row, "cell %s has no column name above it", book_cell_name(row->line, column, name));
	return rows_problem(b, row, "cell %u has no column name above it", column + 1);
}

int rows_columns_hold(const struct rows_list *list, struct row_block *b, uint32_t from, struct err *e)
{
	for (uint32_t i = from; i < b->n && list->n_nameless > 0; i++) {
		struct row *row = &b->rows[i];

		for (uint32_t k = 0; k < list->n_nameless && row->problem.n == 0; k++)
			if (span_trim(row->cells[list->nameless[k]]).n > 0 && problem_below(list, b, row, list->nameless[k]) < 0)
				return err_nomem(e, "a row of the list");
	}
	return 0;
}
