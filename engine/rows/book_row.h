/* book_row.h - the cells of one row of a sheet, gathered and put away (inside engine/rows only). */
#ifndef ENGINE_ROWS_BOOK_ROW_H
#define ENGINE_ROWS_BOOK_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/rows/rows_spool.h"

struct err;

enum { BOOK_PROBLEM_MAX = 200 };

struct book_row {
	uint64_t number;      /* in the sheet, from 1 */
	bool hidden;
	struct buf bytes;     /* of all cells */
	struct book_cell {
		uint32_t from, n;
	} *cells;
	uint32_t n, room;     /* cells up to the last that is not empty */
	char problem[BOOK_PROBLEM_MAX]; /* the first */
};

struct book_name;

struct book_sheet { /* what the rows of a sheet become */
	const char *path;        /* for messages */
	bool hidden_too;         /* hidden rows are no exception */
	struct rows_spool to;
	uint64_t rows;           /* put away, the header too */
	uint64_t hidden, first_hidden;
	uint64_t merged, first_merged; /* cells over several rows, and the row of the first */
	uint64_t repeated_bytes; /* of rows that stand for many */
	const struct book_name *names; /* of all sheets, in the reader's memory */
};

void book_row_init(struct book_row *r);
void book_row_release(struct book_row *r);
void book_row_begin(struct book_row *r, uint64_t number, bool hidden);
/* Column from 0. ERR_INPUT: the row is over ROW_BYTES_MAX, a column over ROW_COLUMNS_MAX. Once a
 * column. */
int book_row_cell(struct book_row *r, uint32_t column, struct span text, struct err *e);
/* Says what is wrong with a cell; only the first is kept. */
void book_row_problem(struct book_row *r, uint32_t column, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts the row away so many times, unless it is blank or hidden; the numbers go up. ERR_INPUT for a
 * row that stands for too many bytes. */
int book_row_end(struct book_row *r, struct book_sheet *sheet, uint64_t times, struct err *e);
/* A cell that begins in this row reaches over several. */
void book_sheet_merged(struct book_sheet *sheet, uint64_t row);
/* "B5" */
enum { BOOK_CELL_NAME = 32 };
const char *book_cell_name(uint64_t row, uint32_t column, char out[BOOK_CELL_NAME]);

#endif
