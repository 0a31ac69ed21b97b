/* fuzz_html.c - the text form of any HTML: lines without blanks at their ends, one line end at the last. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 1 << 30 };

static struct arena a, work;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct span text;

	if (!a.chunk_bytes) {
		arena_init(&a, 1 << 16, ARENA);
		arena_init(&work, 1 << 16, ARENA);
	}
	arena_reset(&a);
	MUST(letter_plain(span_of(data, size), &work, &a, &text, &e) == 0 || e.kind == ERR_NOMEM);
	if (e.kind == ERR_NONE)
		MUST(text.n == 0 || text.p[text.n - 1] == '\n');
	if (e.kind == ERR_NONE && utf8_valid(span_of(data, size)))
		MUST(utf8_valid(text));
	return 0;
}
