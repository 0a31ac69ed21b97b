/* hash.h - SipHash-2-4: a keyed 64-bit hash that hostile keys cannot drive into one bucket. */
#ifndef ENGINE_BASE_HASH_H
#define ENGINE_BASE_HASH_H

#include <stdint.h>

#include "engine/base/span.h"

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_span(struct hash_key key, struct span s);

#endif
