/* test_liquid_limits.c - templates that want too much, and inputs meant to make code slow. */
#include "tests/unit/liquid_kit.h"

#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	static char twice[32][64];
	int level = name.n == 2 ? (name.p[0] - '0') * 10 + (name.p[1] - '0') : -1;

	(void)ctx, (void)e;
	*path = "p";
	if (span_eq(name, SPAN("self")))
		*text = SPAN("{% include 'self' %}");
	else if (span_eq(name, SPAN("call")))
		*text = SPAN("{% render 'call' %}");
	else if (level >= 0 && level < 31) {
		snprintf(twice[level], sizeof twice[level], "{%% include '%02d' %%}{%% include '%02d' %%}", level + 1, level + 1);
		*text = span_str(twice[level]);
	} else
		*text = SPAN("");
	return 0;
}

static const struct liquid_options options = { .lax = true, .loader = { load, NULL } };
static const struct liquid_input input = { .now_ms = 0 };
static struct kit kit;

static char *repeated(const char *before, const char *unit, size_t n, const char *after)
{
	size_t bytes = strlen(before) + strlen(unit) * n + strlen(after) + 1, at = 0;
	char *s = mem_new(bytes);

	assert_non_null(s);
	at += (size_t)snprintf(s, bytes, "%s", before);
	for (size_t i = 0; i < n; i++, at += strlen(unit))
		memcpy(s + at, unit, strlen(unit));
	snprintf(s + at, bytes - at, "%s", after);
	return s;
}

static void nesting(void **state)
{
	static const struct {
		const char *open, *close;
	} kinds[] = {
		{ "{% if true %}", "{% endif %}" },  { "{% for i in x %}", "" }, { "{{ x[", "" }, { "{{ (", "" },
		{ "{% liquid liquid ", "" },         { "{% capture x %}", "" },  { "{% case x %}", "" },
		{ "{% comment %}", "" },             { "{% raw %}", "" },        { "{{ [", "]" },
		{ "{% if x %}{% else %}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		char *source = repeated("", kinds[i].open, 100000, "");

		assert_null(kit_render(&kit, source, &options, &input));
		assert_int_equal(kit.e.kind, ERR_INPUT);
		mem_free(source);
	}
	for (size_t n = 99; n <= 101; n++) {
		char *open = repeated("", kinds[0].open, n, ""), *source = repeated(open, kinds[0].close, n, "");

		assert_int_equal(kit_render(&kit, source, &options, &input) != NULL, n <= 100);
		assert_int_equal(n <= 100, strstr(kit.found, "more than 100 blocks") == NULL);
		mem_free(open);
		mem_free(source);
	}
}

static void partials(void **state)
{
	(void)state;
	assert_null(kit_render(&kit, "{% include 'self' %}", &options, &input));
	assert_non_null(strstr(kit.e.text, "more than 100 partials"));
	assert_null(kit_render(&kit, "{% render 'call' %}", &options, &input));
	assert_non_null(strstr(kit.e.text, "more than 100 partials"));
	assert_null(kit_render(&kit, "{% include '00' %}", &options, &input)); /* 2^31 of them */
	assert_non_null(strstr(kit.e.text, "too large"));
}

static void steps_and_bytes(void **state)
{
	struct liquid_options opt = options;

	(void)state;
	assert_null(kit_render(&kit, "{% for i in (1..100000000) %}{% endfor %}", &opt, &input));
	assert_non_null(strstr(kit.e.text, "more than 10000000 steps"));
	assert_null(kit_render(&kit, "{{ (1..100000000) | join }}", &opt, &input));
	assert_non_null(strstr(kit.e.text, "steps"));
	opt.limits.steps = 100;
	assert_non_null(kit_render(&kit, "{% for i in (1..10) %}{{ i }}{% endfor %}", &opt, &input));
	assert_null(kit_render(&kit, "{% for i in (1..100) %}{{ i }}{% endfor %}", &opt, &input));
	opt.limits = (struct liquid_limits){ .output_bytes = 10 };
	assert_string_equal(kit_render(&kit, "12345{{ '67890' }}", &opt, &input), "1234567890");
	assert_null(kit_render(&kit, "12345{{ '678901' }}", &opt, &input));
	assert_non_null(strstr(kit.e.text, "more than 10 bytes"));
	assert_null(kit_render(&kit, "{% capture x %}12345678901{% endcapture %}", &opt, &input));
}

/* Time for n and for 8 n: what is quadratic takes 64 times as long, what is linear about 8. */
static int64_t takes(const char *source, size_t n, const char *unit, const char *end)
{
	struct liquid_options opt = options;
	char *text = repeated("", unit, n, end);
	const struct member globals[] = { { SPAN("x"), value_text(span_str(text)) } };
	int64_t best = INT64_MAX;

	opt.globals = globals;
	opt.n_globals = 1;
	for (int i = 0; i < 3; i++) {
		int64_t begin = clock_mono_ns();

		kit_render(&kit, source, &opt, &input);
		int64_t took = clock_mono_ns() - begin;

		best = took < best ? took : best;
	}
	mem_free(text);
	return best;
}

static void nothing_is_quadratic(void **state)
{
	static const struct {
		const char *source, *unit, *end;
	} cases[] = {
		{ "{{ x | replace: 'aaaaaaaaaaaaaaaaab', 'c' }}", "a", "" },
		{ "{{ x | replace: '', 'c' }}", "a", "" },
		{ "{{ x | replace_last: 'ba', 'c' }}", "a", "" },
		{ "{{ x | remove: 'a' }}", "ab", "" },
		{ "{{ x | split: 'a' | size }}", "a", "b" },
		{ "{{ x | split: '' | size }}", "a", "" },
		{ "{{ x | split: ' ' | join: ',' }}", "a ", "" },
		{ "{{ x | truncatewords: 1000000 }}", "a ", "" },
		{ "{{ x | truncate: 100000 }}", "\xC3\xA4", "" },
		{ "{{ x | strip_html }}", "<script", "" },
		{ "{{ x | strip_html }}", "<!--", "" },
		{ "{{ x | strip_html }}", "<", "" },
		{ "{{ x | strip_html }}", "<style><script><!--", "" },
		{ "{{ x | escape_once }}", "&aaaaa", "" },
		{ "{{ x | strip }}", " ", "" },
		{ "{{ x | newline_to_br | strip_newlines }}", "\n", "" },
		{ "{{ x | split: '' | uniq | size }}", "a", "" },
		{ "{{ x | split: '' | sort | reverse | first }}", "ab", "" },
		{ "{{ x | url_encode | url_decode | base64_encode | base64_decode | size }}", "a", "" },
		{ "{% assign l = x | split: '' %}{% for i in l %}{{ i }}{% endfor %}", "a", "" },
		{ "{% assign l = x | split: '' %}{% capture c %}{% for i in l %}{{ i }}{% endfor %}{% endcapture %}", "a", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t few = takes(cases[i].source, 4000, cases[i].unit, cases[i].end);
		int64_t many = takes(cases[i].source, 32000, cases[i].unit, cases[i].end);

		if (many > 5000000 && many > 30 * few)
			fail_msg("%s of '%s': %lld us, then %lld us", cases[i].source, cases[i].unit, (long long)few / 1000,
				 (long long)many / 1000);
	}
}

static void large_templates(void **state)
{
	static const char *const units[] = { "literal ", "{{ x }}", "{% assign a = 1 %}", "{%# c %}x", "{{ x | append: 'b' }}",
					     "{{", "{%", "{{ {%", "{% if x %}a{% endif %}", "{% if x", "{% endif %}", "'" };

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		char *source = repeated("", units[i], 20000, "");
		int64_t begin = clock_mono_ns();

		kit_render(&kit, source, &options, &input);
		assert_true(clock_mono_ns() - begin < 20000000000);
		mem_free(source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting),              cmocka_unit_test(partials),
		cmocka_unit_test(steps_and_bytes),      cmocka_unit_test(nothing_is_quadratic),
		cmocka_unit_test(large_templates),
	};
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
