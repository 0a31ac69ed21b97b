/* clock.c - reading, writing and parsing times.
 *
 *  1. No function but clock_zone_minutes() looks at the machine's zone, and none at its locale.
 *  2. Every time prints: what lies outside the years 0 to 9999 is shown as their first or last
 *     millisecond, so no output is ever longer than its stated size.
 * Days are counted from 1 March of the year 0, so that the leap day is the last of its year.
 * Held by tests/unit/test_base_clock.c. */
#include "engine/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/must.h"

enum {
	DAY_S = 86400,
	DAYS_400Y = 146097,       /* days in 400 Gregorian years */
	EPOCH_DAYS = 719468,      /* 0000-03-01 to 1970-01-01 */
	SPAN_MAX_DAYS = 36500     /* clock_parse_span(): a hundred years is for ever */
};

static const int64_t DAY_MS = (int64_t)DAY_S * 1000;
static const int64_t FIRST_MS = -62167219200000; /* 0000-01-01T00:00:00.000Z */
static const int64_t LAST_MS = 253402300799999;  /* 9999-12-31T23:59:59.999Z */

static _Atomic int64_t shift_mono_ms, shift_wall_ms;

static struct timespec now(clockid_t which)
{
	struct timespec t;

	MUST(clock_gettime(which, &t) == 0);
	return t;
}

int64_t clock_mono_ns(void)
{
	struct timespec t = now(CLOCK_MONOTONIC);
	int64_t shift = atomic_load_explicit(&shift_mono_ms, memory_order_relaxed);

	return ((int64_t)t.tv_sec * 1000 + shift) * 1000000 + t.tv_nsec;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
	struct timespec t = now(CLOCK_REALTIME);

	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 +
	       atomic_load_explicit(&shift_wall_ms, memory_order_relaxed);
}

void clock_shift(int64_t mono_ms, int64_t wall_ms)
{
	atomic_store(&shift_mono_ms, mono_ms);
	atomic_store(&shift_wall_ms, wall_ms);
}

struct timespec clock_deadline(int64_t wait_ms)
{
	struct timespec t = now(CLOCK_MONOTONIC);
	int64_t ns = t.tv_nsec + wait_ms % 1000 * 1000000;

	t.tv_sec += (time_t)(wait_ms / 1000 + ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * DAYS_400Y + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

static void date_of(int64_t days, struct civil *c)
{
	int64_t z = days + EPOCH_DAYS;
	int64_t era = floor_div(z, DAYS_400Y), of_era = z - era * DAYS_400Y;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_400Y - 1)) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153; /* 0 is March */

	c->day = (int)(of_year - (153 * m + 2) / 5 + 1);
	c->month = (int)(m < 10 ? m + 3 : m - 9);
	c->year = (int)(y + era * 400 + (c->month <= 2));
}

struct civil clock_civil(int64_t wall_ms, int zone_minutes)
{
	struct civil c;
	int64_t ms, days;

	if (wall_ms < FIRST_MS)
		wall_ms = FIRST_MS;
	if (wall_ms > LAST_MS)
		wall_ms = LAST_MS;
	ms = wall_ms + (int64_t)zone_minutes * 60000;
	days = floor_div(ms, DAY_MS);
	ms -= days * DAY_MS;
	date_of(days, &c);
	c.hour = (int)(ms / 3600000);
	c.minute = (int)(ms / 60000 % 60);
	c.second = (int)(ms / 1000 % 60);
	c.ms = (int)(ms % 1000);
	c.weekday = (int)((days % 7 + 11) % 7); /* day 0 was a Thursday */
	c.yearday = (int)(days - days_of(c.year, 1, 1) + 1);
	return c;
}

int64_t clock_from_civil(const struct civil *c, int zone_minutes)
{
	int64_t minutes = (int64_t)c->hour * 60 + c->minute - zone_minutes;

	return days_of(c->year, c->month, c->day) * DAY_MS + (minutes * 60 + c->second) * 1000 + c->ms;
}

int clock_zone_minutes(int64_t wall_ms)
{
	time_t t = (time_t)floor_div(wall_ms, 1000);
	struct tm tm;

	return localtime_r(&t, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

/* Writes v with exactly `digits` digits; returns what follows. */
static char *put(char *at, int v, int digits)
{
	for (int i = digits - 1; i >= 0; i--, v /= 10)
		at[i] = (char)('0' + v % 10);
	return at + digits;
}

static char *put_time(char *at, const struct civil *c)
{
	at = put(at, c->hour, 2);
	*at++ = ':';
	at = put(at, c->minute, 2);
	*at++ = ':';
	return put(at, c->second, 2);
}

/* What was asked for last is there, and its minute: a line of the results is written for each message. */
void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	static const int64_t minute_ms = 60000;
	static _Thread_local int64_t minute = -1, last_ms = -1;
	static _Thread_local char shown[CLOCK_RFC3339_SIZE]; /* "2026-11-23T09:30:17.250Z" */
	static _Thread_local char *seconds;
	int within = (int)(wall_ms % minute_ms);

	if (wall_ms < 0 || wall_ms / minute_ms != minute) {
		struct civil c = clock_civil(wall_ms, 0);

		within = c.second * 1000 + c.ms;
		seconds = put(shown, c.year, 4);
		*seconds++ = '-';
		seconds = put(seconds, c.month, 2);
		*seconds++ = '-';
		seconds = put(seconds, c.day, 2);
		*seconds++ = 'T';
		seconds = put(seconds, c.hour, 2);
		*seconds++ = ':';
		seconds = put(seconds, c.minute, 2);
		*seconds++ = ':';
		minute = wall_ms < 0 ? -1 : wall_ms / minute_ms;
		last_ms = -1;
	}
	if (wall_ms < 0 || wall_ms != last_ms) {
		char *at = put(seconds, within / 1000, 2);

		*at++ = '.';
		at = put(at, within % 1000, 3);
		*at++ = 'Z';
		*at = '\0';
		last_ms = wall_ms;
	}
	memcpy(out, shown, CLOCK_RFC3339_SIZE);
}

void clock_rfc5322(int64_t wall_ms, int zone_minutes, char out[CLOCK_RFC5322_SIZE])
{
	static const char weekdays[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = clock_civil(wall_ms, zone_minutes);
	int east = zone_minutes < 0 ? -zone_minutes : zone_minutes;
	char *at = out;

	if (c.year < 0 || c.year > 9999) /* the zone led out of the years that print */
		c = clock_civil(wall_ms, 0);
	memcpy(at, weekdays + 3 * c.weekday, 3);
	memcpy(at + 3, ", ", 2);
	at = put(at + 5, c.day, 2);
	*at++ = ' ';
	memcpy(at, months + 3 * (c.month - 1), 3);
	at[3] = ' ';
	at = put(at + 4, c.year, 4);
	*at++ = ' ';
	at = put_time(at, &c);
	*at++ = ' ';
	*at++ = zone_minutes < 0 ? '-' : '+';
	at = put(at, east / 60 % 100, 2);
	at = put(at, east % 60, 2);
	*at = '\0';
}

/* ---- parsing ---- */

/* Exactly `digits` digits, between lo and hi. */
static int take_number(struct span *s, size_t digits, int lo, int hi, int *out)
{
	int v = 0;

	if (s->n < digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		unsigned d = (unsigned char)s->p[i] - (unsigned)'0';

		if (d > 9)
			return -1;
		v = v * 10 + (int)d;
	}
	*s = span_skip(*s, digits);
	*out = v;
	return v < lo || v > hi ? -1 : 0;
}

static bool take_char(struct span *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

/* One to nine digits; what is below a millisecond is dropped. */
static int take_fraction(struct span *s, int *ms)
{
	size_t n = 0;

	*ms = 0;
	while (n < s->n && (unsigned char)s->p[n] - (unsigned)'0' <= 9) {
		if (n < 3)
			*ms = *ms * 10 + (s->p[n] - '0');
		n++;
	}
	*s = span_skip(*s, n);
	for (size_t i = n; i < 3; i++)
		*ms *= 10;
	return n == 0 || n > 9 ? -1 : 0;
}

static int take_date(struct span *s, struct civil *c)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (take_number(s, 4, 0, 9999, &c->year) < 0 || !take_char(s, '-') ||
	    take_number(s, 2, 1, 12, &c->month) < 0 || !take_char(s, '-') ||
	    take_number(s, 2, 1, 31, &c->day) < 0)
		return -1;
	return c->day > days[c->month - 1] + (c->month == 2 && is_leap(c->year)) ? -1 : 0;
}

static int take_time(struct span *s, struct civil *c)
{
	if (take_number(s, 2, 0, 23, &c->hour) < 0 || !take_char(s, ':') ||
	    take_number(s, 2, 0, 59, &c->minute) < 0)
		return -1;
	if (!take_char(s, ':'))
		return 0;
	if (take_number(s, 2, 0, 59, &c->second) < 0)
		return -1;
	return take_char(s, '.') ? take_fraction(s, &c->ms) : 0;
}

static int take_zone(struct span *s, int *zone)
{
	int sign, hours, minutes;

	*zone = 0;
	if (s->n == 0 || take_char(s, 'Z') || take_char(s, 'z'))
		return 0;
	sign = *s->p == '-' ? -1 : 1;
	if ((!take_char(s, '+') && !take_char(s, '-')) || take_number(s, 2, 0, 23, &hours) < 0 ||
	    !take_char(s, ':') || take_number(s, 2, 0, 59, &minutes) < 0)
		return -1;
	*zone = sign * (hours * 60 + minutes);
	return 0;
}

int clock_parse(struct span text, int64_t *wall_ms, int *zone_minutes)
{
	struct civil c = { 0 };
	int zone = 0;

	if (take_date(&text, &c) < 0)
		return -1;
	if (take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) {
		if (take_time(&text, &c) < 0 || take_zone(&text, &zone) < 0)
			return -1;
	}
	if (text.n > 0)
		return -1;
	*wall_ms = clock_from_civil(&c, zone);
	if (zone_minutes)
		*zone_minutes = zone;
	return 0;
}

int clock_parse_span(struct span text, int64_t *out_ms)
{
	static const struct unit {
		const char *word;
		int64_t ms;
	} units[] = {
		{ "", 1000 },   { "ms", 1 },       { "s", 1000 },    { "min", 60000 },
		{ "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	size_t digits = 0;
	unsigned long long n;

	while (digits < text.n && (unsigned char)text.p[digits] - (unsigned)'0' <= 9)
		digits++;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!span_eq(span_skip(text, digits), span_str(units[i].word)))
			continue;
		if (span_number(span_sub(text, 0, digits),
				(unsigned long long)(SPAN_MAX_DAYS * DAY_MS / units[i].ms), &n) < 0)
			return -1;
		*out_ms = (int64_t)n * units[i].ms;
		return 0;
	}
	return -1;
}
