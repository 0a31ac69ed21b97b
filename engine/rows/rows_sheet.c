/* rows_sheet.c - the rows of a sheet, which book.c has put into a file as records.
 *
 * A row may have fewer cells than the header: sheets do not store empty ones. A cell without a name
 * above it is a problem, as in CSV: something would be lost.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/book_row.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_records.h"

struct sheet_reader {
	struct rows_reader front; /* first */
	struct rows_records records;
};

static struct sheet_reader *reader_of(struct rows_reader *r)
{
	return (struct sheet_reader *)(void *)r;
}

static void sheet_close(struct rows_reader *front)
{
	rows_records_close(&reader_of(front)->records);
	mem_free(front);
}

static int sheet_open(struct rows_reader **out, const struct rows_list *list, struct digest *digest, struct err *e)
{
	struct sheet_reader *r = mem_new(sizeof *r);

	(void)digest; /* of a list that was converted, rows.c takes it */
	*out = NULL;
	if (!r)
		return err_nomem(e, "reading the list");
	r->front.list = list;
	if (rows_records_open(&r->records, &list->source, e) < 0) {
		sheet_close(&r->front);
		return -1;
	}
	*out = &r->front;
	return 0;
}

static int sheet_header(struct rows_reader *front, struct arena *memory, struct span **names, uint32_t *n,
			struct rows_start *start, struct err *e)
{
	struct rows_records *records = &reader_of(front)->records;
	struct rows_record record;
	int rc = rows_records_next(records, &record, e), ok = 1;

	if (rc < 0)
		return -1;
	if (rc == 0) {
		err_set(e, ERR_INPUT, "the sheet is empty");
		err_hint(e, "its first row names the columns; --sheet NAME takes another sheet");
		return err_at(e, front->list->source.path, 0, 0);
	}
	if (record.problem.n > 0 && !front->list->ways.no_header) {
		err_set(e, ERR_INPUT, "%.*s", SPAN_ARG(record.problem));
		return err_at(e, front->list->source.path, record.line, 0);
	}
	*names = arena_array(memory, record.n, sizeof **names);
	if (!*names)
		return err_nomem(e, "the header of the list");
	for (*n = 0; *n < record.n && ok; (*n)++)
		(*names)[*n] = arena_copy(memory, record.cells[*n], &ok);
	*start = (struct rows_start){ record.line, .line = record.line, .offset = records->base + records->at };
	if (front->list->ways.no_header)
		*start = (struct rows_start){ 0, .line = record.line, .offset = record.offset };
	return ok ? 0 : err_nomem(e, "the header of the list");
}

static int sheet_seek(struct rows_reader *front, const struct row_place *place, struct err *e)
{
	(void)e;
	rows_records_seek(&reader_of(front)->records, place->offset);
	front->number = place->number - 1;
	return 0;
}

static int sheet_rewind(struct rows_reader *front, struct err *e)
{
	const struct row_place first = { .number = 1, .offset = front->list->start.offset };

	return sheet_seek(front, &first, e);
}

static int add_row(struct rows_reader *front, struct row_block *into, const struct rows_record *record)
{
	uint32_t n = front->list->columns.n;
	struct span *cells = arena_array(&into->memory, n, sizeof *cells);
	struct row *row = &into->rows[into->n];
	char name[BOOK_CELL_NAME];
	int ok = 1;

	if (!cells)
		return -1;
	for (uint32_t i = 0; i < n && i < record->n && ok; i++)
		cells[i] = arena_copy(&into->memory, record->cells[i], &ok);
	*row = (struct row){ .number = ++front->number, .line = record->line, .offset = record->offset, .n_cells = n,
			     .cells = cells };
	into->n++;
	if (ok && record->problem.n)
		row->problem = arena_copy(&into->memory, record->problem, &ok);
	else if (ok && record->n > n)
		return rows_problem(into, row, "cell %s has no column name above it",
				    book_cell_name(record->line, record->n - 1, name));
	return ok ? 0 : -1;
}

static int64_t sheet_read(struct rows_reader *front, struct row_block *into, uint32_t max, struct err *e)
{
	return rows_records_read(&reader_of(front)->records, front, add_row, into, max, e);
}

static uint64_t sheet_bytes_done(const struct rows_reader *front)
{
	const struct sheet_reader *r = (const struct sheet_reader *)(const void *)front;

	return r->records.base + r->records.at;
}

const struct rows_kind rows_kind_sheet = {
	.name = "workbook",
	.open = sheet_open,
	.close = sheet_close,
	.header = sheet_header,
	.rewind = sheet_rewind,
	.seek = sheet_seek,
	.read = sheet_read,
	.bytes_done = sheet_bytes_done,
};
