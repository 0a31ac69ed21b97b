/* retry.c - growing waits with jitter.
 * Held by tests/unit/test_run_retry.c: waits grow, stay in their bounds, end with retry_for. */
#include "engine/run/retry.h"

#include "engine/base/rng.h"

enum { FIRST_MIN_MS = 200, FIRST_MAX_MS = 5000, WAIT_MAX_MS = 300000 };

int64_t retry_pause_ms(uint32_t attempts, int64_t retry_for_ms, struct rng *r)
{
	int64_t wait = retry_for_ms / 60;

	if (wait < FIRST_MIN_MS)
		wait = FIRST_MIN_MS;
	if (wait > FIRST_MAX_MS)
		wait = FIRST_MAX_MS;
	for (uint32_t i = 1; i < attempts && wait < WAIT_MAX_MS; i++)
		wait *= 2;
	if (wait > WAIT_MAX_MS)
		wait = WAIT_MAX_MS;
	return wait + wait / 10 - (int64_t)rng_below(r, (uint64_t)(wait / 5 + 1));
}

int64_t retry_wait_ms(uint32_t attempts, int64_t since_first_ms, int64_t retry_for_ms, struct rng *r)
{
	int64_t wait = retry_pause_ms(attempts, retry_for_ms, r);

	return since_first_ms + wait > retry_for_ms ? -1 : wait;
}
