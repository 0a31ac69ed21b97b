/* tls.h - the server's side of TLS over OpenSSL: one context for all, one SSL a connection. */
#ifndef TESTS_FAKE_TLS_H
#define TESTS_FAKE_TLS_H

#include <openssl/types.h>

#include "tests/fake/auth.h"

enum tls_io { TLS_AGAIN_READ = -1, TLS_AGAIN_WRITE = -2, TLS_END = -3, TLS_BROKEN = -4 };

/* NULL without a certificate; die()s when the files are no good. */
SSL_CTX *tls_context(const struct config *cfg);
void tls_context_free(SSL_CTX *ctx);
SSL *tls_new(SSL_CTX *ctx, int fd);
/* 0 when the handshake is complete, otherwise enum tls_io. */
int tls_accept(SSL *ssl);
/* Octets read or written (above 0), otherwise enum tls_io. A read gathers several records. */
long tls_read(SSL *ssl, char *p, size_t n);
long tls_write(SSL *ssl, struct text t);
void tls_facts(SSL *ssl, struct auth_link *out);
void tls_free(SSL *ssl, bool close_notify);
/* What went wrong last in this thread, for the protocol log. */
void tls_error(struct bytes *out);

#endif
