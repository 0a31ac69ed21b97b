/* journal_campaign.h - the folder of a campaign and its file `campaign`, read (inside
 * engine/results only). */
#ifndef ENGINE_RESULTS_JOURNAL_CAMPAIGN_H
#define ENGINE_RESULTS_JOURNAL_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/results/journal_lengths.h"
#include "engine/results/journal_record.h"

struct err;

struct campaign_run {
	struct record_run note;
	bool ended;      /* it closed its journal with everything on disk */
	bool power_lost; /* it did not, and the machine was started anew before the next run or now */
	unsigned char letter[32]; /* digest of what it sent */
	unsigned epoch;  /* as in the header: how often rows had got other numbers when it sent */
	uint64_t last_claim; /* number of the campaign's newest claim when the run was over */
};

struct campaign_log { /* what `campaign` says */
	struct journal_header header;
	struct campaign_run *runs;
	unsigned n_runs;
	uint64_t n_claims;
	uint64_t rows_claimed; /* the highest row */
	unsigned epoch;        /* the run since which rows have the numbers they have; 0: all */
	uint64_t rows;         /* that take part; 0: not counted so far */
	uint64_t end;          /* of the last whole record: where the next one goes */
	uint32_t next_sequence;
	struct record_pardon *pardons;
	unsigned n_pardons;
	struct segment_lengths lengths; /* sorted */
	char boot[RECORD_BOOT_SIZE]; /* this machine's, now */
};

/* RESULTS.journal, or RESULTS.journal/NAME when name is given; NULL when memory ran out. */
char *campaign_path(const char *results_path, const char *name);
/* 1 read, and all segments that it speaks of are there; 0 there is no campaign: no file, or one whose making
 * was interrupted; -1. Memory of
 * *out must go back with campaign_release(), in every case. */
int campaign_read(struct campaign_log *out, const char *results_path, struct err *e);
void campaign_release(struct campaign_log *c);

/* As if its PARDON were on file. -1: no memory. */
int campaign_pardon(struct campaign_log *c, const struct record_pardon *p);
/* That refusal, recorded in that run, counts as deferred. */
bool campaign_is_pardoned(const struct campaign_log *c, unsigned run, const struct verdict *v);

/* Goes through the claims of runs that ended in a power cut: 1, 0 no more, -1. */
struct claim_walk;
int claim_walk_open(struct claim_walk **out, const char *results_path, const struct campaign_log *c, struct err *e);
/* number: counted over the whole campaign from 1. */
int claim_walk_next(struct claim_walk *w, uint64_t *first, uint64_t *last, uint64_t *number, struct err *e);
void claim_walk_close(struct claim_walk **w);

/* Segments of one run (0: of all), by run and worker; *out goes back with mem_free(). */
int campaign_segments(const char *results_path, unsigned run, struct segment_name **out, size_t *n, struct err *e);
/* RESULTS.journal/run-0001-worker-003; NULL when memory ran out. */
char *segment_path(const char *results_path, struct segment_name name);

/* This machine's boot id; another text each time it was started. */
void campaign_boot(char out[RECORD_BOOT_SIZE]);

#endif
