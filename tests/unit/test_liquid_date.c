/* test_liquid_date.c - dates as people write them, and as a format shows them. */
#include "tests/unit/liquid_kit.h"

/* Monday, 23 November 2026, 05:40:08 UTC */
static const int64_t now_ms = 1795412408000;

struct case_ {
	const char *source, *out;
};

static void run(const struct case_ *cases, size_t n, int zone_minutes)
{
	const struct liquid_options opt = { .lax = true };
	const struct liquid_input in = { .now_ms = now_ms, .zone_minutes = zone_minutes };
	static struct kit k;
	int wrong = 0;

	kit_open(&k);
	for (size_t i = 0; i < n; i++) {
		const char *got = kit_render(&k, cases[i].source, &opt, &in);

		if (!got || strcmp(got, cases[i].out) != 0) {
			print_error("%s\n  got:    %s\n  wanted: %s\n", cases[i].source, got ? got : k.e.text, cases[i].out);
			wrong++;
		}
	}
	kit_close(&k);
	assert_int_equal(wrong, 0);
}

#define DATE(in, format, out) { "{{ " in " | date: '" format "' }}", out }
#define READS(in, out) DATE("'" in "'", "%F %T", out)

static void reads(void **state)
{
	static const struct case_ cases[] = {
		READS("now", "2026-11-23 05:40:08"),
		READS("today", "2026-11-23 05:40:08"),
		READS("2016-03-14", "2016-03-14 00:00:00"),
		READS("2016-03-14 09:26:53", "2016-03-14 09:26:53"),
		READS("2016-03-14T09:26:53Z", "2016-03-14 09:26:53"),
		READS("2016-03-14T09:26:53.589+01:00", "2016-03-14 09:26:53"),
		READS("20160314 10:00", "2016-03-14 10:00:00"),
		READS("March 14, 2016", "2016-03-14 00:00:00"),
		READS("Mar 14 2016 9:26 pm", "2016-03-14 21:26:00"),
		READS("14 March 2016", "2016-03-14 00:00:00"),
		READS("14th of March", "14th of March"),
		READS("14th March 2016", "2016-03-14 00:00:00"),
		READS("14-Mar-2016", "2016-03-14 00:00:00"),
		READS("Mon, 14 Mar 2016 09:26:53 +0100", "2016-03-14 09:26:53"),
		READS("14/03/2016", "2016-03-14 00:00:00"),
		READS("14.03.2016", "2016-03-14 00:00:00"),
		READS("2016/03/14", "2016-03-14 00:00:00"),
		READS("5 pm", "2026-11-23 17:00:00"),
		READS("12:30", "2026-11-23 12:30:00"),
		READS("March 2016", "2016-03-01 00:00:00"),
		READS("29 Feb 2024", "2024-02-29 00:00:00"),
		READS("29 Feb 2023", "29 Feb 2023"),
		READS("1152098955", "2006-07-05 11:29:15"),
		DATE("1152098955", "%F", "2006-07-05"),
		DATE("0", "%F", "1970-01-01"),
		DATE("-1", "%F %T", "1969-12-31 23:59:59"),
		READS("hello", "hello"),
		READS("13:70", "13:70"),
		READS("31/31/2016", "31/31/2016"),
		READS("7", "1970-01-01 00:00:07"),
		READS("", ""),
		DATE("nil", "%F", ""),
		DATE("1.5", "%F", "1.5"),
		DATE("'2016-03-14'", "", "2016-03-14"),
	};

	(void)state;
	run(cases, sizeof cases / sizeof cases[0], 0);
}

static void shows(void **state)
{
	static const struct case_ cases[] = {
		DATE("'now'", "%Y %C %y %m %B %b %h %d %e %j", "2026 20 26 11 November Nov Nov 23 23 327"),
		DATE("'now'", "%H %I %k %l %M %S %L %N %p %P %s", "05 05  5  5 40 08 000 000000000 AM am 1795412408"),
		DATE("'now'", "%A %a %u %w %U %W %V %G %g", "Monday Mon 1 1 47 47 48 2026 26"),
		DATE("'now'", "%c|%D|%F|%T|%R|%r|%x|%X", "Mon Nov 23 05:40:08 2026|11/23/26|2026-11-23|05:40:08|05:40|05:40:08 AM|"
							  "11/23/26|05:40:08"),
		DATE("'now'", "%-d.%-m.%Y %-H:%M", "23.11.2026 5:40"),
		DATE("'now'", "%^a %^B %#p %_H %05d %-j %%", "MON NOVEMBER am  5 00023 327 %"),
		DATE("'now'", "%z %:z %Z", "+0000 +00:00 UTC"),
		DATE("'2016-03-14T09:26:53 -0530'", "%T %z %:z", "09:26:53 -0530 -05:30"),
		DATE("'now'", "%Q %", "%Q %"),
		DATE("'2024-12-30'", "%G-W%V-%u", "2025-W01-1"),
		DATE("'2027-01-01'", "%G-W%V-%u", "2026-W53-5"),
		DATE("'2023-01-01'", "%G-W%V-%u %U %W", "2022-W52-7 01 00"),
		DATE("'2016-03-04'", "%e|%-e|%_m", " 4|4| 3"),
		DATE("'12:05 am'", "%l %I %p", "12 12 AM"),
	};

	(void)state;
	run(cases, sizeof cases / sizeof cases[0], 0);
}

static void zones(void **state)
{
	static const struct case_ cases[] = {
		DATE("'now'", "%F %T %z", "2026-11-23 06:40:08 +0100"),
		DATE("1152098955", "%T", "12:29:15"),
		DATE("'2016-03-14 09:26:53'", "%T %z", "09:26:53 +0100"),
		DATE("'2016-03-14 09:26:53 UTC'", "%T %z", "09:26:53 +0000"),
	};

	(void)state;
	run(cases, sizeof cases / sizeof cases[0], 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(shows),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
