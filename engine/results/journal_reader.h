/* journal_reader.h - a journal file as records, in order (inside engine/results only).
 *
 * One struct journal_reader belongs to one thread. The file may grow while it is read. */
#ifndef ENGINE_RESULTS_JOURNAL_READER_H
#define ENGINE_RESULTS_JOURNAL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/results/journal_record.h"

struct err;

#define JOURNAL_DAMAGE_HINT \
	"bring it back from a copy; without it nobody knows what was sent, and no guess is made"

struct journal_reader {
	int fd;
	char *path;
	char *window;          /* bytes [base, base + n) of the file */
	size_t n, at;
	uint64_t base;
	uint32_t next_sequence;
	bool lost_tail_allowed; /* power was lost since it was written; set by the owner */
	bool tail_was_lost;     /* and here it was: nothing behind record_end is to be believed */
};

/* ERR_CONFLICT when the file is none of ours, ERR_SYS, ERR_NOMEM. */
int journal_reader_open(struct journal_reader *out, const char *path, struct err *e);
void journal_reader_close(struct journal_reader *r);
/* 1 a record, borrowed until the next call; 0 no whole record follows (a later call may find one,
 * when the writer is at work); -1 with e: damaged (ERR_CONFLICT, with the offset), ERR_SYS. */
int journal_reader_next(struct journal_reader *r, struct record *out, struct err *e);
/* The record that was just read comes again with the next call. */
void journal_reader_unread(struct journal_reader *r, const struct record *record);
/* Where the last record that was read ends: what a torn tail is cut back to. */
uint64_t journal_reader_end(const struct journal_reader *r);
/* Reads the one record at that offset. */
int journal_reader_at(struct journal_reader *r, uint64_t offset, struct record *out, struct err *e);
/* For callers who find that a sound record says something impossible. */
int journal_reader_damaged(const struct journal_reader *r, uint64_t offset, struct err *e);

#endif
