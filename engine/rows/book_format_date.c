/* book_format_date.c - days as ISO 8601.
 *
 * A date is a number of days, its fraction the time. Days count from 1899-12-31 as 1, with a
 * 29 February 1900 that never was, because the first of these programs had it; or from 1904-01-01.
 * The format's letters say whether date, time and seconds are shown: m is a month unless an hour
 * stands before it or a second after it.
 * Held by tests/unit/test_rows_format.c. */
#include <math.h>

#include "engine/base/buf.h"
#include "engine/rows/book_format_code.h"

enum { DAY_MS = 86400000, DAY_SECONDS = 86400, LAST_DAY = 2958465, LEAP_DAY = 60, DAYS_TO_1904 = 1462 };

struct shape {
	bool date, time, seconds, elapsed;
	int decimals; /* of seconds */
};

/* The letter among h, s, y, d that stands nearest in that direction, or 0. */
static char neighbour(const struct section *s, unsigned i, int step)
{
	for (unsigned k = i + (unsigned)step; k < s->n; k += (unsigned)step) {
		const struct piece *p = &s->pieces[k];

		if ((p->kind == PIECE_DATE && p->c != 'a') || p->kind == PIECE_ELAPSED)
			return p->c;
	}
	return 0;
}

static struct shape shape_of(const struct section *s)
{
	struct shape shape = { .date = false };

	for (unsigned i = 0; i < s->n; i++) {
		const struct piece *p = &s->pieces[i];
		bool minute = p->c == 'm' && (neighbour(s, i, -1) == 'h' || neighbour(s, i, 1) == 's');

		if (p->kind == PIECE_DIGIT && shape.seconds)
			shape.decimals++;
		if (p->kind == PIECE_ELAPSED)
			shape.elapsed = shape.time = true;
		if (p->kind != PIECE_DATE && p->kind != PIECE_ELAPSED)
			continue;
		shape.time |= p->c == 'h' || p->c == 's' || p->c == 'a' || minute;
		shape.seconds |= p->c == 's';
		shape.date |= p->kind == PIECE_DATE && strchr("ydgbe", p->c) != NULL;
		shape.date |= p->kind == PIECE_DATE && p->c == 'm' && !minute;
	}
	if (shape.decimals > 3)
		shape.decimals = 3;
	return shape;
}

/* Civil date of a day counted from 1970-01-01 (days of the era of 400 years, as calendars count). */
static void civil(int64_t day, int *year, int *month, int *of_month)
{
	int64_t z = day + 719468, era = z / 146097, of_era = z % 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*of_month = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

static void put_day(struct buf *out, int64_t day)
{
	int year = 1900, month = 2, of_month = 29; /* the day that never was */

	if (day != LEAP_DAY)
		civil(day - (day > LEAP_DAY ? 25569 : 25568), &year, &month, &of_month);
	buf_addf(out, "%04d-%02d-%02d", year, month, of_month);
}

static void put_time(struct buf *out, const struct shape *shape, int64_t day, int64_t ms)
{
	int64_t hours = ms / 3600000 + (shape->elapsed ? day * 24 : 0);
	int scale = shape->decimals == 3 ? 1 : shape->decimals == 2 ? 10 : 100;

	buf_addf(out, "%02lld:%02d", (long long)hours, (int)(ms / 60000 % 60));
	if (shape->seconds || (shape->elapsed && ms % 60000))
		buf_addf(out, ":%02d", (int)(ms / 1000 % 60));
	if (shape->decimals)
		buf_addf(out, ".%0*d", shape->decimals, (int)(ms % 1000) / scale);
}

bool format_date(struct buf *out, const struct section *s, double days, bool dates_1904)
{
	struct shape shape = shape_of(s);
	int64_t ms, day;

	if (dates_1904 && shape.date)
		days += DAYS_TO_1904;
	if (!(days >= 0 && days < LAST_DAY + 1))
		return false;
	ms = shape.decimals ? llround(days * DAY_MS) : llround(days * DAY_SECONDS) * 1000;
	day = ms / DAY_MS;
	ms %= DAY_MS;
	if (shape.date)
		put_day(out, day);
	if (shape.date && shape.time)
		buf_add_char(out, 'T');
	if (shape.time)
		put_time(out, &shape, day, ms);
	return shape.date || shape.time;
}
