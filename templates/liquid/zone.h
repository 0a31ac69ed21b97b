/* zone.h - named time zones: what the clocks of "Europe/Berlin" show at a moment.
 *
 * Zones are read while a template compiles and belong to its program; rendering only looks them up, so
 * no file is ever opened because a row says so. Private to the room. */
#ifndef TEMPLATES_LIQUID_ZONE_H
#define TEMPLATES_LIQUID_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

enum { ZONE_NAME_MAX = 64, ZONE_ABBREVIATION_MAX = 12, ZONE_KINDS_MAX = 255 };

struct zone_kind { /* one way the clocks are set */
	int32_t seconds; /* east of UTC */
	char name[ZONE_ABBREVIATION_MAX]; /* "CET" */
};

struct zone_day { /* when a rule changes the clocks */
	char form;                /* 'J': day 1..365 without 29 February, 'M': below, 'N': day 0..365 */
	int month, week, weekday; /* week 5: the last one; 0 is Sunday */
	int day;
	int32_t seconds; /* behind midnight */
};

struct zone_rule { /* for the time after the last change that is listed */
	bool known, changes;
	struct zone_kind usual, summer;
	struct zone_day begin, end; /* of summer */
};

struct zone {
	struct span name;
	uint32_t n, n_kinds;
	const int64_t *at;   /* n moments, seconds since 1970, rising */
	const uint8_t *kind; /* from that moment on; before the first: kinds[0] */
	const struct zone_kind *kinds;
	struct zone_rule rule;
};

struct zones {
	const struct zone **items;
	uint32_t n, cap;
	bool all; /* has every zone of this system */
};

/* The bytes of a TZif file (RFC 8536), any bytes. False: they are none, or memory ran out. */
bool zone_parse(struct arena *a, struct span file, struct zone *out);
/* "CET-1CEST,M3.5.0,M10.5.0/3" as POSIX has it. */
bool zone_parse_rule(struct span text, struct zone_rule *out);
/* Borrowed from the zone. */
const struct zone_kind *zone_at(const struct zone *z, int64_t seconds);
/* The moment when clocks there show wall (seconds as if it were UTC); the earlier of two. */
int64_t zone_of_wall(const struct zone *z, int64_t wall);

/* The zone of that name, or NULL. */
const struct zone *zones_find(const struct zones *zs, struct span name);
/* Reads one from this system, once. 1; 0 when there is none of that name; -1 memory. */
int zones_add(struct zones *zs, struct arena *a, struct span name);
/* Reads them all. 0, or -1: memory. */
int zones_add_all(struct zones *zs, struct arena *a);
/* A name that was probably meant, or { NULL, 0 }. Looks through all of zs. */
struct span zones_nearest(const struct zones *zs, struct span name);

#endif
