/* smime.c - the door to OpenSSL's CMS.
 *
 * SHA-256 with whatever key the certificate has; RSA gives the same signature again for the same
 * time, EC does not. The key file is read by dkim_key.c, which wipes its bytes.
 * Held by tests/system/test_smime.py. */
#include "templates/dkim/smime.h"

#include <limits.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "templates/dkim/dkim_pkey.h"

struct smime_signer {
	X509 *cert;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
};

enum { SIGN_FLAGS = CMS_BINARY | CMS_DETACHED | CMS_PARTIAL | CMS_NOSMIMECAP };

static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int read_chain(struct smime_signer *s, BIO *bio, const char *path, struct err *e)
{
	X509 *next;

	s->cert = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
	s->chain = sk_X509_new_null();
	if (!s->cert || !s->chain) {
		err_set(e, ERR_INPUT, "this file has no certificate in PEM form");
		return err_at(e, path, 0, 0);
	}
	while ((next = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
		if (!sk_X509_push(s->chain, next)) {
			X509_free(next);
			return err_nomem(e, "a certificate");
		}
	}
	return 0;
}

static int read_cert(struct smime_signer *s, const char *path, struct err *e)
{
	BIO *bio = BIO_new_file(path, "r");
	int rc;

	if (!bio) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "cannot read the certificate '%s'", path);
	}
	rc = read_chain(s, bio, path, e);
	ERR_clear_error(); /* the end of the file counts as one */
	BIO_free(bio);
	return rc;
}

static int read_both(struct smime_signer *s, const struct smime_options *opt, struct err *e)
{
	const char *key_path = opt->key_path ? opt->key_path : opt->cert_path;
	bool exposed;

	if (read_cert(s, opt->cert_path, e) < 0 || dkim_pkey_read(&s->key, key_path, &exposed, e) < 0)
		return -1;
	if (X509_check_private_key(s->cert, s->key) == 1)
		return 0;
	ERR_clear_error();
	err_set(e, ERR_INPUT, "the key is not the one of the certificate");
	return err_at(e, key_path, 0, 0);
}

int smime_signer_new(struct smime_signer **out, const struct smime_options *opt, struct err *e)
{
	struct smime_signer *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "a signer");
	if (read_both(s, opt, e) < 0) {
		smime_signer_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void smime_signer_free(struct smime_signer **sp)
{
	struct smime_signer *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	X509_free(s->cert);
	sk_X509_pop_free(s->chain, X509_free);
	EVP_PKEY_free(s->key);
	mem_free(s);
}

int smime_signer_identity(const struct smime_signer *s, unsigned char out[32])
{
	unsigned char *der = NULL;
	int n = i2d_X509(s->cert, &der), rc = -1;

	if (n > 0)
		rc = digest_sha256(span_of(der, (size_t)n), out);
	OPENSSL_free(der);
	return rc;
}

bool smime_signer_is_for(const struct smime_signer *s, struct span address)
{
	return X509_check_email(s->cert, address.p, address.n, 0) == 1;
}

bool smime_signer_is_valid(const struct smime_signer *s, int64_t wall_ms)
{
	time_t now = (time_t)(wall_ms / 1000);

	return X509_cmp_time(X509_get0_notBefore(s->cert), &now) < 0 && X509_cmp_time(X509_get0_notAfter(s->cert), &now) > 0;
}

/* ---- signing ---- */

static int set_time(CMS_SignerInfo *info, int64_t wall_ms)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(wall_ms / 1000));
	int ok = t && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, t->type, t, -1) == 1;

	ASN1_TIME_free(t);
	return ok ? 0 : -1;
}

static int feed(CMS_ContentInfo *cms, const struct span *content, uint32_t n)
{
	BIO *bio = CMS_dataInit(cms, NULL);
	int ok = bio != NULL;

	for (uint32_t i = 0; i < n && ok; i++)
		ok = content[i].n <= INT_MAX && BIO_write(bio, content[i].p, (int)content[i].n) == (int)content[i].n;
	ok = ok && CMS_dataFinal(cms, bio) == 1;
	BIO_free_all(bio);
	return ok ? 0 : -1;
}

static int to_der(CMS_ContentInfo *cms, struct arena *a, struct span *der)
{
	int n = i2d_CMS_ContentInfo(cms, NULL);
	unsigned char *p = n > 0 ? arena_take(a, (size_t)n) : NULL;

	*der = span_of(p, n > 0 ? (size_t)n : 0);
	return p && i2d_CMS_ContentInfo(cms, &p) == n ? 0 : -1;
}

int smime_sign(const struct smime_signer *s, const struct span *content, uint32_t n, int64_t wall_ms,
	       struct arena *a, struct span *der, struct err *e)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, s->chain, NULL, SIGN_FLAGS);
	CMS_SignerInfo *info = cms ? CMS_add1_signer(cms, s->cert, s->key, EVP_sha256(), SIGN_FLAGS) : NULL;
	int rc = -1;

	if (info && set_time(info, wall_ms) == 0 && feed(cms, content, n) == 0)
		rc = to_der(cms, a, der);
	CMS_ContentInfo_free(cms);
	if (rc == 0)
		return 0;
	ERR_clear_error();
	return err_nomem(e, "an S/MIME signature");
}
