/* digest.c - digests of OpenSSL.
 *
 * An algorithm is fetched once a process and kept: looking it up by name takes locks and longer
 * than digesting a line. Held by tests/unit/test_base_digest.c. */
#include "engine/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"

struct digest {
	EVP_MD_CTX *ctx;
	bool ended; /* to begin anew with the next octets: OpenSSL wants memory for that, which the end must not */
	bool lost;  /* there was none: the next end has no result */
};

enum { KINDS = DIGEST_SHA256 + 1 };
static const char *const names[KINDS] = { "MD5", "SHA1", "SHA256" };
static EVP_MD *fetched[KINDS];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
	for (int i = 0; i < KINDS; i++)
		fetched[i] = EVP_MD_fetch(NULL, names[i], NULL);
}

static const EVP_MD *algorithm(enum digest_kind kind)
{
	pthread_once(&fetch_once, fetch_all);
	return fetched[kind];
}

int digest_new(struct digest **out, enum digest_kind kind, struct err *e)
{
	const EVP_MD *md = algorithm(kind);
	struct digest *d;

	*out = NULL;
	if (!md)
		return err_set(e, ERR_LIMIT, "this machine's OpenSSL does not offer %s", names[kind]);
	d = mem_new(sizeof *d);
	if (!d)
		return err_nomem(e, "a digest");
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex2(d->ctx, md, NULL) != 1) {
		digest_free(&d);
		return err_nomem(e, "a digest");
	}
	*out = d;
	return 0;
}

void digest_free(struct digest **d)
{
	if (!*d)
		return;
	EVP_MD_CTX_free((*d)->ctx);
	mem_free(*d);
	*d = NULL;
}

static void begin_anew(struct digest *d)
{
	if (d->ended)
		d->lost = EVP_DigestInit_ex2(d->ctx, NULL, NULL) != 1;
	d->ended = false;
}

void digest_add(struct digest *d, struct span s)
{
	begin_anew(d);
	if (s.n && !d->lost)
		MUST(EVP_DigestUpdate(d->ctx, s.p, s.n) == 1);
}

size_t digest_end(struct digest *d, unsigned char out[DIGEST_MAX])
{
	unsigned n = 0;

	begin_anew(d);
	d->ended = true;
	if (d->lost)
		return 0;
	MUST(EVP_DigestFinal_ex(d->ctx, out, &n) == 1);
	return n;
}

size_t digest_once(enum digest_kind kind, struct span s, unsigned char out[DIGEST_MAX])
{
	const EVP_MD *md = algorithm(kind);
	unsigned n = 0;

	return md && EVP_Digest(s.n ? s.p : "", s.n, out, &n, md, NULL) == 1 ? n : 0;
}

int digest_sha256(struct span s, unsigned char out[SHA256_SIZE])
{
	return digest_once(DIGEST_SHA256, s, out) == SHA256_SIZE ? 0 : -1;
}

size_t digest_hmac(enum digest_kind kind, struct span key, struct span s, unsigned char out[DIGEST_MAX])
{
	const EVP_MD *md = algorithm(kind);
	unsigned n = 0;

	if (!md || key.n > INT_MAX ||
	    !HMAC(md, key.n ? key.p : "", (int)key.n, (const unsigned char *)(s.n ? s.p : ""), s.n, out, &n))
		return 0;
	return n;
}

void digest_hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}
