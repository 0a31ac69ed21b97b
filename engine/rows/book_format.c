/* book_format.c - numbers by their format.
 *
 *  1. A workbook's numbers are doubles, of which programs show at most 15 digits. So the number
 *     becomes 15 decimal digits first, and is rounded in decimal, half away from zero: 2.675 is 2.68.
 *  2. What cannot be shown by its format (fractions, dates before the first) is shown without one.
 * Held by tests/unit/test_rows_format.c. */
#include "engine/rows/book_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/rows/book_format_code.h"

enum { DIGITS = 15, PLACES_MAX = 340, PLAIN_EXPONENT = 15, SMALL_EXPONENT = -5 };

/* 0.d1 d2 d3 ... times 10 to the power of `point`. */
struct decimal {
	char digits[DIGITS + 1];
	int point;
};

static struct decimal decimal_of(double value)
{
	struct decimal d = { .digits = "" };
	char text[40];

	snprintf(text, sizeof text, "%.*e", DIGITS - 1, fabs(value)); /* d.ddde+xx */
	d.digits[0] = text[0];
	memcpy(d.digits + 1, text + 2, DIGITS - 1);
	d.point = (int)strtol(text + DIGITS + 2, NULL, 10) + 1;
	if (value == 0)
		d.point = 0;
	return d;
}

static char digit_at(const struct decimal *d, int i)
{
	return i >= 0 && i < DIGITS ? d->digits[i] : '0';
}

/* To so many places behind the point. */
static void round_to(struct decimal *d, int places)
{
	int keep = d->point + places;

	if (keep >= DIGITS)
		return;
	if (keep < 0 || (keep == 0 && d->digits[0] < '5')) {
		memset(d->digits, '0', DIGITS);
		d->point = 0;
		return;
	}
	bool up = d->digits[keep] >= '5';

	memset(d->digits + keep, '0', (size_t)(DIGITS - keep));
	if (!up)
		return;
	for (int i = keep - 1; i >= 0; i--) {
		if (d->digits[i] != '9') {
			d->digits[i]++;
			return;
		}
		d->digits[i] = '0';
	}
	d->digits[0] = '1'; /* 9.99 became 10 */
	d->point++;
}

void format_general(struct buf *out, double value)
{
	struct decimal d = decimal_of(value);
	int n = DIGITS;

	while (n > 0 && d.digits[n - 1] == '0')
		n--;
	if (value < 0 && n > 0)
		buf_add_char(out, '-');
	if (n == 0) {
		buf_add_char(out, '0');
		return;
	}
	if (d.point > PLAIN_EXPONENT || d.point <= SMALL_EXPONENT) {
		buf_add_char(out, d.digits[0]);
		if (n > 1)
			buf_add_char(out, '.');
		buf_add(out, span_of(d.digits + 1, (size_t)n - 1));
		buf_addf(out, "E%c%02d", d.point > 0 ? '+' : '-', abs(d.point - 1));
		return;
	}
	if (d.point <= 0)
		buf_add_char(out, '0');
	for (int i = 0; i < d.point; i++)
		buf_add_char(out, digit_at(&d, i));
	if (n > d.point)
		buf_add_char(out, '.');
	for (int i = d.point; i < n; i++)
		buf_add_char(out, digit_at(&d, i));
}

/* ---- digits by their places ---- */

struct places {
	unsigned first, point, exponent; /* indexes of pieces; n where there is none */
	unsigned last;                   /* last digit of the whole number and its fraction */
	int whole, fraction, power;      /* how many digits */
	int least_fraction;              /* so many are always shown */
	bool thousands;
	int scale;                       /* powers of ten that the number is moved by */
};

static void count_places(const struct section *s, struct places *p)
{
	bool after_point = false;
	int commas = 0;

	*p = (struct places){ .first = s->n, .point = s->n, .exponent = s->n };
	for (unsigned i = 0; i < s->n; i++) {
		const struct piece *piece = &s->pieces[i];

		if (piece->kind == PIECE_EXPONENT && p->exponent == s->n)
			p->exponent = i;
		if (piece->kind == PIECE_PERCENT)
			p->scale += 2;
		if (piece->kind == PIECE_POINT && !after_point && p->exponent == s->n) {
			after_point = true;
			p->point = i;
			p->scale -= 3 * commas;
			commas = 0;
		}
		if (piece->kind == PIECE_COMMA && (p->whole > 0 || p->fraction > 0))
			commas++;
		if (piece->kind != PIECE_DIGIT)
			continue;
		if (p->exponent < s->n) {
			p->power++;
			continue;
		}
		p->thousands |= commas > 0 && !after_point;
		commas = 0;
		p->last = i;
		if (after_point) {
			p->fraction++;
			if (piece->c == '0')
				p->least_fraction = p->fraction;
		} else {
			if (p->whole++ == 0)
				p->first = i;
		}
	}
	p->scale -= 3 * commas;
}

/* Places `from` down to `to` of the whole number; 1 is that of the ones. */
static void put_whole(struct buf *out, const struct decimal *d, const struct places *p, char sign, int from, int to)
{
	for (int k = from; k >= to; k--) {
		if (k <= d->point)
			buf_add_char(out, digit_at(d, d->point - k));
		else if (sign == '0')
			buf_add_char(out, '0');
		else
			continue;
		if (p->thousands && k > 1 && (k - 1) % 3 == 0)
			buf_add_char(out, ',');
	}
}

/* How many digits of the fraction are shown. */
static int shown_fraction(const struct decimal *d, const struct places *p)
{
	int n = p->fraction;

	while (n > p->least_fraction && digit_at(d, d->point + n - 1) == '0')
		n--;
	return n;
}

static void put_exponent(struct buf *out, const struct section *s, const struct places *p, int power)
{
	if (power < 0 || s->pieces[p->exponent].c == '+')
		buf_addf(out, "E%c", power < 0 ? '-' : '+');
	else
		buf_add_char(out, 'E');
	buf_addf(out, "%0*d", p->power > 0 ? p->power : 1, abs(power));
}

/* The power of ten for E: with several places before the point, a multiple of their number. */
static int take_power(struct decimal *d, const struct places *p)
{
	int whole = p->whole > 0 ? p->whole : 1, power = d->point - 1;

	if (d->digits[0] == '0')
		return 0;
	if (whole > 1)
		power = (int)floor((double)power / whole) * whole;
	d->point -= power;
	round_to(d, p->fraction);
	if (d->point > whole) {
		d->point -= whole;
		power += whole;
	}
	return power;
}

void format_digits(struct buf *out, const struct section *s, double value)
{
	struct decimal d = decimal_of(value);
	struct places p;
	int power = 0, left, fraction = 0, shown;
	bool zero = true;

	count_places(s, &p);
	if (d.digits[0] != '0')
		d.point += p.scale;
	if (p.exponent < s->n)
		power = take_power(&d, &p);
	else
		round_to(&d, p.fraction);
	for (int i = 0; i < DIGITS; i++)
		zero = zero && d.digits[i] == '0';
	left = p.whole;
	shown = shown_fraction(&d, &p);
	if (s->negative && !zero)
		buf_add_char(out, '-');
	for (unsigned i = 0; i < s->n; i++) {
		const struct piece *piece = &s->pieces[i];

		if (piece->kind == PIECE_TEXT)
			buf_add(out, piece->text);
		else if (piece->kind == PIECE_PERCENT)
			buf_add_char(out, '%');
		else if (piece->kind == PIECE_EXPONENT && i == p.exponent)
			put_exponent(out, s, &p, power);
		else if (piece->kind == PIECE_POINT && i == p.point) {
			if (p.whole == 0)
				put_whole(out, &d, &p, '#', d.point, 1);
			if (shown > 0)
				buf_add_char(out, '.');
		} else if (piece->kind == PIECE_DIGIT && i < p.point && i < p.exponent)
		{
			/* the first place has all digits that have none of their own */
			put_whole(out, &d, &p, piece->c, left == p.whole && d.point > left ? d.point : left, left);
			left--;
		} else if (piece->kind == PIECE_DIGIT && i < p.exponent && fraction < shown)
			buf_add_char(out, digit_at(&d, d.point + fraction++));
	}
}

void book_format_number(struct buf *out, struct span code, double value, bool dates_1904)
{
	struct section s;
	size_t before = out->n;
	struct span shown;

	if (!isfinite(value)) /* no file of an office program has one */
		return;
	if (code.n == 0 || !format_choose(code, value, &s) || (s.fraction && !s.date)) {
		format_general(out, value);
		return;
	}
	if (s.date) {
		if (!format_date(out, &s, value, dates_1904))
			format_general(out, value);
		return;
	}
	if (s.whole) {
		for (unsigned i = 0; i < s.n; i++) {
			if (s.pieces[i].kind == PIECE_TEXT)
				buf_add(out, s.pieces[i].text);
			else if (s.pieces[i].kind == PIECE_WHOLE)
				format_general(out, s.negative ? value : fabs(value));
		}
		return;
	}
	format_digits(out, &s, value);
	if (!out->failed && out->n == before && s.n > 0)
		buf_add_char(out, '0'); /* a zero for which no place is kept */
	if (out->failed || out->n == before)
		return;
	shown = span_trim(span_of(out->p + before, out->n - before));
	memmove(out->p + before, shown.p, shown.n);
	out->n = before + shown.n;
}

const char *book_format_built_in(unsigned id)
{
	static const char *const codes[] = {
		[1] = "0", [2] = "0.00", [3] = "#,##0", [4] = "#,##0.00",
		[5] = "\"$\"#,##0;(\"$\"#,##0)", [6] = "\"$\"#,##0;(\"$\"#,##0)",
		[7] = "\"$\"#,##0.00;(\"$\"#,##0.00)", [8] = "\"$\"#,##0.00;(\"$\"#,##0.00)",
		[9] = "0%", [10] = "0.00%", [11] = "0.00E+00", [12] = "# ?/?", [13] = "# ?\?/??",
		[14] = "yyyy-mm-dd", [15] = "yyyy-mm-dd", [16] = "yyyy-mm-dd", [17] = "yyyy-mm-dd",
		[18] = "hh:mm", [19] = "hh:mm:ss", [20] = "hh:mm", [21] = "hh:mm:ss", [22] = "yyyy-mm-dd hh:mm",
		[27] = "yyyy-mm-dd", [28] = "yyyy-mm-dd", [29] = "yyyy-mm-dd", [30] = "yyyy-mm-dd", [31] = "yyyy-mm-dd",
		[32] = "hh:mm", [33] = "hh:mm:ss", [34] = "hh:mm", [35] = "hh:mm:ss", [36] = "yyyy-mm-dd",
		[37] = "#,##0;(#,##0)", [38] = "#,##0;(#,##0)", [39] = "#,##0.00;(#,##0.00)", [40] = "#,##0.00;(#,##0.00)",
		[41] = "#,##0;(#,##0);\"-\"", [42] = "\"$\"#,##0;\"$\"(#,##0);\"$\"\"-\"",
		[43] = "#,##0.00;(#,##0.00);\"-\"", [44] = "\"$\"#,##0.00;\"$\"(#,##0.00);\"$\"\"-\"",
		[45] = "mm:ss", [46] = "[h]:mm:ss", [47] = "mm:ss.0", [48] = "##0.0E+0", [49] = "@",
		[50] = "yyyy-mm-dd", [51] = "yyyy-mm-dd", [52] = "yyyy-mm-dd", [53] = "yyyy-mm-dd", [54] = "yyyy-mm-dd",
		[55] = "yyyy-mm-dd", [56] = "yyyy-mm-dd", [57] = "yyyy-mm-dd", [58] = "yyyy-mm-dd",
	};

	return id < sizeof codes / sizeof *codes ? codes[id] : NULL;
}
