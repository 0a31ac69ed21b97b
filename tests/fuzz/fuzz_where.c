/* fuzz_where.c - any text as a condition over a row: it is refused with a place, or has one answer. The
 * first line is the condition, the others are cells. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/liquid/liquid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 4, ARENA = 32 << 20 };

static const struct span names[CELLS] = { { "name", 4 }, { "plan", 4 }, { "age", 3 }, { "a b", 3 } };
static const struct columns columns = { .n = CELLS, .names = names };

static void count(struct finding_sink *self, const struct finding *f)
{
	(void)self;
	MUST(f->text[0] && utf8_valid(span_str(f->text)));
}

static int test_row(struct liquid_program *p, struct liquid_scratch *s, const struct span *cells)
{
	struct row row = { .number = 1, .line = 2, .n_cells = CELLS, .cells = cells };
	struct liquid_input in = { .row = &row };
	struct err e = { 0 };
	struct arena a;
	int rc;

	arena_init(&a, 1 << 12, ARENA);
	rc = liquid_test(p, s, &a, &in, &e);
	MUST(rc >= -1 && rc <= 1);
	MUST(rc >= 0 || (e.kind == ERR_INPUT && e.text[0]) || e.kind == ERR_NOMEM);
	arena_release(&a);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), text = span_cut(&rest, '\n'), cells[CELLS];
	struct liquid_options opt = { .path = "--where", .first_line = 1, .first_column = 1, .columns = &columns,
				      .limits = { .steps = 100000 } };
	struct finding_sink sink = { .report = count };
	struct liquid_program *p = NULL;
	struct liquid_scratch *s = NULL;
	struct err e = { 0 };

	if (!utf8_valid(span_of(data, size)))
		return 0;
	for (int i = 0; i < CELLS; i++) {
		cells[i] = span_cut(&rest, '\n');
		if (!cells[i].p)
			cells[i] = SPAN("");
	}
	if (liquid_compile_condition(&p, text, &opt, &sink, &e) < 0) {
		MUST(!p && e.kind != ERR_NONE && e.text[0]);
		return 0;
	}
	MUST(sink.errors == 0 && liquid_scratch_new(&s, &e) == 0);
	MUST(test_row(p, s, cells) == test_row(p, s, cells));
	liquid_scratch_free(&s);
	liquid_free(&p);
	return 0;
}
