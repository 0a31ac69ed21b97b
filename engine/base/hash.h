/* hash.h - SipHash-2-4: a keyed 64-bit hash that hostile keys cannot drive into one bucket. */
#ifndef ENGINE_BASE_HASH_H
#define ENGINE_BASE_HASH_H

#include <stdint.h>

#include "engine/base/span.h"

struct hash_key {
	uint64_t k0, k1;
};

struct hash_wide {
	uint64_t a, b;
};

uint64_t hash_span(struct hash_key key, struct span s);
/* SipHash-2-4 of 128 bits over n spans, each with its length and filled up to whole words: with a secret
 * key long enough to be taken for what it stands for. */
struct hash_wide hash_spans(struct hash_key key, const struct span *spans, size_t n);

#endif
