/* letter_text.c - a template, or a column in its place, becomes the text of a header.
 *
 * Fixed pieces were unfolded at compile time; what a value brings is checked here, once, over the
 * whole result: no CR, LF, NUL or other control goes any further (RFC 5322 2.2). Held by
 * tests/unit/test_letter_hostile.c. */
#include "templates/letter/letter_text.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_parts.h"
#include "templates/mime/mime_header.h"

enum { TEXT_FIRST = 256 };

struct text_sink {
	struct liquid_sink sink; /* first member */
	const struct letter_text *t;
	struct arena *a;
	char *p;
	size_t n, cap;
	struct letter_hole *holes;
	uint32_t n_holes, cap_holes;
};

/* Room for n bytes. -1: no memory. */
static int more_room(struct text_sink *s, size_t n)
{
	size_t cap = s->cap ? s->cap : TEXT_FIRST;
	char *p;

	while (cap - s->n < n)
		cap *= 2;
	p = arena_grow(s->a, s->p, s->cap, cap);
	if (!p)
		return -1;
	s->p = p;
	s->cap = cap;
	return 0;
}

static int more_holes(struct text_sink *s)
{
	struct letter_hole *holes = arena_take(s->a, 2 * s->cap_holes * sizeof *holes);

	if (!holes)
		return -1;
	memcpy(holes, s->holes, s->n_holes * sizeof *holes);
	s->holes = holes;
	s->cap_holes *= 2;
	return 0;
}

static inline int add(struct text_sink *s, struct span bytes, bool value, struct err *e)
{
	if (((!s->p || s->cap - s->n < bytes.n) && more_room(s, bytes.n) < 0) ||
	    (value && s->n_holes == s->cap_holes && more_holes(s) < 0))
		return err_nomem(e, "a header");
	if (value)
		s->holes[s->n_holes++] = (struct letter_hole){ s->n, s->n + bytes.n };
	memcpy(s->p + s->n, bytes.p, bytes.n);
	s->n += bytes.n;
	return 0;
}

static int on_bits(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct text_sink *s = (struct text_sink *)(void *)self;

	for (uint32_t i = 0; i < n; i++) {
		bool value = bits[i].piece < 0;
		struct span bytes = value ? bits[i].bytes : s->t->pieces[bits[i].piece];

		if (bytes.n > 0 && add(s, bytes, value, e) < 0)
			return -1;
	}
	return 0;
}

/* The same without a render. */
static int add_steps(struct text_sink *s, const struct row *row, struct err *e)
{
	const struct letter_text *t = s->t;

	for (uint32_t i = 0; i < t->n_steps; i++) {
		const struct liquid_step *step = &t->steps[i];
		struct span bytes = { NULL, 0 };

		if (step->is_piece)
			bytes = t->pieces[step->number];
		else if (step->number < row->n_cells)
			bytes = row->cells[step->number];
		if (bytes.n > 0 && add(s, bytes, !step->is_piece, e) < 0)
			return -1;
	}
	return 0;
}

static int add_column(struct text_sink *s, const struct row *row, struct err *e)
{
	const struct letter_text *t = s->t;
	struct value v = VALUE_OF_NIL;

	if (t->index < row->n_cells)
		v = value_cell(row->cells[t->index]);
	else if (row->object.kind == VALUE_OBJECT)
		v = value_member(row->object, t->name);
	if ((v.kind == VALUE_TEXT || v.kind == VALUE_CELL) && v.n > 0)
		return add(s, value_span(v), true, e);
	return 0;
}

static int check(const struct text_sink *s, struct span name, struct err *e)
{
	size_t at;
	const char *bad = mime_header_bad(span_of(s->p, s->n), &at);

	if (!bad)
		return 0;
	err_set(e, ERR_INPUT, "the value of header '%.*s' has %s, which a header cannot carry", SPAN_ARG(name), bad);
	err_topic(e, "bad header value");
	err_at(e, s->t->path, s->t->line, s->t->column);
	return err_hint(e, "clean the cell in the list, or take it out in the letter with a filter");
}

static void tabs_to_spaces(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\t')
			p[i] = ' ';
}

int letter_text_render(const struct letter_text *t, struct letter_job *job, struct span name,
		       struct letter_rendered *out, struct err *e)
{
	struct text_sink s = { .sink = { on_bits }, .t = t, .a = job->a, .cap_holes = LETTER_HOLES_FEW };
	int rc;

	out->fixed = t->fixed;
	s.holes = out->few;
	if (t->fixed)
		rc = t->value.n ? add(&s, t->value, false, e) : 0;
	else if (t->n_steps > 0 && job->row->object.kind != VALUE_OBJECT && !job->input.empty)
		rc = add_steps(&s, job->row, e);
	else if (t->program)
		rc = liquid_render(t->program, job->d->scratch, job->a, &job->input, &s.sink, e);
	else
		rc = add_column(&s, job->row, e);
	if (rc < 0)
		return -1;
	if (utf8_printable_run(span_of(s.p, s.n)) < s.n) {
		if (check(&s, name, e) < 0)
			return -1;
		tabs_to_spaces(s.p, s.n);
	}
	out->text = span_of(s.p, s.n);
	out->holes = s.holes;
	out->n_holes = s.n_holes;
	return 0;
}
