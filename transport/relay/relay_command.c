/* relay_command.c - splitting a command into words; finding its program.
 *
 * Held by tests/unit/test_relay_secret.c and tests/system/test_pipe.py. */
#include "transport/relay/relay_command.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/span.h"

/* One word from *in to *to (which never passes *in). 1 got one, 0 no more, -1 a quote is open. */
static int take_word(char **in, char **to)
{
	char *p = *in, *q = *to, quote = 0;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	*in = p;
	if (*p == '\0')
		return 0;
	for (; *p && (quote || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (quote ? *p == quote : (*p == '\'' || *p == '"'))
			quote = quote ? 0 : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			*q++ = *++p;
		else
			*q++ = *p;
	}
	if (quote)
		return -1;
	*in = *p ? p + 1 : p; /* before the NUL below may fall on *p */
	*q = '\0';
	*to = q + 1;
	return 1;
}

int relay_command_split(char *text, char *words[RELAY_COMMAND_WORDS_MAX + 1], const char *what, struct err *e)
{
	char *in = text, *to = text;
	int n = 0, rc;

	for (;;) {
		char *word;

		if (to > in)
			to = in;
		while (*in == ' ' || *in == '\t' || *in == '\n')
			in++;
		word = to;
		rc = take_word(&in, &to);
		if (rc <= 0)
			break;
		if (n == RELAY_COMMAND_WORDS_MAX)
			return err_set(e, ERR_INPUT, "the %s command has over %d words", what,
				       RELAY_COMMAND_WORDS_MAX);
		words[n++] = word;
	}
	if (rc < 0)
		return err_set(e, ERR_INPUT, "the %s command has a quote that is not closed", what);
	if (n == 0)
		return err_set(e, ERR_INPUT, "the %s command is empty", what);
	words[n] = NULL;
	return n;
}

/* A folder may be "executed", too. */
static bool can_be_run(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int relay_command_find(const char *program, struct err *e)
{
	const char *path = getenv("PATH");
	struct span folders = span_str(path ? path : "/usr/bin:/bin");
	char full[PATH_MAX];

	if (strchr(program, '/')) {
		if (can_be_run(program))
			return 0;
		return err_set(e, ERR_INPUT, "the program '%s' cannot be run", program);
	}
	while (folders.n > 0) {
		struct span folder = span_cut(&folders, ':');
		int n = snprintf(full, sizeof full, "%.*s/%s", SPAN_ARG(folder), program);

		if (n > 0 && (size_t)n < sizeof full && can_be_run(full))
			return 0;
	}
	return err_set(e, ERR_INPUT, "there is no program '%s'", program);
}
