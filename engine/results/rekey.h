/* rekey.h - a campaign whose list was edited: rows get the numbers that they have in the new list.
 *
 * A row is known by its old number, when the caller has the old list, or by the address of its first recipient. What was recorded for it is written again, under its
 * new number, into a segment of the new run (worker REKEY_WORKER); one record of `campaign` then says that
 * earlier segments count no more. Whatever happens before that record is on disk changes nothing. */
#ifndef ENGINE_RESULTS_REKEY_H
#define ENGINE_RESULTS_REKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/results/ledger.h"

struct err;
struct journal;

enum { REKEY_WORKER = 999 };

struct rekey {
	/* Where the row with that old number and address stands now: false when the list no longer has it. */
	bool (*find)(void *ctx, uint64_t old_row, struct span address, uint64_t *row, uint64_t *line);
	void *ctx;
	bool by_row; /* the number alone is enough: the address may be empty */
};
struct rekey_counts {
	uint64_t kept, gone; /* rows with a record */
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
