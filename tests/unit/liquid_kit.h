/* liquid_kit.h - for the tests of the template language: compile and render in one call. */
#ifndef TESTS_UNIT_LIQUID_KIT_H
#define TESTS_UNIT_LIQUID_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/model/finding.h"
#include "templates/liquid/liquid.h"

struct kit {
	struct finding_sink sink; /* first member */
	struct arena memory;
	struct liquid_scratch *scratch;
	struct err e;
	char found[16384]; /* "line:column: text; hint" a line */
	size_t n_found;
};

static inline void kit_report(struct finding_sink *self, const struct finding *f)
{
	struct kit *k = (struct kit *)self;
	size_t left = sizeof k->found - k->n_found;
	int n = snprintf(k->found + k->n_found, left, "%s%s%llu:%llu: %s%s%s\n", f->path ? f->path : "",
			 f->path ? ":" : "", (unsigned long long)f->line, (unsigned long long)f->column, f->text,
			 f->hint[0] ? "; " : "", f->hint);

	k->n_found += n < 0 ? 0 : (size_t)n < left ? (size_t)n : left - 1;
}

static inline void kit_open(struct kit *k)
{
	memset(k, 0, sizeof *k);
	k->sink.report = kit_report;
	arena_init(&k->memory, 1 << 16, 1 << 28);
	assert_int_equal(liquid_scratch_new(&k->scratch, &k->e), 0);
}

static inline void kit_close(struct kit *k)
{
	liquid_scratch_free(&k->scratch);
	arena_release(&k->memory);
}

/* The text, NUL-terminated, until the next call; NULL with k->e and k->found after a mistake. */
static inline const char *kit_render(struct kit *k, const char *source, const struct liquid_options *opt,
				     const struct liquid_input *in)
{
	struct liquid_program *p = NULL;
	struct liquid_text_sink sink;
	const char *out = NULL;

	arena_reset(&k->memory);
	memset(&k->e, 0, sizeof k->e);
	k->n_found = 0;
	k->found[0] = '\0';
	if (liquid_compile(&p, span_str(source), opt, &k->sink, &k->e) == 0) {
		liquid_text_sink_init(&sink, &k->memory);
		if (liquid_render(p, k->scratch, &k->memory, in, &sink.sink, &k->e) == 0)
			out = arena_str(&k->memory, span_of(sink.p, sink.n));
	}
	liquid_free(&p);
	return out;
}

#endif
