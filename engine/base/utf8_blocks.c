/* utf8_blocks.c - sixteen bytes of UTF-8 looked at in one step, where the processor can (SSSE3).
 *
 * After J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2021):
 *  1. Each way in which two neighbours can be wrong is a bit. Three tables, asked by the high and the low half of
 *     the first byte and the high half of the second, each say which ways they leave open; what all three leave
 *     open has happened (Unicode, table 3-7, has the bounds).
 *  2. Two continuation bytes in a row are right only behind a lead of three or four bytes, two or three places
 *     before: that way is told by those leads and not by its bit alone.
 *  3. Nothing is said of where a mistake is: the block before it is the last that counts.
 * Held by tests/unit/test_base_utf8.c, which compares it with the way of one character at a time. */
#include "engine/base/utf8_blocks.h"

#ifdef __x86_64__
#include <tmmintrin.h>

enum { BLOCK = 16 };

enum {                         /* first byte, second byte */
	SHORT = 1 << 0,        /* a lead, no continuation */
	LONG = 1 << 1,         /* ASCII, a continuation */
	OVERLONG_3 = 1 << 2,   /* E0, below A0 */
	SURROGATE = 1 << 3,    /* ED, from A0 on */
	OVERLONG_2 = 1 << 4,   /* C0 or C1, a continuation */
	TOO_LARGE = 1 << 5,    /* F4 and above, from 90 on */
	OVERLONG_4 = 1 << 6,   /* F0, below 90; it also stands for F5 and above, below 90 */
	CONTINUED = 1 << 7,    /* a continuation, a continuation (2) */
	ANY_LOW = SHORT | LONG | CONTINUED, /* what the low half of the first byte has no say in */
	HIGH_LOW = ANY_LOW | TOO_LARGE | OVERLONG_4
};

#define FOUR(x) x, x, x, x

/* What is wrong in a block, as bytes that are not 0; `before` is the block before it. */
__attribute__((target("ssse3")))
static inline __m128i mistakes(__m128i block, __m128i before)
{
	const __m128i first_high = _mm_setr_epi8(FOUR(LONG), FOUR(LONG), FOUR((char)CONTINUED), SHORT | OVERLONG_2, SHORT,
						 SHORT | OVERLONG_3 | SURROGATE, SHORT | TOO_LARGE | OVERLONG_4);
	const __m128i first_low = _mm_setr_epi8(
		(char)(ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(ANY_LOW | OVERLONG_2), (char)ANY_LOW,
		(char)ANY_LOW, (char)(ANY_LOW | TOO_LARGE), FOUR((char)HIGH_LOW), FOUR((char)HIGH_LOW),
		(char)(HIGH_LOW | SURROGATE), (char)HIGH_LOW, (char)HIGH_LOW);
	const __m128i second_high = _mm_setr_epi8(
		FOUR(SHORT), FOUR(SHORT), (char)(LONG | CONTINUED | OVERLONG_2 | OVERLONG_3 | OVERLONG_4),
		(char)(LONG | CONTINUED | OVERLONG_2 | OVERLONG_3 | TOO_LARGE),
		(char)(LONG | CONTINUED | OVERLONG_2 | SURROGATE | TOO_LARGE),
		(char)(LONG | CONTINUED | OVERLONG_2 | SURROGATE | TOO_LARGE), FOUR(SHORT));
	const __m128i half = _mm_set1_epi8(0x0f), top = _mm_set1_epi8((char)0x80);
	__m128i first = _mm_alignr_epi8(block, before, BLOCK - 1);
	__m128i wrong = _mm_and_si128(
		_mm_and_si128(_mm_shuffle_epi8(first_high, _mm_and_si128(_mm_srli_epi16(first, 4), half)),
			      _mm_shuffle_epi8(first_low, _mm_and_si128(first, half))),
		_mm_shuffle_epi8(second_high, _mm_and_si128(_mm_srli_epi16(block, 4), half)));
	/* (2): saturated, so that only E0 and above, or F0 and above, keep the highest bit */
	__m128i third = _mm_subs_epu8(_mm_alignr_epi8(block, before, BLOCK - 2), _mm_set1_epi8(0xe0 - 0x80));
	__m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(block, before, BLOCK - 3), _mm_set1_epi8(0xf0 - 0x80));

	return _mm_xor_si128(_mm_and_si128(_mm_or_si128(third, fourth), top), wrong);
}

__attribute__((target("ssse3")))
static size_t good_blocks(const char *p, size_t n)
{
	__m128i before = _mm_setzero_si128();
	size_t at = 0;

	for (; n - at >= BLOCK; at += BLOCK) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
		__m128i wrong = mistakes(block, before);

		if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xffff)
			break;
		before = block;
	}
	return at;
}

size_t utf8_blocks(const char *p, size_t n)
{
	size_t at = __builtin_cpu_supports("ssse3") ? good_blocks(p, n) : 0;

	for (size_t back = 1; back <= 3 && back <= at; back++) /* a character that reaches over the edge */
		if ((unsigned char)p[at - back] >= 0xc0)
			return at - back;
	return at;
}

#else

size_t utf8_blocks(const char *p, size_t n)
{
	(void)p;
	(void)n;
	return 0;
}

#endif
