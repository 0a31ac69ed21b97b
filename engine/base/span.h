/* span.h - bytes that belong to somebody else.
 *
 * A span is borrowed: whoever hands one out says until when. It is not NUL-terminated and
 * may hold any byte. An empty span may have p == NULL. Plain values, safe in any thread. */
#ifndef ENGINE_BASE_SPAN_H
#define ENGINE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n; /* bytes */
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })
#define SPAN_ARG(s) (int)(s).n, (s).n ? (s).p : "" /* for "%.*s" */

static inline struct span span_str(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){ (const char *)p, n };
}

/* Bytes [from, from + n), both cut to what is there. */
static inline struct span span_sub(struct span s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct span){ from ? s.p + from : s.p, n };
}

static inline struct span span_skip(struct span s, size_t n)
{
	return span_sub(s, n, s.n);
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_begins(struct span s, struct span with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

static inline bool span_ends(struct span s, struct span with)
{
	return s.n >= with.n && (with.n == 0 || memcmp(s.p + s.n - with.n, with.p, with.n) == 0);
}

/* Index of the first c, or s.n when there is none. */
static inline size_t span_find(struct span s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

/* Takes the first byte off *s; *s must not be empty. */
static inline char span_take(struct span *s)
{
	char c = *s->p;

	s->p++;
	s->n--;
	return c;
}

/* ASCII letters compare without case, all other bytes exactly. */
bool span_case_eq(struct span a, struct span b);
bool span_case_begins(struct span s, struct span with);
/* Index of the first occurrence of what, or s.n. */
size_t span_search(struct span s, struct span what);
/* Without the ASCII white space (space, \t \r \n \v \f) at both ends. */
struct span span_trim(struct span s);
/* Cuts *rest at the first c: returns what stood before it, *rest becomes what follows.
 * Without a c all of *rest is returned and *rest becomes { NULL, 0 }. */
struct span span_cut(struct span *rest, char c);
/* The whole of s as a decimal number without sign: 0, or -1 when it is none or above max. */
int span_number(struct span s, unsigned long long max, unsigned long long *out);

#endif
