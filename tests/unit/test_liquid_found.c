/* test_liquid_found.c - templates that once went wrong in a way that a fuzz target saw. */
#include "tests/unit/liquid_kit.h"

static const struct span names[] = { { "none", 4 }, { "low", 3 }, { "text", 4 } };
static const struct span cells[] = { { NULL, 0 }, { "-6727636073941130590", 20 }, { "abc", 3 } };
static const struct columns columns = { .n = 3, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = 3, .cells = cells };

static void each(void **state)
{
	static const struct {
		const char *source, *wanted;
	} cases[] = {
		{ "[{{ none | upcase }}{{ none | downcase }}{{ none | capitalize }}]", "[]" },
		{ "[{% for i in (1..3) limit: low offset: low %}{{ i }}{% endfor %}]", "[]" },
		/* Texts that are put together share their bytes. */
		{ "{% assign a = text | append: 'd' %}{% assign b = a | append: 'e' %}{% assign c = a | append: 'f' %}"
		  "{{ a }} {{ b }} {{ c }}", "abcd abcde abcdf" },
		{ "{% assign a = text | prepend: 'd' %}{% assign b = a | prepend: 'e' %}{% assign c = a | prepend: 'f' %}"
		  "{{ a }} {{ b }} {{ c }}", "dabc edabc fdabc" },
		{ "{% assign a = text | append: '-' %}{% assign a = a | append: a %}{{ a }}{{ a | prepend: a | append: a | size }}",
		  "abc-abc-24" },
		{ "{% for i in (1..40) %}{% assign s = s | append: i | prepend: '.' %}{% endfor %}{{ s | size }}{{ s | slice: -4, 4 }}",
		  "1113940" },
		{ "{% for i in text offset: 9223372036854775807 %}{{ i }}{% endfor %}", "abc" },
	};
	static struct kit k;
	int wrong = 0;

	(void)state;
	kit_open(&k);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int html = 0; html < 2; html++) {
			const struct liquid_options opt = { .columns = &columns, .html = html };
			const struct liquid_input in = { .row = &row };
			const char *got = kit_render(&k, cases[i].source, &opt, &in);

			if (got && strcmp(got, cases[i].wanted) == 0)
				continue;
			print_error("%s\n  got: %s\n", cases[i].source, got ? got : k.e.text);
			wrong++;
		}
	assert_int_equal(wrong, 0);
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
