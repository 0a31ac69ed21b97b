/* render_print.c - values as text, to the sink or into a capture. */
#include "templates/liquid/escape.h"
#include "templates/liquid/machine.h"

int machine_flush(struct machine *m)
{
	uint32_t n = m->n_gathered;

	m->n_gathered = 0;
	return n ? m->to->write(m->to, m->s->gathered, n, m->e) : 0;
}

int machine_write(struct machine *m, const struct op *op, struct span s)
{
	struct text *t;

	if (s.n == 0)
		return 0;
	if (m->n_captures == 0)
		return machine_gather(m, op, s, -1);
	if (s.n > m->bytes)
		return machine_too_much(m, op);
	m->bytes -= s.n;
	t = &m->s->captures[m->n_captures - 1];
	text_add(t, s);
	return t->failed ? machine_no_memory(m) : 0;
}

static int write_text(struct machine *m, const struct op *op, struct value v)
{
	struct span s = value_span(v);
	bool ok = true;

	if (m->p->markdown && !v.safe)
		s = escape_markdown(m->arena, s, &ok);
	else if (m->p->html && !v.safe && escape_find(s) < s.n)
		s = escape_html(m->arena, s, &ok);
	return ok ? machine_write(m, op, s) : machine_no_memory(m);
}

int machine_print(struct machine *m, const struct op *op, struct value v)
{
	struct text t;
	bool ok = true;

	if (value_is_text(v))
		return write_text(m, op, v);
	if (v.kind != VALUE_ARRAY && v.kind != VALUE_OBJECT) {
		struct span s = value_shown(m->arena, v, &ok);

		return ok ? machine_write(m, op, s) : machine_no_memory(m);
	}
	text_begin(&t, m->arena);
	value_add(&t, v, m->p->html && !m->p->markdown);
	v = value_text(text_span(&t));
	v.safe = !m->p->markdown; /* escaped already, or not at all */
	return t.failed ? machine_no_memory(m) : write_text(m, op, v);
}

static void tell_empty(const struct machine *m, const struct op *op, uint32_t what)
{
	const struct source *s = program_source(m->p, op->source);
	uint32_t columns = m->p->columns ? m->p->columns->n : 0;
	struct span name = what < columns ? m->p->columns->names[what]
					  : value_span(((const struct value *)m->p->constants.items)[what - columns]);
	uint64_t line, at;

	source_position((struct place){ s, op->at }, &line, &at);
	m->in->empty->printed(m->in->empty, name, s->path ? s->path : "", line, at);
}

static bool is_empty(struct value v)
{
	return v.kind == VALUE_NIL || (value_is_text(v) && v.n == 0);
}

int machine_print_watched(struct machine *m, const struct op *op, uint32_t watched, struct value v)
{
	if (watched && m->in->empty && is_empty(v)) {
		if (machine_flush(m) < 0) /* nothing is told of what stands behind a mistake */
			return -1;
		tell_empty(m, op, watched - 1);
	}
	if ((op->n & IN_LINK) && machine_link_value(m, op, v) < 0)
		return -1;
	return machine_print(m, op, v);
}
