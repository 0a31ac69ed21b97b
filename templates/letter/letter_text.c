/* letter_text.c - a template, or a column in its place, becomes the text of a header.
 *
 * Fixed pieces were unfolded at compile time; what a value brings is checked here, once, over the
 * whole result: no CR, LF, NUL or other control goes any further (RFC 5322 2.2). Held by
 * tests/unit/test_letter_hostile.c. */
#include "templates/letter/letter_text.h"

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/letter/letter_parts.h"
#include "templates/mime/mime_header.h"

enum { TEXT_FIRST = 256 };

struct text_sink {
	struct liquid_sink sink; /* first member */
	const struct letter_text *t;
	struct arena *a;
	bool masked;
	char *p, *mask;
	size_t n, cap;
	char mark; /* of the last value */
};

/* -1: no memory. */
static int more_room(struct text_sink *s, size_t n)
{
	size_t cap = s->cap ? s->cap : TEXT_FIRST;
	char *p, *mask = s->mask;

	while (cap - s->n < n)
		cap *= 2;
	p = arena_grow(s->a, s->p, s->cap, cap);
	if (!p)
		return -1;
	s->p = p;
	if (s->masked) {
		mask = arena_grow(s->a, s->mask, s->cap, cap);
		if (!mask)
			return -1; /* the render ends here */
	}
	s->mask = mask;
	s->cap = cap;
	return 0;
}

static int add(struct text_sink *s, struct span bytes, char mark, struct err *e)
{
	if (bytes.n == 0)
		return 0;
	if ((!s->p || s->cap - s->n < bytes.n) && more_room(s, bytes.n) < 0)
		return err_nomem(e, "a header");
	memcpy(s->p + s->n, bytes.p, bytes.n);
	if (s->masked)
		memset(s->mask + s->n, mark, bytes.n);
	s->n += bytes.n;
	return 0;
}

static int on_piece(struct liquid_sink *self, uint32_t piece, struct span text, struct err *e)
{
	struct text_sink *s = (struct text_sink *)(void *)self;

	(void)text;
	return add(s, s->t->pieces[piece], MARK_LETTER, e);
}

static int on_value(struct liquid_sink *self, struct span bytes, struct err *e)
{
	struct text_sink *s = (struct text_sink *)(void *)self;

	if (bytes.n > 0)
		s->mark = s->mark == MARK_VALUE ? MARK_OTHER_VALUE : MARK_VALUE;
	return add(s, bytes, s->mark, e);
}

static int add_column(struct text_sink *s, const struct row *row, struct err *e)
{
	const struct letter_text *t = s->t;
	struct value v = VALUE_OF_NIL;

	if (t->index < row->n_cells)
		v = value_cell(row->cells[t->index]);
	else if (row->object.kind == VALUE_OBJECT)
		v = value_member(row->object, t->name);
	if (v.kind == VALUE_TEXT || v.kind == VALUE_CELL)
		return add(s, value_span(v), MARK_VALUE, e);
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
	for (size_t i = 0; i < n; i++) {
		char *tab = memchr(p + i, '\t', n - i);

		if (!tab)
			return;
		*tab = ' ';
		i = (size_t)(tab - p);
	}
}

int letter_text_render(const struct letter_text *t, struct letter_job *job, struct span name, struct span *out,
		       const char **mask, struct err *e)
{
	struct text_sink s = { .sink = { on_piece, on_value }, .t = t, .a = job->a, .masked = mask != NULL };
	int rc;

	if (t->fixed) {
		s.masked = false;
		rc = add(&s, t->value, MARK_LETTER, e);
	} else if (t->program) {
		rc = liquid_render(t->program, job->d->scratch, job->a, &job->input, &s.sink, e);
	} else {
		rc = add_column(&s, job->row, e);
	}
	if (rc < 0 || check(&s, name, e) < 0)
		return -1;
	tabs_to_spaces(s.p, s.n);
	*out = span_of(s.p, s.n);
	if (mask)
		*mask = s.mask;
	return 0;
}
