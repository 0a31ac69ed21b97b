/* render_links.c - what is printed into a link is looked at while it is printed.
 *
 * The bytes are judged as they go out, after escaping, so a value cannot look different to a browser
 * than it does here. */
#include "templates/liquid/escape.h"
#include "templates/liquid/machine.h"

static int judge(struct machine *m, const struct op *op, struct span s)
{
	if (link_feed(&m->link, s) != LINK_BAD)
		return 0;
	return machine_fail(m, op, "a link '%s:' is not sent; links may be %s", m->link.scheme, link_schemes_allowed);
}

void machine_link_begin(struct machine *m, const struct op *op)
{
	m->link = ((const struct link *)m->p->links.items)[op->a];
}

int machine_link_text(struct machine *m, const struct op *op)
{
	return judge(m, op, value_span(((const struct value *)m->p->constants.items)[op->a]));
}

int machine_link_value(struct machine *m, const struct op *op, struct value v)
{
	struct text t;

	if (m->link.verdict != LINK_OPEN)
		return 0;
	if (value_is_text(v) && (v.safe || escape_find(value_span(v)) == v.n))
		return judge(m, op, value_span(v));
	text_begin(&t, m->arena);
	value_add(&t, v, m->p->html);
	return t.failed ? machine_no_memory(m) : judge(m, op, text_span(&t));
}
