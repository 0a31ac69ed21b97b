/* number.h - numbers of the language: integers of any size and exact decimals.
 *
 * An integer that fits 64 bits is VALUE_INT; every other number is VALUE_NUMBER. Arguments called
 * x and y are of these two kinds. Results live in the arena. Pure functions, any thread. */
#ifndef TEMPLATES_LIQUID_NUMBER_H
#define TEMPLATES_LIQUID_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/value.h"

enum {
	NUMBER_LIMB = 1000000000,  /* base of the digits: nine decimals a limb */
	NUMBER_DIGITS_MAX = 10000, /* longer ones are refused, so no product takes long */
	NUMBER_EXACT_DIGITS = 15   /* of a decimal's result; beyond, it is what a double would show */
};

struct number { /* (-1)^negative * limbs * 10^-scale */
	bool negative;
	bool decimal;   /* was written with a point: prints with one */
	uint32_t scale; /* 0 for integers */
	uint32_t n;
	uint32_t limbs[]; /* least first, no leading zero limb */
};

enum number_rounding { NUMBER_HALF_UP, NUMBER_FLOOR, NUMBER_CEIL };

/* Digits with an optional sign in front and an optional fraction: "-12", "3.50". Nothing else. */
bool number_like(struct span s);
/* s must be number_like(). 0; -1 when it is too long or memory ran out. */
int number_parse(struct arena *a, struct span s, struct value *out);
/* What arithmetic makes of a text: a decimal where all of it is one, else the integer it begins
 * with, else 0. */
int number_of_text(struct arena *a, struct span s, struct value *out);
/* The shortest decimal that names the same double. NaN and infinities become nil. */
int number_of_double(struct arena *a, double d, struct value *out);

/* 0; -1 when the result is too long or memory ran out. */
int number_add(struct arena *a, struct value x, struct value y, struct value *out);
int number_sub(struct arena *a, struct value x, struct value y, struct value *out);
int number_mul(struct arena *a, struct value x, struct value y, struct value *out);
/* Of two integers rounds down; y must not be zero. The remainder has the sign of y. */
int number_div(struct arena *a, struct value x, struct value y, struct value *out);
int number_mod(struct arena *a, struct value x, struct value y, struct value *out);
/* To so many decimals; 0 and below give an integer. */
int number_round(struct arena *a, struct value x, int64_t places, enum number_rounding how, struct value *out);
int number_abs(struct arena *a, struct value x, struct value *out);
/* -1, 0, 1 */
int number_compare(struct value x, struct value y);
bool number_is_zero(struct value x);
bool number_is_decimal(struct value x);
/* Without its fraction; cut to what 64 bits hold. */
int64_t number_trunc(struct value x);
/* Bytes in the reference's integers of this size: 8, or more for long ones. */
int64_t number_size(struct value x);
/* { NULL, 0 } when memory ran out. Never with an exponent. */
struct span number_text(struct arena *a, struct value x);

#endif
