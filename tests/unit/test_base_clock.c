/* Times: calendar, writing, parsing, both clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "engine/base/clock.h"

/* Every day of 800 years there and back, and its weekday one further than the last one's. */
static void calendar_walks_day_by_day(void **state)
{
	struct civil before = clock_civil(-86400000LL * 146097, 0);

	(void)state;
	for (int64_t day = -146096; day < 146097; day++) {
		struct civil c = clock_civil(day * 86400000 + 1, 0);

		assert_true(clock_from_civil(&c, 0) == day * 86400000 + 1);
		assert_int_equal(c.weekday, (before.weekday + 1) % 7);
		assert_int_equal(c.yearday, c.year == before.year ? before.yearday + 1 : 1);
		if (c.month == before.month)
			assert_int_equal(c.day, before.day + 1);
		else
			assert_int_equal(c.day, 1);
		before = c;
	}
}

static void calendar_agrees_with_the_library(void **state)
{
	(void)state;
	for (int64_t s = -70000000000; s < 250000000000; s += 7777777777 / 4) {
		time_t t = (time_t)s;
		struct civil c = clock_civil(s * 1000 + 999, 0);
		struct tm tm;

		gmtime_r(&t, &tm);
		if (tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999)
			continue;
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.minute, tm.tm_min);
		assert_int_equal(c.second, tm.tm_sec);
		assert_int_equal(c.ms, 999);
		assert_int_equal(c.weekday, tm.tm_wday);
		assert_int_equal(c.yearday, tm.tm_yday + 1);
	}
}

static void writing(void **state)
{
	static const struct {
		int64_t ms;
		int zone;
		const char *rfc3339, *rfc5322;
	} cases[] = {
		{ 0, 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ -1, 0, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ 1795412408123, 60, "2026-11-23T05:40:08.123Z", "Mon, 23 Nov 2026 06:40:08 +0100" },
		{ 1795412408123, -570, "2026-11-23T05:40:08.123Z", "Sun, 22 Nov 2026 20:10:08 -0930" },
		{ 951782400000, 840, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 14:00:00 +1400" },
		{ INT64_MAX, 0, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0000" },
		{ INT64_MIN, 0, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 +0000" },
		{ INT64_MAX, 60, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0100" },
		{ INT64_MIN, -60, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 -0100" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		clock_rfc3339(cases[i].ms, out);
		assert_string_equal(out, cases[i].rfc3339);
		clock_rfc3339(cases[i].ms, out); /* it remembers what it was asked last */
		assert_string_equal(out, cases[i].rfc3339);
		clock_rfc5322(cases[i].ms, cases[i].zone, out);
		assert_string_equal(out, cases[i].rfc5322);
	}
}

static void parsing(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
		int zone;
	} cases[] = {
		{ "1970-01-01", 0, 0 },
		{ "2026-11-23T05:40:08.123Z", 1795412408123, 0 },
		{ "2026-11-23t05:40:08.123z", 1795412408123, 0 },
		{ "2026-11-23 05:40:08", 1795412408000, 0 },
		{ "2026-11-23T05:40", 1795412400000, 0 },
		{ "2026-11-23T05:40Z", 1795412400000, 0 },
		{ "2026-11-23T06:40:08.123+01:00", 1795412408123, 60 },
		{ "2026-11-22T20:10:08.123-09:30", 1795412408123, -570 },
		{ "1970-01-01T00:00:00.1", 100, 0 },
		{ "1970-01-01T00:00:00.123456789", 123, 0 },
		{ "2000-02-29", 951782400000, 0 },
		{ "2024-02-29", 1709164800000, 0 },
		{ "1900-02-29", -1, 0 },
		{ "2023-02-29", -1, 0 },
		{ "2026-04-31", -1, 0 },
		{ "2026-00-01", -1, 0 },
		{ "2026-13-01", -1, 0 },
		{ "2026-01-00", -1, 0 },
		{ "2026-1-01", -1, 0 },
		{ "26-01-01", -1, 0 },
		{ "2026-01-01T24:00", -1, 0 },
		{ "2026-01-01T23:60", -1, 0 },
		{ "2026-01-01T23:59:60", -1, 0 },
		{ "2026-01-01T23", -1, 0 },
		{ "2026-01-01T23:59:59.", -1, 0 },
		{ "2026-01-01T23:59:59.1234567890", -1, 0 },
		{ "2026-01-01T23:59:59+01", -1, 0 },
		{ "2026-01-01T23:59:59+24:00", -1, 0 },
		{ "2026-01-01T23:59:59Z ", -1, 0 },
		{ "2026-01-01Z", -1, 0 },
		{ "2026-01-01T", -1, 0 },
		{ " 2026-01-01", -1, 0 },
		{ "", -1, 0 },
		{ "tomorrow", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span s = span_str(cases[i].text);
		int64_t ms = 77;
		int zone = 77;
		int rc = clock_parse(s, &ms, &zone);

		assert_int_equal(rc, cases[i].ms == -1 ? -1 : 0);
		assert_true(ms == (rc ? 77 : cases[i].ms));
		assert_int_equal(zone, rc ? 77 : cases[i].zone);
		for (size_t cut = 0; cut < s.n; cut++) /* no cut reads past its end */
			clock_parse(span_sub(s, 0, cut), &ms, NULL);
	}
}

static void what_is_written_parses(void **state)
{
	char out[CLOCK_RFC3339_SIZE];

	(void)state;
	for (int64_t ms = -62167219200000; ms <= 253402300799999; ms += 12345678987654 / 7) {
		int64_t back = 0;

		clock_rfc3339(ms, out);
		assert_int_equal(clock_parse(span_str(out), &back, NULL), 0);
		assert_true(back == ms);
	}
}

static void spans_of_time(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "0", 0 }, { "90", 90000 }, { "200ms", 200 }, { "15s", 15000 }, { "10min", 600000 },
		{ "10m", 600000 }, { "2h", 7200000 }, { "3d", 259200000 }, { "36500d", 3153600000000 },
		{ "36501d", -1 }, { "99999999999999999999", -1 }, { "", -1 }, { "s", -1 }, { "1 s", -1 },
		{ "1.5h", -1 }, { "-1s", -1 }, { "1w", -1 }, { "1S", -1 }, { "1ss", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t ms = -1;

		assert_int_equal(clock_parse_span(span_str(cases[i].text), &ms), cases[i].ms < 0 ? -1 : 0);
		assert_true(ms == cases[i].ms);
	}
}

static void clocks_go_on_and_shift(void **state)
{
	int64_t mono = clock_mono_ms(), ns = clock_mono_ns(), wall = clock_wall_ms();
	struct timespec t = clock_deadline(1999), u = clock_deadline(0);

	(void)state;
	assert_true(clock_mono_ns() >= ns);
	assert_in_range(clock_mono_ms() - mono, 0, 5000);
	assert_in_range(wall / 1000 - time(NULL) + 5, 0, 10);
	clock_shift(1000000, -50000000);
	assert_in_range(clock_mono_ms() - mono, 1000000, 1005000);
	assert_in_range(wall - clock_wall_ms(), 50000000 - 5000, 50000000);
	assert_in_range((t.tv_sec - u.tv_sec) * 1000 + (t.tv_nsec - u.tv_nsec) / 1000000, 1000, 1999);
	assert_in_range(clock_deadline(0).tv_sec - u.tv_sec, 0, 5); /* not shifted */
	assert_in_range(t.tv_nsec, 0, 999999999);
	clock_shift(0, 0);
	assert_in_range(clock_wall_ms() - wall, 0, 5000);
}

static void zone_of_the_machine(void **state)
{
	(void)state;
	setenv("TZ", "XXX-05:30YYY-06:30,M3.5.0,M10.5.0", 1);
	tzset();
	assert_int_equal(clock_zone_minutes(1768435200000), 330); /* January */
	assert_int_equal(clock_zone_minutes(1784073600000), 390); /* July */
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(clock_zone_minutes(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calendar_walks_day_by_day),
		cmocka_unit_test(calendar_agrees_with_the_library),
		cmocka_unit_test(writing),
		cmocka_unit_test(parsing),
		cmocka_unit_test(what_is_written_parses),
		cmocka_unit_test(spans_of_time),
		cmocka_unit_test(clocks_go_on_and_shift),
		cmocka_unit_test(zone_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
