/* keyed.h - the rows of an edited list by what stands in one of its columns. One thread's.
 *
 * A cell that is an address counts as on the wire and without case, as duplicates do; any other one as it is. */
#ifndef ENGINE_RUN_KEYED_H
#define ENGINE_RUN_KEYED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

struct err;
struct keyed;
struct rekey_who;
struct rows;

struct keyed_options {
	const unsigned char *seed; /* of the campaign, JOURNAL_SEED_SIZE: what it recorded of a key is the same in each run */
	const char *path;
	int column;
	bool by_address;           /* that column has the addresses that are on record */
	bool may_share;            /* to the campaign, rows with the same cell there are one */
};

/* Reads the whole list, which is rewound. ERR_INPUT: a cell of that column is empty, or two rows have the
 * same and differ otherwise; says where. */
int keyed_new(struct keyed **out, struct rows *list, const struct keyed_options *opt, struct err *e);
/* Reads the list as it was: from now on rows are found by their old numbers. Errors as above. */
int keyed_know_old(struct keyed *k, struct rows *old, const char *path, int column, struct err *e);
/* Reads the list, which is rewound: those who are known by their address alone are found in this column, too. */
int keyed_know_addresses(struct keyed *k, struct rows *list, const char *path, int column, struct err *e);
void keyed_free(struct keyed **k);
/* For struct rekey: ctx is the struct keyed. By the old number when the old list is known, else by the address; one
 * that was gone before by the same column as then, else by its address. */
void keyed_begin(void *ctx);
bool keyed_find(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line);
int keyed_tell(void *ctx, struct span address);
bool keyed_was_told(void *ctx, struct span address);
bool keyed_by_row(const struct keyed *k);
uint64_t keyed_rows(const struct keyed *k);

#endif
