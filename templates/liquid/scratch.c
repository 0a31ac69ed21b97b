/* scratch.c - room for the values, variables, loops and captures of a render. It grows to what the
 * programs need, and stays. */
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
