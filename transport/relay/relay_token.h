/* relay_token.h - a token that a command of the user's prints, and prints anew when it is refused.
 * Private to the room. All threads of a run share one; every function but relay_token_new() returns at
 * once. */
#ifndef TRANSPORT_RELAY_RELAY_TOKEN_H
#define TRANSPORT_RELAY_RELAY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct relay_token;

/* Runs the command (blocks). 0; -1 with e (ERR_INPUT, ERR_SYS, ERR_NOMEM). */
int relay_token_new(struct relay_token **out, const char *command, struct err *e);
/* A command that still runs is left to itself. */
void relay_token_free(struct relay_token **t);

/* A copy, NUL-terminated, which the caller wipes by mem_hidden_free(p, n + 1); NULL: no memory. *serial
 * says which token it is. */
char *relay_token_copy(struct relay_token *t, size_t *n, unsigned *serial);
/* The relay refused it. 0: another one is there or being got by a thread, see relay_token_is_busy(). -1
 * with e when the command failed; -1 without it when that one was new already: the refusal is meant. */
int relay_token_refused(struct relay_token *t, unsigned serial, struct err *e);
void relay_token_accepted(struct relay_token *t, unsigned serial);
/* A new one is being got. */
bool relay_token_is_busy(struct relay_token *t);
/* The command failed: none is to be had any more; e says why. */
bool relay_token_has_failed(struct relay_token *t, struct err *e);

#endif
