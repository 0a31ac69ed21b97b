/* test_liquid_zone.c - rules and files of time zones, hostile ones too; and the filter date with them. */
#include "tests/unit/liquid_kit.h"

#include <stdlib.h>

#include "engine/base/clock.h"
#include "templates/liquid/zone.h"

static struct kit kit;

static int64_t utc(const char *text)
{
	int64_t ms = 0;

	assert_int_equal(clock_parse(span_str(text), &ms, NULL), 0);
	return ms / 1000;
}

static void rules(void **state)
{
	static const struct {
		const char *rule, *at, *name;
		int seconds;
	} cases[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-01-15T12:00:00Z", "CET", 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T00:59:59Z", "CET", 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T01:00:00Z", "CEST", 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T00:59:59Z", "CEST", 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-10-28T01:00:00Z", "CET", 3600 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2041-03-10T06:59:59Z", "EST", -18000 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2041-03-10T07:00:00Z", "EDT", -14400 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2041-01-01T00:00:00Z", "AEDT", 39600 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2041-07-01T00:00:00Z", "AEST", 36000 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2041-01-01T00:00:00Z", "GMT", 0 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2041-07-01T00:00:00Z", "IST", 3600 },
		{ "<+0530>-5:30", "2041-07-01T00:00:00Z", "+0530", 19800 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2041-03-31T00:59:59Z", "-02", -7200 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2041-03-31T01:00:00Z", "-01", -3600 },
		{ "AAA3BBB,J60/0,J300/0", "2040-03-01T03:00:00Z", "BBB", -7200 },
		{ "AAA3BBB,J60/0,J300/0", "2040-03-01T02:59:59Z", "AAA", -10800 },
		{ "AAA3BBB,59/0,300/0", "2041-03-01T03:00:00Z", "BBB", -7200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static const struct zone_kind none = { 0, "" };
		struct zone z = { .n_kinds = 1, .kinds = &none };

		assert_true(zone_parse_rule(span_str(cases[i].rule), &z.rule));
		const struct zone_kind *k = zone_at(&z, utc(cases[i].at));

		if (strcmp(k->name, cases[i].name) != 0 || k->seconds != cases[i].seconds)
			fail_msg("%s at %s: %s %d", cases[i].rule, cases[i].at, k->name, k->seconds);
	}
}

static void bad_rules(void **state)
{
	static const char *const cases[] = { "", "CET", "-1", "CET-", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0",
					     "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "<CET-1",
					     "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
					     "CET-999", "CET-1:60", "VERYLONGABBREVIATION-1", "CET-1CEST,J366,J1" };
	struct zone_rule r;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (zone_parse_rule(span_str(cases[i]), &r))
			fail_msg("taken: %s", cases[i]);
}

/* Two kinds, two changes, then a rule. */
static const char file[] =
	"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
	"\0\0\0\0\0\0AAA\0"
	"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\x08"
	"\0\0\0\0\0\0\x03\xe8" "\0\0\0\0\0\0\x07\xd0" "\1\0"
	"\0\0\0\x0a\0\0" "\0\0\x0e\x10\1\4"
	"AAA\0BBB\0"
	"\nAAA0BBB,M3.5.0,M10.5.0\n";

static void a_file(void **state)
{
	struct zone z;

	(void)state;
	arena_reset(&kit.memory);
	assert_true(zone_parse(&kit.memory, span_of(file, sizeof file - 1), &z));
	assert_int_equal(zone_at(&z, -5)->seconds, 10);
	assert_int_equal(zone_at(&z, 999)->seconds, 10);
	assert_int_equal(zone_at(&z, 1000)->seconds, 3600);
	assert_string_equal(zone_at(&z, 1999)->name, "BBB");
	assert_string_equal(zone_at(&z, utc("2040-01-01"))->name, "AAA");
	assert_string_equal(zone_at(&z, utc("2040-07-01"))->name, "BBB");
	/* What the clocks skip in spring, and show twice in autumn. */
	assert_int_equal(zone_of_wall(&z, utc("2040-03-25T02:30:00Z")), utc("2040-03-25T02:30:00Z"));
	assert_int_equal(zone_of_wall(&z, utc("2040-10-28T01:30:00Z")), utc("2040-10-28T00:30:00Z"));
	assert_int_equal(zone_of_wall(&z, utc("2040-07-01T12:00:00Z")), utc("2040-07-01T11:00:00Z"));
}

/* Cut anywhere, and with each byte changed: no zone, or one that answers. */
static void hostile_files(void **state)
{
	struct zone z;

	(void)state;
	for (size_t n = 0; n < sizeof file; n++) {
		char *cut = malloc(n ? n : 1);

		assert_non_null(cut);
		memcpy(cut, file, n);
		arena_reset(&kit.memory);
		if (zone_parse(&kit.memory, span_of(cut, n), &z))
			zone_at(&z, 1500);
		free(cut);
		for (int change = 1; n < sizeof file - 1 && change < 256; change += 37) {
			char all[sizeof file];

			memcpy(all, file, sizeof file);
			all[n] = (char)(all[n] + change);
			arena_reset(&kit.memory);
			if (zone_parse(&kit.memory, span_of(all, sizeof file - 1), &z))
				zone_of_wall(&z, 1500);
		}
	}
}

static void names(void **state)
{
	static const char *const bad[] = { "", "/etc/passwd", "../../../etc/passwd", "Europe/../../x", "Europe//Berlin", ".",
					   "Europe/", "Europe/Ber lin", "Europe", "tzdata.zi", "Nowhere/Land",
					   "./UTC", "Europe/./Berlin" };
	struct zones zs = { 0 };

	(void)state;
	arena_reset(&kit.memory);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (zones_add(&zs, &kit.memory, span_str(bad[i])) != 0)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(zones_add(&zs, &kit.memory, SPAN("Europe/Berlin")), 1);
	assert_int_equal(zones_add(&zs, &kit.memory, SPAN("Europe/Berlin")), 1);
	assert_int_equal(zs.n, 1);
	assert_int_equal(zones_add_all(&zs, &kit.memory), 0);
	assert_true(zs.n > 300);
	assert_non_null(zones_find(&zs, SPAN("America/Argentina/Buenos_Aires")));
}

static const struct span columns_names[] = { { "zone", 4 }, { "at", 2 } };
static const struct columns columns = { .n = 2, .names = columns_names };

static void in_a_letter(void **state)
{
	static const struct {
		const char *source, *wanted;
	} cases[] = {
		{ "{{ '2026-07-01T12:00:00Z' | date: '%d %b %Y %H:%M %Z', 'Europe/Berlin' }}", "01 Jul 2026 14:00 CEST" },
		{ "{{ '2026-01-01T12:00:00Z' | date: '%H:%M %z', 'Europe/Berlin' }}", "13:00 +0100" },
		{ "{{ 'now' | date: '%F %H:%M', 'Asia/Tokyo' }}", "2026-11-23 14:40" },
		{ "{{ '2026-11-23' | date: '%d %b %Y %Z', 'America/New_York' }}", "23 Nov 2026 EST" },
		{ "{{ '2026-11-23 18:30' | date: '%H:%M %z', 'America/New_York' }}", "18:30 -0500" },
		{ "{{ 0 | date: '%F %T', 'America/New_York' }}", "1969-12-31 19:00:00" },
		{ "{{ at | date: '%H:%M', zone }}", "21:00" },
		{ "{{ at | date: '%H:%M', '' }}", "12:00" },
		{ "{{ 'no date' | date: '%F', 'Europe/Berlin' }}", "no date" },
		{ "{{ at | date: '%H:%M', 'UTC' }}", "12:00" },
	};
	static const struct span cells[] = { { "Asia/Tokyo", 10 }, { "2026-07-01T12:00:00Z", 20 } };
	const struct row row = { .n_cells = 2, .cells = cells };
	const struct liquid_options opt = { .columns = &columns };
	const struct liquid_input in = { .row = &row, .now_ms = 1795412408000 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = kit_render(&kit, cases[i].source, &opt, &in);

		if (!got || strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: %s%s", cases[i].source, got ? got : kit.found, got ? "" : kit.e.text);
	}
}

static void wrong_zones(void **state)
{
	static const struct span cells[] = { { "../../etc/passwd", 16 }, { "2026-07-01", 10 } };
	const struct row row = { .n_cells = 2, .cells = cells };
	const struct liquid_options opt = { .columns = &columns };
	const struct liquid_input in = { .row = &row };

	(void)state;
	assert_null(kit_render(&kit, "{{ at | date: '%F', 'Europe/Berlni' }}", &opt, &in));
	assert_string_equal(kit.found, "1:21: there is no time zone 'Europe/Berlni'; did you mean 'Europe/Berlin'?\n");
	assert_null(kit_render(&kit, "{{ at | date: '%F', 'berlin' }}", &opt, &in));
	assert_string_equal(kit.found, "1:21: there is no time zone 'berlin'; did you mean 'Europe/Berlin'?\n");
	assert_null(kit_render(&kit, "{{ at | date: '%F', zone }}", &opt, &in));
	assert_int_equal(kit.e.kind, ERR_INPUT);
	assert_string_equal(kit.e.text, "there is no time zone '../../etc/passwd'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules), cmocka_unit_test(bad_rules),	cmocka_unit_test(a_file),
		cmocka_unit_test(hostile_files), cmocka_unit_test(names), cmocka_unit_test(in_a_letter),
		cmocka_unit_test(wrong_zones),
	};
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
