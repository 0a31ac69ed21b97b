/* group_record.h - a group of rows as one record of a temporary file (inside engine/rows only).
 *
 * The writer takes rows with one key one behind the other and puts a record whenever the key changes;
 * rows_kind_group reads them. Rows may wait on a shelf meanwhile, each as a record of its own. */
#ifndef ENGINE_ROWS_GROUP_RECORD_H
#define ENGINE_ROWS_GROUP_RECORD_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/rows/rows.h"
#include "engine/rows/rows_records.h"

struct rows_list;

enum { GROUP_PROBLEM_MAX = 240, GROUP_CELLS_MAX = 1 << 20 };

struct group_writer {
	const struct rows_list *list;
	const struct rows_grouping *how;
	struct rows_spool out;
	struct buf text;        /* of one object */
	/* the group that is being collected */
	struct arena memory;
	struct buf head;        /* the line of its problem, and number and line of each row */
	struct span *cells;     /* [0] is the head */
	size_t n_cells, room, bytes;
	uint64_t first;         /* number of the key's first row */
	uint64_t line;          /* of the first row here */
	uint32_t n;             /* rows */
	bool too_large;         /* further rows are named, their cells are not kept */
	struct span address;
	uint64_t address_line, problem_line;
	char problem[GROUP_PROBLEM_MAX];
};

int group_writer_open(struct group_writer *w, const struct rows_list *list, const struct rows_grouping *how, struct err *e);
/* Ends the last group; the source reads the file from now on. */
int group_writer_end(struct group_writer *w, struct rows_source *to, struct err *e);
void group_writer_release(struct group_writer *w); /* a zeroed one is fine */

/* The next row of the group that begins with row `first` of the list; too_many: other groups have its key, too. */
int group_add_row(struct group_writer *w, uint64_t first, bool too_many, const struct row *row, struct err *e);
/* The same by way of a shelf, where rows come back by their rank. */
int group_put_shelved(struct group_writer *w, struct rows_spool *shelf, uint64_t rank, uint64_t first,
		      bool too_many, const struct row *row, struct err *e);
uint64_t group_shelved_rank(const struct rows_record *record);
int group_add_shelved(struct group_writer *w, const struct rows_record *record, struct err *e);

#endif
