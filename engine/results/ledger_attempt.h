/* ledger_attempt.h - when a row's mail was written last, for whoever wants it again. */
#ifndef ENGINE_RESULTS_LEDGER_ATTEMPT_H
#define ENGINE_RESULTS_LEDGER_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct ledger_attempt {
	int64_t time_ms;  /* the mail's recorded time */
	uint32_t attempt; /* the first is 1 */
	unsigned char letter[32]; /* digest of the letter of that run */
	uint64_t row;     /* as it was numbered then; of a group: its first */
	unsigned epoch;   /* as in struct journal_header, then */
	bool renumbered;  /* the list was edited since */
};

/* Goes through the journal of that results file: 1 found, the newest; 0 the content of that row's mail
 * was never offered to a relay; -1 with e (ERR_INPUT: there is no campaign). */
int ledger_find_attempt(const char *results_path, uint64_t row, struct ledger_attempt *out, struct err *e);

#endif
