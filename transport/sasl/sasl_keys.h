/* sasl_keys.h - what SCRAM makes of a password (RFC 5802 3, SaltedPassword), on a thread of its own: a server
 * may ask for a million rounds, and a poll loop has other sessions. Private to the room.
 *
 * A store belongs to one password. The newest results are kept, so that a server that gives the same salt
 * again, as all do, costs the work once, however many sessions log in. */
#ifndef TRANSPORT_SASL_SASL_KEYS_H
#define TRANSPORT_SASL_SASL_KEYS_H

#include <stdbool.h>

#include "engine/base/span.h"
#include "transport/sasl/sasl.h"

enum {
	SASL_KEY_HEX = 64, /* digits of the longest */
	SASL_SALT_MAX = 1024,
	SASL_ROUNDS_AT_ONCE = 256 /* some fraction of a millisecond: not worth another thread */
};

struct sasl_key; /* one that was asked for */

/* password: borrowed until sasl_keys_free(). NULL: no memory, or no thread. Any thread. */
struct sasl_key *sasl_key_ask(struct sasl_keys *k, struct span password, bool sha256, struct span salt,
			      unsigned rounds);
/* 1 and the digits, NUL-terminated; 0 not yet; -1 nothing can be made of it. */
int sasl_key_get(struct sasl_key *key, char hex[SASL_KEY_HEX + 1]);
void sasl_key_drop(struct sasl_key **key); /* may be asked for still; NULL is fine */

#endif
