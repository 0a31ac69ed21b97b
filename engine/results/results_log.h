/* results_log.h - results.csv (or JSON lines), derived from the journal's segments.
 *
 * The recorder's thread owns it. It reads the segments as they grow, by itself: workers do not
 * know it. Columns: row,line,recipient,status,code,enhanced,reply,queue_id,relay,attempts,time,
 * message_id (RFC 4180, UTF-8, RFC 3339 UTC with milliseconds). A cell that came from a server,
 * or an address, never begins a spreadsheet formula: it gets a leading apostrophe. */
#ifndef ENGINE_RESULTS_RESULTS_LOG_H
#define ENGINE_RESULTS_RESULTS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/results/ledger.h"

struct err;
struct results_log;

enum results_format { RESULTS_CSV, RESULTS_JSONL };

struct results_totals {
	uint64_t sent, skipped, refused, deferred, in_doubt; /* recipients, newest verdict */
	uint64_t records;         /* results read so far in this run */
};

/* Rewrites the file from the ledger (temporary name, rename, mode 0600), then follows the
 * segments of run `run`. ledger may be NULL for a new campaign: the file must not exist. */
int results_log_open(struct results_log **out, const char *path, enum results_format format, unsigned run,
		     struct ledger *ledger, struct err *e);
void results_log_close(struct results_log **r);
/* Reads what is new and appends its lines. Returns 0, or -1 with e when the results file cannot
 * be written (nothing is lost: call again, the same lines are tried again). */
int results_log_poll(struct results_log *r, struct results_totals *totals, struct err *e);

/* False: every recipient has one line already, and writing the file anew would change nothing. */
bool results_log_needs_rewrite(const struct results_log *r);
/* When nobody writes the run's segments any more, of which there are so many, and there is nothing to write anew: a
 * ledger without another reading, which knows counts and who was not sent to (ledger_next_failed(), without
 * sent_too), and nothing else. 1; 0: that is not known here, load one; -1 with e. */
int results_log_ledger(const struct results_log *r, unsigned n_segments, struct ledger **out, struct err *e);

/* A spreadsheet program would run it: other people's words that look so get an apostrophe in front. */
bool results_looks_like_formula(struct span s);

/* Writes the whole file anew from the journal, one line a recipient, in doubt included. */
int results_write(const char *path, enum results_format format, struct ledger *ledger, struct err *e);
/* The same, with the lines of some statuses only: bits 1 << enum verdict_kind. */
int results_write_some(const char *path, enum results_format format, unsigned kinds, struct ledger *ledger,
		       struct err *e);
/* "results.csv", "results.jsonl" -> "results.failed.csv", "results.in-doubt.csv", or with `ending`
 * "jsonl": they have the form of the list, whatever the results are. A name with another ending is
 * kept whole. */
int results_side_path(const char *path, const char *word, const char *ending, char *out, size_t out_size);

#endif
