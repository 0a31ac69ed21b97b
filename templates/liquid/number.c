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

enum { LIMB_DIGITS = 9, LIMBS_MAX = NUMBER_DIGITS_MAX / LIMB_DIGITS + 1, DIV_DIGITS = 40 };

/* A number while it is worked on; d points to small, into a value, or into the arena. */
struct big {
	bool negative, decimal;
	uint32_t scale, n;
	const uint32_t *d;
};

static const uint32_t powers[LIMB_DIGITS] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };

static struct big load(struct value v, uint32_t small[3])
{
	if (v.kind == VALUE_NUMBER) {
		const struct number *x = v.number;

		return (struct big){ x->negative, x->decimal, x->scale, x->n, x->limbs };
	}
	uint64_t u = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
	struct big b = { .negative = v.i < 0, .d = small };

	for (; u; u /= NUMBER_LIMB)
		small[b.n++] = (uint32_t)(u % NUMBER_LIMB);
	return b;
}

static uint32_t trimmed(const uint32_t *d, uint32_t n)
{
	while (n && d[n - 1] == 0)
		n--;
	return n;
}

static uint32_t digits(const uint32_t *d, uint32_t n)
{
	if (n == 0)
		return 0;
	uint32_t count = (n - 1) * LIMB_DIGITS;

	for (uint32_t top = d[n - 1]; top; top /= 10)
		count++;
	return count;
}

static uint32_t *limbs_new(struct arena *a, size_t n)
{
	return n > LIMBS_MAX * 2 + 8 ? NULL : arena_array(a, n ? n : 1, sizeof(uint32_t));
}

/* The same digits times 10^places. */
static int shift_up(struct arena *a, struct big *x, uint32_t places)
{
	if (places == 0 || x->n == 0)
		return 0;
	uint32_t skip = places / LIMB_DIGITS, factor = powers[places % LIMB_DIGITS];
	uint32_t *d = limbs_new(a, (size_t)x->n + skip + 1);
	uint64_t carry = 0;

	if (!d)
		return -1;
	for (uint32_t i = 0; i < x->n; i++) {
		carry += (uint64_t)x->d[i] * factor;
		d[skip + i] = (uint32_t)(carry % NUMBER_LIMB);
		carry /= NUMBER_LIMB;
	}
	d[skip + x->n] = (uint32_t)carry;
	x->n = trimmed(d, x->n + skip + 1);
	x->d = d;
	return 0;
}

/* The digits without the last places ones; *lost tells whether any of those was not 0, *half the
 * first of them. */
static int shift_down(struct arena *a, struct big *x, uint32_t places, bool *lost, unsigned *half)
{
	*lost = false;
	*half = 0;
	if (places == 0)
		return 0;
	uint32_t skip = places / LIMB_DIGITS, power = powers[places % LIMB_DIGITS];
	uint32_t *d = limbs_new(a, x->n), rest = skip < x->n ? x->d[skip] % power : 0;

	if (!d)
		return -1;
	for (uint32_t i = 0; i < skip && i < x->n; i++)
		*lost = *lost || x->d[i];
	*lost = *lost || rest;
	if (power > 1)
		*half = rest / (power / 10);
	else if (skip - 1 < x->n)
		*half = x->d[skip - 1] / powers[LIMB_DIGITS - 1];
	for (uint32_t i = skip; i < x->n; i++) {
		uint32_t up = i + 1 < x->n ? x->d[i + 1] % power : 0;

		d[i - skip] = x->d[i] / power + up * (NUMBER_LIMB / power);
	}
	x->n = skip < x->n ? trimmed(d, x->n - skip) : 0;
	x->d = d;
	return 0;
}

static int cmp_limbs(const struct big *x, const struct big *y)
{
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (uint32_t i = x->n; i-- > 0;)
		if (x->d[i] != y->d[i])
			return x->d[i] < y->d[i] ? -1 : 1;
	return 0;
}

static int add_limbs(struct arena *a, const struct big *x, const struct big *y, struct big *out)
{
	uint32_t n = (x->n > y->n ? x->n : y->n) + 1, carry = 0;
	uint32_t *d = limbs_new(a, n);

	if (!d)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t sum = (uint64_t)(i < x->n ? x->d[i] : 0) + (i < y->n ? y->d[i] : 0) + carry;

		d[i] = (uint32_t)(sum % NUMBER_LIMB);
		carry = (uint32_t)(sum / NUMBER_LIMB);
	}
	out->n = trimmed(d, n);
	out->d = d;
	return 0;
}

/* x >= y in size. */
static int sub_limbs(struct arena *a, const struct big *x, const struct big *y, struct big *out)
{
	uint32_t *d = limbs_new(a, x->n);
	int64_t borrow = 0;

	if (!d)
		return -1;
	for (uint32_t i = 0; i < x->n; i++) {
		int64_t now = (int64_t)x->d[i] - (i < y->n ? y->d[i] : 0) - borrow;

		borrow = now < 0;
		d[i] = (uint32_t)(now + (borrow ? NUMBER_LIMB : 0));
	}
	out->n = trimmed(d, x->n);
	out->d = d;
	return 0;
}

static int mul_limbs(struct arena *a, const struct big *x, const struct big *y, struct big *out)
{
	uint32_t *d = limbs_new(a, (size_t)x->n + y->n);

	if (!d)
		return -1;
	for (uint32_t i = 0; i < x->n; i++) {
		uint64_t carry = 0;

		for (uint32_t j = 0; j < y->n; j++) {
			carry += d[i + j] + (uint64_t)x->d[i] * y->d[j];
			d[i + j] = (uint32_t)(carry % NUMBER_LIMB);
			carry /= NUMBER_LIMB;
		}
		d[i + y->n] = (uint32_t)carry;
	}
	out->n = trimmed(d, x->n + y->n);
	out->d = d;
	return 0;
}

/* r = r * base + limb, in place; r has room for one more. */
static void push_limb(uint32_t *r, uint32_t *n, uint32_t limb)
{
	memmove(r + 1, r, *n * sizeof *r);
	r[0] = limb;
	*n = trimmed(r, *n + 1);
}

/* How often y goes into r (both below base * y), found from the leading limbs and corrected. */
static uint32_t goes_into(uint32_t *r, uint32_t *rn, const struct big *y, uint32_t *t)
{
	uint32_t lo = 0, hi = NUMBER_LIMB - 1;

	if (*rn < y->n)
		return 0;
	double top = r[*rn - 1], low = y->d[y->n - 1];

	if (*rn > 1)
		top += r[*rn - 2] / 1e9;
	if (y->n > 1)
		low += y->d[y->n - 2] / 1e9;
	if (*rn > y->n)
		top *= 1e9;
	double guess = top / low;

	lo = guess > 8 ? (uint32_t)(guess - 8 < hi ? guess - 8 : hi) : 0;
	hi = guess + 8 < hi ? (uint32_t)(guess + 8) : hi;
	for (;;) {
		/* The largest q in lo..hi with q * y <= r; guesses are within a few of it. */
		uint32_t q = lo + (hi - lo + 1) / 2;
		uint64_t carry = 0;

		for (uint32_t i = 0; i < y->n; i++) {
			carry += (uint64_t)y->d[i] * q;
			t[i] = (uint32_t)(carry % NUMBER_LIMB);
			carry /= NUMBER_LIMB;
		}
		t[y->n] = (uint32_t)carry;
		struct big bt = { .d = t, .n = trimmed(t, y->n + 1) }, br = { .d = r, .n = *rn };
		bool fits = cmp_limbs(&bt, &br) <= 0;

		if (lo == hi || (fits && q == hi)) {
			int64_t borrow = 0;

			for (uint32_t i = 0; i < *rn; i++) {
				int64_t now = (int64_t)r[i] - (i < bt.n ? t[i] : 0) - borrow;

				borrow = now < 0;
				r[i] = (uint32_t)(now + (borrow ? NUMBER_LIMB : 0));
			}
			*rn = trimmed(r, *rn);
			return q;
		}
		if (fits)
			lo = q;
		else
			hi = q - 1;
	}
}

/* Quotient and remainder of the digits alone. */
static int div_limbs(struct arena *a, const struct big *x, const struct big *y, struct big *q, struct big *r)
{
	uint32_t *qd = limbs_new(a, x->n), *rd = limbs_new(a, (size_t)y->n + 2), *t = limbs_new(a, (size_t)y->n + 2);
	uint32_t rn = 0;

	if (!qd || !rd || !t)
		return -1;
	for (uint32_t i = x->n; i-- > 0;) {
		push_limb(rd, &rn, x->d[i]);
		qd[i] = goes_into(rd, &rn, y, t);
	}
	q->d = qd;
	q->n = trimmed(qd, x->n);
	r->d = rd;
	r->n = rn;
	return 0;
}

static int bump(struct arena *a, struct big *x)
{
	static const uint32_t one = 1;
	struct big b1 = { .d = &one, .n = 1 };

	return add_limbs(a, x, &b1, x);
}

/* Digits of x, most significant first, into the arena. */
static char *digit_text(struct arena *a, const struct big *x, uint32_t *n)
{
	char *text = arena_take(a, (size_t)x->n * LIMB_DIGITS + 1), *p = text;

	if (!text)
		return NULL;
	for (uint32_t i = x->n; i-- > 0;) {
		uint32_t limb = x->d[i];

		for (int k = LIMB_DIGITS - 1; k >= 0; k--) {
			char c = (char)('0' + limb / powers[k] % 10);

			if (p != text || c != '0')
				*p++ = c;
		}
	}
	*n = (uint32_t)(p - text);
	return text;
}

static int of_digits(struct arena *a, const char *p, size_t n, struct big *out)
{
	if (n > NUMBER_DIGITS_MAX)
		return -1;
	uint32_t limbs = (uint32_t)((n + LIMB_DIGITS - 1) / LIMB_DIGITS);
	uint32_t *d = limbs_new(a, limbs);

	if (!d)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t place = n - 1 - i;

		d[place / LIMB_DIGITS] += (uint32_t)(p[i] - '0') * powers[place % LIMB_DIGITS];
	}
	out->d = d;
	out->n = trimmed(d, limbs);
	return 0;
}

static int strip_zeros(struct arena *a, struct big *x)
{
	uint32_t zeros = 0;

	if (x->n == 0)
		x->scale = 0;
	while (zeros < x->scale && x->d[zeros / LIMB_DIGITS] / powers[zeros % LIMB_DIGITS] % 10 == 0)
		zeros++;
	bool lost;
	unsigned half;

	x->scale -= zeros;
	return shift_down(a, x, zeros, &lost, &half);
}

/* The double nearest to x, shown in as few digits as name it (invariant 4). */
static int through_double(struct arena *a, struct big *x)
{
	uint32_t n;
	char *text = digit_text(a, x, &n), form[48], *whole;

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
	if (of_digits(a, mantissa, strlen(mantissa), x) < 0)
		return -1;
	x->scale = exponent < 0 ? (uint32_t)-exponent : 0;
	return (exponent > 0 ? shift_up(a, x, (uint32_t)exponent) : 0) || strip_zeros(a, x) ? -1 : 0;
}

static int store(struct arena *a, struct big *x, struct value *out)
{
	if (x->decimal) {
		if (strip_zeros(a, x) < 0)
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
	if (digits(x->d, x->n) > NUMBER_DIGITS_MAX)
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
		if (strip_zeros(a, x) < 0)
			return -1;
		if (digits(x->d, x->n) > NUMBER_EXACT_DIGITS && through_double(a, x) < 0)
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
	if (of_digits(a, s.p, s.n, &x) < 0)
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

	if (of_digits(a, mantissa, k, &x) < 0)
		return -1;
	x.scale = exponent < 0 ? (uint32_t)-exponent : 0;
	if (exponent > 0 && shift_up(a, &x, (uint32_t)exponent) < 0)
		return -1;
	return settle(a, &x, out);
}

static int same_scale(struct arena *a, struct big *x, struct big *y)
{
	uint32_t scale = x->scale > y->scale ? x->scale : y->scale;

	if (shift_up(a, x, scale - x->scale) < 0 || shift_up(a, y, scale - y->scale) < 0)
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
		return add_limbs(a, &x, &y, &r) < 0 ? -1 : settle(a, &r, out);
	}
	int c = cmp_limbs(&x, &y);

	r.negative = c < 0 ? y.negative : x.negative;
	return (c < 0 ? sub_limbs(a, &y, &x, &r) : sub_limbs(a, &x, &y, &r)) < 0 ? -1 : settle(a, &r, out);
}

int number_add(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_add_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	return sum(a, load(x, sx), load(y, sy), out);
}

int number_sub(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_sub_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	struct big by = load(y, sy);

	by.negative = !by.negative;
	return sum(a, load(x, sx), by, out);
}

int number_mul(struct arena *a, struct value x, struct value y, struct value *out)
{
	int64_t i;
	uint32_t sx[3], sy[3];

	if (x.kind == VALUE_INT && y.kind == VALUE_INT && !__builtin_mul_overflow(x.i, y.i, &i)) {
		*out = value_int(i);
		return 0;
	}
	struct big bx = load(x, sx), by = load(y, sy), r = { .decimal = bx.decimal || by.decimal };

	r.negative = bx.negative != by.negative;
	r.scale = bx.scale + by.scale;
	return mul_limbs(a, &bx, &by, &r) < 0 ? -1 : settle(a, &r, out);
}

/* Floor division and its remainder, both numbers brought to one scale. */
static int floor_div(struct arena *a, struct big x, struct big y, struct big *q, struct big *r)
{
	bool whole;

	if (same_scale(a, &x, &y) < 0 || div_limbs(a, &x, &y, q, r) < 0)
		return -1;
	whole = r->n == 0;
	q->negative = x.negative != y.negative;
	r->negative = y.negative;
	r->scale = x.scale;
	q->scale = 0;
	if (!whole && q->negative) /* rounded towards zero so far */
		return bump(a, q) < 0 || sub_limbs(a, &y, r, r) < 0 ? -1 : 0;
	return 0;
}

int number_div(struct arena *a, struct value x, struct value y, struct value *out)
{
	uint32_t sx[3], sy[3];
	struct big bx = load(x, sx), by = load(y, sy), q = { 0 }, r = { 0 };

	if (!bx.decimal && !by.decimal)
		return floor_div(a, bx, by, &q, &r) < 0 ? -1 : store(a, &q, out);
	/* Enough digits that rounding them to a double is rounding the quotient. */
	uint32_t have = digits(bx.d, bx.n), want = digits(by.d, by.n) + DIV_DIGITS;
	uint32_t up = have < want ? want - have : 0;

	if (by.scale > bx.scale + up)
		up = by.scale - bx.scale;
	if (shift_up(a, &bx, up) < 0 || div_limbs(a, &bx, &by, &q, &r) < 0)
		return -1;
	q.negative = bx.negative != by.negative;
	q.decimal = true;
	q.scale = bx.scale + up - by.scale;
	return settle(a, &q, out);
}

int number_mod(struct arena *a, struct value x, struct value y, struct value *out)
{
	uint32_t sx[3], sy[3];
	struct big bx = load(x, sx), by = load(y, sy), q = { 0 }, r = { 0 };

	r.decimal = bx.decimal || by.decimal;
	return floor_div(a, bx, by, &q, &r) < 0 ? -1 : settle(a, &r, out);
}

int number_round(struct arena *a, struct value x, int64_t places, enum number_rounding how, struct value *out)
{
	uint32_t small[3];
	struct big b = load(x, small);
	bool lost;
	unsigned half;

	if (places < -NUMBER_DIGITS_MAX)
		places = -NUMBER_DIGITS_MAX;
	if (places >= (int64_t)b.scale && (places > 0 || !b.decimal)) {
		*out = x;
		return 0;
	}
	uint32_t drop = (uint32_t)((int64_t)b.scale - places);

	if (shift_down(a, &b, drop, &lost, &half) < 0)
		return -1;
	lost = lost || half;
	b.decimal = places > 0;
	b.scale = places > 0 ? (uint32_t)places : 0;
	bool up = how == NUMBER_HALF_UP ? half >= 5 : lost && b.negative == (how == NUMBER_FLOOR);

	if ((up && bump(a, &b) < 0) || (places < 0 && shift_up(a, &b, (uint32_t)-places) < 0))
		return -1;
	return settle(a, &b, out);
}

int number_abs(struct arena *a, struct value x, struct value *out)
{
	uint32_t small[3];
	struct big b = load(x, small);

	b.negative = false;
	return store(a, &b, out);
}

/* Digit k before (k >= 0) or behind the point. */
static unsigned digit_at(const struct big *x, int64_t k)
{
	int64_t i = k + x->scale;

	if (i < 0 || i >= (int64_t)x->n * LIMB_DIGITS)
		return 0;
	return x->d[i / LIMB_DIGITS] / powers[i % LIMB_DIGITS] % 10;
}

int number_compare(struct value x, struct value y)
{
	if (x.kind == VALUE_INT && y.kind == VALUE_INT)
		return x.i < y.i ? -1 : x.i > y.i;
	uint32_t sx[3], sy[3];
	struct big bx = load(x, sx), by = load(y, sy);

	if (bx.n == 0 || by.n == 0 || bx.negative != by.negative) {
		int signx = bx.n == 0 ? 0 : bx.negative ? -1 : 1, signy = by.n == 0 ? 0 : by.negative ? -1 : 1;

		return signx < signy ? -1 : signx > signy;
	}
	int64_t dx = (int64_t)digits(bx.d, bx.n) - bx.scale, dy = (int64_t)digits(by.d, by.n) - by.scale;
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
	struct big b = load(x, small);
	int64_t i = 0;

	if (x.kind == VALUE_INT)
		return x.i;
	for (int64_t k = (int64_t)digits(b.d, b.n) - b.scale - 1; k >= 0; k--) {
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
	double bits = digits(x.number->limbs, x.number->n) * 3.321928094887362;

	return (int64_t)(ceil(bits / 64) * 8);
}

struct span number_text(struct arena *a, struct value x)
{
	uint32_t small[3], n;
	struct big b = load(x, small);
	char *text = digit_text(a, &b, &n);

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
