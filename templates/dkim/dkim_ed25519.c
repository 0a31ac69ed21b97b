/* dkim_ed25519.c - Ed25519, by libsodium where the build found it, else by OpenSSL; the door to libsodium.
 *
 * OpenSSL 3.0 takes twice libsodium's time for a signature, and a signature is most of what a signed mail
 * costs.
 *  1. Both give the same octets: RFC 8032 leaves nothing to choose. A new signer proves it with its key
 *     before it signs anything else.
 *  2. The secret that libsodium needs is wiped when the signer is freed.
 * Held by tests/unit/test_dkim_key.c. */
#include "templates/dkim/dkim_ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#ifdef WITH_SODIUM
#include <sodium.h>
#endif

#include "engine/base/err.h"
#include "engine/base/mem.h"

struct dkim_ed25519 {
	EVP_MD_CTX *openssl;
#ifdef WITH_SODIUM
	unsigned char secret[crypto_sign_SECRETKEYBYTES]; /* seed, public key */
#endif
};

static int sign_with_openssl(struct dkim_ed25519 *s, const unsigned char digest[SHA256_SIZE],
			     unsigned char out[DKIM_ED25519_SIGNATURE])
{
	size_t n = DKIM_ED25519_SIGNATURE;

	return EVP_DigestSign(s->openssl, out, &n, digest, SHA256_SIZE) == 1 ? 0 : -1;
}

#ifdef WITH_SODIUM
static int prepare(struct dkim_ed25519 *s, EVP_PKEY *pkey, struct err *e)
{
	enum { SEED = crypto_sign_SEEDBYTES };
	static const unsigned char digest[SHA256_SIZE] = { 1 };
	unsigned char ours[DKIM_ED25519_SIGNATURE], theirs[DKIM_ED25519_SIGNATURE];
	size_t seed_n = SEED, public_n = sizeof s->secret - SEED;

	if (sodium_init() < 0)
		return err_set(e, ERR_LIMIT, "libsodium does not work on this machine");
	if (EVP_PKEY_get_raw_private_key(pkey, s->secret, &seed_n) != 1 ||
	    EVP_PKEY_get_raw_public_key(pkey, s->secret + SEED, &public_n) != 1 ||
	    sign_with_openssl(s, digest, theirs) < 0)
		return err_nomem(e, "a key");
	if (dkim_ed25519_sign(s, digest, ours) < 0 || memcmp(ours, theirs, sizeof ours) != 0)
		return err_set(e, ERR_LIMIT, "libsodium and OpenSSL do not agree about this key");
	return 0;
}

int dkim_ed25519_sign(struct dkim_ed25519 *s, const unsigned char digest[SHA256_SIZE],
		      unsigned char out[DKIM_ED25519_SIGNATURE])
{
	return crypto_sign_detached(out, NULL, digest, SHA256_SIZE, s->secret);
}
#else
static int prepare(struct dkim_ed25519 *s, EVP_PKEY *pkey, struct err *e)
{
	(void)s;
	(void)pkey;
	(void)e;
	return 0;
}

int dkim_ed25519_sign(struct dkim_ed25519 *s, const unsigned char digest[SHA256_SIZE],
		      unsigned char out[DKIM_ED25519_SIGNATURE])
{
	return sign_with_openssl(s, digest, out);
}
#endif

int dkim_ed25519_new(struct dkim_ed25519 **out, EVP_PKEY *pkey, struct err *e)
{
	struct dkim_ed25519 *s = mem_new(sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(e, "a key");
	s->openssl = EVP_MD_CTX_new();
	rc = s->openssl && EVP_DigestSignInit(s->openssl, NULL, NULL, NULL, pkey) == 1 ? 0 : err_nomem(e, "a key");
	if (rc == 0)
		rc = prepare(s, pkey, e);
	if (rc < 0)
		dkim_ed25519_free(&s);
	ERR_clear_error();
	*out = s;
	return rc;
}

void dkim_ed25519_free(struct dkim_ed25519 **s)
{
	if (!*s)
		return;
	EVP_MD_CTX_free((*s)->openssl);
	mem_free_secret(*s, sizeof **s);
	*s = NULL;
}
