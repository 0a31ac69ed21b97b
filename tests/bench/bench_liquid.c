/* bench_liquid.c - renders a second of a fixture.
 *
 *     bench/liquid SECONDS FOLDER...     FOLDER has templates/index.liquid and data.json
 *
 * The template is compiled once, as a letter is; each render gets the data as a row of its own and makes
 * one text of it. Prints renders a second, a line for each folder. With SECONDS 0 it prints the text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/rows/json.h"
#include "templates/liquid/liquid.h"

enum { FILE_MAX = 64 << 20, PATH_SIZE = 1024, ROUND = 64 };

static const char *folder;
static int64_t now_ms;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const struct err *e)
{
	char text[2048];

	fprintf(stderr, "%s\n", err_format(e, text, sizeof text));
	exit(1);
}

static struct span read_file(const char *name, struct arena *a)
{
	char path[PATH_SIZE];
	struct err e = { 0 };
	struct buf b;
	struct span s;
	int ok;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	buf_init(&b, FILE_MAX);
	if (file_read(path, &b, &e) < 0)
		stop(&e);
	s = arena_copy(a, buf_span(&b), &ok);
	buf_release(&b);
	if (!ok)
		exit(1);
	return s;
}

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	char file[PATH_SIZE];

	(void)e;
	snprintf(file, sizeof file, "templates/%.*s", SPAN_ARG(name));
	*text = read_file(file, ctx);
	*path = "partial";
	return 0;
}

static void render(const struct liquid_program *p, struct liquid_scratch *s, struct arena *a, const struct row *row,
		   struct liquid_text_sink *sink)
{
	const struct liquid_input in = { .row = row, .now_ms = now_ms };
	struct err e = { 0 };

	arena_reset(a);
	liquid_text_sink_init(sink, a);
	if (liquid_render(p, s, a, &in, &sink->sink, &e) < 0)
		stop(&e);
}

static void bench(double seconds)
{
	const struct columns columns = { .open = true };
	struct arena memory, each;
	struct liquid_options opt = { .path = "index.liquid", .columns = &columns, .loader = { load, &memory } };
	struct liquid_scratch *scratch;
	struct liquid_program *p;
	struct liquid_text_sink sink;
	struct row row = { .number = 1, .line = 1 };
	struct err e = { 0 };
	double begun, took;
	unsigned long n = 0;

	arena_init(&memory, 1 << 16, 1 << 30);
	arena_init(&each, 1 << 16, 1 << 30);
	if (json_parse(read_file("data.json", &memory), "data.json", &memory, &row.object, &e) < 0 ||
	    liquid_typed(&memory, row.object, &row.object, &e) < 0 ||
	    liquid_compile(&p, read_file("templates/index.liquid", &memory), &opt, NULL, &e) < 0 ||
	    liquid_scratch_new(&scratch, &e) < 0)
		stop(&e);
	render(p, scratch, &each, &row, &sink);
	if (seconds <= 0)
		fwrite(sink.p, 1, sink.n, stdout);
	for (begun = now(); took = now() - begun, took < seconds; n += ROUND)
		for (int i = 0; i < ROUND; i++)
			render(p, scratch, &each, &row, &sink);
	if (n)
		printf("%.0f\n", (double)n / took);
	liquid_scratch_free(&scratch);
	liquid_free(&p);
	arena_release(&each);
	arena_release(&memory);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;

	now_ms = clock_wall_ms();

	for (int i = 2; i < argc; i++) {
		folder = argv[i];
		bench(seconds);
	}
	return 0;
}
