/* dates.h - dates as people write them, and as a format shows them. English, whatever the locale. */
#ifndef TEMPLATES_LIQUID_DATES_H
#define TEMPLATES_LIQUID_DATES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "templates/liquid/values.h"

struct moment {
	int64_t wall_ms;
	int zone_minutes;
	struct span zone_name; /* what %Z prints; empty: made of zone_minutes */
	bool in_now_zone;      /* date_parse(): a wall time of which nobody said the zone */
};

/* 2026-11-23, 2026-11-23T05:40:08Z, 23 Nov 2026, November 23, 2026 5:40 pm, Mon, 23 Nov 2026
 * 05:40:08 +0100, 23.11.2026, 23/11/2026, and digits alone: seconds since 1970. What is
 * not said comes from now; a time without a zone is in now's. */
bool date_parse(struct span text, struct moment now, struct moment *out);
/* The directives of strftime(3) that the language has, with the flags - 0 ^ # _ : and a width. */
void date_format(struct text *t, struct span format, struct moment at);

extern const char *const date_months[12], *const date_days[7];

#endif
