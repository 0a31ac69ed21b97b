/* check_relay.h - can the relays take what the list makes? Asked, with no mail. */
#ifndef ENGINE_CLI_CHECK_RELAY_H
#define ENGINE_CLI_CHECK_RELAY_H

#include <stdbool.h>

#include "engine/cli/options.h"

struct err;
struct report;

/* Connects to each relay of o (EHLO, TLS, login, QUIT). What is wrong becomes findings of r; what it is, a
 * line on standard output unless quiet. -1 with e: the options are wrong. */
int check_relays(struct options *o, struct report *r, bool quiet, struct err *e);

#endif
