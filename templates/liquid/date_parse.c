/* date_parse.c - a date out of a text that a person wrote.
 *
 * The text is read as words and numbers, in any sensible order. A number with a colon is a time,
 * three numbers with the same sign between them a date (year first when it has four digits, else
 * day first), a name is a month or a weekday. Anything that does not fit makes it no date. */
#include <string.h>

#include "engine/base/clock.h"
#include "templates/liquid/dates.h"
#include "templates/liquid/scan.h"

const char *const date_months[12] = { "January", "February", "March",     "April",   "May",      "June",
				      "July",    "August",   "September", "October", "November", "December" };
const char *const date_days[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

enum { UNSET = -1, ZONE_UNSET = 9999, YEAR_MAX = 9999, UNIX_DIGITS_MAX = 12 };

struct reading {
	struct span rest;
	int year, month, day, hour, minute, second, ms, zone;
	int pm; /* 0 no word, 1 am, 2 pm */
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Takes the digits in front; -1 when there are none or too many. */
static int take_number(struct reading *r, int *digits)
{
	int value = 0, n = 0;

	while (r->rest.n && digit(r->rest.p[0]) && n < 9) {
		value = value * 10 + (span_take(&r->rest) - '0');
		n++;
	}
	if (digits)
		*digits = n;
	return n == 0 || n > 8 ? UNSET : value;
}

static bool take_sign(struct reading *r, char c)
{
	if (!r->rest.n || r->rest.p[0] != c)
		return false;
	span_take(&r->rest);
	return true;
}

static int name_in(struct span word, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (word.n >= 3 && span_case_begins(span_str(names[i]), word))
			return i;
	return UNSET;
}

/* ---- times ---- */

static bool read_fraction(struct reading *r)
{
	int scale = 100;

	r->ms = 0;
	if (!r->rest.n || !digit(r->rest.p[0]))
		return false;
	for (; r->rest.n && digit(r->rest.p[0]); scale /= 10)
		r->ms += (span_take(&r->rest) - '0') * scale;
	return true;
}

/* The hour was read, a colon follows. */
static bool read_time(struct reading *r, int hour)
{
	if (r->hour != UNSET || !take_sign(r, ':'))
		return false;
	r->hour = hour;
	r->minute = take_number(r, NULL);
	r->second = 0;
	if (take_sign(r, ':')) {
		r->second = take_number(r, NULL);
		if (take_sign(r, '.') && !read_fraction(r))
			return false;
	}
	return r->minute != UNSET && r->second != UNSET;
}

/* +01:00, -0500, +02 */
static bool read_offset(struct reading *r, int sign)
{
	int digits, n = take_number(r, &digits), minutes = 0;

	if (r->zone != ZONE_UNSET || n == UNSET || (digits != 2 && digits != 4))
		return false;
	if (digits == 4) {
		minutes = n % 100;
		n /= 100;
	} else if (take_sign(r, ':')) {
		minutes = take_number(r, NULL);
	}
	if (n > 14 || minutes < 0 || minutes > 59)
		return false;
	r->zone = sign * (n * 60 + minutes);
	return true;
}

static bool read_word(struct reading *r)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = { { "utc", 0 },  { "gmt", 0 },  { "z", 0 },    { "est", -5 }, { "edt", -4 }, { "cst", -6 },
		      { "cdt", -5 }, { "mst", -7 }, { "mdt", -6 }, { "pst", -8 }, { "pdt", -7 } };
	size_t n = 0;
	int month;

	while (n < r->rest.n && letter(r->rest.p[n]))
		n++;
	struct span word = span_sub(r->rest, 0, n);

	r->rest = span_skip(r->rest, n);
	if (span_case_eq(word, SPAN("t")) && r->rest.n && digit(r->rest.p[0]))
		return true; /* 2026-11-23T05:40 */
	if ((month = name_in(word, date_months, 12)) != UNSET || span_case_eq(word, SPAN("sept"))) {
		if (r->month != UNSET)
			return false;
		r->month = month == UNSET ? 9 : month + 1;
		take_sign(r, '.');
		return true;
	}
	if (name_in(word, date_days, 7) != UNSET)
		return true;
	if (span_case_eq(word, SPAN("am")) || span_case_eq(word, SPAN("pm"))) {
		r->pm = span_case_eq(word, SPAN("pm")) ? 2 : 1;
		return r->hour != UNSET;
	}
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
		if (span_case_eq(word, span_str(zones[i].name))) {
			r->zone = zones[i].hours * 60;
			return r->hour != UNSET;
		}
	return false;
}

/* ---- dates ---- */

static int full_year(int n, int digits)
{
	return digits > 2 ? n : n < 69 ? 2000 + n : 1900 + n;
}

/* The first of three numbers was read, sign stands between them. */
static bool read_triple(struct reading *r, int first, int digits, char sign)
{
	int second, third = UNSET, third_digits = 0;

	if (r->year != UNSET || r->day != UNSET)
		return false;
	take_sign(r, sign);
	if (sign == '-' && r->rest.n && letter(r->rest.p[0])) { /* 23-Nov-2026 */
		if (!read_word(r) || r->month == UNSET || !take_sign(r, '-'))
			return false;
		r->day = first;
		third = take_number(r, &third_digits);
		r->year = full_year(third, third_digits);
		return third != UNSET;
	}
	second = take_number(r, NULL);
	if (take_sign(r, sign))
		third = take_number(r, &third_digits);
	r->month = second;
	if (digits > 2) {
		r->year = first;
		r->day = third == UNSET ? 1 : third;
		return second != UNSET;
	}
	r->day = first;
	r->year = third == UNSET ? UNSET : full_year(third, third_digits);
	return second != UNSET && third != UNSET;
}

static bool read_compact(struct reading *r, int n)
{
	if (r->year != UNSET || r->month != UNSET || r->day != UNSET)
		return false;
	r->year = n / 10000;
	r->month = n / 100 % 100;
	r->day = n % 100;
	return true;
}

static bool read_ordinal(struct reading *r)
{
	static const char *const endings[] = { "st", "nd", "rd", "th" };

	for (int i = 0; i < 4; i++)
		if (span_case_begins(r->rest, span_str(endings[i])) && (r->rest.n == 2 || !letter(r->rest.p[2]))) {
			r->rest = span_skip(r->rest, 2);
			break;
		}
	return true;
}

static bool read_number(struct reading *r)
{
	int digits, n = take_number(r, &digits);
	char next = r->rest.n ? r->rest.p[0] : ' ';

	if (n == UNSET)
		return false;
	if (next == ':')
		return read_time(r, n);
	if (digits <= 4 && (next == '-' || next == '/' || next == '.') && r->rest.n > 1 &&
	    (digit(r->rest.p[1]) || (next == '-' && letter(r->rest.p[1]))))
		return read_triple(r, n, digits, next);
	if (digits == 8)
		return read_compact(r, n);
	if (digits <= 2 && r->hour == UNSET && r->rest.n) { /* 5 pm */
		struct span word = span_trim(r->rest);

		if ((span_case_begins(word, SPAN("am")) || span_case_begins(word, SPAN("pm"))) &&
		    (word.n == 2 || !letter(word.p[2]))) {
			r->hour = n;
			r->minute = r->second = 0;
			return true;
		}
	}
	if (digits <= 2 && r->day == UNSET) {
		r->day = n;
		return read_ordinal(r);
	}
	if (r->year != UNSET || (digits != 4 && digits != 2))
		return false;
	r->year = full_year(n, digits);
	return true;
}

static bool read_all(struct reading *r)
{
	while (r->rest.n) {
		char c = r->rest.p[0];
		bool good = true;

		if (digit(c))
			good = read_number(r);
		else if (letter(c))
			good = read_word(r);
		else if ((c == '+' || c == '-') && r->hour != UNSET && r->rest.n > 1 && digit(r->rest.p[1]))
			good = read_offset(r, span_take(&r->rest) == '-' ? -1 : 1);
		else if (scan_white(c) || c == ',' || c == '(' || c == ')')
			span_take(&r->rest);
		else
			good = false;
		if (!good)
			return false;
	}
	return true;
}

/* ---- the whole ---- */

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static bool finish(struct reading *r, struct moment now, struct moment *out)
{
	struct civil today = clock_civil(now.wall_ms, now.zone_minutes), c = { 0 };
	bool dated = r->year != UNSET || r->month != UNSET || r->day != UNSET;

	if (!dated && r->hour == UNSET)
		return false;
	if (r->pm && (r->hour < 1 || r->hour > 12))
		return false;
	if (r->pm)
		r->hour = r->hour % 12 + (r->pm == 2 ? 12 : 0);
	if (dated && r->month == UNSET && r->year == UNSET && r->hour == UNSET)
		return false; /* "7" alone is no date */
	c.year = r->year != UNSET ? r->year : today.year;
	c.month = r->month != UNSET ? r->month : r->year != UNSET ? 1 : today.month;
	c.day = r->day != UNSET ? r->day : dated ? 1 : today.day;
	c.hour = r->hour != UNSET ? r->hour : 0;
	c.minute = r->hour != UNSET ? r->minute : 0;
	c.second = r->hour != UNSET ? r->second : 0;
	c.ms = r->hour != UNSET && r->ms != UNSET ? r->ms : 0;
	if (c.year > YEAR_MAX || c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_in(c.year, c.month) ||
	    c.hour > 24 || c.minute > 59 || c.second > 60 || (c.hour == 24 && (c.minute || c.second)))
		return false;
	*out = (struct moment){ .zone_minutes = r->zone == ZONE_UNSET ? now.zone_minutes : r->zone,
				.in_now_zone = r->zone == ZONE_UNSET };
	out->wall_ms = clock_from_civil(&c, out->zone_minutes);
	return true;
}

bool date_parse(struct span text, struct moment now, struct moment *out)
{
	struct reading r = { .rest = span_trim(text), .year = UNSET, .month = UNSET, .day = UNSET, .hour = UNSET,
			     .minute = UNSET, .second = UNSET, .ms = UNSET, .zone = ZONE_UNSET };
	unsigned long long seconds;

	if (r.rest.n == 0 || r.rest.n > 100)
		return false;
	if (span_case_eq(r.rest, SPAN("now")) || span_case_eq(r.rest, SPAN("today"))) {
		*out = now;
		return true;
	}
	if (r.rest.n <= UNIX_DIGITS_MAX && span_number(r.rest, 253402300799ULL, &seconds) == 0) {
		*out = (struct moment){ .wall_ms = (int64_t)seconds * 1000, .zone_minutes = now.zone_minutes };
		return true;
	}
	return read_all(&r) && finish(&r, now, out);
}
