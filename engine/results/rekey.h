/* rekey.h - a campaign whose list was edited: rows get the numbers that they have in the new list.
 *
 * A row is known by its old number, when the caller has the old list, or by the address of its first recipient. What was
 * recorded for it is written again, under its new number, into a segment of the new run (worker REKEY_WORKER); of
 * those whom the new list does not have as well, so that they are known when they come back. One record of `campaign`
 * then says that earlier segments count no more. Whatever happens before that record is on disk changes nothing. */
#ifndef ENGINE_RESULTS_REKEY_H
#define ENGINE_RESULTS_REKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/results/ledger.h"

struct err;
struct journal;

enum { REKEY_WORKER = 999, REKEY_NAMED = 5, REKEY_NAME_SIZE = 128 };

struct rekey_who {
	uint64_t row;            /* its number in the list as it was; 0: that did not have it either */
	struct span address;
	uint64_t column, key[2]; /* as in struct journal_gone; of a row with a number: for find() to fill in */
};
struct rekey {
	/* All rows of the new list are to be found again. */
	void (*begin)(void *ctx);
	/* Where that row stands now, and no other is found there from then on: false when the list does not have it. */
	bool (*find)(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line);
	/* That address was offered a message, whatever became of it; all are told before the first is asked for. -1: no
	 * memory. */
	int (*tell)(void *ctx, struct span address);
	bool (*was_told)(void *ctx, struct span address);
	void *ctx;
	bool by_row; /* the number alone is enough: the address may be empty */
};
struct rekey_counts {
	uint64_t kept, gone; /* rows with a record */
	uint32_t n_named;
	char named[REKEY_NAMED][REKEY_NAME_SIZE]; /* addresses of the first that are gone */
};

/* What old says, under the new numbers, in memory alone: for asking, not for results. ERR_CONFLICT when a
 * row is in doubt and nothing is known of it but its number. */
int ledger_rekey(struct ledger **out, struct ledger *old, const struct rekey *k, struct rekey_counts *counts,
		 struct err *e);
/* Writes it. old is what the locked campaign says; identity has the new list. Before any other segment of
 * this run is opened. */
int journal_rekey(struct journal *j, struct ledger *old, const struct rekey *k, const struct journal_identity *identity,
		  struct err *e);

#endif
