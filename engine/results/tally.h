/* tally.h - how a campaign stands: counts, reasons, domains, the pace of late. Read from the journal
 * alone, also while a run writes it; takes no lock.
 *
 * Memory beside the ledger's is bounded: what does not fit the tables is counted as "other". */
#ifndef ENGINE_RESULTS_TALLY_H
#define ENGINE_RESULTS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/verdict.h"
#include "engine/results/ledger.h"

struct err;

enum {
	TALLY_KINDS = VERDICT_SKIPPED + 1,
	TALLY_REASONS_MAX = 256,
	TALLY_DOMAINS_MAX = 4096,
	TALLY_DOMAIN_SIZE = 128,
	TALLY_REPLY_SIZE = 160,
	TALLY_HOLDER_SIZE = 256,
	TALLY_RECENT_MS = 60000
};

struct tally_reason { /* recipients that were not sent to, with the same answer */
	enum verdict_kind kind;
	int code, enhanced[3];          /* as in struct verdict */
	uint64_t count;
	char reply[TALLY_REPLY_SIZE];   /* of the first one */
};

struct tally_domain {
	uint64_t by_kind[TALLY_KINDS];
	char name[TALLY_DOMAIN_SIZE];   /* "" when there was no address */
};

struct tally {
	bool running;
	char holder[TALLY_HOLDER_SIZE]; /* "process 12 on host since ..." while it runs */
	unsigned runs;
	bool finished;                  /* the newest run closed its journal in order */
	bool power_was_lost;            /* in any run */
	int64_t begun_ms, newest_ms;    /* wall clock: the campaign; its newest result, 0 none */
	uint64_t rows;                  /* rows that take part; 0 while unknown */
	uint64_t rows_to_do;            /* of these without any verdict, 0 while unknown */
	struct ledger_counts counts;    /* recipients; in_doubt: without those under way */
	uint64_t under_way;             /* offered by the run that holds the lock, and not answered yet */
	uint64_t recent;                /* results of the last TALLY_RECENT_MS */
	int64_t recent_ms;              /* of which so much is known: less in a young run */
	uint32_t n_reasons, n_domains;
	struct tally_reason *reasons;   /* most frequent first */
	struct tally_domain *domains;   /* those with most that was not sent first, then by size */
};

/* ERR_INPUT when there is no campaign of that results file. now_ms: the wall clock. */
int tally_read(struct tally *out, const char *results_path, int64_t now_ms, struct err *e);
void tally_release(struct tally *t);

#endif
