/* hash.c - SipHash-2-4 after the paper of Aumasson and Bernstein, 2012; the paper's own vectors
 * are in tests/unit/test_base_hash.c. */
#include "engine/base/hash.h"

#include "engine/base/bytes.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static inline void sip_round(struct state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

uint64_t hash_span(struct hash_key key, struct span s)
{
	struct state st = {
		key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
		key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573,
	};
	uint64_t last = (uint64_t)s.n << 56;
	size_t whole = s.n & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		absorb(&st, get_le64(s.p + i));
	for (size_t i = whole; i < s.n; i++)
		last |= (uint64_t)(unsigned char)s.p[i] << 8 * (i - whole);
	absorb(&st, last);
	st.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&st);
	return st.v0 ^ st.v1 ^ st.v2 ^ st.v3;
}
