/* number.c - decimal arithmetic on limbs of nine digits.
 *
 * The reference keeps integers of any size, does arithmetic on decimals exactly, and then turns a
 * decimal result into a double, of which it prints the shortest form. So do we, without doubles
 * in between wherever 15 digits are enough, because any decimal of 15 digits survives that trip.
 *
 * Invariants, held by tests/unit/test_liquid_number.c:
 *  1. A value of kind VALUE_NUMBER never holds an integer that fits 64 bits.
 *  2. limbs has no leading zero limb; zero has n == 0 and no sign.
 *  3. A decimal has no trailing zero behind its point, and at most 17 significant digits unless it
 *     was written with more.
 *  4. Nothing here depends on the locale: text goes to strtod() without a point. */
#include "templates/liquid/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "templates/liquid/big.h"

enum { DIV_DIGITS = 40 };

/* The double nearest to x, shown in as few digits as name it (invariant 4). */
static int through_double(struct arena *a, struct big *x)
{
	uint32_t n;
	char *text = big_text(a, x, &n), form[48], *whole;

	if (!text || !(whole = arena_take(a, (size_t)n + 16)))
		return -1;
	snprintf(whole, (size_t)n + 16, "%.*se-%u", (int)n, text, x->scale);
	double d = strtod(whole, NULL);

	if (isinf(d))
		return -1;
	if (d == 0) {
		x->n = x->scale = 0;
		return 0;
	}
	int exponent = 0;
	char mantissa[24];

	for (int precision = 14; precision < 17; precision++) {
		snprintf(form, sizeof form, "%.*e", precision, d);
		size_t k = 0, i = 0;

		for (; form[i] && form[i] != 'e'; i++)
			if (form[i] >= '0' && form[i] <= '9')
				mantissa[k++] = form[i];
		mantissa[k] = '\0';
		exponent = (int)strtol(form + i + 1, NULL, 10) - precision;
		snprintf(form, sizeof form, "%se%d", mantissa, exponent);
		if (strtod(form, NULL) == d)
			break;
	}
	if (big_of_text(a, mantissa, strlen(mantissa), x) < 0)
		return -1;
	x->scale = exponent < 0 ? (uint32_t)-exponent : 0;
	return (exponent > 0 ? big_shift_up(a, x, (uint32_t)exponent) : 0) || big_strip_zeros(a, x) ? -1 : 0;
}

static int store(struct arena *a, struct big *x, struct value *out)
{
	if (x->decimal) {
		if (big_strip_zeros(a, x) < 0)
			return -1;
	} else if (x->n <= 3) {
		unsigned __int128 u = 0;

		for (uint32_t i = x->n; i-- > 0;)
			u = u * NUMBER_LIMB + x->d[i];
		if (u <= (unsigned __int128)INT64_MAX + x->negative) {
			*out = value_int(x->negative ? (int64_t)(0 - (uint64_t)u) : (int64_t)u);
			return 0;
		}
	}
	if (big_digits(x->d, x->n) > NUMBER_DIGITS_MAX)
		return -1;
	struct number *m = arena_take(a, sizeof *m + x->n * sizeof m->limbs[0]);

	if (!m)
		return -1;
	m->negative = x->negative && x->n;
	m->decimal = x->decimal;
	m->scale = x->scale;
	m->n = x->n;
	if (x->n)
		memcpy(m->limbs, x->d, x->n * sizeof m->limbs[0]);
	*out = (struct value){ .kind = VALUE_NUMBER, .number = m };
	return 0;
}

/* A result of arithmetic: decimals longer than 15 digits become what a double shows. */
static int settle(struct arena *a, struct big *x, struct value *out)
{
	if (x->decimal) {
		if (big_strip_zeros(a, x) < 0)
			return -1;
		if (big_digits(x->d, x->n) > NUMBER_EXACT_DIGITS && through_double(a, x) < 0)
			return -1;
	}
	return store(a, x, out);
}

bool number_like(struct span s)
{
	size_t i = s.n && s.p[0] == '-', from = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == from)
		return false;
	if (i == s.n)
		return true;
	if (s.p[i++] != '.')
		return false;
	from = i;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i == s.n && i > from;
}

int number_parse(struct arena *a, struct span s, struct value *out)
{
	struct big x = { .negative = s.n && s.p[0] == '-' };

	s = span_skip(s, x.negative);
	size_t dot = span_find(s, '.');

	if (s.n <= 18 && dot == s.n) { /* the usual case, without memory */
		int64_t i = 0;

		for (size_t k = 0; k < s.n; k++)
			i = i * 10 + (s.p[k] - '0');
		*out = value_int(x.negative ? -i : i);
		return 0;
	}
	if (s.n > NUMBER_DIGITS_MAX)
		return -1;
	if (dot < s.n) {
		char *joined = arena_take(a, s.n);

		if (!joined)
			return -1;
		memcpy(joined, s.p, dot);
		memcpy(joined + dot, s.p + dot + 1, s.n - dot - 1);
		x.scale = (uint32_t)(s.n - dot - 1);
		x.decimal = true;
		s = span_of(joined, s.n - 1);
	}
	if (big_of_text(a, s.p, s.n, &x) < 0)
		return -1;
	return settle(a, &x, out);
}

int number_of_text(struct arena *a, struct span s, struct value *out)
{
	s = span_trim(s);
	if (number_like(s))
		return number_parse(a, s, out);
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	size_t from = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == from) {
		*out = value_int(0);
		return 0;
	}
	if (s.p[0] == '+')
		return number_parse(a, span_sub(s, 1, i - 1), out);
	return number_parse(a, span_sub(s, 0, i), out);
}

int number_of_double(struct arena *a, double d, struct value *out)
{
	char text[400];

	if (isnan(d) || isinf(d)) {
		*out = VALUE_OF_NIL;
		return 0;
	}
	/* 17 digits name every double; the point may be the locale's, so it is looked for by place. */
	snprintf(text, sizeof text, "%.16e", fabs(d));
	char mantissa[24];
	size_t i = 0, k = 0;

	for (; text[i] && text[i] != 'e'; i++)
		if (text[i] >= '0' && text[i] <= '9')
			mantissa[k++] = text[i];
	int exponent = (int)strtol(text + i + 1, NULL, 10) - 16;
	struct big x = { .negative = d < 0, .decimal = true };

	if (big_of_text(a, mantissa, k, &x) < 0)
		return -1;
	x.scale = exponent < 0 ? (uint32_t)-exponent : 0;
	if (exponent > 0 && big_shift_up(a, &x, (uint32_t)exponent) < 0)
		return -1;
	return settle(a, &x, out);
}

static int same_scale(struct arena *a, struct big *x, struct big *y)
{
	uint32_t scale = x->scale > y->scale ? x->scale : y->scale;

	if (big_shift_up(a, x, scale - x->scale) < 0 || big_shift_up(a, y, scale - y->scale) < 0)
		return -1;
	x->scale = y->scale = scale;
	return 0;
}

static int sum(struct arena *a, struct big x, struct big y, struct value *out)
{
	struct big r = { .decimal = x.decimal || y.decimal };

	if (same_scale(a, &x, &y) < 0)
		return -1;
	r.scale = x.scale;
	if (x.negative == y.negative) {
		r.negative = x.negative;
		return big_add(a, &x, &y, &r) < 0 ? -1 : settle(a, &r, out);
	}
	int c = big_compare(&x, &y);

	r.negative = c < 0 ? y.negative : x.negative;
	return (c < 0 ? big_sub(a, &y, &x, &r) : big_sub(a, &x, &y, &r)) < 0 ? -1 : settle(a, &r, out);
}

int number_add(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_add_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	return sum(a, big_load(x, sx), big_load(y, sy), out);
}

int number_sub(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_sub_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	struct big by = big_load(y, sy);

	by.negative = !by.negative;
	return sum(a, big_load(x, sx), by, out);
}

int number_mul(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_mul_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	struct big bx = big_load(x, sx), by = big_load(y, sy), r = { .decimal = bx.decimal || by.decimal };

	r.negative = bx.negative != by.negative;
	r.scale = bx.scale + by.scale;
	return big_mul(a, &bx, &by, &r) < 0 ? -1 : settle(a, &r, out);
}

/* Floor division and its remainder, both numbers brought to one scale. */
static int floor_div(struct arena *a, struct big x, struct big y, struct big *q, struct big *r)
{
	bool whole;

	if (same_scale(a, &x, &y) < 0 || big_div(a, &x, &y, q, r) < 0)
		return -1;
	whole = r->n == 0;
	q->negative = x.negative != y.negative;
	r->negative = y.negative;
	r->scale = x.scale;
	q->scale = 0;
	if (!whole && q->negative) /* rounded towards zero so far */
		return big_bump(a, q) < 0 || big_sub(a, &y, r, r) < 0 ? -1 : 0;
	return 0;
}

int number_div(struct arena *a, struct value x, struct value y, struct value *out)
{
	uint32_t sx[3], sy[3];
	struct big bx = big_load(x, sx), by = big_load(y, sy), q = { 0 }, r = { 0 };

	if (!bx.decimal && !by.decimal)
		return floor_div(a, bx, by, &q, &r) < 0 ? -1 : store(a, &q, out);
	/* Enough digits that rounding them to a double is rounding the quotient. */
	uint32_t have = big_digits(bx.d, bx.n), want = big_digits(by.d, by.n) + DIV_DIGITS;
	uint32_t up = have < want ? want - have : 0;

	if (by.scale > bx.scale + up)
		up = by.scale - bx.scale;
	if (big_shift_up(a, &bx, up) < 0 || big_div(a, &bx, &by, &q, &r) < 0)
		return -1;
	q.negative = bx.negative != by.negative;
	q.decimal = true;
	q.scale = bx.scale + up - by.scale;
	return settle(a, &q, out);
}

int number_mod(struct arena *a, struct value x, struct value y, struct value *out)
{
	uint32_t sx[3], sy[3];
	struct big bx = big_load(x, sx), by = big_load(y, sy), q = { 0 }, r = { 0 };

	r.decimal = bx.decimal || by.decimal;
	return floor_div(a, bx, by, &q, &r) < 0 ? -1 : settle(a, &r, out);
}

int number_round(struct arena *a, struct value x, int64_t places, enum number_rounding how, struct value *out)
{
	uint32_t small[3];
	struct big b = big_load(x, small);
	bool lost;
	unsigned half;

	if (places < -NUMBER_DIGITS_MAX)
		places = -NUMBER_DIGITS_MAX;
	if (places >= (int64_t)b.scale && (places > 0 || !b.decimal)) {
		*out = x;
		return 0;
	}
	uint32_t drop = (uint32_t)((int64_t)b.scale - places);

	if (big_shift_down(a, &b, drop, &lost, &half) < 0)
		return -1;
	lost = lost || half;
	b.decimal = places > 0;
	b.scale = places > 0 ? (uint32_t)places : 0;
	bool up = how == NUMBER_HALF_UP ? half >= 5 : lost && b.negative == (how == NUMBER_FLOOR);

	if ((up && big_bump(a, &b) < 0) || (places < 0 && big_shift_up(a, &b, (uint32_t)-places) < 0))
		return -1;
	return settle(a, &b, out);
}

int number_abs(struct arena *a, struct value x, struct value *out)
{
	uint32_t small[3];
	struct big b = big_load(x, small);

	b.negative = false;
	return store(a, &b, out);
}

/* Digit k before (k >= 0) or behind the point. */
static unsigned digit_at(const struct big *x, int64_t k)
{
	int64_t place = k + x->scale;

	return place < 0 || place > UINT32_MAX ? 0 : big_digit(x, (uint32_t)place);
}

int number_compare(struct value x, struct value y)
{
	if (x.kind == VALUE_INT && y.kind == VALUE_INT)
		return x.i < y.i ? -1 : x.i > y.i;
	uint32_t sx[3], sy[3];
	struct big bx = big_load(x, sx), by = big_load(y, sy);

	if (bx.n == 0 || by.n == 0 || bx.negative != by.negative) {
		int signx = bx.n == 0 ? 0 : bx.negative ? -1 : 1, signy = by.n == 0 ? 0 : by.negative ? -1 : 1;

		return signx < signy ? -1 : signx > signy;
	}
	int64_t dx = (int64_t)big_digits(bx.d, bx.n) - bx.scale, dy = (int64_t)big_digits(by.d, by.n) - by.scale;
	int c = dx < dy ? -1 : dx > dy;
	int64_t low = -(int64_t)(bx.scale > by.scale ? bx.scale : by.scale);

	for (int64_t k = dx - 1; c == 0 && k >= low; k--) {
		unsigned u = digit_at(&bx, k), v = digit_at(&by, k);

		c = u < v ? -1 : u > v;
	}
	return bx.negative ? -c : c;
}

bool number_is_zero(struct value x)
{
	return x.kind == VALUE_INT ? x.i == 0 : x.number->n == 0;
}

bool number_is_decimal(struct value x)
{
	return x.kind == VALUE_NUMBER && x.number->decimal;
}

int64_t number_trunc(struct value x)
{
	uint32_t small[3];
	struct big b = big_load(x, small);
	int64_t i = 0;

	if (x.kind == VALUE_INT)
		return x.i;
	for (int64_t k = (int64_t)big_digits(b.d, b.n) - b.scale - 1; k >= 0; k--) {
		int64_t digit = digit_at(&b, k);

		if (__builtin_mul_overflow(i, 10, &i) ||
		    __builtin_add_overflow(i, b.negative ? -digit : digit, &i))
			return b.negative ? INT64_MIN : INT64_MAX;
	}
	return i;
}

int64_t number_size(struct value x)
{
	if (x.kind == VALUE_INT)
		return 8;
	double bits = big_digits(x.number->limbs, x.number->n) * 3.321928094887362;

	return (int64_t)(ceil(bits / 64) * 8);
}

struct span number_text(struct arena *a, struct value x)
{
	uint32_t small[3], n;
	struct big b = big_load(x, small);
	char *text = big_text(a, &b, &n);

	if (!text)
		return (struct span){ NULL, 0 };
	size_t whole = n > b.scale ? n - b.scale : 0;
	char *out = arena_take(a, (size_t)n + b.scale + 8), *p = out;

	if (!out)
		return (struct span){ NULL, 0 };
	if (b.negative)
		*p++ = '-';
	if (whole == 0)
		*p++ = '0';
	memcpy(p, text, whole);
	p += whole;
	if (b.decimal) {
		*p++ = '.';
		for (size_t i = n; i < b.scale; i++)
			*p++ = '0';
		memcpy(p, text + whole, n - whole);
		p += n - whole;
		if (b.scale == 0)
			*p++ = '0';
	}
	return span_of(out, (size_t)(p - out));
}
