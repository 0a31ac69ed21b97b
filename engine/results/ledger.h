/* ledger.h - what the journal says about every row: read at resume, by `status`, and at the end.
 *
 * One byte a row, plus a little for rows of several recipients, of several attempts, or failed.
 * A torn last record of a segment is ignored; damage before it is ERR_CONFLICT with file and offset. */
#ifndef ENGINE_RESULTS_LEDGER_H
#define ENGINE_RESULTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/results/journal.h"

struct err;
struct ledger;
struct journal_reader;

enum row_state {
	ROW_TO_DO,    /* never begun, or begun and certainly not sent */
	ROW_SENT,
	ROW_SKIPPED,
	ROW_REFUSED,
	ROW_DEFERRED, /* at least one recipient waits for another try, or some but not all are settled;
	               * none is in doubt */
	ROW_IN_DOUBT  /* at least one recipient */
};

struct ledger_counts { /* of recipients, each counted once with its newest verdict */
	uint64_t sent, skipped, refused, deferred, in_doubt;
	uint64_t rows_claimed; /* highest row that was ever handed out */
	uint64_t gone[VERDICT_SKIPPED + 1]; /* by kind: whom the edited list has no more; in none of the others */
};

/* Reads the whole journal of that results file; ERR_INPUT when there is no campaign. May be called
 * while a run writes: what is in flight is then in doubt. Once loaded a ledger is const, but for
 * ledger_next_failed(). */
int ledger_load(struct ledger **out, const char *results_path, struct err *e);
/* The same, and keeps the newest `begins` begin times for ledger_begins(): 16 bytes each at most. */
int ledger_load_begins(struct ledger **out, const char *results_path, size_t begins, struct err *e);
/* The same, as if refusals of that class had been pardoned (journal_pardon()); NULL: none. */
int ledger_load_pardoned(struct ledger **out, const char *results_path, size_t begins, const char *class,
			 struct err *e);
void ledger_free(struct ledger **l);

enum row_state ledger_row(const struct ledger *l, uint64_t row);
/* An earlier run sent to that recipient, or may have, or has it waiting: not one who was left out. Of a recipient
 * of whom nothing is known by number: anybody of the row, as of a rehearsal, which goes to one address for all. */
bool ledger_recipient_begun(const struct ledger *l, uint64_t row, uint32_t index);
/* That recipient was left out of its row's mail: a row that was skipped as a whole says nothing of them. */
bool ledger_recipient_skipped(const struct ledger *l, uint64_t row, uint32_t index);
/* True when nobody of that row needs anything more; hold: those in doubt are left alone. */
bool ledger_is_done(const struct ledger *l, uint64_t row, bool hold);
/* Recipients that need nothing more, as bits [index / 64] >> index % 64; for a row in doubt those
 * in doubt count as settled when hold is true. attempts: how many were made. */
void ledger_settled(const struct ledger *l, uint64_t row, bool hold,
		    uint64_t settled[JOURNAL_RECIPIENTS_MAX / 64], uint32_t *attempts);
void ledger_counts(const struct ledger *l, struct ledger_counts *out);
/* The newest begin times not older than since_ms, ascending; returns how many were written to out
 * (the newest max of those that were kept). Those of journal_begin(), or of the intents for a segment
 * without any. */
size_t ledger_begins(const struct ledger *l, int64_t since_ms, int64_t *out, size_t max);

/* Tells every try of a recipient since since_ms, in no order; one whose verdict is not known at now_ms. Reads
 * the whole journal. 0; -1 with e. address is borrowed for the call. */
struct ledger_tries {
	int64_t since_ms, now_ms; /* wall clock */
	void (*tried)(void *ctx, struct span address, int64_t time_ms);
	void *ctx;
};
int ledger_each_try(struct ledger *l, const struct ledger_tries *t, struct err *e);

/* What became of those whom the edited list does not have, recipients of one row behind one another: 1, 0 no
 * more, -1 with e. Begin with { .ledger = l }; at the end, or earlier, ledger_gone_end(). row of result is a
 * number of their own, line 0; spans are borrowed until the next call. */
struct ledger_gone {
	struct ledger *ledger;
	struct journal_reader *reader;
	struct journal_gone how;
	struct journal_result result;
	struct verdict verdict;
};
int ledger_gone_next(struct ledger_gone *g, struct err *e);
void ledger_gone_end(struct ledger_gone *g);

/* Final records of recipients that are refused, deferred, skipped or in doubt (and with sent_too, of all
 * that have one), ascending by row: 1
 * got one, 0 no more, -1 with e. Spans are borrowed until the next call. Of a row that was claimed
 * before a power cut, and of which nothing else is known, only the number is known. */
struct ledger_cursor {
	size_t at;
	bool sent_too; /* those who were sent to are wanted as well */
	enum ledger_rows { LEDGER_ALL_ROWS, LEDGER_SKIPPED_ROWS, LEDGER_OTHER_ROWS } rows; /* skipped as a whole or not */
};
int ledger_next_failed(struct ledger *l, struct ledger_cursor *at, struct journal_result *out,
		       struct verdict *verdict, struct err *e);

#endif
