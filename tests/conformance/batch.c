/* batch.c - renders many templates: a JSON object a line in, {"template": ..., "data": {...}}, and a JSON
 * object a line out, {"out": text} or {"error": sentence}. For the differential run. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/liquid/liquid.h"
#include "tests/conformance/json_value.h"

static const int64_t now_ms = 1795412408000;

static struct arena data, row;
static struct liquid_scratch *scratch;

static void put(const char *key, struct span text)
{
	json_t *line = json_object();

	json_object_set_new(line, key, json_stringn(text.n ? text.p : "", text.n));
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static void render(const json_t *line)
{
	const json_t *source = json_object_get(line, "template");
	struct value object = json_to_value(&data, json_object_get(line, "data"));
	struct liquid_options opt = { .path = "t", .lax = true, .globals = object.members, .n_globals = object.n };
	struct liquid_input in = { .now_ms = now_ms };
	struct liquid_program *p = NULL;
	struct liquid_text_sink sink;
	struct err e = { 0 };

	liquid_text_sink_init(&sink, &row);
	if (liquid_compile(&p, span_of(json_string_value(source), json_string_length(source)), &opt, NULL, &e) < 0 ||
	    liquid_render(p, scratch, &row, &in, &sink.sink, &e) < 0)
		put("error", span_str(e.text));
	else
		put("out", span_of(sink.p, sink.n));
	liquid_free(&p);
}

int main(void)
{
	struct err e = { 0 };
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	arena_init(&data, 1 << 16, 1 << 30);
	arena_init(&row, 1 << 16, 1 << 30);
	MUST(liquid_scratch_new(&scratch, &e) == 0);
	while ((n = getline(&text, &cap, stdin)) > 0) {
		json_t *line = json_loadb(text, (size_t)n, 0, NULL);

		MUST(line);
		arena_reset(&data);
		arena_reset(&row);
		render(line);
		json_decref(line);
	}
	free(text);
	liquid_scratch_free(&scratch);
	arena_release(&data);
	arena_release(&row);
	return 0;
}
