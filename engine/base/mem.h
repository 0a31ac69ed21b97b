/* mem.h - the only door to malloc, so that tests can count and fail every allocation.
 *
 * Safe in any thread. What comes from here goes back with mem_free(). */
#ifndef ENGINE_BASE_MEM_H
#define ENGINE_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

/* Zeroed memory, or NULL. size 0 is treated as 1. */
void *mem_new(size_t size);
/* n * size zeroed bytes, NULL also when the product overflows. */
void *mem_array(size_t n, size_t size);
/* As realloc; the old block stays valid when NULL is returned. New bytes are not zeroed. */
void *mem_grow(void *old, size_t size);
/* A NUL-terminated copy, or NULL. */
char *mem_copy(struct span s);
char *mem_strdup(const char *s);
/* A large table that will be written all over, in no order: its pages come at once, large ones where the system
 * has them, and not each by a fault. What is in it stays; where the system cannot, nothing changes. */
void mem_populate(void *p, size_t size);
void mem_free(void *p); /* NULL is fine */
/* Wiped in a way that the compiler keeps, then freed. */
void mem_free_secret(void *p, size_t size);

/* For secrets that are kept: zeroed memory in pages of its own, which no core dump holds and, where the system
 * allows it, no swap. NULL: none. Goes back, wiped, with mem_hidden_free() and the same size. */
void *mem_hidden_new(size_t size);
void mem_hidden_free(void *p, size_t size);

/* Allocations of this process through this door so far. */
uint64_t mem_count(void);

/* For tests: the n-th allocation from now (0 = the next) fails, once; -1 switches it off. */
void mem_fail_after(long n);
/* For tests: as above, and every one after it fails too. */
void mem_fail_from(long n);

#endif
