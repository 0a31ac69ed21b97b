/* run_golden.c - runs suites in the Golden Liquid form against the template language, in process.
 *
 *   run_golden SUITE.json...    passed and failed, with the names of those that failed
 *   run_golden --dir FOLDER     one fixture: data.json, templates/index.liquid, expected_result.txt
 *
 * Each case is rendered three times over, so that what a render leaves in its scratch shows. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/must.h"
#include "engine/model/finding.h"
#include "templates/liquid/liquid.h"
#include "tests/conformance/json_value.h"

enum { FILE_MAX = 64 << 20, TIMES = 3 };

static const int64_t now_ms = 1750000000000; /* in 2025, as one of the fixtures says */

struct run {
	struct arena data, row;
	struct liquid_scratch *scratch;
	unsigned passed, failed;
};

struct outcome {
	bool invalid;
	struct span text; /* in run.row */
	struct err e;
};

static int load_template(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	char key[512];
	json_t *found;

	snprintf(key, sizeof key, "%.*s", SPAN_ARG(name));
	if (!(found = json_object_get(ctx, key)))
		return err_set(e, ERR_INPUT, "no partial '%s'", key);
	*text = span_of(json_string_value(found), json_string_length(found));
	*path = json_object_iter_key(json_object_iter_at(ctx, key));
	return 0;
}

static void render(struct run *r, struct span source, const json_t *data, json_t *templates, struct outcome *out)
{
	struct value object = data ? json_to_value(&r->data, data) : VALUE_OF_NIL;
	struct liquid_options opt = { .path = "template", .lax = true,
				      .loader = { load_template, templates ? templates : json_object() } };
	struct liquid_input in = { .now_ms = now_ms };
	struct liquid_program *p;
	struct liquid_text_sink sink;

	*out = (struct outcome){ 0 };
	if (object.kind == VALUE_OBJECT) {
		opt.globals = object.members;
		opt.n_globals = object.n;
	}
	out->invalid = liquid_compile(&p, source, &opt, NULL, &out->e) < 0;
	for (int i = 0; i < TIMES && !out->invalid; i++) {
		arena_reset(&r->row);
		liquid_text_sink_init(&sink, &r->row);
		out->invalid = liquid_render(p, r->scratch, &r->row, &in, &sink.sink, &out->e) < 0;
		out->text = span_of(sink.p, sink.n);
	}
	liquid_free(&p);
	if (!templates)
		json_decref(opt.loader.ctx);
}

static bool text_is(const struct outcome *o, const json_t *wanted)
{
	return !o->invalid &&
	       span_eq(o->text, span_of(json_string_value(wanted), json_string_length(wanted)));
}

static bool as_wanted(const json_t *test, const struct outcome *o)
{
	json_t *results = json_object_get(test, "results"), *result = json_object_get(test, "result");

	if (json_is_true(json_object_get(test, "invalid")))
		return o->invalid;
	for (size_t i = 0; i < json_array_size(results); i++)
		if (text_is(o, json_array_get(results, i)))
			return true;
	return result && text_is(o, result);
}

static void report(struct run *r, const char *name, bool good, const struct outcome *o, const char *wanted)
{
	char text[2048];

	if (good) {
		r->passed++;
		return;
	}
	r->failed++;
	printf("FAILED %s\n", name);
	if (o->invalid)
		printf("  got an error: %s\n", err_format(&o->e, text, sizeof text));
	else
		printf("  got:    %.*s\n", SPAN_ARG(o->text));
	printf("  wanted: %s\n", wanted ? wanted : "an error");
}

static void run_suite(struct run *r, const char *path)
{
	json_error_t je;
	json_t *suite = json_load_file(path, 0, &je), *tests = json_object_get(suite, "tests"), *test;
	size_t i;

	if (!suite) {
		printf("FAILED %s:%d: %s\n", path, je.line, je.text);
		r->failed++;
		return;
	}
	json_array_foreach(tests, i, test) {
		const json_t *source = json_object_get(test, "template"), *result = json_object_get(test, "result");
		struct outcome o;

		arena_reset(&r->data);
		render(r, span_of(json_string_value(source), json_string_length(source)),
		       json_object_get(test, "data"), json_object_get(test, "templates"), &o);
		report(r, json_string_value(json_object_get(test, "name")), as_wanted(test, &o), &o,
		       result ? json_string_value(result) : NULL);
	}
	json_decref(suite);
}

static int load_file(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	struct run *r = ctx;
	struct buf b;
	int ok;
	static char file[1024];

	snprintf(file, sizeof file, "templates/%.*s", SPAN_ARG(name));
	*path = file;
	buf_init(&b, FILE_MAX);
	if (file_read(file, &b, e) < 0)
		return -1;
	*text = arena_copy(&r->data, buf_span(&b), &ok);
	buf_release(&b);
	return ok ? 0 : err_nomem(e, "a partial");
}

/* A file of expected text ends with a line break, also where the template does not. */
static bool same_text(struct span got, struct span wanted)
{
	return span_eq(got, wanted) ||
	       (wanted.n == got.n + 1 && wanted.p[got.n] == '\n' && span_begins(wanted, got));
}

static void run_folder(struct run *r, const char *name)
{
	MUST(chdir(name) == 0);
	json_t *data = json_load_file("data.json", 0, NULL);
	struct buf source, wanted;
	struct err e = { 0 };
	struct value object = json_to_value(&r->data, data);
	struct liquid_options opt = { .path = "templates/index.liquid", .lax = true, .globals = object.members,
				      .n_globals = object.n, .loader = { load_file, r } };
	struct liquid_input in = { .now_ms = now_ms };
	struct liquid_program *p = NULL;
	struct liquid_text_sink sink;
	struct outcome o = { 0 };

	buf_init(&source, FILE_MAX);
	buf_init(&wanted, FILE_MAX);
	MUST(file_read("templates/index.liquid", &source, &e) == 0);
	MUST(file_read("expected_result.txt", &wanted, &e) == 0);
	liquid_text_sink_init(&sink, &r->row);
	o.invalid = liquid_compile(&p, buf_span(&source), &opt, NULL, &o.e) < 0 ||
		    liquid_render(p, r->scratch, &r->row, &in, &sink.sink, &o.e) < 0;
	o.text = span_of(sink.p, sink.n);
	report(r, name, !o.invalid && same_text(o.text, buf_span(&wanted)), &o, buf_str(&wanted));
	liquid_free(&p);
	buf_release(&source);
	buf_release(&wanted);
	json_decref(data);
}

int main(int argc, char **argv)
{
	struct run r = { 0 };
	struct err e = { 0 };
	bool folder = argc > 1 && strcmp(argv[1], "--dir") == 0;

	arena_init(&r.data, 1 << 20, 1 << 30);
	arena_init(&r.row, 1 << 16, 1 << 30);
	MUST(liquid_scratch_new(&r.scratch, &e) == 0);
	if (folder)
		run_folder(&r, argc > 2 ? argv[2] : ".");
	for (int i = 1; i < argc && !folder; i++)
		run_suite(&r, argv[i]);
	printf("conformance: %u passed, %u failed\n", r.passed, r.failed);
	liquid_scratch_free(&r.scratch);
	arena_release(&r.data);
	arena_release(&r.row);
	return r.failed > 0;
}
