/* smime.h - S/MIME signatures (RFC 8551) over a part that lies in pieces: what makes the second part
 * of a multipart/signed.
 *
 * A signer is const once it is made and may be shared by threads. OpenSSL allocates for each
 * signature. */
#ifndef TEMPLATES_DKIM_SMIME_H
#define TEMPLATES_DKIM_SMIME_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct smime_signer;

struct smime_options {
	const char *cert_path; /* PEM: the certificate, then those that lead to its root */
	const char *key_path;  /* PEM or DER; NULL: it is in the certificate's file */
};

/* 0; -1 with e: ERR_INPUT (no certificate, no key, they do not belong together), ERR_NOMEM. */
int smime_signer_new(struct smime_signer **out, const struct smime_options *opt, struct err *e);
void smime_signer_free(struct smime_signer **s);
/* SHA-256 of the certificate: for digests. */
int smime_signer_identity(const struct smime_signer *s, unsigned char out[32]);
/* Is the certificate for that address? */
bool smime_signer_is_for(const struct smime_signer *s, struct span address);
/* Is it valid at that time? */
bool smime_signer_is_valid(const struct smime_signer *s, int64_t wall_ms);

/* The detached signature of content (canonical: CRLF only), DER; it lives in a. wall_ms is the
 * signing time. 0; -1 with e (ERR_NOMEM). */
int smime_sign(const struct smime_signer *s, const struct span *content, uint32_t n, int64_t wall_ms,
	       struct arena *a, struct span *der, struct err *e);

#endif
