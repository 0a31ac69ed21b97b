/* rng.c - getrandom(2), and xoshiro256** seeded through splitmix64 (both public domain designs). */
#include "engine/base/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "engine/base/err.h"

int rng_secret(void *p, size_t n, struct err *e)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, "the kernel gives no random numbers");
		}
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t a, uint64_t b)
{
	uint64_t second = b ^ splitmix(&a);

	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(i & 1 ? &second : &a);
	if (!(r->s[0] | r->s[1] | r->s[2] | r->s[3]))
		r->s[0] = 1; /* the one state it never leaves */
}

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s, out = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return out;
}

uint64_t rng_below(struct rng *r, uint64_t below)
{
	uint64_t uneven = -below % below; /* 2^64 modulo below: that many values are one too many */
	uint64_t x;

	do
		x = rng_next(r);
	while (x < uneven);
	return x % below;
}
