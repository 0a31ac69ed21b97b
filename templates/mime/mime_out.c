/* mime_out.c - invariants, held by tests/unit/test_mime_out.c:
 *  1. The spans in order are exactly what was written; none is empty.
 *  2. Bytes that were copied one after the other are one span, as long as a block lasts.
 *  3. There always is a place for one more span once something was copied, so mime_out_close() cannot fail.
 *  4. The block has a byte more than room was asked for: a block that is not there needs no test of its own. */
#include "templates/mime/mime_out.h"

enum { SPANS_AT_FIRST = 64 };

void mime_out_init(struct mime_out *o, struct arena *a)
{
	static char nowhere[1];

	*o = (struct mime_out){ .arena = a, .from = nowhere, .at = nowhere, .end = nowhere };
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

/* Places for n spans and one (3). */
static int place_for(struct mime_out *o, uint32_t n)
{
	return o->cap - o->n > n ? 0 : more_spans(o);
}

char *mime_out_more_room(struct mime_out *o, size_t n)
{
	size_t size = n < MIME_OUT_BLOCK ? MIME_OUT_BLOCK : n + 1;
	char *block;

	if (place_for(o, 1) < 0 || !(block = arena_take(o->arena, size)))
		return NULL;
	mime_out_close(o);
	o->from = o->at = block;
	o->end = block + size;
	o->joins = false;
	return block;
}

void mime_out_close(struct mime_out *o)
{
	size_t n = (size_t)(o->at - o->from);

	if (n == 0)
		return;
	if (o->joins)
		o->spans[o->n - 1].n += n;
	else
		o->spans[o->n++] = span_of(o->from, n);
	o->from = o->at;
	o->joins = true;
	o->size += n;
	o->copied += n;
}

int mime_out_refer_long(struct mime_out *o, struct span s)
{
	if (place_for(o, 2) < 0)
		return -1;
	mime_out_close(o);
	o->spans[o->n++] = s;
	o->joins = false;
	o->size += s.n;
	return 0;
}

struct span mime_out_flat(struct mime_out *o, struct arena *a)
{
	char *p, *at;

	mime_out_close(o);
	at = p = arena_take(a, o->size);
	if (!p)
		return (struct span){ NULL, 0 };
	for (uint32_t i = 0; i < o->n; i++) {
		memcpy(at, o->spans[i].p, o->spans[i].n);
		at += o->spans[i].n;
	}
	return (struct span){ p, o->size };
}
