/* buf.c - growing bytes.
 *
 *  1. n <= cap, and n never goes above max; cap may be one more, for the NUL of buf_str().
 *  2. A failed append leaves p, n and the bytes as they were.
 * Held by tests/unit/test_base_buf.c. */
#include "engine/base/buf.h"

#include <stdint.h>
#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"

enum { FIRST_BYTES = 64 };

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void buf_release(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

/* Makes cap at least want, at most what max and one NUL need. */
static int grow_to(struct buf *b, size_t want)
{
	size_t top = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
	size_t cap = b->cap ? b->cap : FIRST_BYTES;
	char *p;

	while (cap < want && cap <= top / 2)
		cap *= 2;
	if (cap < want || cap > top)
		cap = top;
	p = mem_grow(b->p, cap);
	if (!p)
		return -1;
	b->p = p;
	b->cap = cap;
	return 0;
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n > b->max - b->n || ((!b->p || n > b->cap - b->n) && grow_to(b, b->n + n) < 0)) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
	MUST(n <= b->cap - b->n && n <= b->max - b->n);
	b->n += n;
}

int buf_add(struct buf *b, struct span s)
{
	char *at = buf_room(b, s.n);

	if (!at)
		return -1;
	if (s.n)
		memcpy(at, s.p, s.n);
	b->n += s.n;
	return 0;
}

int buf_add_char(struct buf *b, char c)
{
	char *at = buf_room(b, 1);

	if (!at)
		return -1;
	*at = c;
	b->n++;
	return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, span_str(s));
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (b->failed)
		return -1;
	va_copy(again, ap);
	n = vsnprintf(b->p ? b->p + b->n : NULL, b->cap - b->n, fmt, again);
	va_end(again);
	if (n < 0 || (size_t)n > b->max - b->n) {
		b->failed = true;
		return -1;
	}
	if ((size_t)n >= b->cap - b->n) { /* did not fit with its NUL */
		if (grow_to(b, b->n + (size_t)n + 1) < 0) {
			b->failed = true;
			return -1;
		}
		vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	}
	b->n += (size_t)n;
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_drop(struct buf *b, size_t n)
{
	MUST(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

const char *buf_str(struct buf *b)
{
	if ((!b->p || b->n == b->cap) && grow_to(b, b->n + 1) < 0)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}
