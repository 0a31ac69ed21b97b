/* big.c - schoolbook arithmetic on limbs of nine decimal digits, least first.
 *
 * Numbers are at most NUMBER_DIGITS_MAX digits long, so that quadratic is quick enough. A quotient
 * limb is guessed from the leading limbs in doubles and made exact by trying. */
#include "templates/liquid/big.h"

#include <string.h>

static const uint32_t powers[LIMB_DIGITS] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };

struct big big_load(struct value v, uint32_t small[3])
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

static uint32_t limbs_trim(const uint32_t *d, uint32_t n)
{
	while (n && d[n - 1] == 0)
		n--;
	return n;
}

uint32_t big_digits(const uint32_t *d, uint32_t n)
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
int big_shift_up(struct arena *a, struct big *x, uint32_t places)
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
	x->n = limbs_trim(d, x->n + skip + 1);
	x->d = d;
	return 0;
}

/* The digits without the last places ones; *lost tells whether any of those was not 0, *half the
 * first of them. */
int big_shift_down(struct arena *a, struct big *x, uint32_t places, bool *lost, unsigned *half)
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
	if (power >= 10)
		*half = rest / (power / 10);
	else if (skip - 1 < x->n)
		*half = x->d[skip - 1] / powers[LIMB_DIGITS - 1];
	for (uint32_t i = skip; i < x->n; i++) {
		uint32_t up = i + 1 < x->n ? x->d[i + 1] % power : 0;

		d[i - skip] = x->d[i] / power + up * (NUMBER_LIMB / power);
	}
	x->n = skip < x->n ? limbs_trim(d, x->n - skip) : 0;
	x->d = d;
	return 0;
}

int big_compare(const struct big *x, const struct big *y)
{
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (uint32_t i = x->n; i-- > 0;)
		if (x->d[i] != y->d[i])
			return x->d[i] < y->d[i] ? -1 : 1;
	return 0;
}

int big_add(struct arena *a, const struct big *x, const struct big *y, struct big *out)
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
	out->n = limbs_trim(d, n);
	out->d = d;
	return 0;
}

/* x >= y in size. */
int big_sub(struct arena *a, const struct big *x, const struct big *y, struct big *out)
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
	out->n = limbs_trim(d, x->n);
	out->d = d;
	return 0;
}

int big_mul(struct arena *a, const struct big *x, const struct big *y, struct big *out)
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
	out->n = limbs_trim(d, x->n + y->n);
	out->d = d;
	return 0;
}

/* r = r * base + limb, in place; r has room for one more. */
static void push_limb(uint32_t *r, uint32_t *n, uint32_t limb)
{
	memmove(r + 1, r, *n * sizeof *r);
	r[0] = limb;
	*n = limbs_trim(r, *n + 1);
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
		struct big bt = { .d = t, .n = limbs_trim(t, y->n + 1) }, br = { .d = r, .n = *rn };
		bool fits = big_compare(&bt, &br) <= 0;

		if (lo == hi || (fits && q == hi)) {
			int64_t borrow = 0;

			for (uint32_t i = 0; i < *rn; i++) {
				int64_t now = (int64_t)r[i] - (i < bt.n ? t[i] : 0) - borrow;

				borrow = now < 0;
				r[i] = (uint32_t)(now + (borrow ? NUMBER_LIMB : 0));
			}
			*rn = limbs_trim(r, *rn);
			return q;
		}
		if (fits)
			lo = q;
		else
			hi = q - 1;
	}
}

/* Quotient and remainder of the digits alone. */
int big_div(struct arena *a, const struct big *x, const struct big *y, struct big *q, struct big *r)
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
	q->n = limbs_trim(qd, x->n);
	r->d = rd;
	r->n = rn;
	return 0;
}

int big_bump(struct arena *a, struct big *x)
{
	static const uint32_t one = 1;
	struct big b1 = { .d = &one, .n = 1 };

	return big_add(a, x, &b1, x);
}

/* Digits of x, most significant first, into the arena. */
char *big_text(struct arena *a, const struct big *x, uint32_t *n)
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

int big_of_text(struct arena *a, const char *p, size_t n, struct big *out)
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
	out->n = limbs_trim(d, limbs);
	return 0;
}

int big_strip_zeros(struct arena *a, struct big *x)
{
	uint32_t zeros = 0;

	if (x->n == 0)
		x->scale = 0;
	while (zeros < x->scale && zeros / LIMB_DIGITS < x->n && big_digit(x, zeros) == 0)
		zeros++;
	bool lost;
	unsigned half;

	x->scale -= zeros;
	return big_shift_down(a, x, zeros, &lost, &half);
}
