/* utf8.c - characters out of bytes.
 *
 *  1. Only the shortest form of a code point counts, no surrogate, nothing above U+10FFFF: the
 *     bounds of the second byte (Unicode, table 3-7) say all of it.
 *  2. A byte that begins no character is one bad byte, and reading goes on behind it, so that
 *     all functions see the same characters in the same text.
 * Held by tests/unit/test_base_utf8.c. */
#include "engine/base/utf8.h"

#include "engine/base/utf8_blocks.h"

enum {
	DISTANCE_CHARS_MAX = 96 /* longer names are compared for equality alone */
};

/* Bytes of the character at p (n > 0 bytes), 0 when there is none. */
static size_t char_size(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t size;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < size)
		return 0;
	switch (p[0]) {
	case 0xe0: lo = 0xa0; break;
	case 0xed: hi = 0x9f; break;
	case 0xf0: lo = 0x90; break;
	case 0xf4: hi = 0x8f; break;
	default: break;
	}
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

static size_t size_at(struct span s, size_t at)
{
	return char_size((const unsigned char *)s.p + at, s.n - at);
}

int32_t utf8_take(struct span *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t size = char_size(p, s->n);
	int32_t c;

	s->p += size ? size : 1;
	s->n -= size ? size : 1;
	switch (size) {
	case 0: return -1;
	case 1: return p[0];
	case 2: c = p[0] & 0x1f; break;
	case 3: c = p[0] & 0x0f; break;
	default: c = p[0] & 0x07; break;
	}
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

size_t utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18 & 7));
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static inline uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

/* Index of the first byte that is not 0. */
static inline size_t first_of(uint64_t word)
{
	int bits = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_ctzll(word) : __builtin_clzll(word);

	return (size_t)bits / 8;
}

/* Index of the first byte from `at` on that is above 127, or s.n; eight bytes at a time. */
static size_t skip_ascii(struct span s, size_t at)
{
	const uint64_t high = 0x8080808080808080;

	for (; s.n - at >= 8; at += 8) {
		uint64_t found = word_at(s.p + at) & high;

		if (found)
			return at + first_of(found);
	}
	while (at < s.n && !(s.p[at] & 0x80))
		at++;
	return at;
}

static bool is_printable(char c)
{
	return c >= ' ' && c < 0x7f; /* a byte above 127 is negative, or above */
}

size_t utf8_printable_run(struct span s)
{
	const uint64_t each = 0x0101010101010101;
	size_t at = 0;
	uint64_t word;

	for (; s.n - at >= 8; at += 8) { /* what is too low or too high lends or carries into a highest bit */
		memcpy(&word, s.p + at, sizeof word);
		if ((word | (word - ' ' * each) | (word + each)) & 0x80 * each)
			break;
	}
	while (at < s.n && is_printable(s.p[at]))
		at++;
	return at;
}

size_t utf8_bad(struct span s)
{
	size_t at = skip_ascii(s, 0);

	if (at < s.n)
		at += utf8_blocks(s.p + at, s.n - at);
	while (at < s.n) {
		size_t size = size_at(s, at);

		if (size == 0)
			return at;
		at += size;
		if (at < s.n && !(s.p[at] & 0x80))
			at = skip_ascii(s, at);
	}
	return at;
}

bool utf8_valid(struct span s)
{
	return utf8_bad(s) == s.n;
}

bool utf8_ascii(struct span s)
{
	return skip_ascii(s, 0) == s.n;
}

size_t utf8_length(struct span s)
{
	size_t count = 0;

	for (size_t at = 0; at < s.n; count++) {
		size_t size = size_at(s, at);

		at += size ? size : 1;
	}
	return count;
}

size_t utf8_index(struct span s, size_t n)
{
	size_t at = 0;

	for (; n > 0 && at < s.n; n--) {
		size_t size = size_at(s, at);

		at += size ? size : 1;
	}
	return at;
}

struct span utf8_cut(struct span s, size_t max)
{
	if (s.n <= max)
		return s;
	/* A character that reaches over the edge begins at most three bytes before it. */
	for (size_t back = 1; back <= 3 && back <= max; back++) {
		size_t size = size_at(s, max - back);

		if (size > 0)
			return (struct span){ s.p, size > back ? max - back : max };
	}
	return (struct span){ s.p, max };
}

/* Controls, and what would turn or break the line it stands in. */
static bool harmful(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

size_t utf8_printable(struct span s, char *out, size_t out_size)
{
	size_t n = 0;

	if (out_size == 0)
		return 0;
	while (s.n > 0) {
		struct span plain = span_sub(s, 0, utf8_printable_run(s)), rest = span_skip(s, plain.n);
		const char *from = rest.p;
		size_t size;
		int32_t c;

		plain = span_sub(plain, 0, out_size - n - 1);
		if (plain.n > 0)
			memcpy(out + n, plain.p, plain.n);
		n += plain.n;
		s = rest;
		if (s.n == 0)
			break;
		c = utf8_take(&s);
		size = (size_t)(s.p - from);
		if (harmful(c))
			size = 1;
		if (n + size >= out_size)
			break;
		if (harmful(c))
			out[n] = '?';
		else
			memcpy(out + n, from, size);
		n += size;
	}
	out[n] = '\0';
	return n;
}

/* Characters of s with ASCII letters made small, or -1 when there are too many. */
static int decode(struct span s, int32_t out[DISTANCE_CHARS_MAX])
{
	int n = 0;

	while (s.n > 0) {
		int32_t c = utf8_take(&s);

		if (n == DISTANCE_CHARS_MAX)
			return -1;
		out[n++] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	}
	return n;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned utf8_distance(struct span a, struct span b, unsigned most)
{
	int32_t x[DISTANCE_CHARS_MAX], y[DISTANCE_CHARS_MAX];
	unsigned rows[3][DISTANCE_CHARS_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	int nx = decode(a, x), ny = decode(b, y);

	if (nx < 0 || ny < 0)
		return span_case_eq(a, b) ? 0 : most + 1;
	for (int j = 0; j <= ny; j++)
		above[j] = before[j] = (unsigned)j;
	for (int i = 1; i <= nx; i++) {
		unsigned *recycled = before;

		row[0] = (unsigned)i;
		for (int j = 1; j <= ny; j++) {
			unsigned d = above[j - 1] + (x[i - 1] != y[j - 1]);

			d = least(d, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				d = least(d, before[j - 2] + 1);
			row[j] = d;
		}
		before = above;
		above = row;
		row = recycled;
	}
	return above[ny] > most ? most + 1 : above[ny];
}
