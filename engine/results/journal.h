/* journal.h - the memory of a campaign: RESULTS.journal/ (front door, writing side).
 *
 * The folder holds `campaign` (who we are, what was claimed; written by the feeder's thread) and
 * for each run and worker a segment (intents and results; written by that worker). Records are
 * append-only: length, CRC-32C, sequence. A file has one writer, which alone decides when its
 * bytes go out; a short or failed write is cut back and may be tried again. A sync may be asked
 * for by another thread. What survives: a killed process loses nothing that was flushed; a power
 * cut loses nothing that was synced. */
#ifndef ENGINE_RESULTS_JOURNAL_H
#define ENGINE_RESULTS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "engine/model/verdict.h"

struct err;
struct journal;
struct row_member;
struct journal_segment;

enum { JOURNAL_RECIPIENTS_MAX = 128, JOURNAL_SEED_SIZE = 16 };

/* What makes two runs the same campaign. */
struct journal_identity {
	unsigned char letter[32];  /* letter_digest() */
	bool list_known;           /* preflight hashed the list */
	unsigned char list[32];
	uint64_t list_size;        /* compared where a hash is missing */
	int64_t list_mtime_ns;
	char destination[512];     /* delivery_plan_class() */
	char options[1024];        /* "name=value\n" of every option that changes messages */
	char selection[1024];      /* selection_text() */
};

struct journal_header { /* what was decided when the campaign began */
	unsigned char seed[JOURNAL_SEED_SIZE];
	int64_t begun_ms;
	unsigned epoch; /* how often rows got other numbers, because the list was edited */
	struct journal_identity identity;
};

/* The seed of the letters: another one when rows got other numbers, so that no Message-ID comes twice. */
void journal_letter_seed(const struct journal_header *h, unsigned char out[JOURNAL_SEED_SIZE]);

/* Is there a campaign? 1 with *out, 0 none, -1 with e (damaged, unreadable). Takes no lock. */
int journal_peek(const char *results_path, struct journal_header *out, struct err *e);

/* Creates the campaign (resume false: an existing one is ERR_CONFLICT with both ways on as hint) or
 * goes on with it (resume true; creates when there is none). Takes the lock that dies with the
 * process. ERR_CONFLICT: held by another process (says which), or the identity differs (says what
 * changed). The folder and every file in it are synced when created. */
int journal_open(struct journal **out, const char *results_path, bool resume, const struct journal_header *header,
		 struct err *e);
/* Resumes a campaign whose letter, choice of rows or options changed, and records that it is this one
 * from now on; a log line says what changed. A list, a destination or a redirection that is another one
 * is refused as by journal_open(): other people, or a rehearsal taken for the performance. */
int journal_open_changed(struct journal **out, const char *results_path, const struct journal_header *header,
			 struct err *e);
/* The same for a campaign whose list was edited: journal_rekey() follows, and records the identity.
 * changes: letter and options may be others, too. */
int journal_open_edited(struct journal **out, const char *results_path, const struct journal_header *header,
			bool changes, struct err *e);
/* For rekey.c. */
int journal_note_rekeyed(struct journal *j, const struct journal_identity *identity, struct err *e);
void journal_close(struct journal **j);
/* 1 the first run of the campaign, 2 its first resume, ... */
unsigned journal_run(const struct journal *j);
/* A run holds the campaign of that results file just now; out gets who, as text. Takes no lock. */
bool journal_is_held(const char *results_path, char *out, size_t out_size);
/* True when the machine was started anew since an earlier run's last record. */
bool journal_power_was_lost(const struct journal *j);

/* Rows first..last are about to be handed out, for the first or for a further attempt: written,
 * and with `sync` brought to disk together with the claims before it. Rows that are not handed out
 * must not be among them: after a power cut, every claimed row that is not settled is in doubt. */
int journal_claim(struct journal *j, uint64_t first, uint64_t last, bool sync, struct err *e);
/* The same for rows that stand apart, all of them in one record: after a power cut all were claimed or none. */
struct journal_range {
	uint64_t first, last;
};
enum { JOURNAL_RANGES_MAX = 2000 };
int journal_claim_ranges(struct journal *j, const struct journal_range *ranges, uint32_t n, bool sync, struct err *e);
/* True after a sync of `campaign` failed: nothing can be claimed any more. The feeder's thread. */
bool journal_campaign_is_broken(const struct journal *j);
/* The list's hash, when it was not known at the start and its end has been read. */
int journal_note_list(struct journal *j, const unsigned char list[32], struct err *e);
/* Refusals of that class (engine/model/refusal.h) that were recorded in this run or before count as
 * deferred: a resume tries those recipients again. On disk when it returns. With earlier, this run is
 * left out. */
int journal_pardon(struct journal *j, const char *class, bool earlier, struct err *e);
/* How many rows take part in the campaign, for whoever wants to know what is left. */
int journal_note_rows(struct journal *j, uint64_t rows, struct err *e);

/* The choice of rows as a resume widened it: journal_peek() gives the newest. */
int journal_note_choice(struct journal *j, const char *selection, struct err *e);

/* Made, on disk, and named in `campaign`: from then on it is missed when it is gone. The feeder's thread, or before
 * there are threads; so is closing. */
int journal_segment_open(struct journal_segment **out, struct journal *j, unsigned worker, struct err *e);
void journal_segment_close(struct journal_segment **s);

struct journal_recipient {
	uint32_t index;      /* in the mail as rendered */
	struct span address; /* its path */
};

struct journal_intent { /* content of this mail may be on its way from now on */
	uint64_t row, line;
	uint32_t attempt; /* the first is 1 */
	int64_t time_ms;  /* the mail's recorded time, wall clock */
	struct span message_id;
	uint32_t of;      /* recipients the row's mail has in all */
	uint32_t n_recipients;
	const struct journal_recipient *recipients; /* those of this attempt */
	uint32_t n_others;
	const struct row_member *others; /* the other rows of its group, whose record this is as well */
};

struct journal_result {
	uint64_t row, line;
	uint32_t attempt;
	int64_t time_ms;  /* when the verdict fell */
	struct span message_id;
	uint32_t of;      /* 1 for a row that was skipped before it was a mail */
	struct journal_recipient recipient;
	struct span relay;
	const struct verdict *verdict; /* stage may be NULL */
	uint32_t n_others;
	const struct row_member *others; /* as in the intent; read back: none, row is the one that was asked for */
	bool of_group;    /* read back: row is one of the others, the first one has a result of its own */
};

/* These append to memory; nothing is written before journal_flush(). -1 only when memory ran out
 * (the segment is then unchanged). journal_begin() notes that a place in a rate limit was taken. */
int journal_begin(struct journal_segment *s, int64_t time_ms);
int journal_intent(struct journal_segment *s, const struct journal_intent *i, struct err *e);
int journal_result(struct journal_segment *s, const struct journal_result *r, struct err *e);
/* For rekey.c: what became of somebody who is not in the list any more. row of r: a number of their own. */
struct journal_gone {
	bool skipped;            /* the row as a whole was */
	uint64_t column, key[2]; /* hashes of the column that knew it and of its cell; column 0: its address did */
};
int journal_gone(struct journal_segment *s, const struct journal_gone *g, const struct journal_result *r, struct err *e);
/* One write(2) of all that was appended; nothing to write is fine. -1: the file is as before and
 * what was appended is still in memory: try again, and offer no content until it worked. */
int journal_flush(struct journal_segment *s, struct err *e);
/* Bytes appended and not flushed. */
size_t journal_pending(const struct journal_segment *s);
/* fdatasync of what was flushed; any thread. A failure is final: stop sending, do not trust a
 * second try. Costs nothing when nothing was flushed since. */
int journal_sync(struct journal_segment *s, struct err *e);
/* True after a sync failed: nothing will be recorded in this segment any more. Any thread. */
bool journal_is_broken(const struct journal_segment *s);

#endif
