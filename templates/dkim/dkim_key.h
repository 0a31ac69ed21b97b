/* dkim_key.h - private keys: read, made, written, used. Inner header of the room.
 *
 * A key is const once it is there and may be shared; a pen signs with it and belongs to one
 * thread. Key files are secrets: their bytes are wiped, and no message ever holds any of them. */
#ifndef TEMPLATES_DKIM_DKIM_KEY_H
#define TEMPLATES_DKIM_DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/digest.h"
#include "engine/base/span.h"

struct err;
struct dkim_key;
struct dkim_pen;

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
enum {
	DKIM_RSA_BITS_MIN = 1024,   /* RFC 8301 3.2: verifiers refuse less */
	DKIM_RSA_BITS_SHOULD = 2048,
	DKIM_RSA_BITS_MAX = 8192,
	DKIM_SIGNATURE_MAX = DKIM_RSA_BITS_MAX / 8
};

int dkim_key_read(struct dkim_key **out, const char *path, struct err *e);
int dkim_key_make(struct dkim_key **out, enum dkim_algorithm algorithm, unsigned bits, struct err *e);
void dkim_key_free(struct dkim_key **k);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
unsigned dkim_key_bits(const struct dkim_key *k);
/* Others than its owner may read the file it came from. */
bool dkim_key_is_exposed(const struct dkim_key *k);
/* PKCS#8 in PEM, to a new file of mode 0600. */
int dkim_key_write(const struct dkim_key *k, const char *path, struct err *e);
/* The public key as p= has it, base64: an RSA SubjectPublicKeyInfo, or 32 octets (RFC 8463 4). */
int dkim_key_public(const struct dkim_key *k, struct arena *a, struct span *out, struct err *e);

int dkim_pen_new(struct dkim_pen **out, const struct dkim_key *k, struct err *e);
void dkim_pen_free(struct dkim_pen **p);
/* The most octets a signature has. */
size_t dkim_pen_max(const struct dkim_pen *p);
/* Signs a SHA-256 digest. */
int dkim_pen_sign(struct dkim_pen *p, const unsigned char digest[SHA256_SIZE],
		  unsigned char out[DKIM_SIGNATURE_MAX], size_t *n, struct err *e);

/* Base64 without line breaks; out has room for 4 * ((n + 2) / 3) and a NUL. Returns its length. */
size_t dkim_base64(const unsigned char *p, size_t n, char *out);

#endif
