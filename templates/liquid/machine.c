/* machine.c - the room of a render, for values, variables, loops and captures, which grows to what the
 * programs need and stays; and what it says when something goes wrong. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/liquid/machine.h"

int liquid_scratch_new(struct liquid_scratch **out, struct err *e)
{
	*out = mem_new(sizeof **out);
	return *out ? 0 : err_nomem(e, "rendering");
}

void liquid_scratch_free(struct liquid_scratch **s)
{
	if (!*s)
		return;
	mem_free((*s)->stack);
	mem_free((*s)->slots);
	mem_free((*s)->loops);
	mem_free((*s)->frames);
	mem_free((*s)->captures);
	mem_free(*s);
	*s = NULL;
}

static int grow(void **items, uint32_t *cap, uint32_t want, size_t size)
{
	uint32_t most = want > *cap * 2 ? want : *cap * 2;
	void *more;

	if (want <= *cap)
		return 0;
	if (!(more = mem_grow(*items, (size_t)most * size)))
		return -1;
	*items = more;
	*cap = most;
	return 0;
}

int machine_reserve(struct machine *m, uint32_t stack, uint32_t slots, uint32_t loops, uint32_t captures)
{
	struct liquid_scratch *s = m->s;

	if (grow((void **)&s->stack, &s->cap_stack, m->n_stack + stack, sizeof *s->stack) < 0 ||
	    grow((void **)&s->slots, &s->cap_slots, m->n_slots + slots, sizeof *s->slots) < 0 ||
	    grow((void **)&s->loops, &s->cap_loops, m->n_loops + loops, sizeof *s->loops) < 0 ||
	    grow((void **)&s->frames, &s->cap_frames, m->n_frames + 1, sizeof *s->frames) < 0 ||
	    grow((void **)&s->captures, &s->cap_captures, m->n_captures + captures, sizeof *s->captures) < 0)
		return err_nomem(m->e, "rendering");
	return 0;
}

/* ---- what goes wrong ---- */

int machine_place(struct machine *m, const struct op *op)
{
	const struct source *s = program_source(m->p, op->source);
	uint64_t line, column;

	source_position((struct place){ s, op->at }, &line, &column);
	return err_at(m->e, s->path ? s->path : "", line, column);
}

int machine_fail(struct machine *m, const struct op *op, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(m->e, ERR_INPUT, "%s", text);
	return machine_place(m, op);
}

int machine_too_long(struct machine *m, const struct op *op)
{
	return machine_fail(m, op, "this row takes more than %llu steps", (unsigned long long)m->p->limits.steps);
}

int machine_too_much(struct machine *m, const struct op *op)
{
	return machine_fail(m, op, "the output of this row is more than %llu bytes",
			    (unsigned long long)m->p->limits.output_bytes);
}

int machine_no_memory(struct machine *m)
{
	return err_nomem(m->e, "the values of this row");
}
