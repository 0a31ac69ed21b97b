/* test_liquid_readme.c - every example of the language page prints what the page says. */
#include "tests/unit/liquid_kit.h"

#include "engine/base/buf.h"
#include "engine/base/file.h"

enum { EXAMPLES_LEAST = 50 };

static const struct span names[] = { { "name", 4 }, { "age", 3 },  { "plan", 4 }, { "city", 4 },
				     { "tags", 4 }, { "code", 4 }, { "bio", 3 } };
static const struct span cells[] = { { "Ann", 3 }, { "34", 2 }, { "pro", 3 }, { "", 0 },
				     { "red,green,blue", 14 }, { "007", 3 }, { "<b> & more", 10 } };
static const struct columns columns = { .n = 7, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = 7, .cells = cells };

static int check(struct kit *k, struct span source, struct span wanted, bool html)
{
	const struct liquid_options opt = { .columns = &columns, .html = html };
	const struct liquid_input in = { .row = &row, .now_ms = 1795412408000 };
	char text[4096];
	const char *got;

	snprintf(text, sizeof text, "%.*s", SPAN_ARG(source));
	got = kit_render(k, text, &opt, &in);
	if (got && span_eq(span_str(got), wanted))
		return 0;
	print_error("%s\n  got:    %s%s\n  wanted: %.*s\n", text, got ? got : k->found, got ? "" : k->e.text, SPAN_ARG(wanted));
	return 1;
}

static void examples(void **state)
{
	static struct kit k;
	struct buf page;
	struct err e = { 0 };
	struct span rest, source = { NULL, 0 };
	bool inside = false, html = false;
	int done = 0, wrong = 0;

	(void)state;
	buf_init(&page, 1 << 20);
	assert_int_equal(file_read("templates/liquid/README.md", &page, &e), 0);
	kit_open(&k);
	for (rest = buf_span(&page); rest.n;) {
		struct span line = span_cut(&rest, '\n');

		if (span_begins(line, SPAN("```"))) {
			html = span_eq(line, SPAN("```html"));
			inside = html || span_eq(line, SPAN("```liquid"));
			source = (struct span){ NULL, 0 };
		} else if (inside && span_begins(line, SPAN("→ "))) {
			wrong += check(&k, source, span_skip(line, sizeof "→ " - 1), html);
			done++;
			source = (struct span){ NULL, 0 };
		} else if (inside) {
			source = source.p ? span_of(source.p, (size_t)(line.p + line.n - source.p)) : line;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(done >= EXAMPLES_LEAST);
	kit_close(&k);
	buf_release(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(examples) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
