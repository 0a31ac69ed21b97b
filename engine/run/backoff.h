/* backoff.h - domains that say "not now" again and again: their other rows wait as well, and one goes ahead now
 * and then to see whether it has passed.
 *
 * Who reads the list asks backoff_ask() and lets rows wait as places in the list; who sends asks once more just
 * before MAIL, and tells what came of it. Safe in any thread: one lock guards all, and nobody takes it while no
 * domain says "not now". */
#ifndef ENGINE_RUN_BACKOFF_H
#define ENGINE_RUN_BACKOFF_H

#include <stdint.h>

#include "engine/base/span.h"
#include "engine/model/verdict.h"

struct backoff;
struct err;

enum {
	BACKOFF_AFTER = 5,      /* deferrals of a domain, and nothing else from it in between */
	BACKOFF_LEAST_MS = 1000 /* a run that tries again for less does without: nobody would be waited for */
};

/* The waits are those of retry.h for that time. */
int backoff_new(struct backoff **out, int64_t retry_for_ms, struct err *e);
void backoff_free(struct backoff **b);
/* May a row to that address (local@domain, or as in a list) go now? 0 it may; else the milliseconds until it is
 * worth asking again. held_since_ms: when the row was first told to wait, or tried, or is now; -1: that was
 * retry_for ago, and its domain still says "not now". Monotonic times. */
int64_t backoff_ask(struct backoff *b, struct span address, int64_t held_since_ms, int64_t now_ms);
/* A message to that path is begun: if its domain was to be asked again, this is the one that does. */
void backoff_began(struct backoff *b, struct span path, int64_t now_ms);
/* What came of one. */
void backoff_told(struct backoff *b, struct span path, const struct verdict *v, int64_t now_ms);
/* For a row that waited enough: deferred, and what its domain said to others. */
void backoff_verdict(struct backoff *b, struct span path, struct verdict *out);

#endif
