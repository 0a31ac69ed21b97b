/* relay_policy.c - how long to wait. Pure code. */
#include "transport/relay/relay_policy.h"

#include "engine/base/rng.h"

int64_t relay_backoff_ms(unsigned failures, struct rng *rng)
{
	int64_t ms = RELAY_BACKOFF_MS;

	for (unsigned i = 1; i < failures && ms < RELAY_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > RELAY_BACKOFF_MAX_MS)
		ms = RELAY_BACKOFF_MAX_MS;
	return ms - ms / 4 + (int64_t)rng_below(rng, (uint64_t)(ms / 2) + 1);
}
