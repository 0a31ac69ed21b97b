/* preload_memory.c - allocations, those of libraries among them. */
#include <errno.h>
#include <stddef.h>

#include "tests/fault/preload/preload.h"

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);

/* dlsym() and constructors allocate too; counting them is harmless. */
static bool is_out(void)
{
	int why = 0;

	if (fault_decide("malloc", "memory", -1, &why) == DO_CALL)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return is_out() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_out() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_out() ? NULL : __libc_realloc(p, n);
}
