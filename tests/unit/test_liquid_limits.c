/* test_liquid_limits.c - templates that want too much. (What is meant to make code slow is in
 * tests/conformance/test_counted.c.) */
#include "tests/unit/liquid_kit.h"

#include <stdlib.h>

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
	else if (span_eq(name, SPAN("name"))) /* each call stands in a longer name of an attribute */
		*text = SPAN("a{% render 'name' %}{% if x %}b{% render 'name' %}{% else %}c{% render 'name' %}{% endif %}");
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

	struct liquid_options html = options;

	html.html = true;
	assert_null(kit_render(&kit, "<p {% render 'name' %}", &html, &input)); /* 3^12 of them */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting),              cmocka_unit_test(partials),
		cmocka_unit_test(steps_and_bytes),
	};
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
