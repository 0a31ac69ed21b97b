/* waiting.h - rows that wait until they are due: the nearest in memory, the others in a temporary file.
 *
 * Rows wait as places in the list, not as data. Any number of them may wait; memory is bounded, unless the
 * temporary file takes nothing: then waiting_is_full() says so, and who can should put no more. The feeder's
 * thread owns it. */
#ifndef ENGINE_RUN_WAITING_H
#define ENGINE_RUN_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/rows/rows.h"
#include "engine/run/work.h"

struct err;

enum { WAITING_NEAR_MAX = 65536 }; /* rows in memory, some 7 MiB */

struct waiting_row {
	int64_t due_ms; /* monotonic */
	struct row_place place;
	struct work_item item;
};

struct waiting_run;

struct waiting {
	uint64_t n;               /* all who wait */
	uint32_t near_max;        /* rows in memory; 0: WAITING_NEAR_MAX */
	struct waiting_row *near; /* binary heap, the row that is due first on top */
	uint32_t n_near, capacity;
	struct waiting_run *runs; /* in the file, each in the order of due times */
	uint32_t n_runs;
	int fd;                   /* valid when there are runs or was one; made when first needed */
	bool has_file, no_room;
	uint64_t file_bytes;
};

/* An all zero one is empty and ready. */
void waiting_release(struct waiting *w);
int waiting_put(struct waiting *w, const struct waiting_row *row); /* -1: no memory */
/* The row that is due first, when it is at now_ms: 1 and *out, taken off; 0 none; -1 with e: the file
 * cannot be read back. */
int waiting_take(struct waiting *w, int64_t now_ms, struct waiting_row *out, struct err *e);
/* When the next one is due; INT64_MAX: nobody waits. */
int64_t waiting_due_ms(const struct waiting *w);
bool waiting_is_full(const struct waiting *w);

#endif
