/* journal_lengths.h - which segments there must be, and how long at least (inside engine/results only).
 *
 * `campaign` says it: when a segment was made, when a run ended in order, and when a later run began. A
 * segment never gets shorter, so one that is, or is gone, was damaged since. */
#ifndef ENGINE_RESULTS_JOURNAL_LENGTHS_H
#define ENGINE_RESULTS_JOURNAL_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/results/journal_record.h"

struct err;

struct segment_lengths {
	struct segment_length *all;
	size_t n;
};

/* -1: no memory. */
int segment_lengths_add(struct segment_lengths *l, struct segment_name name, uint64_t bytes);
/* What a RECORD_SEGMENTS or RECORD_END says: 0, 1 it makes no sense, -1 no memory. */
int segment_lengths_take(struct segment_lengths *l, const struct record *record, unsigned newest_run);
/* By run and worker, each once, with the most that was said of it. */
void segment_lengths_sort(struct segment_lengths *l);
/* Once sorted: 0 when nothing was said of it. */
uint64_t segment_lengths_of(const struct segment_lengths *l, struct segment_name name);
void segment_lengths_release(struct segment_lengths *l);

/* -1 with e (ERR_CONFLICT): one is gone or shorter. */
int segment_lengths_check(const struct segment_lengths *l, const char *results_path, struct err *e);
/* Brings all segments to disk; *longer gets those that are longer than `known` says, by run and worker. -1 with
 * ERR_CONFLICT: one is of a run behind the newest. With the lock held: nobody begins a run meanwhile. */
int segment_lengths_sync(const struct segment_lengths *known, const char *results_path, unsigned newest_run,
			 struct segment_lengths *longer, struct err *e);

#endif
