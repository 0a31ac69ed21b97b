/* fuzz_liquid_source.c - any bytes as a template, over a fixed row.
 *
 * The first byte chooses how it is compiled. Parts that the template names are its own second half. What
 * must hold besides not crashing: a program that was handed out renders the same twice, and a fixed
 * program is its piece 0. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/model/finding.h"
#include "templates/liquid/liquid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HTML = 1, LAX = 2, CONDITION = 4, OPEN = 8, MARKDOWN = 16, STEPS = 20000, OUTPUT = 1 << 18, ARENA = 32 << 20 };

static const struct span names[] = { { "name", 4 }, { "n", 1 }, { "empty_one", 9 }, { "list", 4 } };
static const struct span cells[] = { { "Ann <b>", 7 }, { "007", 3 }, { "", 0 }, { "b,a,c", 5 } };
static const struct value items[] = { { .kind = VALUE_INT, .i = 3 }, { .kind = VALUE_TEXT, .n = 1, .text = "x" },
				      { .kind = VALUE_NIL } };
static const struct member members[] = { { { "k", 1 }, { .kind = VALUE_INT, .i = 5 } },
					 { { "v", 1 }, { .kind = VALUE_ARRAY, .n = 3, .items = items } } };
static const struct member globals[] = { { { "a", 1 }, { .kind = VALUE_ARRAY, .n = 3, .items = items } },
					 { { "o", 1 }, { .kind = VALUE_OBJECT, .n = 2, .members = members } },
					 { { "t", 1 }, { .kind = VALUE_TEXT, .n = 4, .text = "http" } } };

static struct liquid_scratch *scratch;
static struct arena first, second;

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	if (name.n > 2)
		return err_set(e, ERR_INPUT, "no partial of that name");
	*text = *(struct span *)ctx;
	*path = "part";
	return 0;
}

static void ignore(struct finding_sink *self, const struct finding *f)
{
	(void)self;
	MUST(f->text[0] && f->line > 0);
}

static int render(const struct liquid_program *p, struct arena *a, struct span *out)
{
	const struct row row = { .number = 1, .line = 2, .n_cells = 4, .cells = cells,
				 .object = { .kind = VALUE_OBJECT, .n = 2, .members = members } };
	const struct liquid_input in = { .row = &row, .now_ms = 1795412408000, .zone_minutes = 60 };
	struct liquid_text_sink sink;
	struct err e = { 0 };
	int rc;

	arena_reset(a);
	liquid_text_sink_init(&sink, a);
	rc = liquid_render(p, scratch, a, &in, &sink.sink, &e);
	MUST(rc == 0 || e.kind == ERR_NOMEM || (e.kind == ERR_INPUT && e.line > 0));
	*out = span_of(sink.p, sink.n);
	return rc;
}

static void use(const struct liquid_program *p)
{
	struct span once, again;
	int rc = render(p, &first, &once);

	MUST(render(p, &second, &again) == rc);
	MUST(span_eq(once, again));
	if (liquid_is_fixed(p))
		MUST(rc == 0 && (liquid_n_pieces(p) ? span_eq(once, liquid_piece(p, 0)) : once.n == 0));
}

static void test(const struct liquid_program *p)
{
	const struct row row = { .number = 1, .line = 2, .n_cells = 4, .cells = cells };
	const struct liquid_input in = { .row = &row };
	struct err e = { 0 };

	arena_reset(&first);
	liquid_test(p, scratch, &first, &in, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct finding_sink sink = { .report = ignore };
	struct span source = size ? span_of(data + 1, size - 1) : (struct span){ NULL, 0 };
	struct span part = span_skip(source, source.n / 2);
	int how = size ? data[0] : 0;
	const struct columns columns = { .n = 4, .names = names, .open = (how & OPEN) != 0 };
	const struct liquid_options opt = { .path = "fuzz", .html = how & HTML, .markdown = how & HTML && how & MARKDOWN,
					    .lax = how & LAX, .columns = &columns,
					    .globals = globals, .n_globals = 3, .loader = { load, &part },
					    .limits = { 30, STEPS, OUTPUT } };
	struct liquid_program *p = NULL;
	struct err e = { 0 };

	if (!scratch) {
		MUST(liquid_scratch_new(&scratch, &e) == 0);
		arena_init(&first, 1 << 16, ARENA);
		arena_init(&second, 1 << 16, ARENA);
	}
	if (how & CONDITION) {
		if (liquid_compile_condition(&p, source, &opt, &sink, &e) == 0)
			test(p);
	} else if (liquid_compile(&p, source, &opt, &sink, &e) == 0) {
		use(p);
	}
	MUST(p || e.text[0]);
	liquid_free(&p);
	return 0;
}
