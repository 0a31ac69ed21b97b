/* dkim_key.c - the room's door to OpenSSL's keys.
 *
 *  1. The bytes of a key file live in one buffer of ours, wiped before it is freed.
 *  2. A pass phrase is never asked for: the program may run without a terminal.
 *  3. RSA signs the digest by PKCS#1 1.5, Ed25519 signs the digest as its message (RFC 8463 3).
 * A pen has a copy of the key: signing threads do not meet at RSA's blinding lock.
 * Held by tests/unit/test_dkim_key.c. */
#include "templates/dkim/dkim_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "templates/dkim/dkim_ed25519.h"
#include "templates/dkim/dkim_pkey.h"

enum { KEY_FILE_MAX = 65536, ED25519_PUBLIC = 32 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
	bool exposed;
};

struct dkim_pen {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *rsa;
	struct dkim_ed25519 *ed25519;
	size_t max;
};

/* ---- reading ---- */

static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *parse_pem(struct span bytes)
{
	BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;

	BIO_free(bio);
	return pkey;
}

static EVP_PKEY *parse(struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	if (span_search(bytes, SPAN("-----BEGIN")) < bytes.n)
		return parse_pem(bytes);
	return d2i_AutoPrivateKey(NULL, &p, (long)bytes.n);
}

static int not_a_key(struct span bytes, const char *path, struct err *e)
{
	err_at(e, path, 0, 0);
	if (span_search(bytes, SPAN("ENCRYPTED")) < bytes.n) {
		err_set(e, ERR_INPUT, "the key has a pass phrase");
		err_hint(e, "write it without one: openssl pkey -in KEY -out PLAIN, and let only its owner read it");
	} else if (span_search(bytes, SPAN("PUBLIC KEY")) < bytes.n) {
		err_set(e, ERR_INPUT, "this is a public key; a signature wants the private one");
	} else {
		err_set(e, ERR_INPUT, "this file has no private key in PEM or DER form");
		err_hint(e, "lettershop dkim-key SELECTOR DOMAIN makes one");
	}
	return err_at(e, path, 0, 0);
}

/* What of the key can sign: 0, or -1 with e. */
static int accept_key(struct dkim_key *k, struct err *e)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	if (EVP_PKEY_is_a(k->pkey, "ED25519")) {
		k->algorithm = DKIM_ED25519_SHA256;
		return 0;
	}
	k->algorithm = DKIM_RSA_SHA256;
	if (!EVP_PKEY_is_a(k->pkey, "RSA"))
		return err_set(e, ERR_INPUT, "a key of this kind cannot sign mail: RSA or Ed25519 can");
	if (bits < DKIM_RSA_BITS_MIN || bits > DKIM_RSA_BITS_MAX)
		return err_set(e, ERR_INPUT, "an RSA key of %d bits: it must have %d to %d", bits, DKIM_RSA_BITS_MIN,
			       DKIM_RSA_BITS_MAX);
	return 0;
}

/* Fills bytes (KEY_FILE_MAX) from a regular file. */
static ssize_t read_file(const char *path, char *bytes, bool *exposed, struct err *e)
{
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_sys(e, "cannot read the key '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_INPUT, "the key '%s' is not a file", path);
	}
	*exposed = (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
	n = file_read_full(fd, bytes, KEY_FILE_MAX);
	if (n < 0)
		err_sys(e, "cannot read the key '%s'", path);
	close(fd);
	if (n == KEY_FILE_MAX)
		return err_set(e, ERR_INPUT, "the key '%s' is too long to be one", path);
	return n;
}

int dkim_pkey_read(EVP_PKEY **out, const char *path, bool *exposed, struct err *e)
{
	char *bytes = mem_new(KEY_FILE_MAX);
	ssize_t n;

	*out = NULL;
	if (!bytes)
		return err_nomem(e, "a key");
	n = read_file(path, bytes, exposed, e);
	if (n >= 0)
		*out = parse(span_of(bytes, (size_t)n));
	ERR_clear_error(); /* what failed attempts left */
	if (n >= 0 && !*out)
		not_a_key(span_of(bytes, (size_t)n), path, e);
	mem_free_secret(bytes, KEY_FILE_MAX);
	return *out ? 0 : -1;
}

int dkim_key_read(struct dkim_key **out, const char *path, struct err *e)
{
	struct dkim_key *k = mem_new(sizeof *k);

	*out = NULL;
	if (!k)
		return err_nomem(e, "a key");
	if (dkim_pkey_read(&k->pkey, path, &k->exposed, e) < 0 || accept_key(k, e) < 0) {
		dkim_key_free(&k);
		return err_at(e, path, 0, 0);
	}
	*out = k;
	return 0;
}

/* ---- making and writing ---- */

int dkim_key_make(struct dkim_key **out, enum dkim_algorithm algorithm, unsigned bits, struct err *e)
{
	struct dkim_key *k = mem_new(sizeof *k);

	*out = NULL;
	if (!k)
		return err_nomem(e, "a key");
	k->algorithm = algorithm;
	if (algorithm == DKIM_ED25519_SHA256)
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	if (!k->pkey) {
		ERR_clear_error();
		dkim_key_free(&k);
		return err_set(e, ERR_LIMIT, "this machine's OpenSSL could not make the key");
	}
	*out = k;
	return 0;
}

void dkim_key_free(struct dkim_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->pkey); /* wipes it */
	mem_free(*k);
	*k = NULL;
}

static int write_new(const char *path, const char *p, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	int rc;

	if (fd < 0 && errno == EEXIST) {
		err_set(e, ERR_CONFLICT, "'%s' is there already", path);
		return err_hint(e, "a key is never written over; choose another name with --out FILE");
	}
	if (fd < 0)
		return err_sys(e, "cannot write '%s'", path);
	rc = file_write_full(fd, p, n) < 0 || fsync(fd) < 0 ? err_sys(e, "cannot write '%s'", path) : 0;
	close(fd);
	if (rc < 0)
		unlink(path);
	return rc;
}

int dkim_key_write(const struct dkim_key *k, const char *path, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
	char *p = NULL;
	long n;
	int rc;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		return err_nomem(e, "a key");
	}
	n = BIO_get_mem_data(bio, &p);
	rc = write_new(path, p, (size_t)n, e);
	BIO_free(bio);
	return rc;
}

/* ---- asking ---- */

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k)
{
	return k->algorithm;
}

unsigned dkim_key_bits(const struct dkim_key *k)
{
	return (unsigned)EVP_PKEY_get_bits(k->pkey);
}

bool dkim_key_is_exposed(const struct dkim_key *k)
{
	return k->exposed;
}

size_t dkim_base64(const unsigned char *p, size_t n, char *out)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

int dkim_key_public(const struct dkim_key *k, struct arena *a, struct span *out, struct err *e)
{
	unsigned char raw[ED25519_PUBLIC], *der = NULL;
	size_t n = sizeof raw;
	char *text;

	if (k->algorithm == DKIM_ED25519_SHA256) {
		MUST(EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1);
	} else {
		int length = i2d_PUBKEY(k->pkey, &der);

		if (length < 0)
			return err_nomem(e, "a key");
		n = (size_t)length;
	}
	text = arena_take(a, 4 * ((n + 2) / 3) + 1);
	if (text)
		*out = span_of(text, dkim_base64(der ? der : raw, n, text));
	OPENSSL_free(der);
	return text ? 0 : err_nomem(e, "a key");
}

/* ---- signing ---- */

static int prepare_rsa(struct dkim_pen *p, struct err *e)
{
	p->rsa = EVP_PKEY_CTX_new_from_pkey(NULL, p->pkey, NULL);
	if (!p->rsa || EVP_PKEY_sign_init(p->rsa) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(p->rsa, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(p->rsa, EVP_sha256()) != 1)
		return err_nomem(e, "a key");
	p->max = (size_t)EVP_PKEY_get_size(p->pkey);
	return 0;
}

static int prepare_ed25519(struct dkim_pen *p, struct err *e)
{
	p->max = DKIM_ED25519_SIGNATURE;
	return dkim_ed25519_new(&p->ed25519, p->pkey, e);
}

int dkim_pen_new(struct dkim_pen **out, const struct dkim_key *k, struct err *e)
{
	struct dkim_pen *p = mem_new(sizeof *p);
	int rc;

	*out = NULL;
	if (!p)
		return err_nomem(e, "a key");
	p->pkey = EVP_PKEY_dup(k->pkey);
	rc = !p->pkey ? err_nomem(e, "a key") : k->algorithm == DKIM_RSA_SHA256 ? prepare_rsa(p, e) : prepare_ed25519(p, e);
	if (rc < 0) {
		ERR_clear_error();
		dkim_pen_free(&p);
		return -1;
	}
	*out = p;
	return 0;
}

void dkim_pen_free(struct dkim_pen **p)
{
	if (!*p)
		return;
	EVP_PKEY_CTX_free((*p)->rsa);
	dkim_ed25519_free(&(*p)->ed25519);
	EVP_PKEY_free((*p)->pkey);
	mem_free(*p);
	*p = NULL;
}

size_t dkim_pen_max(const struct dkim_pen *p)
{
	return p->max;
}

int dkim_pen_sign(struct dkim_pen *p, const unsigned char digest[SHA256_SIZE],
		  unsigned char out[DKIM_SIGNATURE_MAX], size_t *n, struct err *e)
{
	*n = p->ed25519 ? DKIM_ED25519_SIGNATURE : DKIM_SIGNATURE_MAX;
	if (p->ed25519 ? dkim_ed25519_sign(p->ed25519, digest, out) == 0
		       : EVP_PKEY_sign(p->rsa, out, n, digest, SHA256_SIZE) == 1)
		return 0;
	ERR_clear_error();
	return err_nomem(e, "a signature"); /* the key was tried before: nothing else is left */
}
