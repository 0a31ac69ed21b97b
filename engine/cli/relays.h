/* relays.h - which relays the user means: URLs, names of sections, and where passwords come from. */
#ifndef ENGINE_CLI_RELAYS_H
#define ENGINE_CLI_RELAYS_H

#include <stdbool.h>

#include "engine/cli/options.h"
#include "transport/delivery/delivery.h"

/* The relays of --relay; without one, all sections of the settings file. The array lives in o's
 * memory. ERR_INPUT with a hint. */
int relays_read(struct options *o, const struct delivery_relay **out, uint32_t *n, struct err *e);
/* True when all of them write files or nothing: eml:, mbox:, maildir:, null:. */
bool relays_rehearse(const struct delivery_relay *relays, uint32_t n);

#endif
