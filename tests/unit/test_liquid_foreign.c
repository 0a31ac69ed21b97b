/* test_liquid_foreign.c - the tags of other mail tools: one sentence each, with the form of ours. */
#include "tests/unit/liquid_kit.h"

static const struct span names[] = { { "FirstName", 9 }, { "name", 4 }, { "last name", 9 } };
static const struct span cells[] = { { "Ann", 3 }, { "Ann", 3 }, { "Lee", 3 } };
static const struct columns columns = { .n = 3, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = 3, .cells = cells };
static struct kit kit;

static const char *found(const char *source)
{
	const struct liquid_options opt = { .columns = &columns };
	const struct liquid_input in = { .row = &row };

	kit_render(&kit, source, &opt, &in);
	return kit.found;
}

static void each(void **state)
{
	static const struct {
		const char *source, *form;
	} cases[] = {
		{ "*|FNAME|*", "{{ name }}" },
		{ "*|COMPANY|*", "{{ COMPANY }}" },
		{ "*|FIRSTNAME|*", "{{ FirstName }}" },
		{ "*|NAME|*", "{{ name }}" },
		{ "*|IF:NAME|*", "{% if NAME %}" },
		{ "*|IFNOT:NAME|*", "{% unless NAME %}" },
		{ "*|ELSEIF:NAME|*", "{% elsif NAME %}" },
		{ "*|ELSE:|*", "{% else %}" },
		{ "*|END:IF|*", "{% endif %}" },
		{ "%%name%%", "{{ name }}" },
		{ "%%first_name%%", "{{ FirstName }}" },
		{ "<<name>>", "{{ name }}" },
		{ "<<Last Name>>", "{{ [\"last name\"] }}" },
		{ "{{#if name}}", "{% if name %}" },
		{ "{{# if name }}", "{% if name %}" },
		{ "{{#unless name}}", "{% unless name %}" },
		{ "{{#each list}}", "{% for item in list %}" },
		{ "{{#name}}", "{% if name %}" },
		{ "{{^name}}", "{% unless name %}" },
		{ "{{/if}}", "{% endif %}" },
		{ "{{/each}}", "{% endfor %}" },
		{ "{{/unless}}", "{% endunless %}" },
		{ "{{> footer}}", "{% include 'footer' %}" },
		{ "{{! remark }}", "{% comment %} ... {% endcomment %}" },
		{ "{{& name}}", "{{ name | raw }}" },
	};
	char wanted[256], source[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(source, sizeof source, "a\nb %s c", cases[i].source);
		snprintf(wanted, sizeof wanted, "2:3: %s is a tag of another tool; write %s\n", cases[i].source, cases[i].form);
		if (strcmp(found(source), wanted) != 0)
			fail_msg("%s\n  got: %s  wanted: %s", source, kit.found, wanted);
	}
	assert_string_equal(found("{{{ name }}}"), "1:1: {{{ name }} is a tag of another tool; write {{ name | raw }}\n");
	assert_string_equal(found("{{else}}"), "1:3: there is no column 'else'; as a tag it is written {% else %}\n");
}

static void what_is_left_alone(void **state)
{
	static const char *const cases[] = {
		"[NAME]", "100%% of 50%%", "%%", "%% name %%", "%name%", "a * b | c * d", "*|*", "*| x |*", "<<", ">>", "<<>>",
		"<< name >>", "<b><i>x</i></b>", "cout << x >> y", "{% raw %}*|FNAME|* %%x%% <<y>> {{#if}}{% endraw %}",
		"{% comment %}*|FNAME|*{% endcomment %}", "{ {#if x} }", "*|", "%%x", "<<x", "<<x>", "*|x|", "*|x*|", "<x>>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (found(cases[i])[0])
			fail_msg("%s\n  got: %s", cases[i], kit.found);
}

static void all_of_them(void **state)
{
	(void)state;
	assert_string_equal(found("*|NAME|* %%name%%\n{% if name %}<<name>>{% endif %}{{/if}}"),
			    "1:1: *|NAME|* is a tag of another tool; write {{ name }}\n"
			    "1:10: %%name%% is a tag of another tool; write {{ name }}\n"
			    "2:14: <<name>> is a tag of another tool; write {{ name }}\n"
			    "2:33: {{/if}} is a tag of another tool; write {% endif %}\n");
}

/* Plain Liquid prints such text; it is only warned of. */
static void plain_liquid(void **state)
{
	const struct liquid_options opt = { .lax = true };
	const struct liquid_input in = { 0 };

	(void)state;
	assert_string_equal(kit_render(&kit, "*|FNAME|*", &opt, &in), "*|FNAME|*");
	assert_string_equal(kit.found, "1:1: *|FNAME|* is a tag of another tool; write {{ FNAME }}\n");
	assert_null(kit_render(&kit, "{{#if x}}", &opt, &in));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each), cmocka_unit_test(what_is_left_alone),
					    cmocka_unit_test(all_of_them), cmocka_unit_test(plain_liquid) };
	int rc;

	kit_open(&kit);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	kit_close(&kit);
	return rc;
}
