/* relay_secret.h - a password from where the user keeps it. Private to the room; blocks. */
#ifndef TRANSPORT_RELAY_RELAY_SECRET_H
#define TRANSPORT_RELAY_RELAY_SECRET_H

#include <stddef.h>

struct err;

enum { RELAY_SECRET_MAX = 4096 };

struct relay_secret {
	char *p; /* NUL-terminated; NULL none */
	size_t n;
};

void relay_secret_release(struct relay_secret *s); /* wipes it */

/* All: 0, or -1 with e (ERR_INPUT with a hint, ERR_SYS, ERR_NOMEM). The secret is never in e. */

/* First line that the command prints. It is split into words as a shell would ('…', "…", \), but no
 * shell runs. It gets limit_ms, then it is killed. what, in sentences: "password", "token". */
int relay_secret_command(const char *command, const char *what, int limit_ms, struct relay_secret *out, struct err *e);
/* First line of a file that only its owner may read. */
int relay_secret_file(const char *path, struct relay_secret *out, struct err *e);
int relay_secret_env(const char *variable, struct relay_secret *out, struct err *e);
/* Asks on the terminal, without showing what is typed. */
int relay_secret_ask(const char *question, struct relay_secret *out, struct err *e);

#endif
