/* mime_out.c - invariants, held by tests/unit/test_mime_out.c:
 *  1. The spans in order are exactly what was written; none is empty.
 *  2. Bytes that were copied one after the other are one span, as long as a block lasts.
 *  3. After mime_out_room() there is a place for one more span, so mime_out_wrote() cannot fail. */
#include "templates/mime/mime_out.h"

enum { SPANS_AT_FIRST = 64 };

void mime_out_init(struct mime_out *o, struct arena *a)
{
	*o = (struct mime_out){ .arena = a };
}

static int more_spans(struct mime_out *o)
{
	uint32_t cap = o->cap ? o->cap * 2 : SPANS_AT_FIRST;
	struct span *spans = arena_grow(o->arena, o->spans, o->cap * sizeof *spans, cap * sizeof *spans);

	if (!spans)
		return -1;
	o->spans = spans;
	o->cap = cap;
	return 0;
}

static char *new_block(struct mime_out *o, size_t n)
{
	size_t size = n > MIME_OUT_BLOCK ? n : MIME_OUT_BLOCK;
	char *block = arena_take(o->arena, size);

	if (!block)
		return NULL;
	o->at = block;
	o->end = block + size;
	o->open = false;
	return block;
}

char *mime_out_more_room(struct mime_out *o, size_t n)
{
	if (o->n == o->cap && more_spans(o) < 0)
		return NULL;
	return o->at && (size_t)(o->end - o->at) >= n ? o->at : new_block(o, n);
}

int mime_out_copy(struct mime_out *o, struct span s)
{
	char *p;

	if (s.n == 0)
		return 0;
	p = mime_out_room(o, s.n);
	if (!p)
		return -1;
	memcpy(p, s.p, s.n);
	mime_out_wrote(o, p + s.n);
	return 0;
}

int mime_out_refer(struct mime_out *o, struct span s)
{
	if (s.n < MIME_OUT_REFER_MIN)
		return mime_out_copy(o, s);
	if (o->n == o->cap && more_spans(o) < 0)
		return -1;
	o->spans[o->n++] = s;
	o->open = false;
	o->size += s.n;
	return 0;
}

struct span mime_out_flat(const struct mime_out *o, struct arena *a)
{
	char *p = arena_take(a, o->size), *at = p;

	if (!p)
		return (struct span){ NULL, 0 };
	for (uint32_t i = 0; i < o->n; i++) {
		memcpy(at, o->spans[i].p, o->spans[i].n);
		at += o->spans[i].n;
	}
	return (struct span){ p, o->size };
}
