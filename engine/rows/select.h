/* select.h - which rows take part, decided in the order of the list.
 *
 * In this order: ranges of rows, addresses, a condition, a share, then how many to skip, a sample, and
 * at most how many. The same list and the same choice give the same rows.
 *
 * Where rows are grouped, ranges, addresses and the condition choose rows (selection_takes(), while the
 * groups are made), and what follows chooses groups: selection_wants() is asked about these. */
#ifndef ENGINE_ROWS_SELECT_H
#define ENGINE_ROWS_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/row.h"

struct arena;
struct err;
struct rows;
struct selection;

enum { SELECT_TEXT_MAX = 1024, SELECT_SAMPLE_MAX = 10000000, SELECT_SHARDS_MAX = 100000 };

struct selection_options { /* all borrowed for the life of the selection; zeroed: all rows */
	const char *rows;  /* "3-9,14,20-" */
	const char *only;  /* an address, or a file of addresses and @domains */
	const char *shard; /* "2/5": the second of five parts, by a hash of the address */
	uint64_t skip, limit, sample; /* 0: none */
	/* 1 the row takes part, 0 not, -1 with e: it cannot be told. ERR_INPUT: because of this row, which then
	 * takes part as one with that problem. where_text says it in words. NULL: all do. */
	int (*where)(void *ctx, const struct row *row, struct err *e);
	void *where_ctx;
	const char *where_text;
	int address_column; /* -1: none */
	const char *group_by; /* rows are grouped by that column, NULL: they are not */
	bool group_addresses; /* it holds addresses */
	int group_column;     /* which one it is */
	struct span address_name; /* of the member that is the address in rows without columns */
};

enum select_answer {
	SELECT_NO,
	SELECT_YES,
	SELECT_END,   /* neither this row nor any later one */
	SELECT_BROKEN /* e says why it cannot be told */
};

/* ERR_INPUT says what is wrong. */
int selection_new(struct selection **out, const struct selection_options *opt, struct err *e);
void selection_free(struct selection **s);
/* With a sample: reads the list once. Before the first question. */
int selection_prepare(struct selection *s, const struct rows *list, struct err *e);
/* For struct rows_grouping: ctx is the selection. In the order of the list; the second one of rows that take part. */
int selection_takes(void *ctx, struct row *row, struct arena *memory, struct err *e);
int selection_judge(void *ctx, struct row *row, struct arena *memory, struct err *e);
/* Ask once for each row, or group, in the order of the list. Of a row that takes part because nobody can tell
 * row->problem says why, in that memory: its block's. */
enum select_answer selection_wants(struct selection *s, struct row *row, struct arena *memory, struct err *e);
/* Begin anew with the first row. */
void selection_rewind(struct selection *s);
/* The choice in one canonical form, "name=value" lines; "" means all. Borrowed. */
const char *selection_text(const struct selection *s);
/* The line of that name in such a text: 1 with its value, 0 there is none. */
int selection_text_get(const char *text, const char *name, struct span *value);
/* Whoever takes part by `was` does by `now` too, as far as can be told from the texts; else what is
 * narrower stands in e (ERR_CONFLICT). Groups must be the same: other rows in one that was sent to would be forgotten. */
int selection_widens(const char *was, const char *now, struct err *e);

#endif
