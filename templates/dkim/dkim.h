/* dkim.h - DKIM signatures (RFC 6376, 8301, 8463) over a message that lies in pieces (front door).
 *
 * A signer is a key with its name in the DNS; it is const once it is made and may be shared. A
 * desk is what one thread needs to sign with all signers of a letter. Nothing of the message is
 * copied but its header. OpenSSL allocates for each signature; nothing else does. */
#ifndef TEMPLATES_DKIM_DKIM_H
#define TEMPLATES_DKIM_DKIM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct dkim_signer;
struct dkim_desk;

/* Of the body; the header is always relaxed: a relay that folds anew would break "simple". */
enum dkim_canon { DKIM_RELAXED, DKIM_SIMPLE };

struct dkim_options {
	const char *key_path;         /* PEM or DER: PKCS#8 or the key's own form, RSA or Ed25519 */
	struct span selector, domain; /* domain may be written in Unicode */
	enum dkim_canon body;
};

/* 0; -1 with e: ERR_INPUT (no key, a key that cannot sign, a name that is none), ERR_NOMEM. The
 * key is wiped when the signer is freed. */
int dkim_signer_new(struct dkim_signer **out, const struct dkim_options *opt, struct err *e);
void dkim_signer_free(struct dkim_signer **s);
/* As the signer writes it: lower-case A-labels; lives as long as it. */
struct span dkim_signer_domain(const struct dkim_signer *s);
/* What makes one signer's signatures differ from another's, without the key: for digests. Lives
 * in a; p is NULL when memory ran out. */
struct span dkim_signer_identity(const struct dkim_signer *s, struct arena *a);
/* A weakness that a person should know of (short key, file that others may read): static text, or
 * NULL. */
const char *dkim_signer_weakness(const struct dkim_signer *s);
/* "relaxed/relaxed", "relaxed/simple", "relaxed", "simple" (of the body): 0, or -1. */
int dkim_canon_from(struct span word, enum dkim_canon *out);

/* signers are borrowed for the desk's life. */
int dkim_desk_new(struct dkim_desk **out, struct dkim_signer *const *signers, uint32_t n, struct err *e);
void dkim_desk_free(struct dkim_desk **d);
/* A long piece of messages to come, which lies still for the desk's life: it is looked at now, and not for
 * each of them. */
void dkim_desk_know(struct dkim_desk *d, struct span piece);

/* Signs the message content (canonical: CRLF only) and gives the DKIM-Signature fields, one a
 * signer, which stand before it. They live in a. wall_ms is what t= says. 0; -1 with e (ERR_NOMEM). */
int dkim_sign(struct dkim_desk *d, struct arena *a, const struct span *content, uint32_t n, int64_t wall_ms,
	      struct span *fields, struct err *e);

/* ---- making keys ---- */

struct dkim_new_key {
	const char *path;             /* is made, mode 0600; an existing file is an error */
	struct span selector, domain;
	bool ed25519;
	unsigned bits;                /* of an RSA key: 1024 to 8192 */
};
/* Makes a key and gives the TXT record in zone file form, ready to paste; it lives in a. */
int dkim_key_create(const struct dkim_new_key *k, struct arena *a, struct span *record, struct err *e);

#endif
