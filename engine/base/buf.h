/* buf.h - bytes that grow, with an upper limit stated at birth.
 *
 * A failed append (limit or memory) changes nothing, sets failed and returns -1; appends after
 * that fail too, so a long chain needs one check at its end. One thread at a time. */
#ifndef ENGINE_BASE_BUF_H
#define ENGINE_BASE_BUF_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

#include "engine/base/span.h"

struct buf {
	char *p; /* NULL until the first append; not NUL-terminated unless buf_str() was called */
	size_t n, cap, max;
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_release(struct buf *b);
/* Empty again, memory kept, failed forgotten. */
void buf_reset(struct buf *b);
int buf_add(struct buf *b, struct span s);
int buf_add_char(struct buf *b, char c);
int buf_add_str(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for n more bytes at the returned place, or NULL; buf_grew() says how many were written. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);
/* Takes the first n bytes away. */
void buf_drop(struct buf *b, size_t n);
/* Borrowed until the next append. */
static inline struct span buf_span(const struct buf *b)
{
	return (struct span){ b->p, b->n };
}
/* NUL-terminated view, borrowed until the next append; "" when memory ran out. */
const char *buf_str(struct buf *b);

#endif
