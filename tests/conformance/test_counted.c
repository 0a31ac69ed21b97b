/* test_counted.c - rendering and compiling are linear: counted, not timed.
 *
 * The language is compiled for this program with a call in front of each basic block; the calls, and the
 * bytes that the C library's memchr() and the like look at, are the steps: the same on any machine. Each input is tried at n and at 8 n: what is linear
 * takes 8 times as many steps, what is quadratic 64 times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "templates/liquid/liquid.h"

enum { FEW = 4000, TIMES = 8, MORE_PERCENT = 25, SLACK = 20000, LITERAL_BYTES = 10 << 20 };

void __sanitizer_cov_trace_pc(void);
void *__real_memchr(const void *p, int c, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n);
void *__real_memmem(const void *p, size_t n, const void *what, size_t n_what);
void *__wrap_memmem(const void *p, size_t n, const void *what, size_t n_what);
void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
int __real_memcmp(const void *x, const void *y, size_t n);
int __wrap_memcmp(const void *x, const void *y, size_t n);
void *__real_memset(void *p, int c, size_t n);
void *__wrap_memset(void *p, int c, size_t n);

static uint64_t steps;
static struct liquid_scratch *scratch;
static struct arena memory;

void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

void *__wrap_memchr(const void *p, int c, size_t n)
{
	const char *at = __real_memchr(p, c, n);

	steps += at ? (size_t)(at - (const char *)p) : n;
	return (void *)at;
}

void *__wrap_memmem(const void *p, size_t n, const void *what, size_t n_what)
{
	const char *at = __real_memmem(p, n, what, n_what);

	steps += at ? (size_t)(at - (const char *)p) + n_what : n;
	return (void *)at;
}

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
	steps += n;
	return __real_memcpy(to, from, n);
}

int __wrap_memcmp(const void *x, const void *y, size_t n)
{
	steps += n;
	return __real_memcmp(x, y, n);
}

void *__wrap_memset(void *p, int c, size_t n)
{
	steps += n;
	return __real_memset(p, c, n);
}

static char *repeated(const char *before, const char *unit, size_t n, const char *after)
{
	size_t size = strlen(before) + strlen(unit) * n + strlen(after) + 1;
	char *s = malloc(size), *p = s;

	assert_non_null(s);
	p += snprintf(p, size, "%s", before);
	for (size_t i = 0; i < n; i++, p += strlen(unit))
		memcpy(p, unit, strlen(unit));
	snprintf(p, size - (size_t)(p - s), "%s", after);
	return s;
}

/* Steps to compile and render source where x is the text. */
static uint64_t counted(const char *source, const char *x, bool html)
{
	const struct member globals[] = { { SPAN("x"), value_text(span_str(x)) } };
	const struct liquid_options opt = { .lax = true, .html = html, .globals = globals, .n_globals = 1,
					    .limits = { .steps = 1u << 30 } };
	const struct liquid_input in = { .now_ms = 0 };
	struct liquid_program *p = NULL;
	struct liquid_text_sink sink;
	struct err e = { 0 };

	arena_reset(&memory);
	liquid_text_sink_init(&sink, &memory);
	steps = 0;
	if (liquid_compile(&p, span_str(source), &opt, NULL, &e) == 0)
		liquid_render(p, scratch, &memory, &in, &sink.sink, &e);
	uint64_t n = steps;

	assert_int_not_equal(e.kind, ERR_NOMEM);
	liquid_free(&p);
	return n;
}

static void check(const char *what, const char *unit, uint64_t few, uint64_t many)
{
	if (many > few * TIMES * (100 + MORE_PERCENT) / 100 + SLACK)
		fail_msg("%s of '%s': %llu steps, then %llu", what, unit, (unsigned long long)few, (unsigned long long)many);
}

static void data(void **state)
{
	static const struct {
		const char *source, *unit, *end;
	} cases[] = {
		{ "{{ x }}", "<", "" },
		{ "{{ x | replace: 'aaaaaaaaaaaaaaaaab', 'c' }}", "a", "" },
		{ "{{ x | replace: 'a', 'aa' }}", "a", "" },
		{ "{{ x | replace: '', 'c' }}", "a", "" },
		{ "{{ x | replace_first: 'aaaaaaaab', 'c' }}", "a", "" },
		{ "{{ x | replace_last: 'ba', 'c' }}", "a", "" },
		{ "{{ x | remove: 'a' }}", "ab", "" },
		{ "{{ x | split: 'a' | size }}", "a", "b" },
		{ "{{ x | split: 'a' | size }}", "a", "" },
		{ "{{ x | split: 'aab' | size }}", "a", "" },
		{ "{{ x | split: '' | size }}", "a", "" },
		{ "{{ x | split: ' ' | join: ',' }}", "a ", "" },
		{ "{{ x | truncatewords: 1000000 }}", "a ", "" },
		{ "{{ x | truncatewords: 3 }}", " ", "a" },
		{ "{{ x | truncatewords: 1000000 }}", "  ", "" },
		{ "{{ x | truncate: 100000 }}", "\xC3\xA4", "" },
		{ "{{ x | slice: -5, 3 }}", "\xC3\xA4", "" },
		{ "{{ x | strip_html }}", "<script", "" },
		{ "{{ x | strip_html }}", "<script>", "" },
		{ "{{ x | strip_html }}", "<!--", "" },
		{ "{{ x | strip_html }}", "<", "" },
		{ "{{ x | strip_html }}", "<style><script><!--", "" },
		{ "{{ x | strip_html }}", "<script></style>", "" },
		{ "{{ x | escape_once }}", "&aaaaa", "" },
		{ "{{ x | escape_once }}", "&#", "" },
		{ "{{ x | strip }}", " ", "" },
		{ "{{ x | newline_to_br | strip_newlines }}", "\n", "" },
		{ "{{ x | upcase | downcase | capitalize }}", "\xC3\x9F", "" },
		{ "{{ x | split: '' | uniq | size }}", "a", "" },
		{ "{{ x | split: ' ' | compact | reverse | first }}", "ab ", "" },
		{ "{{ x | url_encode | url_decode | base64_encode | base64_decode | size }}", "a", "" },
		{ "{{ x | json | size }}", "\"", "" },
		{ "{{ x | date: '%F' }}", "1 ", "" },
		{ "{% assign l = x | split: '' %}{% for i in l %}{{ i }}{% endfor %}", "a", "" },
		{ "{% assign l = x | split: '' %}{% capture c %}{% for i in l %}{{ i }}{% endfor %}{% endcapture %}", "a", "" },
		{ "{% for i in (1..4000) %}{% ifchanged %}{{ i }}{% endifchanged %}{% cycle 'a': 1, 2 %}{% endfor %}{{ x }}", "a", "" },
		{ "{% assign l = x | split: '' %}{% for i in l %}{% assign s = s | append: i %}{% endfor %}{{ s }}", "a", "" },
		{ "{% assign l = x | split: '' %}{% for i in l %}{% assign s = s | prepend: i %}{% endfor %}{{ s }}", "a", "" },
		{ "<a href=\"{{ x }}\">", " ", "" },
		{ "<a href=\"{{ x }}\">", "&#0", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int html = 0; html < 2; html++) {
			char *few = repeated("", cases[i].unit, FEW, cases[i].end);
			char *many = repeated("", cases[i].unit, FEW * TIMES, cases[i].end);

			check(cases[i].source, cases[i].unit, counted(cases[i].source, few, html),
			      counted(cases[i].source, many, html));
			free(few);
			free(many);
		}
}

/* Sorting is n log n: for 8 times as many no more than 12 times the steps. */
static void sorting(void **state)
{
	char *few = repeated("", "c,a,b,", FEW, ""), *many = repeated("", "c,a,b,", FEW * TIMES, "");
	const char *source = "{{ x | split: ',' | sort | first }}";

	(void)state;
	assert_true(counted(source, many, false) < 12 * counted(source, few, false));
	free(few);
	free(many);
}

static void templates(void **state)
{
	static const char *const units[] = {
		"literal ", "{{ x }}", "{% assign a = 1 %}", "{%# c %}x", "{{ x | append: 'b' }}", "{{", "{%", "{{ {%", "{", "}",
		"{% if x %}a{% endif %}", "{% if x", "{% endif %}", "'", "*|", "*|aaaaaaaaaaaaaaaaa", "%%a", "<<a", "<<a ", "<",
		"<a href=\"", "<a href=\"{{ x }}", "<!--", "<script>", "{{ x[0].a }}", "{% comment %}{% endcomment %}",
		"{% raw %}{% endraw %}", "{% raw %}", "{% capture a %}b{% endcapture %}", "{% cycle 'a', 'b' %}", "{{- x -}} ",
		"{% liquid echo x %}", "{% for i in x %}{{ i }}{% endfor %}", "{% case x %}{% when 1 %}{% endcase %}", "\n",
	};
	static const struct {
		const char *before, *unit, *after;
	} chains[] = {
		{ "{{ x", " | append: 'b'", " }}" },	   { "{{ x", "[0]", " }}" },
		{ "{{ x", ".a", " }}" },		   { "{% if x", " and x", " %}{% endif %}" },
		{ "{% if x", " or x == 1", " %}{% endif %}" }, { "{% if x %}", "{% elsif x %}", "{% endif %}" },
		{ "{% case x %}", "{% when 1 %}", "{% endcase %}" }, { "{% case x %}{% when 1", ", 1", " %}{% endcase %}" },
		{ "{% cycle 1", ", 1", " %}" },		   { "{{ '", "a", "' }}" },
		{ "{% liquid ", "echo x\n", " %}" },	   { "{{ ", "1", " }}" },
		{ "{% # ", "a\n# ", "%}" },		   { "{% comment %}", "{{ {% x", "{% endcomment %}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof units[0] + sizeof chains / sizeof chains[0]; i++) {
		size_t k = i - sizeof units / sizeof units[0];
		bool unit = i < sizeof units / sizeof units[0];
		const char *what = unit ? units[i] : chains[k].unit;
		char *few = repeated(unit ? "" : chains[k].before, what, FEW, unit ? "" : chains[k].after);
		char *many = repeated(unit ? "" : chains[k].before, what, FEW * TIMES, unit ? "" : chains[k].after);

		check("a template", what, counted(few, "y", true), counted(many, "y", true));
		free(few);
		free(many);
	}
}

static void literals(void **state)
{
	char *text = repeated("", "Dear all, 10%\n", LITERAL_BYTES / 14, "");
	char *raw = repeated("{% raw %}", "{{ x }} {% x %}", LITERAL_BYTES / 15, "{% endraw %}");
	char *quoted = repeated("{{ '", "Dear all, 10%\n", LITERAL_BYTES / 14, "' }}");

	(void)state;
	assert_true(counted(text, "", false) < 20 * (uint64_t)LITERAL_BYTES);
	assert_true(counted(text, "", true) < 40 * (uint64_t)LITERAL_BYTES);
	assert_true(counted(raw, "", false) < 20 * (uint64_t)LITERAL_BYTES);
	assert_true(counted(quoted, "", true) < 20 * (uint64_t)LITERAL_BYTES);
	assert_true(counted("{{ x }}", text, true) < 20 * (uint64_t)LITERAL_BYTES);
	free(text);
	free(raw);
	free(quoted);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(data), cmocka_unit_test(sorting), cmocka_unit_test(templates),
					    cmocka_unit_test(literals) };
	struct err e = { 0 };
	int rc;

	arena_init(&memory, 1 << 20, (size_t)4 << 30);
	if (liquid_scratch_new(&scratch, &e) < 0)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	liquid_scratch_free(&scratch);
	arena_release(&memory);
	return rc;
}
