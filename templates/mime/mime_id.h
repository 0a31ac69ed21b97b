/* mime_id.h - Message-IDs and boundaries that come out the same again: from the campaign's seed.
 *
 * Pure code, safe in any thread. */
#ifndef TEMPLATES_MIME_MIME_ID_H
#define TEMPLATES_MIME_MIME_ID_H

#include <stdint.h>

#include "engine/base/hash.h"
#include "engine/base/span.h"

enum {
	MIME_ID_SIZE = 27,      /* 26 characters of base32 for 128 bits, and NUL */
	MIME_BOUNDARY_SIZE = 35 /* 32 hexadecimal digits, "=_", and NUL */
};

struct mime_seed {
	struct hash_key low, high; /* two halves of 128 bits */
};
void mime_seed_init(struct mime_seed *s, const unsigned char seed[16]);
/* Differs for every (kind, number) and cannot be guessed without the seed. */
void mime_id(const struct mime_seed *s, struct span kind, uint64_t number, char out[MIME_ID_SIZE]);
/* Neither quoted-printable, base64 nor what mime_text_is_plain() lets through ever has "=_". */
void mime_boundary(const struct mime_seed *s, uint64_t number, char out[MIME_BOUNDARY_SIZE]);

#endif
