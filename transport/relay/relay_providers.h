/* relay_providers.h - well-known relays by name: host, port, security and the limits that they publish.
 *
 * The table is relay_providers.def; README.md of the room shows it, and tests/unit/test_relay_providers.c
 * compares the two. */
#ifndef TRANSPORT_RELAY_RELAY_PROVIDERS_H
#define TRANSPORT_RELAY_RELAY_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct relay_provider {
	const char *name;
	const char *place;  /* "smtps://host:465", "smtp://host:587" */
	const char *limits; /* of relay_url.h, joined by &: "connections=3&rate=30/min,10000/day"; "" none published */
	const char *user;   /* always this one; NULL: the account's own */
	bool anonymous;     /* works without a login, too: it knows the sender's address */
};

enum { RELAY_PROVIDER_URL = 2048 };

/* The i-th, NULL behind the last. */
const struct relay_provider *relay_provider_at(size_t i);
/* The URL of that provider, for this user (NULL: none). 0; -1 with e: ERR_INPUT with a hint. */
int relay_provider_url(const char *name, const char *user, char out[RELAY_PROVIDER_URL], struct err *e);

#endif
