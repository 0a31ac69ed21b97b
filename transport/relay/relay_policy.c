/* relay_policy.c - how long to wait. Pure code. */
#include "transport/relay/relay_policy.h"

#include "engine/base/rng.h"

static int64_t doubling(int64_t ms, int64_t most_ms, unsigned times, struct rng *rng)
{
	for (unsigned i = 1; i < times && ms < most_ms; i++)
		ms *= 2;
	if (ms > most_ms)
		ms = most_ms;
	return ms - ms / 4 + (int64_t)rng_below(rng, (uint64_t)(ms / 2) + 1);
}

int64_t relay_backoff_ms(unsigned failures, struct rng *rng)
{
	return doubling(RELAY_BACKOFF_MS, RELAY_BACKOFF_MAX_MS, failures, rng);
}

int64_t relay_quiet_ms(unsigned pauses, struct rng *rng)
{
	return doubling(RELAY_QUIET_MS, RELAY_QUIET_MAX_MS, pauses, rng);
}
