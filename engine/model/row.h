/* row.h - a recipient: columns shared by the whole list, cells of their own.
 *
 * Noun 1 of 3: row -> mail -> verdict. */
#ifndef ENGINE_MODEL_ROW_H
#define ENGINE_MODEL_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/value.h"

enum { ROW_COLUMNS_MAX = 16384, ROW_CELL_MAX = 1 << 20, ROW_BYTES_MAX = 8 << 20 };

/* The header of the list. const after the list was opened, shared by all threads. */
struct columns {
	uint32_t n;
	const struct span *names; /* trimmed, case kept, no two alike; empty: cells that nothing can name */
	bool objects;             /* rows are objects in JSON, which may lack any of them */
	bool open;                /* JSON with too many names: there are more, so an unknown one is no error */
	bool grouped;             /* rows have a group: its rows are known as `rows` */
	const char *form;         /* how the list was read, for people: "CSV, comma, UTF-8"; NULL: nobody says */
	const char *sheets;       /* names, of a workbook that has several; else NULL */
};

/* Rows that go out in one message, known by the first of them: that is the struct row. */
enum { ROW_GROUP_MAX = 1000 }; /* more cannot be one message: the journal names all of them in one record */
struct row_member {
	uint64_t number, line;
};
struct row_group {
	uint32_t n_others;
	const struct row_member *others; /* ascending; the first row is not among them */
	struct value rows;               /* VALUE_ARRAY: an object a row, the first one too */
	uint64_t problem_line;           /* of the row that row.problem is about; 0: none */
};

struct row {
	uint64_t number; /* data record, the first is 1, counted before any selection */
	uint64_t line;   /* line of the file where it begins (sheet row for a workbook) */
	uint64_t offset; /* where rows_seek() finds it again; opaque */
	uint32_t n_cells;          /* always columns.n: short rows are filled with empty cells */
	const struct span *cells;  /* borrowed from the row_block */
	struct value object;       /* VALUE_OBJECT for JSON rows, else nil */
	struct span problem;       /* empty, or what is wrong with the record itself ("12 cells, the
	                            * header has 5"): such a row cannot be a mail */
	struct span raw;           /* with a problem, of a list that is text: the record as it stands there; else p NULL */
	const struct row_group *group; /* borrowed from the row_block; NULL: it stands for itself */
};

/* How many rows of the list the row stands for. */
static inline uint64_t row_count(const struct row *r)
{
	return r->group ? 1 + (uint64_t)r->group->n_others : 1;
}

/* What travels through queues. Owned by whoever popped it. */
struct row_block {
	struct arena memory; /* holds cells and their bytes */
	struct row *rows;
	uint32_t n, capacity;
	uint64_t first, last; /* numbers claimed for this block, both included */
};

int row_block_new(struct row_block **out, uint32_t capacity); /* -1: no memory */
void row_block_reset(struct row_block *b);
void row_block_free(struct row_block **b);

/* Exactly; then, where just one column fits, without case and spaces. Index or -1. */
int columns_find(const struct columns *c, struct span name);
/* The column that name was probably meant to be, or { NULL, 0 }. */
struct span columns_nearest(const struct columns *c, struct span name);
/* Which there are, and in what form they were read, for people who named another one; when they are a
 * recipient, what to say of a list without header. */
void columns_describe(const struct columns *c, char *out, size_t size);

#endif
