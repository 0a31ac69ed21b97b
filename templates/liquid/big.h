/* big.h - whole numbers of any size, in limbs of nine digits, with a sign and a scale that ride
 * along. Private to the room: number.c makes numbers of the language of them. */
#ifndef TEMPLATES_LIQUID_BIG_H
#define TEMPLATES_LIQUID_BIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/model/value.h"
#include "templates/liquid/number.h"

enum { LIMB_DIGITS = 9, LIMBS_MAX = NUMBER_DIGITS_MAX / LIMB_DIGITS + 1 };

/* A number while it is worked on; d points to small, into a value, or into the arena. */
struct big {
	bool negative, decimal;
	uint32_t scale, n;
	const uint32_t *d;
};

/* small holds the limbs of a VALUE_INT. */
struct big big_load(struct value v, uint32_t small[3]);
/* Decimal digits of limbs without leading zeros. */
uint32_t big_digits(const uint32_t *d, uint32_t n);
/* The digit at 10^place of the limbs. */
static inline unsigned big_digit(const struct big *x, uint32_t place)
{
	static const uint32_t tens[LIMB_DIGITS] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };

	return place / LIMB_DIGITS < x->n ? x->d[place / LIMB_DIGITS] / tens[place % LIMB_DIGITS] % 10 : 0;
}

/* All below: limbs only, sign and scale are the caller's. 0; -1 when memory ran out or the result
 * is far too long. */
int big_shift_up(struct arena *a, struct big *x, uint32_t places); /* times 10^places */
/* Without the last places digits; *lost: any of them was not 0, *half: the first of them. */
int big_shift_down(struct arena *a, struct big *x, uint32_t places, bool *lost, unsigned *half);
int big_compare(const struct big *x, const struct big *y);
int big_add(struct arena *a, const struct big *x, const struct big *y, struct big *out);
int big_sub(struct arena *a, const struct big *x, const struct big *y, struct big *out); /* x >= y */
int big_mul(struct arena *a, const struct big *x, const struct big *y, struct big *out);
int big_div(struct arena *a, const struct big *x, const struct big *y, struct big *q, struct big *r); /* y not 0 */
int big_bump(struct arena *a, struct big *x); /* one more */
/* The digits, most significant first, *n of them; NULL without memory. */
char *big_text(struct arena *a, const struct big *x, uint32_t *n);
int big_of_text(struct arena *a, const char *p, size_t n, struct big *out);
/* Zeros behind the point go, with the scale. */
int big_strip_zeros(struct arena *a, struct big *x);

#endif
