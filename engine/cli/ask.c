/* ask.c - no answer is a no. */
#include "engine/cli/ask.h"

#include <stdio.h>
#include <string.h>

bool ask(const char *question)
{
	char answer[64];

	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", question);
	if (!fgets(answer, sizeof answer, stdin)) {
		fputc('\n', stderr);
		return false;
	}
	return answer[strspn(answer, " \t")] == 'y' || answer[strspn(answer, " \t")] == 'Y';
}
