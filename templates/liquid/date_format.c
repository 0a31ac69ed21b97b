/* date_format.c - %Y %b and the others.
 *
 * A directive is % [flags] [width] letter: - no padding, 0 zeros, _ spaces, ^ upper case, # the
 * other case, : colons in %z. One that is not known prints as it is. */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "templates/liquid/dates.h"

enum { WIDTH_MAX = 99, DEPTH_MAX = 2 };

struct directive {
	bool no_pad, upper, swap;
	char pad; /* '0', ' ', or '\0': as the letter has it */
	int colons, width;
};

static void add_padded(struct text *t, const struct directive *d, const char *s, char pad, int width)
{
	int n = (int)strlen(s);

	if (d->width)
		width = d->width;
	if (d->pad)
		pad = d->pad;
	for (int i = n; i < width && !d->no_pad; i++)
		text_add_char(t, pad);
	for (int i = 0; i < n; i++) {
		char c = s[i];

		if ((d->upper || d->swap) && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		text_add_char(t, c);
	}
}

static void add_number(struct text *t, const struct directive *d, long long n, char pad, int width)
{
	char s[24];

	snprintf(s, sizeof s, "%lld", n);
	add_padded(t, d, s, pad, width);
}

static void add_word(struct text *t, const struct directive *d, const char *word, size_t cut)
{
	char s[16];

	snprintf(s, sizeof s, "%.*s", (int)cut, word);
	add_padded(t, d, s, ' ', 0);
}

static void add_zone(struct text *t, const struct directive *d, int minutes)
{
	int m = minutes < 0 ? -minutes : minutes;
	char s[16];

	if (d->colons == 0)
		snprintf(s, sizeof s, "%c%02d%02d", minutes < 0 ? '-' : '+', m / 60 % 100, m % 60);
	else
		snprintf(s, sizeof s, "%c%02d:%02d%s", minutes < 0 ? '-' : '+', m / 60 % 100, m % 60,
			 d->colons > 1 ? ":00" : "");
	add_padded(t, d, s, '0', 0);
}

static void add_zone_name(struct text *t, const struct directive *d, struct moment at)
{
	struct directive colon = { .colons = 1 };
	char name[16];

	if (at.zone_name.n) {
		snprintf(name, sizeof name, "%.*s", SPAN_ARG(at.zone_name));
		add_padded(t, d, name, ' ', 0);
	} else if (at.zone_minutes == 0) {
		add_padded(t, d, "UTC", ' ', 0);
	} else {
		add_zone(t, &colon, at.zone_minutes);
	}
}

/* Days of the year's week 1 that lie in the year before or after: ISO 8601. */
static void iso_week(const struct civil *c, int *year, int *week)
{
	int weekday = (c->weekday + 6) % 7; /* Monday is 0 */
	int w = (c->yearday - 1 - weekday + 10) / 7;
	int before = c->year - 1, jan1 = ((c->weekday - (c->yearday - 1)) % 7 + 7) % 7;
	bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

	*year = c->year;
	*week = w;
	if (w < 1) {
		bool leap_before = before % 4 == 0 && (before % 100 != 0 || before % 400 == 0);
		int jan1_before = ((jan1 - 365 - leap_before) % 7 + 7) % 7;

		*year = before;
		*week = jan1_before == 4 || (leap_before && jan1_before == 3) ? 53 : 52;
	} else if (w == 53 && !(jan1 == 4 || (leap && jan1 == 3))) {
		*year = c->year + 1;
		*week = 1;
	}
}

static void add_format(struct text *t, struct span format, struct moment at, const struct civil *c, int depth);

/* Directives made of others; NULL for those that are not. */
static const char *composed(char letter)
{
	switch (letter) {
	case 'c':
		return "%a %b %e %H:%M:%S %Y";
	case 'D':
	case 'x':
		return "%m/%d/%y";
	case 'F':
		return "%Y-%m-%d";
	case 'r':
		return "%I:%M:%S %p";
	case 'R':
		return "%H:%M";
	case 'T':
	case 'X':
		return "%H:%M:%S";
	case 'v':
		return "%e-%^b-%Y";
	case '+':
		return "%a %b %e %H:%M:%S %Z %Y";
	default:
		return NULL;
	}
}

static bool add_time(struct text *t, const struct directive *d, char letter, struct moment at, const struct civil *c)
{
	int hour12 = c->hour % 12 ? c->hour % 12 : 12;
	char s[16];

	switch (letter) {
	case 'H':
		add_number(t, d, c->hour, '0', 2);
		return true;
	case 'k':
		add_number(t, d, c->hour, ' ', 2);
		return true;
	case 'I':
		add_number(t, d, hour12, '0', 2);
		return true;
	case 'l':
		add_number(t, d, hour12, ' ', 2);
		return true;
	case 'M':
		add_number(t, d, c->minute, '0', 2);
		return true;
	case 'S':
		add_number(t, d, c->second, '0', 2);
		return true;
	case 'L':
	case 'N':
		snprintf(s, sizeof s, "%03d%s", c->ms, letter == 'N' ? "000000" : "");
		if (d->width > 0 && d->width < (int)strlen(s))
			s[d->width] = '\0';
		text_add(t, span_str(s));
		return true;
	case 'p':
		if (d->swap)
			text_add(t, c->hour < 12 ? SPAN("am") : SPAN("pm"));
		else
			add_padded(t, d, c->hour < 12 ? "AM" : "PM", ' ', 0);
		return true;
	case 'P':
		add_padded(t, d, c->hour < 12 ? "am" : "pm", ' ', 0);
		return true;
	case 's':
		add_number(t, d, (at.wall_ms - (at.wall_ms % 1000 + 1000) % 1000) / 1000, '0', 0);
		return true;
	case 'z':
		add_zone(t, d, at.zone_minutes);
		return true;
	case 'Z':
		add_zone_name(t, d, at);
		return true;
	default:
		return false;
	}
}

static bool add_date(struct text *t, const struct directive *d, char letter, const struct civil *c)
{
	int year, week;

	iso_week(c, &year, &week);
	switch (letter) {
	case 'Y':
		add_number(t, d, c->year, '0', 4);
		return true;
	case 'C':
		add_number(t, d, c->year / 100, '0', 2);
		return true;
	case 'y':
		add_number(t, d, c->year % 100, '0', 2);
		return true;
	case 'm':
		add_number(t, d, c->month, '0', 2);
		return true;
	case 'd':
		add_number(t, d, c->day, '0', 2);
		return true;
	case 'e':
		add_number(t, d, c->day, ' ', 2);
		return true;
	case 'j':
		add_number(t, d, c->yearday, '0', 3);
		return true;
	case 'B':
		add_word(t, d, date_months[c->month - 1], 15);
		return true;
	case 'b':
	case 'h':
		add_word(t, d, date_months[c->month - 1], 3);
		return true;
	case 'A':
		add_word(t, d, date_days[c->weekday], 15);
		return true;
	case 'a':
		add_word(t, d, date_days[c->weekday], 3);
		return true;
	case 'u':
		add_number(t, d, c->weekday ? c->weekday : 7, '0', 1);
		return true;
	case 'w':
		add_number(t, d, c->weekday, '0', 1);
		return true;
	case 'U':
		add_number(t, d, (c->yearday + 6 - c->weekday) / 7, '0', 2);
		return true;
	case 'W':
		add_number(t, d, (c->yearday + 6 - (c->weekday + 6) % 7) / 7, '0', 2);
		return true;
	case 'V':
		add_number(t, d, week, '0', 2);
		return true;
	case 'G':
		add_number(t, d, year, '0', 4);
		return true;
	case 'g':
		add_number(t, d, year % 100, '0', 2);
		return true;
	default:
		return false;
	}
}

static void read_flags(struct span *s, struct directive *d)
{
	for (; s->n; span_take(s)) {
		char c = s->p[0];

		if (c == '-')
			d->no_pad = true;
		else if (c == '^')
			d->upper = true;
		else if (c == '#')
			d->swap = true;
		else if (c == '_')
			d->pad = ' ';
		else if (c == '0')
			d->pad = '0';
		else if (c == ':')
			d->colons++;
		else
			break;
	}
	while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
		d->width = d->width * 10 + (span_take(s) - '0');
		if (d->width > WIDTH_MAX)
			d->width = WIDTH_MAX;
	}
}

static bool add_directive(struct text *t, const struct directive *d, char letter, struct moment at,
			  const struct civil *c, int depth)
{
	const char *inner = composed(letter);

	if (inner && depth < DEPTH_MAX) {
		add_format(t, span_str(inner), at, c, depth + 1);
		return true;
	}
	if (letter == '%' || letter == 'n' || letter == 't') {
		text_add_char(t, letter == 'n' ? '\n' : letter == 't' ? '\t' : '%');
		return true;
	}
	return add_date(t, d, letter, c) || add_time(t, d, letter, at, c);
}

static void add_format(struct text *t, struct span format, struct moment at, const struct civil *c, int depth)
{
	while (format.n && !t->failed) {
		size_t plain = span_find(format, '%');
		struct directive d = { 0 };

		text_add(t, span_sub(format, 0, plain));
		format = span_skip(format, plain);
		if (format.n == 0)
			return;
		struct span rest = span_skip(format, 1);

		read_flags(&rest, &d);
		if (rest.n && add_directive(t, &d, rest.p[0], at, c, depth)) {
			format = span_skip(rest, 1);
			continue;
		}
		text_add(t, span_sub(format, 0, format.n - rest.n)); /* not known: as it is */
		format = rest;
	}
}

void date_format(struct text *t, struct span format, struct moment at)
{
	struct civil c = clock_civil(at.wall_ms, at.zone_minutes);

	add_format(t, format, at, &c, 0);
}
