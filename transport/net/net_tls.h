/* net_tls.h - what net_tls.c and net_tls_setup.c share: the only files that know OpenSSL's TLS, with net_cert.c. */
#ifndef TRANSPORT_NET_NET_TLS_H
#define TRANSPORT_NET_NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "transport/net/net_link.h"

enum { TLS_RECORD_MAX = 16384 /* plain bytes of a TLS record */ };

struct net_tls {
	SSL_CTX *ctx;
	BIO_METHOD *method;
	bool verify; /* chain and name */
	bool only_tls13;
	bool pinned, own_cert;
	unsigned char pin[NET_FINGERPRINT];
	bool host_is_number;
	char host[NET_HOST_MAX + 1];
};

struct tls_link {
	SSL *ssl;
	struct net_link *link;
	const struct net_tls *setup;
	struct net_ticket *ticket;
	bool shaken, dead;
	bool cut_off; /* the connection ended without the end of TLS */
	bool handshake_wants_write, read_wants_write, write_wants_read, write_full;
	struct err refused; /* the certificate's fault; kind ERR_NONE: none */
	size_t gathered;    /* bytes in record */
	size_t held;        /* of them, offered to OpenSSL and not taken yet: all or none */
	char record[TLS_RECORD_MAX];
};

/* How OpenSSL reads and writes: through the link's socket, never raising SIGPIPE. NULL: no memory. */
BIO_METHOD *tls_link_method(void);
/* -1 with "what: OpenSSL's own reason". */
int net_tls_says(struct err *e, const char *what);

#endif
