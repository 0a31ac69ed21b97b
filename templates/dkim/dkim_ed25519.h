/* dkim_ed25519.h - Ed25519 signatures (RFC 8032) for one thread. Inner header of the room. */
#ifndef TEMPLATES_DKIM_DKIM_ED25519_H
#define TEMPLATES_DKIM_DKIM_ED25519_H

#include "engine/base/digest.h"

struct err;
struct evp_pkey_st;
struct dkim_ed25519;

enum { DKIM_ED25519_SIGNATURE = 64 };

/* pkey is an Ed25519 key; it is borrowed for the life of what is made. */
int dkim_ed25519_new(struct dkim_ed25519 **out, struct evp_pkey_st *pkey, struct err *e);
void dkim_ed25519_free(struct dkim_ed25519 **s);
/* The digest is the message that is signed (RFC 8463 3). 0, or -1: no memory. */
int dkim_ed25519_sign(struct dkim_ed25519 *s, const unsigned char digest[SHA256_SIZE],
		      unsigned char out[DKIM_ED25519_SIGNATURE]);

#endif
