/* rows_csv.h - what the files that read CSV share; nobody else includes it.
 *
 *   rows_csv.c         the kind of list: header, places, blocks of rows
 *   rows_csv_run.c     many lines at once, as long as each is a row as it should be
 *   rows_csv_record.c  one record, line by line, whatever it is, with the words for what is wrong */
#ifndef ENGINE_ROWS_ROWS_CSV_H
#define ENGINE_ROWS_ROWS_CSV_H

#include <csv.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_text.h"

enum {
	CSV_RUN_LINES = 64,
	CSV_CELL_STEP = 64 << 10, /* libcsv's buffer grows by that much */
	CSV_CELL_MAX = ROW_CELL_MAX + 8 /* the closing quote, and the byte behind it, pass through that buffer */
};

struct record { /* the one that is being put together */
	uint64_t line, offset;
	uint64_t cell_line; /* line where the cell begins that is not complete */
	size_t bytes;
	uint32_t n;         /* cells seen, more than fit the columns too */
	bool nul, done, no_memory, over_long;
	struct span *cells;
	char *copy;         /* our copy of its first line */
	char *walk;         /* in it: where the next cell begins */
	const char *stray;  /* in it: a space or quote that only libcsv allows, or NULL */
};

/* Lines that are fed at once. */
struct csv_run {
	struct row_block *into;
	uint64_t line, offset;  /* of the first */
	uint32_t n, taken;      /* lines, and how many of them became rows */
	bool cut;               /* the next one is not for us */
	const char *copy;
	uint32_t ends[CSV_RUN_LINES]; /* where each ends, from the begin of the first */
};

struct csv_reader {
	struct rows_reader front; /* first, see reader_of() */
	struct csv_parser parser;
	struct rows_text text;
	struct record record;
	uint32_t columns;
	char delimiter;
	struct arena *memory;     /* of the block that is filled, or of the list for the header */
	uint32_t room;            /* header: names that fit the array */
	uint32_t run_lines;       /* as many are fed at once the next time */
	struct csv_run run;
};

/* Rows of one line each, from the next line on, at most max: those that have nothing about them that must be
 * looked at. The first line that is not one, if only since the window over the text ends in it, is left to
 * csv_record_read(), and so is all when memory runs out. How many. */
uint32_t csv_run_read(struct csv_reader *r, struct row_block *into, uint32_t max);
/* The record that begins with that line: 0 with or without a row added, a blank line is none; -1 with e. */
int csv_record_read(struct csv_reader *r, struct rows_line *line, struct row_block *into, struct err *e);

/* For a cell that ends in the record's first line, of which walk is in the copy: libcsv's callback. */
void csv_walk_cell(void *bytes, size_t n, void *data);
/* For cells that are copied as libcsv has them, with nothing trimmed. */
int csv_nothing_is_space(unsigned char c);
void csv_exact_cell(void *bytes, size_t n, void *data);

enum fed { FED_FAILED = -1, FED_PART, FED_RECORD, FED_STRAY };

void csv_record_begin(struct csv_reader *r, const struct rows_line *line);
/* Feeds one line. FED_PART: it was blank, or we are inside a quoted cell. FED_STRAY: strict mode stopped at
 * the byte *stray of the line. */
enum fed csv_record_feed(struct csv_reader *r, struct span line, void (*cell)(void *, size_t, void *), size_t *stray,
			 struct err *e);
/* The record goes on inside a quoted cell: feeds the lines that follow until it is complete. */
enum fed csv_record_feed_on(struct csv_reader *r, struct rows_line *line, void (*cell)(void *, size_t, void *),
			    size_t *stray, struct err *e);
/* libcsv forgets what it had of a record; its buffer stays. */
void csv_record_forget(struct csv_reader *r);

#endif
