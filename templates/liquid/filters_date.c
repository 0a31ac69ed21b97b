/* filters_date.c - the filter date. What is no date prints as it is, as in the reference. */
#include "templates/liquid/dates.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/number.h"

static bool moment_of(struct filter_run *run, struct value in, struct moment *out)
{
	struct moment now = { run->now_ms, run->zone_minutes };

	if (value_is_text(in))
		return date_parse(value_span(in), now, out);
	if (in.kind != VALUE_INT || in.i > 253402300799 || in.i < -62135596800)
		return false;
	*out = (struct moment){ in.i * 1000, run->zone_minutes };
	return true;
}

static int date(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct span format;
	struct moment at;
	struct text t;

	(void)n;
	*out = in;
	if (filter_text(run, args[0], &format) < 0)
		return -1;
	if (format.n == 0 || !moment_of(run, in, &at))
		return 0;
	text_begin(&t, run->arena);
	date_format(&t, format, at);
	return filter_joined(run, &t, false, out);
}

const struct filter filters_date[] = {
	{ { "date", 4 }, 1, 1, NULL, date },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
