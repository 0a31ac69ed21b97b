/* mem.c - malloc, counted and made to fail on request.
 *
 *  1. Counting shares no cache line between threads: each thread adds to one of SLOTS counters.
 *  2. When nothing is made to fail, the whole cost of that feature is one load of a value that
 *     nobody writes.
 * Held by tests/unit/test_base_mem.c. */
#include "engine/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 16 };

static struct slot {
	_Alignas(64) atomic_uint_fast64_t count;
} slots[SLOTS];
static atomic_uint next_slot;
static _Thread_local struct slot *mine;

enum fail_mode { FAIL_NEVER, FAIL_ONCE, FAIL_ALL };
static _Atomic int fail_mode = FAIL_NEVER;
static atomic_long fail_in;

static bool must_fail(void)
{
	int mode = atomic_load_explicit(&fail_mode, memory_order_relaxed);

	if (mode == FAIL_NEVER)
		return false;
	long left = atomic_fetch_sub(&fail_in, 1);
	return mode == FAIL_ONCE ? left == 0 : left <= 0;
}

/* Counts one allocation; true when it has to fail. */
static bool enter(void)
{
	if (!mine)
		mine = &slots[atomic_fetch_add_explicit(&next_slot, 1, memory_order_relaxed) % SLOTS];
	atomic_fetch_add_explicit(&mine->count, 1, memory_order_relaxed);
	return must_fail();
}

void *mem_new(size_t size)
{
	return enter() ? NULL : calloc(1, size ? size : 1);
}

void *mem_array(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return mem_new(bytes);
}

void mem_populate(void *p, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + size) & ~(page - 1);

	if (from >= to)
		return;
	madvise((void *)from, to - from, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
	madvise((void *)from, to - from, MADV_POPULATE_WRITE);
#endif
}

void *mem_grow(void *old, size_t size)
{
	return enter() ? NULL : realloc(old, size ? size : 1);
}

char *mem_copy(struct span s)
{
	char *copy = s.n < SIZE_MAX ? mem_grow(NULL, s.n + 1) : NULL;

	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_copy(span_str(s));
}

void *mem_hidden_new(size_t size)
{
	void *p = enter() ? MAP_FAILED
			  : mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, size ? size : 1, MADV_DONTDUMP);
	(void)mlock(p, size ? size : 1); /* a limit may be met: then it may be swapped */
	return p;
}

void mem_hidden_free(void *p, size_t size)
{
	if (!p)
		return;
	explicit_bzero(p, size);
	(void)munmap(p, size ? size : 1);
}

void mem_free(void *p)
{
	free(p);
}

void mem_free_secret(void *p, size_t size)
{
	if (p)
		explicit_bzero(p, size);
	free(p);
}

uint64_t mem_count(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < SLOTS; i++)
		sum += atomic_load_explicit(&slots[i].count, memory_order_relaxed);
	return sum;
}

static void arm(enum fail_mode mode, long n)
{
	atomic_store(&fail_mode, FAIL_NEVER);
	atomic_store(&fail_in, n);
	if (n >= 0)
		atomic_store(&fail_mode, mode);
}

void mem_fail_after(long n)
{
	arm(FAIL_ONCE, n);
}

void mem_fail_from(long n)
{
	arm(FAIL_ALL, n);
}
