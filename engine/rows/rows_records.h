/* rows_records.h - rows in a temporary file: what workbooks and JSON become (inside engine/rows only).
 *
 * A record is a line number, cells, and what is wrong with it, if anything. Its place in the file is
 * the row's place. */
#ifndef ENGINE_ROWS_ROWS_RECORDS_H
#define ENGINE_ROWS_ROWS_RECORDS_H

#include "engine/base/span.h"
#include "engine/rows/rows_source.h"
#include "engine/rows/rows_spool.h"

struct err;
struct row_block;
struct rows_reader;

struct rows_record {
	uint64_t line, offset;
	uint32_t n;                /* cells, at most ROW_COLUMNS_MAX */
	const struct span *cells;
	struct span problem;
};

/* Together the cells are at most ROW_BYTES_MAX. */
int rows_record_put(struct rows_spool *to, const struct rows_record *record, struct err *e);

struct rows_records { /* one reader of them; one thread */
	const struct rows_source *source;
	char *p;
	size_t n, at, cap;
	uint64_t base;
	struct span *cells;
	uint32_t room;
};

int rows_records_open(struct rows_records *r, const struct rows_source *source, struct err *e);
void rows_records_close(struct rows_records *r); /* a zeroed one is fine */
void rows_records_seek(struct rows_records *r, uint64_t offset);
/* 1 a record, borrowed until the next call; 0 the end; -1 with e. */
int rows_records_next(struct rows_records *r, struct rows_record *out, struct err *e);

/* Makes the next row of the block from a record; 0, or -1 when there is no memory. */
typedef int rows_record_add(struct rows_reader *front, struct row_block *into, const struct rows_record *record);
/* A reader's read(): at most `max` rows, fewer when the block has its bytes. How many, or -1 with e. */
int64_t rows_records_read(struct rows_records *r, struct rows_reader *front, rows_record_add *add, struct row_block *into,
			  uint32_t max, struct err *e);

#endif
