/* dkim_pkey.h - private keys as OpenSSL has them, for those files of the room that sign with it.
 * Inner header. */
#ifndef TEMPLATES_DKIM_DKIM_PKEY_H
#define TEMPLATES_DKIM_DKIM_PKEY_H

#include <stdbool.h>

struct err;
struct evp_pkey_st;

/* Of a file in PEM or DER, without pass phrase; its bytes are wiped. exposed: others than its owner may
 * read it. Freed with EVP_PKEY_free(). -1 with e. */
int dkim_pkey_read(struct evp_pkey_st **out, const char *path, bool *exposed, struct err *e);

#endif
