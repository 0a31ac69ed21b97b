/* arena.c - pieces out of chunks.
 *
 * The chunks form one list, in this order:
 *
 *     first -> [big, in use]* -> [plain, full]* -> now -> [free, any size]*
 *
 *  1. Everything before now is in use; now is the plain chunk that small pieces come from;
 *     everything after it is free. Reset makes all of it free again and frees nothing.
 *  2. A plain chunk has exactly chunk_bytes; small pieces come only from those. A piece above
 *     chunk_bytes has a chunk of its own, of a power of two, so that pieces which differ a little
 *     from mail to mail find each other's chunks again instead of adding new ones for ever.
 *  3. used_bytes counts rounded pieces and never goes above max_bytes.
 * With ARENA_REAL_MALLOC a chunk holds one piece of the asked size, and reset frees them.
 * Held by tests/unit/test_base_arena.c. */
#include "engine/base/arena.h"

#include <stdint.h>

#include "engine/base/mem.h"

enum { ALIGN = 16 };

struct arena_chunk {
	struct arena_chunk *next;
#ifdef ARENA_REAL_MALLOC
	struct arena_chunk *prev;
#endif
	size_t size, used; /* bytes of data */
	_Alignas(ALIGN) char data[];
};

static size_t rounded(size_t size)
{
	return size ? (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1) : ALIGN;
}

static struct arena_chunk *new_chunk(size_t size)
{
	struct arena_chunk *c;

	if (size > SIZE_MAX - sizeof *c)
		return NULL;
	c = mem_grow(NULL, sizeof *c + size);
	if (c)
		*c = (struct arena_chunk){ .size = size };
	return c;
}

void arena_init(struct arena *a, size_t chunk_bytes, size_t max_bytes)
{
	*a = (struct arena){ .chunk_bytes = rounded(chunk_bytes), .max_bytes = max_bytes };
}

void arena_release(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->first; c; c = next) {
		next = c->next;
		mem_free(c);
	}
	a->first = a->now = NULL;
	a->used_bytes = 0;
}

#ifdef ARENA_REAL_MALLOC

void arena_reset(struct arena *a)
{
	arena_release(a);
}

void *arena_take(struct arena *a, size_t size)
{
	size_t need = rounded(size);
	struct arena_chunk *c;

	if (need < size || need > a->max_bytes - a->used_bytes)
		return NULL;
	c = new_chunk(size);
	if (!c)
		return NULL;
	c->next = a->first;
	if (c->next)
		c->next->prev = c;
	a->first = c;
	a->used_bytes += need;
	return c->data;
}

/* Always moves, so that pointers into the old piece are seen. */
static void *grow(struct arena *a, char *p, size_t old_size, size_t new_size)
{
	struct arena_chunk *old = (struct arena_chunk *)(void *)(p - offsetof(struct arena_chunk, data));
	void *to;

	a->used_bytes -= rounded(old_size); /* as in the other mode, where it may grow in place */
	to = arena_take(a, new_size);
	if (!to) {
		a->used_bytes += rounded(old_size);
		return NULL;
	}
	memcpy(to, p, old_size < new_size ? old_size : new_size);
	old->prev->next = old->next; /* the new piece stands before it */
	if (old->next)
		old->next->prev = old->prev;
	mem_free(old);
	return to;
}

#else

void arena_reset(struct arena *a)
{
	struct arena_chunk **at = &a->first, *plain;

	a->used_bytes = 0;
	if (!a->now)
		return;
	while ((*at)->size != a->chunk_bytes)
		at = &(*at)->next;
	plain = *at;
	*at = plain->next;
	plain->next = a->first; /* the big ones that stood before it are free behind it now (1) */
	plain->used = 0;
	a->first = a->now = plain;
}

/* Takes a free chunk of at least size out of the list, or makes one. plain: exactly size. */
static struct arena_chunk *find_chunk(struct arena *a, size_t size, bool plain)
{
	struct arena_chunk **at = a->now ? &a->now->next : &a->first;

	for (; *at; at = &(*at)->next) {
		struct arena_chunk *c = *at;

		if (plain ? c->size == size : c->size >= size && c->size > a->chunk_bytes) {
			*at = c->next;
			c->used = 0;
			return c;
		}
	}
	return new_chunk(size);
}

/* Makes a fresh plain chunk the one that small pieces come from. */
static struct arena_chunk *next_plain(struct arena *a)
{
	struct arena_chunk *c = find_chunk(a, a->chunk_bytes, true);

	if (!c)
		return NULL;
	if (a->now) {
		c->next = a->now->next;
		a->now->next = c;
	} else {
		c->next = a->first;
		a->first = c;
	}
	a->now = c;
	return c;
}

static size_t power_of_two(size_t size)
{
	size_t n = ALIGN;

	while (n < size && n <= SIZE_MAX / 4)
		n *= 2;
	return n < size ? size : n;
}

static void *take_big(struct arena *a, size_t need)
{
	struct arena_chunk *c;

	if (!a->now && !next_plain(a)) /* (1) wants a now to stand behind the big ones */
		return NULL;
	c = find_chunk(a, power_of_two(need), false);
	if (!c)
		return NULL;
	c->next = a->first;
	a->first = c;
	c->used = need;
	a->used_bytes += need;
	return c->data;
}

static void *take_slow(struct arena *a, size_t size, size_t need)
{
	struct arena_chunk *c;

	if (need < size || need > a->max_bytes - a->used_bytes)
		return NULL;
	if (need > a->chunk_bytes)
		return take_big(a, need);
	c = next_plain(a);
	if (!c)
		return NULL;
	c->used = need;
	a->used_bytes += need;
	return c->data;
}

void *arena_take(struct arena *a, size_t size)
{
	size_t need = rounded(size);
	struct arena_chunk *c = a->now;

	if (__builtin_expect(!c || need > c->size - c->used || need < size ||
			     need > a->max_bytes - a->used_bytes, 0))
		return take_slow(a, size, need);
	void *p = c->data + c->used;

	c->used += need;
	a->used_bytes += need;
	return p;
}

/* The chunk whose newest piece is p, or NULL. */
static struct arena_chunk *newest_of(struct arena *a, const char *p, size_t old_need)
{
	struct arena_chunk *both[2] = { a->now, a->first };

	for (int i = 0; i < 2; i++) {
		struct arena_chunk *c = both[i];

		if (c && c->used >= old_need && p == c->data + (c->used - old_need))
			return c;
	}
	return NULL;
}

static void *grow(struct arena *a, char *p, size_t old_size, size_t new_size)
{
	size_t old_need = rounded(old_size), need = rounded(new_size);
	struct arena_chunk *c = newest_of(a, p, old_need);
	void *to;

	if (need < new_size)
		return NULL;
	if (c && need <= c->size - (c->used - old_need) &&
	    (need <= old_need || need - old_need <= a->max_bytes - a->used_bytes)) {
		c->used += need - old_need;
		a->used_bytes += need - old_need;
		return p;
	}
	if (new_size <= old_size)
		return p;
	to = arena_take(a, new_size);
	if (to)
		memcpy(to, p, old_size);
	return to;
}

#endif

void *arena_grow(struct arena *a, void *p, size_t old_size, size_t new_size)
{
	return p ? grow(a, p, old_size, new_size) : arena_take(a, new_size);
}

void *arena_zero(struct arena *a, size_t size)
{
	void *p = arena_take(a, size);

	return p ? memset(p, 0, size) : NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_zero(a, bytes);
}

struct span arena_copy(struct arena *a, struct span s, int *ok)
{
	char *p = arena_take(a, s.n);

	*ok = p != NULL;
	if (!p)
		return (struct span){ NULL, 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct span){ p, s.n };
}

char *arena_str(struct arena *a, struct span s)
{
	char *p = s.n < SIZE_MAX ? arena_take(a, s.n + 1) : NULL;

	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}
