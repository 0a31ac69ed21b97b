/* text.h - borrowed text, growing bytes, numbers and base64: all the string work of the practice relay.
 *
 * The practice relay is an oracle for the project's own code, so it shares none of it: these few
 * functions stand in for engine/base. Running out of memory ends the program (die). */
#ifndef TESTS_FAKE_TEXT_H
#define TESTS_FAKE_TEXT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *p; /* borrowed, not NUL-terminated */
	size_t n;
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_ARG(t) (int)(t).n, (t).n ? (t).p : ""

/* Owned bytes that grow; zero-initialised is empty. */
struct bytes {
	char *p;
	size_t n, cap;
};

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *need(size_t size);            /* zeroed memory, or the program ends */
void *need_more(void *p, size_t size);
char *need_copy(const char *s);

static inline struct text text_of(const void *p, size_t n)
{
	return (struct text){ (const char *)p, n };
}

static inline struct text text_str(const char *s)
{
	return (struct text){ s, s ? strlen(s) : 0 };
}

static inline struct text bytes_text(const struct bytes *b)
{
	return (struct text){ b->p, b->n };
}

static inline bool text_eq(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool text_case_eq(struct text a, struct text b); /* ASCII letters without case */
bool text_case_begins(struct text t, struct text head);
struct text text_trim(struct text t); /* without spaces, tabs, CR and LF at both ends */
/* Cuts *rest at the first c: what stood before it is returned, *rest is what follows (p is NULL at the end). */
struct text text_cut(struct text *rest, char c);
/* All of t as a decimal number without sign; false when it is none or does not fit 63 bits. */
bool text_u64(struct text t, uint64_t *out);

/* A text over 4 KiB never matches. */
bool text_matches(struct text t, const regex_t *re);

void bytes_room(struct bytes *b, size_t more); /* so that b->p + b->n has room for more */
void bytes_free(struct bytes *b);
void bytes_u64(struct bytes *b, uint64_t v);
void bytes_printf(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Control bytes and 8-bit octets as \xHH, cut after max octets of t. */
void bytes_printable(struct bytes *b, struct text t, size_t max);
void bytes_base64(struct bytes *b, struct text t);
/* Strict: no white space, padding only and exactly at the end. */
bool bytes_unbase64(struct bytes *b, struct text t);

static inline void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (!b->p || b->cap - b->n < n)
		bytes_room(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void bytes_text_add(struct bytes *b, struct text t)
{
	bytes_add(b, t.p, t.n);
}

static inline void bytes_str(struct bytes *b, const char *s)
{
	bytes_add(b, s, strlen(s));
}

static inline void bytes_char(struct bytes *b, char c)
{
	bytes_add(b, &c, 1);
}

#endif
