/* digest.h - the only door to OpenSSL's digests. A struct digest belongs to one thread. */
#ifndef ENGINE_BASE_DIGEST_H
#define ENGINE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 };
enum { DIGEST_MAX = 32, SHA256_SIZE = 32 };

struct err;
struct digest;

int digest_new(struct digest **out, enum digest_kind kind, struct err *e);
void digest_free(struct digest **d);
void digest_add(struct digest *d, struct span s);
/* Writes the result; what is added from then on is of a new digest. Returns its size in bytes, 0 when
 * there was no memory to begin it anew. */
size_t digest_end(struct digest *d, unsigned char out[DIGEST_MAX]);

/* One call for short inputs; -1 only when memory runs out. */
int digest_sha256(struct span s, unsigned char out[SHA256_SIZE]);
/* Of any kind; both return the size of the result, 0 when memory ran out. */
size_t digest_once(enum digest_kind kind, struct span s, unsigned char out[DIGEST_MAX]);
size_t digest_hmac(enum digest_kind kind, struct span key, struct span s, unsigned char out[DIGEST_MAX]);

/* Lower-case; out gets 2 * n bytes and a NUL. */
void digest_hex(const unsigned char *p, size_t n, char *out);

#endif
