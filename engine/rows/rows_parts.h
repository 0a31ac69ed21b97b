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
#include "engine/rows/rows.h"
#include "engine/rows/rows_source.h"

struct err;
struct digest;
struct rows_kind;

/* Found by the header's reader. */
struct rows_start {
	uint64_t header_line;
	uint64_t line, offset; /* of the first data record */
};

/* const after rows_open(). */
struct rows_list {
	struct rows_source source;
	const struct rows_kind *kind;
	struct arena memory;
	struct columns columns;
	struct rows_start start;
	char delimiter;
	char form[64];
};

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

extern const struct rows_kind rows_kind_csv;

/* Finds the form of the file by its first bytes: sets kind, delimiter and form. ERR_INPUT with a
 * hint for what is known and not read here. */
int rows_form_find(struct rows_list *list, struct err *e);
/* Checks the header's names and makes them the list's columns. */
int rows_columns_set(struct rows_list *list, struct span *names, uint32_t n, struct err *e);
/* Text for row.problem, in the block's arena; -1 when memory runs out. */
int rows_problem(struct row_block *b, struct row *row, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
