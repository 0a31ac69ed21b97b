/* must.c - the end of a program that found a bug of its own. */
#include "engine/base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *file, int line, const char *condition)
{
	/* No buffer, no allocation: whatever is broken, this line still gets out. */
	dprintf(2, "lettershop: bug at %s:%d: '%s' does not hold\n", file, line, condition);
	abort();
}
