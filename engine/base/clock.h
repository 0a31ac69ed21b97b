/* clock.h - the only door to the time.
 *
 * Waiting uses the monotonic clock, writing uses the wall clock, and neither is ever turned into
 * the other. Wall times are milliseconds since 1970-01-01 UTC. Safe in any thread. */
#ifndef ENGINE_BASE_CLOCK_H
#define ENGINE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "engine/base/span.h"

enum {
	CLOCK_RFC3339_SIZE = 32, /* "2026-11-23T05:40:08.123Z" and NUL */
	CLOCK_RFC5322_SIZE = 40  /* "Mon, 23 Nov 2026 05:40:08 +0000" and NUL */
};

struct civil { /* proleptic Gregorian calendar */
	int year, month, day;         /* month 1..12 */
	int hour, minute, second, ms; /* no leap seconds */
	int weekday;                  /* 0 = Sunday */
	int yearday;                  /* 1..366 */
};

int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_wall_ms(void);
/* The moment wait_ms (not negative) from now on CLOCK_MONOTONIC, for waits inside the kernel;
 * clock_shift() does not reach it. */
struct timespec clock_deadline(int64_t wait_ms);

/* Times outside the years 0 to 9999 come out as the first or last moment of these. */
struct civil clock_civil(int64_t wall_ms, int zone_minutes);
int64_t clock_from_civil(const struct civil *c, int zone_minutes);
/* Minutes east of UTC that this machine's zone (TZ) has at that time. */
int clock_zone_minutes(int64_t wall_ms);

void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);
/* RFC 5322 3.3, English names whatever the locale. */
void clock_rfc5322(int64_t wall_ms, int zone_minutes, char out[CLOCK_RFC5322_SIZE]);
/* "2026-11-23", "2026-11-23T05:40[:08[.123]]" with "Z", "+hh:mm" or nothing (UTC); T may be a
 * space: 0, or -1. *zone_minutes gets the zone written, 0 for none; it may be NULL. */
int clock_parse(struct span text, int64_t *wall_ms, int *zone_minutes);
/* "90" (seconds), "200ms", "15s", "10min" or "10m", "2h", "3d": 0, or -1. */
int clock_parse_span(struct span text, int64_t *out_ms);

/* For tests: both clocks are shifted by these from now on; 0, 0 switches it off. */
void clock_shift(int64_t mono_ms, int64_t wall_ms);

#endif
