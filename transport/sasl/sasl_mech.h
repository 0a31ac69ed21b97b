/* sasl_mech.h - what a mechanism is to this room. Private: sasl.c and the mechanisms include it.
 *
 * A mechanism that GNU SASL lacks (token logins) is one more table row with functions of its own. */
#ifndef TRANSPORT_SASL_SASL_MECH_H
#define TRANSPORT_SASL_SASL_MECH_H

#include <stdbool.h>

#include "transport/sasl/sasl.h"

enum { SASL_RAW_MAX = SASL_LINE_MAX / 4 * 3 }; /* octets of a line, base64 taken off */

struct sasl_mech {
	const char *name;
	bool speaks_first;
	bool on_request; /* never chosen by itself */
	bool needs_user, needs_password;
	bool needs_binding;
	bool needs_token; /* chosen when there is a token, and only then */
	bool done_by_server; /* the last word is the server's 235, nothing of it can be checked */
	int (*begin)(void **state, const struct sasl_login *login, const char *name, struct err *e);
	/* challenge and response are raw octets; the response is written to out, at most
	 * SASL_RAW_MAX. *done: the mechanism has all it wants. 0, -1; 1: not yet, to be called again
	 * with the same challenge. */
	int (*step)(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e);
	void (*end)(void *state); /* wipes; state may be NULL */
};

/* sasl_gnu.c */
int sasl_gnu_begin(void **state, const struct sasl_login *login, const char *name, struct err *e);
int sasl_gnu_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e);
void sasl_gnu_end(void *state);
/* Before the step with a server-first-message: 0 go on, 1 the password is being worked on, -1. */
int sasl_gnu_prepare(void *state, struct span salt, unsigned rounds, struct err *e);
/* SaltedPassword in hexadecimal digits, NUL-terminated: 64, with SHA-1 40. 0, or -1. Any thread; it takes as long as
 * the rounds want. */
int sasl_gnu_salt(struct span password, bool sha256, struct span salt, unsigned rounds, char *hex);
/* sasl_scram.c: looks at a server-first-message before GNU SASL does (RFC 5802 5.1). */
int sasl_scram_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e);
/* sasl_token.c */
int sasl_token_begin(void **state, const struct sasl_login *login, const char *name, struct err *e);
int sasl_token_step(void *state, struct span challenge, char *out, size_t *out_n, bool *done, struct err *e);
void sasl_token_end(void *state);

#endif
