/* hash.c - SipHash-2-4 after the paper of Aumasson and Bernstein, 2012, and its form with a result of
 * 128 bits; the published vectors are in tests/unit/test_base_hash.c. */
#include "engine/base/hash.h"

#include "engine/base/bytes.h"

enum {
	HEAD_BYTES = 7,       /* of a span, in its first word */
	LENGTH_FOLLOWS = 255  /* in the length's place: it is the next word */
};

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

static inline struct state begin(struct hash_key key)
{
	return (struct state){
		key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
		key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573,
	};
}

/* The last n % 8 bytes as a word, filled up with zeros: read by loads that overlap, never beyond the ends. */
static inline uint64_t rest_of(struct span s)
{
	size_t n = s.n & 7;
	const unsigned char *p = (const unsigned char *)s.p;

	if (n == 0)
		return 0;
	if (s.n > n)
		return get_le64(p + s.n - 8) >> 8 * (8 - n);
	if (n >= 4)
		return get_le32(p) | (uint64_t)get_le32(p + n - 4) << 8 * (n - 4);
	return p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) | (uint64_t)p[n - 1] << 8 * (n - 1);
}

static inline void absorb_whole_words(struct state *st, struct span s)
{
	for (size_t i = 0; i + 8 <= s.n; i += 8)
		absorb(st, get_le64(s.p + i));
}

static inline uint64_t finish(struct state *st)
{
	for (int i = 0; i < 4; i++)
		sip_round(st);
	return st->v0 ^ st->v1 ^ st->v2 ^ st->v3;
}

uint64_t hash_span(struct hash_key key, struct span s)
{
	struct state st = begin(key);

	absorb_whole_words(&st, s);
	absorb(&st, rest_of(s) | (uint64_t)s.n << 56);
	st.v2 ^= 0xff;
	return finish(&st);
}

/* Its first word has the length above and up to seven of its bytes below, so that where a span ends is known
 * before it does: no two lists of spans are the same words. */
static inline uint64_t absorb_span(struct state *st, struct span s)
{
	const uint64_t length = s.n < LENGTH_FOLLOWS ? s.n : LENGTH_FOLLOWS;
	uint64_t words = 1;

	if (s.n <= HEAD_BYTES) {
		absorb(st, rest_of(s) | length << 56);
		return words;
	}
	absorb(st, (get_le64(s.p) & UINT64_MAX >> 8) | length << 56);
	if (length == LENGTH_FOLLOWS) {
		absorb(st, s.n);
		words++;
	}
	absorb_whole_words(st, span_skip(s, HEAD_BYTES));
	if ((s.n - HEAD_BYTES) & 7)
		absorb(st, get_le64(s.p + s.n - 8) >> 8 * (8 - ((s.n - HEAD_BYTES) & 7)));
	return words + (s.n - HEAD_BYTES + 7) / 8;
}

struct hash_wide hash_spans(struct hash_key key, const struct span *spans, size_t n)
{
	struct state st = begin(key);
	struct hash_wide out;
	uint64_t bytes = 0;

	st.v1 ^= 0xee;
	for (size_t i = 0; i < n; i++)
		bytes += 8 * absorb_span(&st, spans[i]);
	absorb(&st, bytes << 56);
	st.v2 ^= 0xee;
	out.a = finish(&st);
	st.v1 ^= 0xdd;
	out.b = finish(&st);
	return out;
}
