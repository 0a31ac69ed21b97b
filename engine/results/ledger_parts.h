/* ledger_parts.h - the ledger's inside, for the files of engine/results only.
 *
 * A row with one recipient, one attempt and a verdict that is no deferral is one byte. Every other
 * row has the byte BYTE_TABLE and an entry a recipient in a hash table. */
#ifndef ENGINE_RESULTS_LEDGER_PARTS_H
#define ENGINE_RESULTS_LEDGER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/results/journal_campaign.h"
#include "engine/results/journal_reader.h"
#include "engine/results/ledger.h"

enum row_byte {
	BYTE_NONE,
	BYTE_SENT,
	BYTE_SKIPPED,
	BYTE_REFUSED,
	BYTE_DOUBT,   /* a RESULT says so */
	BYTE_INTENT,  /* an INTENT and no RESULT */
	BYTE_CLAIMED, /* claimed before a power cut, and nothing more is known */
	BYTE_TABLE
};

/* Of one recipient, or of one row as a whole. */
enum standing { STANDS_TO_DO, STANDS_SENT, STANDS_SKIPPED, STANDS_REFUSED, STANDS_DEFERRED, STANDS_IN_DOUBT };

/* Where a record stands: index of the segment above POSITION_BITS bits of offset. */
enum { POSITION_BITS = 44, SEGMENTS_MAX = 1 << 19 };
#define POSITION_UNKNOWN UINT64_MAX
/* Rows a ledger has room for; more is taken for damage. */
#define LEDGER_ROWS_MAX (UINT64_C(1) << 36)

struct ledger_entry { /* one recipient */
	uint64_t key;    /* row * JOURNAL_RECIPIENTS_MAX + index; 0: the place is free */
	uint64_t intent, result;           /* positions of the newest of each */
	uint64_t intent_when, result_when; /* run << 32 | attempt; 0: there was none */
	uint32_t claims; /* made in the campaign when that RESULT was written */
	uint8_t of;      /* in the entry of recipient 0: recipients of the row */
	uint8_t kind;    /* enum verdict_kind of the RESULT */
	bool claimed;    /* handed out again after that RESULT, before a power cut */
};

struct ledger_table {
	struct ledger_entry *places;
	size_t n, size; /* size: 0 or a power of two */
};

struct ledger_entry *ledger_table_find(const struct ledger_table *t, uint64_t key); /* or NULL */
/* Found or made; NULL when memory ran out. Moves all entries. */
struct ledger_entry *ledger_table_put(struct ledger_table *t, uint64_t key);
/* Takes it out: true when it was there. */
bool ledger_table_remove(struct ledger_table *t, uint64_t key);
void ledger_table_release(struct ledger_table *t);

struct begin_times { /* the newest begin times, at most `keep` of them after begins_sort() */
	size_t keep;
	int64_t *times;
	size_t n, room;
};
int begins_add(struct begin_times *b, int64_t time_ms); /* -1: no memory */
void begins_sort(struct begin_times *b);

struct failed_record {
	uint64_t key, position;
};

struct ledger {
	char *results_path;
	struct campaign_log log;
	struct segment_name *segments;
	size_t n_segments;
	size_t first_segment; /* those before it say only when messages were begun: the list was edited since */
	uint8_t *bytes;      /* [row], row 0 unused */
	uint64_t n_bytes, room;
	struct ledger_table table;
	struct begin_times begins;
	struct ledger_counts counts;

	/* ledger_next_failed(): failed records of some rows, sorted */
	struct failed_record *failed;
	bool failed_known;                          /* these are all there are, and of rows nothing is known */
	bool sent_too;                              /* it is not only the failed ones */
	enum ledger_rows failed_rows;
	size_t n_failed, failed_room, failed_first; /* ordinal of failed[0] */
	uint64_t failed_next_row;                   /* first row behind these */
	struct journal_reader reader;
	size_t reader_segment;
	bool reader_open;
	char stage[RECORD_STAGE_SIZE];
	struct journal_recipient recipients[JOURNAL_RECIPIENTS_MAX];
};

/* What somebody else found who read all records: so many, and those of them who were not sent to, each with one
 * RESULT. ledger_counts() and ledger_next_failed() without sent_too are all that may be asked. */
int ledger_known(struct ledger **out, const char *results_path, const struct ledger_counts *counts,
		 const struct failed_record *failed, size_t n_failed, struct err *e);

/* ledger_failed.c: its part of that. */
int ledger_keep_failed(struct ledger *l, const struct failed_record *failed, size_t n, struct err *e);

/* Takes in what INTENT or RESULT says; counts it all in the end. */
int ledger_take(struct ledger *l, enum record_type type, const struct record_mark *m, unsigned run, uint64_t position,
		struct err *e);
void ledger_count(struct ledger *l);

static inline uint64_t ledger_key(uint64_t row, uint32_t index)
{
	return row * JOURNAL_RECIPIENTS_MAX + index;
}

enum standing ledger_entry_standing(const struct ledger_entry *entry);
/* Of one recipient. */
enum standing ledger_standing(const struct ledger *l, uint64_t row, uint32_t index);
uint32_t ledger_row_recipients(const struct ledger *l, uint64_t row);
/* A record of that type at that position says what stands in the end for that recipient. */
bool ledger_is_final(const struct ledger *l, uint64_t row, uint32_t index, enum record_type type,
		     uint64_t position);
/* That record as the result of that recipient of that row, with the verdict that stands in the end. */
int ledger_result(struct ledger *l, const struct record *record, uint64_t row, uint32_t index,
		  struct journal_result *out, struct verdict *verdict);
/* The same for a recipient of which no record exists. */
void ledger_result_claimed(uint64_t row, uint32_t index, struct journal_result *out, struct verdict *verdict);

/* A GONE record, as ledger_gone_next() gives it; -1: it is none. */
int ledger_gone_result(struct ledger *l, const struct record *record, struct journal_gone *how, struct journal_result *out,
		       struct verdict *verdict);

/* All records of all segments in order; the segment's first one is checked and left out. */
struct ledger_walk {
	const struct ledger *ledger;
	struct journal_reader reader;
	size_t segment; /* index of the one that is open, plus 1 */
	bool all;       /* also those before first_segment */
	bool open;
};
/* 1 with the record and its position, 0 the end, -1. Begin with { .ledger = l }. */
int ledger_walk_next(struct ledger_walk *w, struct record *record, uint64_t *position, struct err *e);
void ledger_walk_close(struct ledger_walk *w);
unsigned ledger_walk_run(const struct ledger_walk *w);
/* Opens the segment and checks that it belongs to the campaign: 1, 0 it has no whole first
 * record, -1. The reader must be closed by the caller in the first two cases. */
int ledger_open_segment(struct journal_reader *out, const char *results_path, const struct campaign_log *log,
			struct segment_name name, struct err *e);

#endif
