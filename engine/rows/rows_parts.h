/* rows_parts.h - what the files of engine/rows share; nobody else includes it.
 *
 * A list is opened once: its form is found, its header becomes the columns, and all that is const
 * from then on stands in struct rows_list. Each struct rows has a reader of its own, of the kind
 * that fits the form; a further form of file is one more struct rows_kind. */
#ifndef ENGINE_ROWS_ROWS_PARTS_H
#define ENGINE_ROWS_ROWS_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/rows/json_names.h"
#include "engine/rows/rows.h"
#include "engine/rows/rows_encoding.h"
#include "engine/rows/rows_source.h"

struct err;
struct digest;
struct rows_kind;

/* Found by the header's reader. */
struct rows_start {
	uint64_t header_line;
	uint64_t line, offset; /* of the first data record */
};

enum { ROWS_NOTES_MAX = 8, ROWS_NOTE_BYTES = 400 };

struct rows_note {
	const char *kind, *hint; /* static texts */
	uint64_t line;
	char text[ROWS_NOTE_BYTES];
};

/* const after rows_open(). */
struct rows_list {
	struct rows_source source;
	const struct rows_kind *kind;
	struct arena memory;
	struct columns columns;
	struct json_names members; /* of JSON: they are the columns */
	uint32_t *nameless;    /* columns without a name */
	uint32_t n_nameless;
	struct rows_start start;
	struct rows_ways ways; /* borrowed while the list is opened */
	char delimiter;
	bool separator_line;   /* "sep=;" stands before the header */
	bool guessed;          /* the encoding */
	char encoding[ROWS_ENCODING_NAME];
	char form[160];
	const char *sheets;    /* names, of a workbook with several */
	struct rows_note notes[ROWS_NOTES_MAX];
	unsigned n_notes;
	uint64_t left_out;     /* rows that are in none */
};

const struct rows_list *rows_list_of(const struct rows *r);
/* Keeps one more for rows_tell(); what is too much is left out. hint may be NULL. */
void rows_note(struct rows_list *list, const char *kind, uint64_t line, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The common front part of every reader. */
struct rows_reader {
	const struct rows_list *list;
	uint64_t number; /* of the last row read */
};

/* How one form of file is read. */
struct rows_kind {
	const char *name; /* "CSV" */
	/* A reader of its own for one thread; digest is NULL or fed with every byte of the file.
	 * For the header, list has no columns yet. */
	int (*open)(struct rows_reader **out, const struct rows_list *list, struct digest *digest, struct err *e);
	void (*close)(struct rows_reader *r);
	/* Takes the header's names, as they are, into memory. ERR_INPUT when there is none. Only
	 * close() may follow: rows are read by a reader that was opened when the columns were known. */
	int (*header)(struct rows_reader *r, struct arena *memory, struct span **names, uint32_t *n,
		      struct rows_start *start, struct err *e);
	/* To the first record; called before the first read too. */
	int (*rewind)(struct rows_reader *r, struct err *e);
	/* The next record read is that one. */
	int (*seek)(struct rows_reader *r, const struct row_place *place, struct err *e);
	/* Appends at most max rows (at least one place is free in the block), and stops early when
	 * the block holds ROWS_BLOCK_BYTES: how many were appended, 0 at the end, -1. With -1 rows may
	 * have been appended too. */
	int64_t (*read)(struct rows_reader *r, struct row_block *into, uint32_t max, struct err *e);
	uint64_t (*bytes_done)(const struct rows_reader *r);
};

enum { ROWS_BLOCK_BYTES = 1 << 20 };

extern const struct rows_kind rows_kind_csv, rows_kind_sheet, rows_kind_json, rows_kind_group;

/* Finds the form of the file by its bytes: unpacks and converts it where it is no UTF-8 text, sets
 * kind, delimiter and form. ERR_INPUT with a hint for what is known and not read here. */
int rows_form_find(struct rows_list *list, struct err *e);
/* A packed source becomes what is in it (rows_gzip.c). */
int rows_gzip_unpack(struct rows_source *source, struct err *e);
/* The source is JSON in UTF-8: it becomes records, one an element (rows_json.c). */
int rows_json_take(struct rows_list *list, bool array, struct err *e);
/* Checks the header's names and makes them the list's columns. */
int rows_columns_set(struct rows_list *list, struct span *names, uint32_t n, struct err *e);
/* Of the block's rows from `from` on: a cell that is not empty in a column without a name is a problem of
 * its row. 0, or -1 when memory runs out. */
int rows_columns_hold(const struct rows_list *list, struct row_block *b, uint32_t from, struct err *e);
/* The names of --columns in place of those that a header would have; there are `cells` in its place. */
int rows_columns_given(struct rows_list *list, uint32_t cells, struct span **names, uint32_t *n, struct err *e);
/* The cells of an object, as texts, in the block's arena; they are zeroed. -1 when memory runs out (rows_json.c). */
int rows_json_cells(struct row_block *into, const struct json_names *names, struct value object, struct span *cells);
/* Text for row.problem, in the block's arena; -1 when memory runs out. */
int rows_problem(struct row_block *b, struct row *row, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Groups of the list, as records (rows_group.c). */
int rows_group_make(struct rows_list *out, const struct rows *of, const struct rows_grouping *how, struct err *e);

#endif
