/* campaign.h - a list, a letter and relays become verdicts (front door of engine/run).
 *
 *     feeder -> [blocks of rows] -> workers { letter + row = mail -> delivery } -> journal
 *        ^-------- deferred rows, credits ------'          recorder <- journal -> results.csv
 *
 * campaign_open() finds every mistake that needs no row; campaign_preflight() renders every row;
 * campaign_run() starts the threads and returns when the campaign is over or was stopped. One
 * thread calls these; campaign_stop() may be called by any thread and by signal handlers. */
#ifndef ENGINE_RUN_CAMPAIGN_H
#define ENGINE_RUN_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/finding.h"
#include "engine/model/value.h"
#include "engine/results/results_log.h"
#include "engine/rows/duplicates.h"
#include "engine/rows/rows.h"
#include "engine/run/report.h"
#include "templates/letter/letter.h"
#include "transport/delivery/delivery.h"

struct err;
struct campaign;

enum campaign_in_doubt { IN_DOUBT_HOLD, IN_DOUBT_RESEND };
enum campaign_bad_rows { BAD_ROWS_STOP, BAD_ROWS_SKIP };
enum campaign_log_error {
	LOG_ERROR_STOP, /* a journal or results file that cannot be written stops the run */
	LOG_ERROR_WAIT  /* nothing is begun until it can be written again */
};
enum { CAMPAIGN_SYNC_OFF = 0, CAMPAIGN_SYNC_EACH = -1, CAMPAIGN_SYNC_DEFAULT_MS = 200 };

struct campaign_progress {
	struct results_totals totals;
	uint64_t rows;         /* rows that take part; 0 while unknown */
	uint64_t to_retry;     /* rows that wait for another try */
	int64_t elapsed_ms;
	const char *pause;     /* why nothing moves just now, or NULL */
	bool stopping;
	bool asked;            /* somebody wants to know just now */
};

struct campaign_job { /* borrowed for the campaign's life */
	const char *letter, *list;
	struct rows_ways list_ways;
	const char *results;   /* NULL: no campaign (check): campaign_run() must not be called */
	const struct member *vars;
	uint32_t n_vars;
	const char *address_column; /* NULL: email */
	const char *envelope_from;  /* NULL: the letter's */
	struct letter_ways ways;
	const char *rows;      /* "3-9,14" or NULL */
	uint64_t limit;        /* 0: none */
	uint64_t max_message_bytes; /* 0: 50 MiB */
	bool limit_given;      /* also when it is none */
	uint64_t skip, sample; /* 0: none */
	const char *only;      /* an address or a file of them; NULL: all */
	const char *shard;     /* "2/5" or NULL */
	const char *where;     /* a condition of the template language, or NULL */
	enum duplicates_rule duplicates;
	const char *group_by;  /* rows with one value in that column are one message; NULL: each is one */
	const char *const *suppress; /* files of addresses that get nothing */
	uint32_t n_suppress;
	const char *suppress_add; /* file that gets those who do not exist, or NULL */
	const char *rate;      /* "100/s,2000/day" or NULL */
	const char *const *domain_rates; /* "gmail.com=20/s", "*=5/s" */
	uint32_t n_domain_rates;
	const char *redirect_to; /* every mail's only envelope recipient, or NULL */
	bool resume;
	const char *key;       /* the list was edited: rows are known by this column; NULL: they stand where they stood */
	const char *old_list;  /* with key: the list as it was; NULL: rows are known by their address */
	bool accept_changes;   /* go on with another letter or other options */
	enum campaign_in_doubt in_doubt;
	enum campaign_bad_rows bad_rows;
	int64_t sync_ms;       /* or CAMPAIGN_SYNC_OFF, CAMPAIGN_SYNC_EACH */
	int64_t retry_for_ms;  /* how long a deferred row is tried again in this run */
	bool retry_at_end;     /* what is deferred waits until the list was read to its end */
	int64_t drain_ms;      /* what is under way gets this long after a stop; 0: 30 s */
	enum campaign_log_error on_log_error;
	const char *stop_after; /* breaker_parse(); NULL: off */
	const char *retry_refused; /* earlier runs' refusals of that class are tried again; NULL: none */
	uint64_t canary;       /* so many rows first, and the others only if these were accepted; 0: all at once */
	int64_t canary_wait_ms; /* and after such a wait */
	enum results_format log_format;
	bool seed_given;
	uint64_t seed;         /* same seed, date and rows: same bytes */
	int64_t date_ms;       /* recorded time of every mail; -1: the time it is written */
	unsigned threads;      /* workers; 0: as many as cores, at most as many as connections */
	struct delivery_options delivery; /* n_relays 0: none (check) */
	void (*on_progress)(void *ctx, const struct campaign_progress *p); /* recorder's thread, 5 a second */
	void *progress_ctx;
	/* The rate as the settings say now, into rate ("": as it was); -1 with e. The control thread. */
	int (*on_reload)(void *ctx, char *rate, size_t rate_size, struct err *e);
	void *reload_ctx;
};

/* Opens list, letter, plan and (read only) journal. Findings of letter and columns go to sink.
 * 0; -1 with e: ERR_INPUT (exit status 2), ERR_CONFLICT (a campaign that exists and resume is not
 * set, or that differs), ERR_SYS, ERR_NOMEM, ERR_NET (a relay's name is unknown). */
int campaign_open(struct campaign **out, const struct campaign_job *job, struct finding_sink *sink, struct err *e);
void campaign_free(struct campaign **c);

/* Renders every row that takes part and is not done, on all cores, into report. 0 also when rows
 * are bad: report->bad_rows says how many. -1 with e: the list cannot be read to its end. */
int campaign_preflight(struct campaign *c, struct report *report, struct err *e);

struct campaign_outlook { /* what is about to happen, for the question before it does */
	char from[256], first_to[256], subject[256]; /* of the first row that would be sent */
	bool no_rows, none_chosen; /* in the list; of its rows by the selection. Else nobody looked to the end */
	char through[512];    /* delivery_plan_describe() */
	char list_form[160];  /* rows_form() */
	uint64_t messages;    /* 0 when no preflight counted them */
	uint64_t already_done, in_doubt;
	int64_t expected_ms;  /* at the given rate; -1 without one */
	bool rehearsal;       /* goes to files only */
	bool grouped;         /* a message is of several rows */
};
void campaign_outlook(struct campaign *c, const struct report *preflight, struct campaign_outlook *out);

enum campaign_end {
	CAMPAIGN_COMPLETE,
	CAMPAIGN_INTERRUPTED,
	CAMPAIGN_RELAYS_DOWN,
	CAMPAIGN_BROKEN,
	CAMPAIGN_REFUSED, /* too many were refused alike: these count as deferred */
	CAMPAIGN_CANARY   /* the first few were not all accepted */
};
struct campaign_result {
	enum campaign_end end;
	struct ledger_counts counts;  /* the whole campaign, not only this run */
	uint64_t rows_total;          /* rows that take part; 0 when the list was not read to its end */
	uint64_t sent_this_run, begun_this_run;
	bool grouped;          /* what is counted are rows, several of which are one message */
	int64_t elapsed_ms;
	uint64_t steady_after, allocations; /* mails begun when the steady state began, and what the
	                               * whole process allocated from then on; 0, 0: never reached */
	uint64_t suppress_added;      /* addresses appended to suppress_add */
	char refused_class[40];       /* of CAMPAIGN_REFUSED */
	char failed_path[512], in_doubt_path[512]; /* side files written, "" when there was no need */
};
/* 0 with *out for every end that is no error of ours; -1 with e (and *out as far as known):
 * ERR_CONFLICT (someone else runs it), ERR_SYS (journal or disk). e also says why when end is
 * another than CAMPAIGN_COMPLETE or CAMPAIGN_INTERRUPTED. */
int campaign_run(struct campaign *c, struct campaign_result *out, struct err *e);
/* First call: no new mail begins, what is under way is finished. Second: stop at once. */
void campaign_stop(struct campaign *c);
/* Suppression lists and rate are read again; progress is told with `asked` set. Safe in signal handlers,
 * any thread, while campaign_run() runs. */
void campaign_reload(struct campaign *c);
void campaign_tell(struct campaign *c);

/* Reads the files of --suppress again while the campaign runs: whoever is in them gets nothing from
 * the next message on. -1 with e: they could not be read, what was known stays. Not in a signal
 * handler; any one thread at a time. */
int campaign_reload_suppressed(struct campaign *c, struct err *e);

/* The campaign's seed that --seed stands for. */
void campaign_seed(uint64_t seed, unsigned char out[16]);

#endif
