/* retry.h - when a deferred row is due again. */
#ifndef ENGINE_RUN_RETRY_H
#define ENGINE_RUN_RETRY_H

#include <stdint.h>

struct rng;

/* How long to wait before the next try of what was deferred `attempts` times: grows from 1/60 of retry_for
 * (at least 200 ms, at most 5 s) by doubling up to 5 minutes, a fifth of it by chance. */
int64_t retry_pause_ms(uint32_t attempts, int64_t retry_for_ms, struct rng *r);
/* The same for a row; -1: the next try would come after first_try + retry_for: give up for this run. */
int64_t retry_wait_ms(uint32_t attempts, int64_t since_first_ms, int64_t retry_for_ms, struct rng *r);

#endif
