/* journal_record.h - the records of the journal as bytes (inside engine/results only).
 *
 * Writer and readers share this file. Every journal file is JOURNAL_MAGIC and then records:
 *
 *     0  4  CRC-32C of what follows in the record      little-endian all
 *     4  4  sequence: 0, 1, 2, ... in the file
 *     8  2  bytes of the body
 *    10  2  check of the six bytes before it
 *    12     body: one byte of type, then fields
 *
 * The check lets a reader trust the length before it has the body: a record that is cut off at
 * the end of the file can be told from one whose length was damaged. Numbers in bodies are
 * varints (7 bits a byte, lowest first), texts a varint length and bytes. */
#ifndef ENGINE_RESULTS_JOURNAL_RECORD_H
#define ENGINE_RESULTS_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/model/refusal.h"
#include "engine/model/row.h"
#include "engine/results/journal.h"

#define JOURNAL_MAGIC "lshop-1\n"

enum {
	JOURNAL_MAGIC_SIZE = 8,
	RECORD_HEAD = 12,
	RECORD_BODY_MAX = 65535,
	RECORD_BOOT_SIZE = 40,
	RECORD_HOST_SIZE = 65,
	RECORD_STAGE_SIZE = 48,
	RECORD_LENGTHS_MAX = 2000 /* segments in one record */
};

enum record_type {
	/* of `campaign` */
	RECORD_CAMPAIGN = 1, /* the first */
	RECORD_RUN = 2,
	RECORD_CLAIM = 3,
	RECORD_LIST = 4,
	RECORD_END = 5,      /* that run closed its journal with everything on disk: its segments, each so long */
	RECORD_ROWS = 6,     /* how many rows take part */
	RECORD_PARDON = 7,   /* refusals of a class in the runs so far count as deferred */
	RECORD_IDENTITY = 8, /* from this run on the campaign is that one: its owner accepted what changed */
	RECORD_REKEYED = 10, /* the list was edited: from this run on rows have other numbers (rekey.h) */
	RECORD_CHOICE = 9,   /* the choice of rows, wider than before */
	RECORD_SEGMENTS = 11, /* these segments of a run are on disk, each at least so long */
	/* of a segment */
	RECORD_SEGMENT = 16, /* the first */
	RECORD_BEGIN = 17,
	RECORD_INTENT = 18,
	RECORD_RESULT = 19,
	RECORD_SYNCED = 20,  /* the file was on disk up to some offset */
	RECORD_GONE = 22,    /* a RESULT of somebody whom the edited list does not have (rekey.h) */
	RECORD_GROUP = 21    /* an INTENT or RESULT, with the other rows whose mail it is in front */
};

struct record { /* body is borrowed from whoever read it */
	enum record_type type;
	uint32_t sequence;
	uint64_t offset;  /* of its first byte in the file */
	struct span body; /* without the type */
	struct span others; /* of a RECORD_GROUP: its other rows; type and body are those of what is in it */
	size_t size;
};

struct record_run {
	unsigned run;
	char boot[RECORD_BOOT_SIZE]; /* the kernel's boot id, as text */
	char host[RECORD_HOST_SIZE];
	uint64_t pid;
	int64_t time_ms;
};

struct record_claim {
	uint64_t first, last;
	uint64_t synced; /* the file was on disk up to here when this was written */
	struct span more; /* further ranges, for record_next_range() */
	uint64_t highest; /* row of all of them */
};

struct record_pardon {
	unsigned run; /* the last one that it reaches */
	char class[REFUSAL_CLASS_SIZE];
};

struct segment_name {
	unsigned run, worker;
};

struct segment_length { /* so much of that segment is known to be on disk */
	struct segment_name name;
	uint64_t bytes;
};

struct record_segment {
	unsigned char seed[JOURNAL_SEED_SIZE]; /* of the campaign it belongs to */
	unsigned run, worker;
};

/* What the ledger needs of BEGIN, INTENT and RESULT. */
struct record_mark {
	uint64_t row;
	uint32_t attempt, of;
	struct span indexes;    /* recipients, one byte each: those of an INTENT; the one of a RESULT */
	enum verdict_kind kind; /* RESULT */
	uint64_t claims;        /* RESULT: claims made in the campaign when it was written */
	struct span rest;       /* of the body, from the time on */
};

/* Append one record; -1 when memory or the buffer's bound ran out, which leaves it as it was. */
int record_put_campaign(struct buf *out, uint32_t sequence, const struct journal_header *h);
/* RECORD_IDENTITY or RECORD_REKEYED. */
int record_put_identity(struct buf *out, uint32_t sequence, enum record_type type, const struct journal_identity *i);
int record_put_run(struct buf *out, uint32_t sequence, const struct record_run *r);
/* The n ranges are first to last of c, and more. */
int record_put_claim(struct buf *out, uint32_t sequence, const struct journal_range *ranges, uint32_t n, uint64_t synced);
int record_put_list(struct buf *out, uint32_t sequence, const unsigned char list[32]);
/* RECORD_SEGMENTS or RECORD_END: of segments that are all of that run, at most RECORD_LENGTHS_MAX. */
int record_put_lengths(struct buf *out, uint32_t sequence, enum record_type type, unsigned run,
		       const struct segment_length *lengths, size_t n);
int record_put_choice(struct buf *out, uint32_t sequence, struct span selection);
int record_put_rows(struct buf *out, uint32_t sequence, uint64_t rows);
int record_put_pardon(struct buf *out, uint32_t sequence, const struct record_pardon *p);
int record_put_segment(struct buf *out, uint32_t sequence, const struct record_segment *s);
int record_put_begin(struct buf *out, uint32_t sequence, int64_t time_ms);
int record_put_intent(struct buf *out, uint32_t sequence, const struct journal_intent *i);
int record_put_result(struct buf *out, uint32_t sequence, const struct journal_result *r, uint64_t claims);
int record_put_gone(struct buf *out, uint32_t sequence, const struct journal_gone *g, const struct journal_result *r);
int record_put_synced(struct buf *out, uint32_t sequence, uint64_t offset);

/* What stands in front of `bytes` is the head of a record: quickly told, of any bytes. */
bool record_head_is_sound(struct span bytes);
/* The record at the front of `bytes`: 1 whole and sound; 0 more bytes are needed; -1 it is not
 * one. Does not look at the sequence. */
int record_take(struct span bytes, struct record *out);
static inline size_t record_size(const struct record *r)
{
	return r->size;
}

/* 0, or -1: the body is not of this form (another version wrote it). Spans are borrowed from the
 * body. */
int record_get_campaign(const struct record *r, struct journal_header *out);
int record_get_identity(const struct record *r, struct journal_identity *out);
int record_get_run(const struct record *r, struct record_run *out);
int record_get_claim(const struct record *r, struct record_claim *out);
/* The next range of claim.more, behind *range: 1, 0 no more, -1 that is none. */
int record_next_range(struct span *more, struct journal_range *range);
int record_get_list(const struct record *r, unsigned char list[32]);
/* more: the segments, for record_next_length(). Earlier versions wrote an END without them. */
int record_get_lengths(const struct record *r, unsigned *run, struct span *more);
/* The next one: 1, 0 no more, -1 that is none. */
int record_next_length(struct span *more, unsigned *worker, uint64_t *bytes);
/* out: of size bytes, NUL-terminated. */
int record_get_choice(const struct record *r, char *out, size_t size);
int record_get_rows(const struct record *r, uint64_t *rows);
int record_get_pardon(const struct record *r, struct record_pardon *out);
int record_get_segment(const struct record *r, struct record_segment *out);
int record_get_mark(const struct record *r, struct record_mark *out);
/* The same of its time, which few ask for. */
int record_get_time(const struct record_mark *m, int64_t *time_ms);
/* The rows that an INTENT or RESULT is about, the one of its mark first: begin with { .rest = record.others }
 * and the mark's row. 1, 0 no more. record_take() has looked through them. */
struct record_rows {
	struct span rest;
	struct row_member now; /* of the first one only the number */
	uint64_t before;
	bool begun;
};
int record_next_other(struct record_rows *r);
static inline int record_next_row(struct record_rows *r, uint64_t first)
{
	if (!r->begun) {
		r->begun = true;
		r->now = (struct row_member){ .number = first };
		return 1;
	}
	return r->rest.n > 0 ? record_next_other(r) : 0;
}
/* The line of that other row of the record. */
uint64_t record_line_of(const struct record *r, uint64_t first, uint64_t first_line, uint64_t row);
/* recipients: room for JOURNAL_RECIPIENTS_MAX, used by out->recipients. */
int record_get_intent(const struct record *r, struct journal_intent *out, struct journal_recipient *recipients);
/* out->verdict becomes verdict, whose stage becomes the text in stage. */
int record_get_result(const struct record *r, struct journal_result *out, struct verdict *verdict,
		      char stage[RECORD_STAGE_SIZE]);
/* The same of a GONE. */
int record_get_gone(const struct record *r, struct journal_gone *gone, struct journal_result *out, struct verdict *verdict,
		    char stage[RECORD_STAGE_SIZE]);
/* Up to where the file was on disk before that record was written; 0 when it does not say. */
uint64_t record_synced(const struct record *r);

#endif
