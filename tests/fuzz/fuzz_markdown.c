/* fuzz_markdown.c - any Markdown; and any text as a value in Markdown, which must come out as text: no
 * tag of the result is the value's. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/letter/letter_markdown.h"
#include "templates/liquid/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 64 << 20 };

static struct arena a;

/* Tags that lines of plain text have, and those of links that Markdown sees in bare addresses. */
static bool is_harmless(struct span tag)
{
	static const char *const all[] = { "<p>", "</p>", "<br>", "</a>", "<a href=\"http://", "<a href=\"https://",
					   "<a href=\"mailto:", "<a href=\"\"" };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (span_begins(tag, span_str(all[i])))
			return true;
	return false;
}

static void check_value(struct span value)
{
	struct span escaped, html;
	struct text t;
	bool ok;

	escaped = escape_markdown(&a, value, &ok);
	MUST(ok);
	text_begin(&t, &a);
	text_add(&t, SPAN("x "));
	text_add(&t, escaped);
	text_add(&t, SPAN(" x\n"));
	MUST(!t.failed && letter_markdown(text_span(&t), &a, &html, NULL) == 0);
	for (size_t i = 0; i < html.n; i++)
		MUST(html.p[i] != '<' || is_harmless(span_skip(html, i)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct span html;

	if (!a.chunk_bytes)
		arena_init(&a, 1 << 16, ARENA);
	arena_reset(&a);
	MUST(letter_markdown(span_of(data, size), &a, &html, &e) == 0);
	check_value(span_of(data, size));
	return 0;
}
