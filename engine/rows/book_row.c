/* book_row.c - a row of a sheet.
 *
 * Sheets have no end: what programs store stands beside millions of cells that nobody filled. So
 * empty cells behind the last full one and rows without any are nothing, and rows that stand for many
 * (ODS) are counted by their bytes.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/book_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/rows/rows_records.h"

enum { CELLS_FIRST = 64, LETTERS = 26 };
static const uint64_t REPEATED_MAX = 64 << 20;

void book_row_init(struct book_row *r)
{
	*r = (struct book_row){ 0 };
	buf_init(&r->bytes, ROW_BYTES_MAX);
}

void book_row_release(struct book_row *r)
{
	buf_release(&r->bytes);
	mem_free(r->cells);
}

void book_row_begin(struct book_row *r, uint64_t number, bool hidden)
{
	buf_reset(&r->bytes);
	r->number = number;
	r->hidden = hidden;
	r->n = 0;
	r->problem[0] = '\0';
}

const char *book_cell_name(uint64_t row, uint32_t column, char out[BOOK_CELL_NAME])
{
	char letters[8];
	size_t n = sizeof letters;

	for (uint32_t c = column + 1; c > 0 && n > 0; c = (c - 1) / LETTERS)
		letters[--n] = (char)('A' + (c - 1) % LETTERS);
	snprintf(out, BOOK_CELL_NAME, "%.*s%llu", (int)(sizeof letters - n), letters + n, (unsigned long long)row);
	return out;
}

static int make_room(struct book_row *r, uint32_t column, struct err *e)
{
	uint32_t room = r->room ? r->room : CELLS_FIRST;
	struct book_cell *more;

	if (column >= ROW_COLUMNS_MAX)
		return err_set(e, ERR_INPUT, "row %llu of the sheet has cells beyond column %d", (unsigned long long)r->number,
			       ROW_COLUMNS_MAX);
	while (room <= column)
		room *= 2;
	if (room == r->room)
		return 0;
	more = mem_grow(r->cells, room * sizeof *more);
	if (!more)
		return err_nomem(e, "a row of the list");
	r->cells = more;
	r->room = room;
	return 0;
}

int book_row_cell(struct book_row *r, uint32_t column, struct span text, struct err *e)
{
	if (text.n == 0)
		return 0;
	if (make_room(r, column, e) < 0)
		return -1;
	for (; r->n <= column; r->n++)
		r->cells[r->n] = (struct book_cell){ 0 };
	r->cells[column] = (struct book_cell){ (uint32_t)r->bytes.n, (uint32_t)text.n };
	if (r->bytes.n + text.n > ROW_BYTES_MAX)
		return err_set(e, ERR_INPUT, "row %llu of the sheet is over %d MiB", (unsigned long long)r->number,
			       ROW_BYTES_MAX >> 20);
	return buf_add(&r->bytes, text) < 0 ? err_nomem(e, "a row of the list") : 0;
}

void book_row_problem(struct book_row *r, uint32_t column, const char *fmt, ...)
{
	char name[BOOK_CELL_NAME], raw[sizeof r->problem];
	va_list ap;
	int n;

	if (r->problem[0])
		return;
	n = snprintf(raw, sizeof raw, "cell %s ", book_cell_name(r->number, column, name));
	va_start(ap, fmt);
	vsnprintf(raw + n, sizeof raw - (size_t)n, fmt, ap);
	va_end(ap);
	utf8_printable(span_str(raw), r->problem, sizeof r->problem); /* a cut may have split a character */
}

static int put_away(struct book_row *r, uint64_t number, struct book_sheet *sheet, struct err *e)
{
	struct rows_record record = { .line = number, .n = r->n, .problem = span_str(r->problem) };
	struct span *cells = mem_array(r->n, sizeof *cells);
	int rc;

	if (!cells)
		return err_nomem(e, "a row of the list");
	for (uint32_t i = 0; i < r->n; i++)
		cells[i] = span_of(r->cells[i].n ? r->bytes.p + r->cells[i].from : NULL, r->cells[i].n);
	record.cells = cells;
	rc = rows_record_put(&sheet->to, &record, e);
	mem_free(cells);
	sheet->rows++;
	return rc;
}

void book_sheet_merged(struct book_sheet *sheet, uint64_t row)
{
	if (sheet->merged++ == 0)
		sheet->first_merged = row;
}

int book_row_end(struct book_row *r, struct book_sheet *sheet, uint64_t times, struct err *e)
{
	if (r->n == 0 && !r->problem[0])
		return 0;
	if (r->hidden && !sheet->hidden_too) {
		if (sheet->hidden == 0)
			sheet->first_hidden = r->number;
		sheet->hidden += times;
		return 0;
	}
	for (uint64_t i = 0; i < times; i++) {
		if (i > 0)
			sheet->repeated_bytes += r->bytes.n + r->n * sizeof *r->cells + strlen(r->problem);
		if (sheet->repeated_bytes > REPEATED_MAX)
			return err_set(e, ERR_INPUT, "row %llu of the sheet is repeated %llu times, over %llu MiB of cells",
				       (unsigned long long)r->number, (unsigned long long)times,
				       (unsigned long long)(REPEATED_MAX >> 20));
		if (put_away(r, r->number + i, sheet, e) < 0)
			return -1;
	}
	return 0;
}
