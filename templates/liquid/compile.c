/* compile.c - source to program: copies, parsing, emitting, and what is asked about a program.
 *
 * Lifetimes: the program's arena holds sources, constants and tables; the tree lies in a work
 * arena that goes when compiling ends. A program that has a mistake is never handed out. */
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/liquid/number.h"
#include "templates/liquid/parse.h"

enum {
	PROGRAM_CHUNK = 16 << 10,
	PROGRAM_BYTES_MAX = 512 << 20,
	SOURCES_MAX = 4096,
	DEFAULT_NESTING = 100,
	NESTING_MAX = 1000, /* parsing recurses */
	DEFAULT_STEPS = 10000000,
	DEFAULT_OUTPUT = 64 << 20
};

void *compile_push(struct compile *c, struct table *t, size_t size)
{
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 16;
		void *more = arena_grow(&c->program->memory, t->items, t->cap * size, cap * size);

		if (!more) {
			c->no_memory = true;
			return NULL;
		}
		t->items = more;
		t->cap = cap;
	}
	void *at = (char *)t->items + t->n++ * size;

	memset(at, 0, size);
	return at;
}

const struct source *compile_source(struct compile *c, struct span text, const char *path)
{
	struct arena *a = &c->program->memory;
	struct source *s = arena_zero(a, sizeof *s), **tail = &c->program->sources;
	int ok = 1;

	if (!s || text.n > UINT32_MAX / 2 || c->program->n_sources >= SOURCES_MAX) {
		c->no_memory = true;
		return NULL;
	}
	s->text = arena_copy(a, text, &ok);
	s->path = path ? arena_str(a, span_str(path)) : NULL;
	s->number = (uint16_t)c->program->n_sources++;
	s->first_line = s->first_column = 1;
	if (!ok || (path && !s->path)) {
		c->no_memory = true;
		return NULL;
	}
	while (*tail)
		tail = &(*tail)->next;
	*tail = s;
	return s;
}

static uint64_t or_default(uint64_t given, uint64_t normal)
{
	return given ? given : normal;
}

static int program_new(struct compile *c, struct liquid_program **out, const struct liquid_options *opt)
{
	struct liquid_program *p = *out = mem_new(sizeof *p);

	if (!p)
		return -1;
	arena_init(&p->memory, PROGRAM_CHUNK, PROGRAM_BYTES_MAX);
	arena_init(&c->work, PROGRAM_CHUNK, PROGRAM_BYTES_MAX);
	c->program = p;
	p->html = opt->html;
	p->markdown = opt->markdown;
	p->columns = opt->columns;
	p->globals = opt->globals;
	p->n_globals = opt->n_globals;
	p->n_specials = opt->n_specials;
	p->limits.nesting = (uint32_t)or_default(opt->limits.nesting, DEFAULT_NESTING);
	if (p->limits.nesting > NESTING_MAX)
		p->limits.nesting = NESTING_MAX;
	p->limits.steps = or_default(opt->limits.steps, DEFAULT_STEPS);
	p->limits.output_bytes = or_default(opt->limits.output_bytes, DEFAULT_OUTPUT);
	c->most_depth = p->limits.nesting;
	p->used_columns = arena_array(&p->memory, p->columns ? p->columns->n : 0, sizeof *p->used_columns);
	struct span *specials = arena_array(&p->memory, opt->n_specials, sizeof *specials);

	if (!p->used_columns || !specials)
		return -1;
	if (opt->n_specials)
		memcpy(specials, opt->specials, opt->n_specials * sizeof *specials);
	p->specials = specials;
	return 0;
}

static void find_fixed(struct liquid_program *p)
{
	const struct op *ops = p->ops.items;

	p->fixed = true;
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (ops[i].code != OP_PIECE && ops[i].code != OP_END)
			p->fixed = false;
}

static void parse_and_emit(struct compile *c, const struct source *s, bool condition)
{
	if (condition) {
		struct cond *cond;

		lex_begin(&c->lex, s, 0, s->text);
		cond = parse_cond(c);
		if (cond && !c->mistakes && !c->no_memory)
			emit_condition(c, cond);
		return;
	}
	struct body body = { 0 };

	parse_template(c, s, &body);
	if (!c->no_memory && !c->stopped)
		emit_program(c, &body);
}

static int compile(struct liquid_program **out, struct span text, const struct liquid_options *opt,
		   struct finding_sink *findings, struct err *e, bool condition)
{
	struct err none = { 0 };
	struct compile c = { .opt = opt, .findings = findings, .e = e ? e : &none };
	const struct source *s;

	*out = NULL;
	if (text.n > UINT32_MAX / 2)
		return err_set(e, ERR_INPUT, "a template of more than 2 GiB");
	if (program_new(&c, out, opt) < 0 || !(s = compile_source(&c, text, opt->path))) {
		c.no_memory = true;
	} else {
		c.program->sources->first_line = or_default(opt->first_line, 1);
		c.program->sources->first_column = or_default(opt->first_column, 1);
		c.program->condition = condition;
		parse_and_emit(&c, s, condition);
		find_fixed(c.program);
	}
	arena_release(&c.work);
	if (!c.no_memory && !c.mistakes)
		return 0;
	liquid_free(out);
	return c.no_memory ? err_nomem(e, "the template") : -1;
}

int liquid_compile(struct liquid_program **out, struct span source, const struct liquid_options *opt,
		   struct finding_sink *findings, struct err *e)
{
	return compile(out, source, opt, findings, e, false);
}

int liquid_compile_condition(struct liquid_program **out, struct span source, const struct liquid_options *opt,
			     struct finding_sink *findings, struct err *e)
{
	return compile(out, source, opt, findings, e, true);
}

void liquid_free(struct liquid_program **p)
{
	if (!*p)
		return;
	arena_release(&(*p)->memory);
	mem_free(*p);
	*p = NULL;
}

uint32_t liquid_n_pieces(const struct liquid_program *p)
{
	return p->pieces.n;
}

struct span liquid_piece(const struct liquid_program *p, uint32_t piece)
{
	return ((const struct span *)p->pieces.items)[piece];
}

bool liquid_is_fixed(const struct liquid_program *p)
{
	return p->fixed;
}

uint32_t liquid_steps(const struct liquid_program *p, struct liquid_step *out, uint32_t n)
{
	const struct op *op = p->ops.items;
	uint32_t i = 0;

	for (; op->code != OP_END; op++, i++) {
		if (i == n || (op->code != OP_PIECE && op->code != OP_PRINT_COLUMN) || (op->n & IN_LINK))
			return 0;
		out[i] = (struct liquid_step){ op->code == OP_PIECE, op->a };
	}
	return i;
}

void liquid_used_columns(const struct liquid_program *p, bool *used)
{
	for (uint32_t i = 0; p->columns && i < p->columns->n; i++)
		used[i] = used[i] || p->used_columns[i];
}

/* ---- the sink that keeps all as one text ---- */

static int more_text(struct liquid_text_sink *t, size_t n, struct err *e)
{
	size_t cap = t->cap * 2 > t->n + n ? t->cap * 2 : t->n + n + 256;
	char *p = arena_grow(t->arena, t->p, t->cap, cap);

	if (!p)
		return err_nomem(e, "a rendered text");
	t->p = p;
	t->cap = cap;
	return 0;
}

static int text_sink_write(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct liquid_text_sink *t = (struct liquid_text_sink *)self;

	for (uint32_t i = 0; i < n; i++) {
		struct span s = bits[i].bytes;

		if (s.n > t->cap - t->n && more_text(t, s.n, e) < 0)
			return -1;
		memcpy(t->p + t->n, s.p, s.n);
		t->n += s.n;
	}
	return 0;
}

void liquid_text_sink_init(struct liquid_text_sink *s, struct arena *a)
{
	*s = (struct liquid_text_sink){ .sink = { text_sink_write }, .arena = a };
}
