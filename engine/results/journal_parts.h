/* journal_parts.h - the open journal, shared by journal.c and journal_segment.c only. */
#ifndef ENGINE_RESULTS_JOURNAL_PARTS_H
#define ENGINE_RESULTS_JOURNAL_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/results/journal_campaign.h"

struct journal {
	/* const once it is open, for any thread: */
	char *results_path, *folder;
	char *path;               /* of `campaign` */
	unsigned run;
	bool power_was_lost;
	struct campaign_log log;  /* as it was found; its header is that of the campaign */

	/* of the feeder's thread: */
	int fd, lock_fd;
	uint64_t end, synced;     /* bytes written; bytes known to be on disk */
	uint32_t sequence;
	struct buf out;
	bool broken;
	int why_broken;           /* errno of the sync that failed */
	struct segment_lengths made;   /* segments of this run, and how much of each is on disk */
	struct segment_lengths longer; /* earlier ones that are longer than `campaign` says */

	/* of all: */
	atomic_uint_fast64_t claims; /* made in the whole campaign */
	atomic_bool unsettled;       /* a segment was closed with something not on disk */
};

/* So much of that segment of this run is on disk: written into `campaign`, and comes to disk with the next claim.
 * The feeder's thread, or before there are threads. */
int journal_note_segment(struct journal *j, unsigned worker, uint64_t bytes, struct err *e);
uint64_t journal_segment_synced(const struct journal_segment *s);
/* The same for END. */
void journal_keep_length(struct journal *j, unsigned worker, uint64_t bytes);

#endif
