/* arena.h - memory that is taken piece by piece and given back all at once.
 *
 * arena_reset() keeps the chunks, so the steady state never calls malloc. With MODE=asan each
 * piece is a real malloc that reset frees, so that a use after reset is seen. Pieces are aligned
 * to 16 bytes and not zeroed unless said. One thread at a time. */
#ifndef ENGINE_BASE_ARENA_H
#define ENGINE_BASE_ARENA_H

#include <stddef.h>

#include "engine/base/span.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *first, *now;
	size_t chunk_bytes; /* size of the chunks it asks for */
	size_t used_bytes;  /* handed out since the last reset */
	size_t max_bytes;   /* arena_take() gives NULL rather than go above */
};

void arena_init(struct arena *a, size_t chunk_bytes, size_t max_bytes);
void arena_reset(struct arena *a);
void arena_release(struct arena *a);
/* NULL when memory or max_bytes runs out. */
void *arena_take(struct arena *a, size_t size);
void *arena_zero(struct arena *a, size_t size);
/* n * size, NULL also on overflow. Zeroed. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A piece of old_size bytes grows to new_size: in place when it is the newest piece and there is
 * room, else copied; as with realloc, the old pointer is dead unless NULL is returned. A smaller
 * new_size gives the rest of the newest piece back. p may be NULL with old_size 0. */
void *arena_grow(struct arena *a, void *p, size_t old_size, size_t new_size);
/* A copy of s; { NULL, 0 } with *ok = false when memory ran out. ok may not be NULL. */
struct span arena_copy(struct arena *a, struct span s, int *ok);
/* A NUL-terminated copy, or NULL. */
char *arena_str(struct arena *a, struct span s);

#endif
