/* rng.h - random numbers: from the kernel where they must not be guessed, from a seed where the
 * same run must come out again. A struct rng belongs to one thread. */
#ifndef ENGINE_BASE_RNG_H
#define ENGINE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct rng {
	uint64_t s[4]; /* xoshiro256** */
};

/* Fills p from getrandom(2). */
int rng_secret(void *p, size_t n, struct err *e);
void rng_seed(struct rng *r, uint64_t a, uint64_t b);
uint64_t rng_next(struct rng *r);
/* 0 .. below - 1, without bias; below > 0. */
uint64_t rng_below(struct rng *r, uint64_t below);

#endif
