/* cmd_render.c - a template to standard output, for trying things.
 *
 * Plain Liquid: unknown names are nil and, without --html, nothing is escaped. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/cli/commands.h"
#include "engine/cli/say.h"
#include "engine/cli/vars.h"
#include "engine/rows/json.h"
#include "templates/liquid/liquid.h"

static const char help[] =
	"Usage: lettershop render TEMPLATE [options]\n"
	"Renders a Liquid template to standard output. - is standard input. A name that\n"
	"has no value is empty, and nothing is escaped unless --html is given.\n"
	"\n"
	"  --data FILE.json        values: the members of a JSON object\n"
	"  --var NAME=VALUE        one value; NAME=@FILE reads it from a file\n"
	"  --partials FOLDER       where include and render find NAME or NAME.liquid\n"
	"  --html                  escape values for HTML, as HTML letters do\n"
	"  --date TIME             what \"now\" is\n"
	"  --max-steps N, --max-output BYTES, --max-nesting N\n"
	"                          bounds: 10000000, 67108864, 100\n"
	"\n"
	"Exit status: 0 rendered, 2 something is wrong with template or data.\n"
	"\n"
	"Examples:\n"
	"  echo 'Dear {{ name | upcase }}' | lettershop render - --var name=Ann\n"
	"  lettershop render offer.liquid --data customer.json --partials parts\n";

enum { TEMPLATE_MAX_BYTES = 64 << 20, MEMORY_CHUNK_BYTES = 1 << 16 };
static const size_t memory_max_bytes = (size_t)1 << 30;

struct partials {
	int folder;
	struct arena *arena;
};

/* Opens name beneath the folder, never outside of it: the kernel decides. */
static int open_beneath(int folder, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

static int read_fd(int fd, const char *name, struct arena *a, struct span *out, struct err *e)
{
	size_t capacity = 4096, n = 0;
	char *p = arena_take(a, capacity);

	while (p) {
		ssize_t got = file_read_full(fd, p + n, capacity - n);

		if (got < 0)
			return err_sys(e, "cannot read the partial '%s'", name);
		n += (size_t)got;
		if (n < capacity) {
			*out = span_of(p, n);
			return 0;
		}
		p = arena_grow(a, p, capacity, 2 * capacity);
		capacity *= 2;
	}
	return err_nomem(e, "a partial");
}

static int load_partial(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	struct partials *p = ctx;
	char file[256];
	int fd, rc;

	if (name.n == 0 || name.n > sizeof file - sizeof ".liquid" || memchr(name.p, '\0', name.n))
		return err_set(e, ERR_INPUT, "'%.*s' is no name of a partial", SPAN_ARG(span_sub(name, 0, 80)));
	snprintf(file, sizeof file, "%.*s", SPAN_ARG(name));
	fd = open_beneath(p->folder, file);
	if (fd < 0 && errno == ENOENT) {
		snprintf(file, sizeof file, "%.*s.liquid", SPAN_ARG(name));
		fd = open_beneath(p->folder, file);
	}
	if (fd < 0 && errno == EXDEV)
		return err_set(e, ERR_INPUT, "the partial '%.*s' is outside the folder of partials", SPAN_ARG(name));
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_INPUT, "there is no partial '%.*s'", SPAN_ARG(name));
	if (fd < 0)
		return err_sys(e, "cannot open the partial '%.*s'", SPAN_ARG(name));
	*path = arena_str(p->arena, span_str(file));
	rc = *path ? read_fd(fd, file, p->arena, text, e) : err_nomem(e, "a partial");
	close(fd);
	return rc;
}

struct rendering {
	struct options *o;
	struct arena arena;
	struct buf source, data;
	struct partials partials;
	const struct member *globals;
	uint32_t n_globals;
	struct liquid_program *program;
	struct liquid_scratch *scratch;
};

/* Values of --var and of --data in one list; --var wins. */
static int read_values(struct rendering *r, struct err *e)
{
	const struct member *vars;
	struct value data = VALUE_OF_NIL;
	struct member *all;
	uint32_t n_vars;

	if (vars_read(r->o, &vars, &n_vars, e) < 0)
		return -1;
	if (r->o->data) {
		if (file_read(r->o->data, &r->data, e) < 0 ||
		    json_parse(buf_span(&r->data), r->o->data, &r->arena, &data, e) < 0 ||
		    liquid_typed(&r->arena, data, &data, e) < 0)
			return -1;
		if (data.kind != VALUE_OBJECT) {
			err_set(e, ERR_INPUT, "the data is not a JSON object: {\"name\": \"value\", ...}");
			return err_at(e, r->o->data, 1, 1);
		}
	}
	all = arena_array(&r->arena, (size_t)n_vars + data.n + 1, sizeof *all);
	if (!all)
		return err_nomem(e, "the values");
	for (uint32_t i = 0; i < n_vars; i++)
		all[r->n_globals++] = vars[i];
	for (uint32_t i = 0; i < data.n; i++) {
		uint32_t at = 0;

		while (at < n_vars && !span_eq(vars[at].key, data.members[i].key))
			at++;
		if (at == n_vars)
			all[r->n_globals++] = data.members[i];
	}
	r->globals = all;
	return 0;
}

static int compile(struct rendering *r, struct finding_sink *sink, struct err *e)
{
	struct liquid_options opt = { .path = strcmp(r->o->operands[0], "-") == 0 ? "standard input" : r->o->operands[0],
				      .first_line = 1,
				      .first_column = 1,
				      .html = r->o->html,
				      .globals = r->globals,
				      .n_globals = r->n_globals,
				      .lax = true,
				      .limits = { (uint32_t)r->o->max_nesting, r->o->max_steps, r->o->max_output } };

	if (r->o->partials) {
		r->partials.folder = open(r->o->partials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->partials.folder < 0)
			return err_sys(e, "cannot open the folder of partials '%s'", r->o->partials);
		r->partials.arena = &r->arena;
		opt.loader.load = load_partial;
		opt.loader.ctx = &r->partials;
	}
	if (file_read(r->o->operands[0], &r->source, e) < 0)
		return -1;
	return liquid_compile(&r->program, buf_span(&r->source), &opt, sink, e);
}

static int render(struct rendering *r, struct finding_sink *sink, struct err *e)
{
	struct liquid_text_sink text;
	struct liquid_input in = { .now_ms = r->o->date_ms >= 0 ? r->o->date_ms : clock_wall_ms() };

	in.zone_minutes = r->o->date_ms >= 0 ? r->o->date_zone_minutes : clock_zone_minutes(in.now_ms);
	if (read_values(r, e) < 0 || compile(r, sink, e) < 0 || liquid_scratch_new(&r->scratch, e) < 0)
		return -1;
	liquid_text_sink_init(&text, &r->arena);
	if (liquid_render(r->program, r->scratch, &r->arena, &in, &text.sink, e) < 0)
		return -1;
	if (text.n && fwrite(text.p, 1, text.n, stdout) != text.n)
		return err_sys(e, "cannot write to standard output");
	return 0;
}

static int run(struct options *o)
{
	struct rendering r = { .o = o, .partials.folder = -1 };
	struct say_sink sink;
	struct err e = { 0 };
	int status = EXIT_SENT;

	arena_init(&r.arena, MEMORY_CHUNK_BYTES, memory_max_bytes);
	buf_init(&r.source, TEMPLATE_MAX_BYTES);
	buf_init(&r.data, TEMPLATE_MAX_BYTES);
	say_sink_init(&sink, stderr);
	if (render(&r, &sink.sink, &e) < 0)
		status = sink.sink.errors ? EXIT_WRONG : command_failed(&e);
	liquid_scratch_free(&r.scratch);
	liquid_free(&r.program);
	if (r.partials.folder >= 0)
		close(r.partials.folder);
	buf_release(&r.source);
	buf_release(&r.data);
	arena_release(&r.arena);
	return status;
}

const struct command command_render = {
	.name = "render",
	.operands = "TEMPLATE",
	.summary = "renders a Liquid template, for trying things",
	.help = help,
	.bit = FOR_RENDER,
	.n_operands = 1,
	.run = run,
};
