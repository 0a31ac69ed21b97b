/* zone.c - TZif files and POSIX rules: which offset holds when.
 *
 * A file lists the moments at which clocks changed, and ends with a rule for the time after the last of
 * them. The rule is in wall time: a change at 02:00 is 02:00 of the clocks before it.
 *
 * Invariants, held by tests/unit/test_liquid_zone.c:
 *  1. Any bytes are read safely: a file cut anywhere is no zone, or one that answers.
 *  2. kinds and kind never point outside of the zone's own tables. */
#include "templates/liquid/zone.h"

#include <string.h>

#include "engine/base/clock.h"

enum { HEADER = 44, DAY = 86400, WEEK_DAYS = 7, HOURS_MAX = 167 };

/* ---- rules ---- */

static bool take(struct span *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	span_take(s);
	return true;
}

static bool take_number(struct span *s, int most, int *out)
{
	int n = 0, digits = 0;

	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9' && digits < 4; digits++)
		n = n * 10 + (span_take(s) - '0');
	*out = n;
	return digits > 0 && n <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct span *s, int32_t *out)
{
	int hours, minutes = 0, seconds = 0;
	bool negative = take(s, '-');

	if (!negative)
		take(s, '+');
	if (!take_number(s, HOURS_MAX, &hours) || (take(s, ':') && !take_number(s, 59, &minutes)) ||
	    (take(s, ':') && !take_number(s, 59, &seconds)))
		return false;
	*out = (hours * 60 + minutes) * 60 + seconds;
	if (negative)
		*out = -*out;
	return true;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* CET or <+03> */
static bool take_name(struct span *s, char out[ZONE_ABBREVIATION_MAX])
{
	size_t n = 0;
	bool quoted = take(s, '<');

	while (n < s->n && (quoted ? s->p[n] != '>' : letter(s->p[n])))
		n++;
	if (n == 0 || n >= ZONE_ABBREVIATION_MAX)
		return false;
	memcpy(out, s->p, n);
	out[n] = '\0';
	*s = span_skip(*s, n);
	return !quoted || take(s, '>');
}

static bool take_day(struct span *s, struct zone_day *d)
{
	d->form = take(s, 'M') ? 'M' : take(s, 'J') ? 'J' : 'N';
	if (d->form == 'M') {
		if (!take_number(s, 12, &d->month) || !take(s, '.') || !take_number(s, 5, &d->week) || !take(s, '.') ||
		    !take_number(s, 6, &d->weekday) || d->month < 1 || d->week < 1)
			return false;
	} else if (!take_number(s, 365, &d->day)) {
		return false;
	}
	d->seconds = 2 * 3600;
	return !take(s, '/') || take_time(s, &d->seconds);
}

bool zone_parse_rule(struct span s, struct zone_rule *out)
{
	*out = (struct zone_rule){ 0 };
	if (!take_name(&s, out->usual.name) || !take_time(&s, &out->usual.seconds))
		return false;
	out->usual.seconds = -out->usual.seconds; /* POSIX counts westwards */
	out->known = true;
	if (s.n == 0)
		return true;
	if (!take_name(&s, out->summer.name))
		return false;
	out->summer.seconds = out->usual.seconds + 3600;
	if (s.n && s.p[0] != ',') {
		if (!take_time(&s, &out->summer.seconds))
			return false;
		out->summer.seconds = -out->summer.seconds;
	}
	out->changes = take(&s, ',') && take_day(&s, &out->begin) && take(&s, ',') && take_day(&s, &out->end);
	return out->changes && s.n == 0;
}

static bool leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Seconds since 1970, as if it were UTC, of the change in that year. */
static int64_t change_in(const struct zone_day *d, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct civil c = { .year = year, .month = d->form == 'M' ? d->month : 1, .day = 1 };
	int64_t first = clock_from_civil(&c, 0) / 1000;
	int day = d->day;

	if (d->form == 'J') {
		day += (leap(year) && day >= 60) - 1;
	} else if (d->form == 'M') {
		int length = days[d->month - 1] + (d->month == 2 && leap(year));
		int weekday = clock_civil(first * 1000, 0).weekday;

		day = (d->weekday - weekday + WEEK_DAYS) % WEEK_DAYS + (d->week - 1) * WEEK_DAYS;
		while (day >= length)
			day -= WEEK_DAYS;
	}
	return first + (int64_t)day * DAY + d->seconds;
}

static const struct zone_kind *by_rule(const struct zone_rule *r, int64_t seconds)
{
	if (!r->changes)
		return &r->usual;
	int year = clock_civil((seconds + r->usual.seconds) * 1000, 0).year;
	int64_t begin = change_in(&r->begin, year) - r->usual.seconds;
	int64_t end = change_in(&r->end, year) - r->summer.seconds;
	bool summer = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;

	return summer ? &r->summer : &r->usual;
}

/* ---- what holds at a moment ---- */

const struct zone_kind *zone_at(const struct zone *z, int64_t seconds)
{
	uint32_t low = 0, high = z->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (z->at[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->n && z->rule.known)
		return by_rule(&z->rule, seconds);
	return &z->kinds[low ? z->kind[low - 1] : 0];
}

int64_t zone_of_wall(const struct zone *z, int64_t wall)
{
	int64_t before = wall - zone_at(z, wall - DAY)->seconds, after = wall - zone_at(z, wall + DAY)->seconds;

	if (before + zone_at(z, before)->seconds == wall)
		return before;
	if (after + zone_at(z, after)->seconds == wall)
		return after;
	return before; /* the clocks never showed it: as if they had not been changed yet */
}

/* ---- files ---- */

static uint64_t big_endian(const char *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

struct header {
	uint32_t utc_flags, wall_flags, leaps, times, kinds, chars;
};

static bool take_header(struct span *s, struct header *h, int *version)
{
	if (s->n < HEADER || !span_begins(*s, SPAN("TZif")))
		return false;
	const char *p = s->p + 20;

	*version = s->p[4] ? s->p[4] - '0' : 1;
	*h = (struct header){ (uint32_t)big_endian(p, 4),      (uint32_t)big_endian(p + 4, 4),
			      (uint32_t)big_endian(p + 8, 4),  (uint32_t)big_endian(p + 12, 4),
			      (uint32_t)big_endian(p + 16, 4), (uint32_t)big_endian(p + 20, 4) };
	*s = span_skip(*s, HEADER);
	return true;
}

/* Bytes of the tables behind a header whose times have so many bytes; UINT64_MAX: too many. */
static uint64_t body_bytes(const struct header *h, unsigned width)
{
	return (uint64_t)h->times * (width + 1) + (uint64_t)h->kinds * 6 + h->chars + (uint64_t)h->leaps * (width + 4) +
	       h->wall_flags + h->utc_flags;
}

static bool read_kinds(const char *p, const char *names, const struct header *h, struct zone_kind *kinds)
{
	for (uint32_t i = 0; i < h->kinds; i++, p += 6) {
		unsigned from = (unsigned char)p[5];

		if (from >= h->chars)
			return false;
		struct span name = span_of(names + from, h->chars - from);

		name.n = span_find(name, '\0');
		if (name.n >= ZONE_ABBREVIATION_MAX)
			name.n = ZONE_ABBREVIATION_MAX - 1;
		memcpy(kinds[i].name, name.p, name.n);
		kinds[i].seconds = (int32_t)big_endian(p, 4);
	}
	return true;
}

static bool read_body(struct arena *a, struct span s, const struct header *h, int width, struct zone *z)
{
	int64_t *at = arena_array(a, h->times, sizeof *at);
	uint8_t *kind = arena_array(a, h->times, sizeof *kind);
	struct zone_kind *kinds = arena_array(a, h->kinds, sizeof *kinds);
	const char *p = s.p, *p_kind = p + (size_t)h->times * (size_t)width, *p_kinds = p_kind + h->times;

	if (!at || !kind || !kinds)
		return false;
	for (uint32_t i = 0; i < h->times; i++) {
		uint64_t v = big_endian(p + (size_t)i * (size_t)width, width);

		at[i] = width == 8 ? (int64_t)v : (int32_t)v;
		kind[i] = (uint8_t)p_kind[i];
		if (kind[i] >= h->kinds || (i && at[i] <= at[i - 1]))
			return false;
	}
	z->n = h->times;
	z->n_kinds = h->kinds;
	z->at = at;
	z->kind = kind;
	z->kinds = kinds;
	return read_kinds(p_kinds, p_kinds + (size_t)h->kinds * 6, h, kinds);
}

bool zone_parse(struct arena *a, struct span file, struct zone *out)
{
	struct span s = file;
	struct header h;
	int version, width = 4;

	*out = (struct zone){ 0 };
	if (!take_header(&s, &h, &version) || body_bytes(&h, 4) > s.n)
		return false;
	if (version >= 2) { /* all again, with longer times */
		s = span_skip(s, (size_t)body_bytes(&h, 4));
		width = 8;
		if (!take_header(&s, &h, &version) || body_bytes(&h, 8) > s.n)
			return false;
	}
	if (h.kinds == 0 || h.kinds > ZONE_KINDS_MAX || !read_body(a, s, &h, width, out))
		return false;
	s = span_skip(s, (size_t)body_bytes(&h, (unsigned)width));
	if (width == 8 && take(&s, '\n') && !zone_parse_rule(span_sub(s, 0, span_find(s, '\n')), &out->rule))
		out->rule.known = false;
	return true;
}
