/* filters_date.c - the filter date. What is no date prints as it is, as in the reference.
 *
 * With a zone the moment is shown as clocks there show it; a time of which nobody said the zone is a
 * time there, so a date alone stays that date. */
#include "templates/liquid/dates.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/number.h"
#include "templates/liquid/zone.h"

static bool moment_of(struct filter_run *run, struct value in, struct moment *out)
{
	struct moment now = { .wall_ms = run->now_ms, .zone_minutes = run->zone_minutes };

	if (value_is_text(in))
		return date_parse(value_span(in), now, out);
	if (in.kind != VALUE_INT || in.i > 253402300799 || in.i < -62135596800)
		return false;
	*out = (struct moment){ .wall_ms = in.i * 1000, .zone_minutes = run->zone_minutes };
	return true;
}

static int64_t seconds_of(int64_t ms)
{
	return ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
}

static int move_to(struct filter_run *run, struct span name, struct moment *at)
{
	const struct zone *z = zones_find(run->zones, name);

	if (!z)
		return filter_fail(run, "there is no time zone '%.*s'", SPAN_ARG(span_sub(name, 0, ZONE_NAME_MAX)));
	if (at->in_now_zone) {
		int64_t wall_ms = at->wall_ms + (int64_t)at->zone_minutes * 60000;
		int64_t wall = seconds_of(wall_ms);

		at->wall_ms = zone_of_wall(z, wall) * 1000 + (wall_ms - wall * 1000);
	}
	const struct zone_kind *kind = zone_at(z, seconds_of(at->wall_ms));

	at->zone_minutes = kind->seconds / 60;
	at->zone_name = span_str(kind->name);
	return 0;
}

static int date(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct span format, zone = { NULL, 0 };
	struct moment at;
	struct text t;

	*out = in;
	if (filter_text(run, args[0], &format) < 0 || (n > 1 && filter_text(run, args[1], &zone) < 0))
		return -1;
	if (format.n == 0 || !moment_of(run, in, &at))
		return 0;
	if (zone.n && move_to(run, zone, &at) < 0)
		return -1;
	text_begin(&t, run->arena);
	date_format(&t, format, at);
	return filter_joined(run, &t, false, out);
}

const struct filter filters_date[] = {
	{ { "date", 4 }, 1, 2, NULL, date },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};

bool filter_names_zone(const struct filter *f)
{
	return f == &filters_date[0];
}
