/* address_doubt.h - addresses that can be written and were probably not meant. */
#ifndef ENGINE_MODEL_ADDRESS_DOUBT_H
#define ENGINE_MODEL_ADDRESS_DOUBT_H

#include <stdbool.h>

#include "engine/base/span.h"

enum { ADDRESS_PROPOSAL_MAX = 320 };

enum address_doubt {
	ADDRESS_PLAIN,
	ADDRESS_TYPO,        /* of a well-known domain, or of its last part */
	ADDRESS_PLACEHOLDER, /* example.com, test@test */
	ADDRESS_ROLE         /* of a function, not of a person: info, noreply */
};

/* path: as on the wire (struct address). proposal: what was probably meant, "" when nobody can say. */
enum address_doubt address_doubt(struct span path, char proposal[ADDRESS_PROPOSAL_MAX]);
/* What was probably meant by a text that is no address: true with an address that is one, in proposal. */
bool address_propose(struct span text, char proposal[ADDRESS_PROPOSAL_MAX]);

#endif
