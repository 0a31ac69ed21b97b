/* campaign_private.h - the opened campaign, inside engine/run only. One thread's. */
#ifndef ENGINE_RUN_CAMPAIGN_PRIVATE_H
#define ENGINE_RUN_CAMPAIGN_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/address.h"
#include "engine/model/mail.h"
#include "engine/model/row.h"
#include "engine/results/journal.h"
#include "engine/results/ledger.h"
#include "engine/run/campaign.h"
#include "engine/run/run.h"

struct results_log;

struct campaign {
	const struct campaign_job *job;
	struct arena memory;
	struct rows *list;             /* what is sent: the user's list, or its groups */
	struct rows *rows;             /* the user's list, row by row */
	struct choice *choice;
	struct selection *selection;   /* of the choice */
	int address_column;            /* -1: the list has none */
	struct letter *letter;
	struct delivery_plan *plan;    /* NULL: check */
	struct throttle *throttle;     /* NULL: no limit */
	struct domain_rates *domains;  /* NULL: no limit of a domain */
	struct throttle *throttles;    /* those that were replaced while it ran */
	atomic_bool reload, tell;      /* a signal asked for it */
	struct breaker *breaker;       /* NULL: off */
	struct keyed *keyed;           /* NULL: the list was not edited */
	struct ledger *ledger;         /* NULL: nothing was begun yet */
	struct suppress *suppress;     /* NULL: nobody is */
	struct duplicates *duplicates; /* NULL: not searched */
	struct seen *seen;             /* duplicates are told as the list is read; NULL: they were searched before */
	struct journal_header header;
	char recorded_choice[1024];    /* of rows, when the campaign is gone on with */
	struct span redirect;
	uint64_t list_size;            /* as it was when it was opened */
	int64_t list_mtime_ns;
	bool list_known;
	unsigned char list_digest[32];
	uint64_t selected;             /* rows that take part, when preflight counted them */
	uint64_t groups_sent;          /* by earlier runs */
	atomic_int stop;               /* enum run_stop */
};

/* Threads for checking and sending that the job allows on this machine, at least 1. */
unsigned campaign_threads(const struct campaign_job *job);
/* An earlier run settled that row as far as this run is concerned. Any thread. */
bool campaign_is_done(const struct campaign *c, uint64_t row);

/* True with e (ERR_CONFLICT): what an earlier run did for the rows of this group it did not do for all of them
 * alike, so they were not one message. Any thread. */
bool campaign_group_differs(const struct campaign *c, const struct row *row, struct err *e);

/* All rows were shown to the search for duplicates: what it found goes into the report. */
int campaign_report_duplicates(struct campaign *c, struct report *r, struct err *e);
/* The search for duplicates alone, when there was no preflight and later rows matter too: nothing else of it
 * is done. */
int campaign_survey(struct campaign *c, struct err *e);

/* The list was edited and --key says how to know its rows: what is known of them gets their new numbers. */
int campaign_recognise_rows(struct campaign *c, struct err *e);

/* Somebody wrote into the list since it was opened: true with e (ERR_CONFLICT). Any thread; list is
 * that thread's reader. */
bool campaign_list_changed(const struct campaign *c, const struct rows *list, struct err *e);

/* What row->problem says, as an error: -1. */
int campaign_row_problem(const struct row *row, struct err *e);
/* What is wrong with one row, placed where it has to be mended: in the list. Any thread. */
void campaign_row_error(const struct campaign_job *job, const struct row *row, const struct err *why, struct err *out);
/* The recipient gets nothing: true with the verdict. Any thread. */
bool campaign_suppressed(const struct campaign *c, struct span recipient, struct verdict *out);
/* True with e (ERR_INPUT) when the mail has more recipients than the journal can keep apart. */
bool campaign_too_many(const struct mail *m, struct err *e);

/* Closes the books of a run: the journal is synced, the results file is exact, the side files are there, and out
 * says how it went. Also closes the log. When all threads are gone. */
int campaign_end(struct campaign *c, struct run *r, struct results_log **log, struct campaign_result *out, struct err *e);

/* results.failed.csv and results.in-doubt.csv: the user's own rows, with a `mail_reason` column. Files
 * that would be empty are removed when they are of an earlier run. Paths go to out. */
int side_files_write(struct campaign *c, struct ledger *ledger, struct campaign_result *out, struct err *e);

#endif
