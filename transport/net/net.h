/* net.h - links to servers: addresses, connecting, TLS, reading and writing (front door).
 *
 * Nothing here blocks but net_lookup_now(). A link belongs to one thread; a struct net_tls is
 * const after net_tls_new() and may serve links of many threads. No function allocates once a
 * link is open and secured. SIGPIPE is never raised. */
#ifndef TRANSPORT_NET_NET_H
#define TRANSPORT_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/base/span.h"

struct err;

/* ---- addresses ---- */

enum {
	NET_ADDRESSES_MAX = 16,  /* of one name; the rest is not tried */
	NET_ADDRESS_WORDS = 128, /* "[2001:db8::1]:587" or a socket's path */
	NET_HOST_MAX = 255
};

struct net_address {
	socklen_t n; /* bytes used in at */
	struct sockaddr_storage at;
};

struct net_addresses { /* in the order in which they are to be tried */
	unsigned n;
	struct net_address items[NET_ADDRESSES_MAX];
};

/* IPv4 or IPv6 written as numbers, without brackets: 0, or -1 when host is something else. */
int net_address_literal(const char *host, uint16_t port, struct net_address *out);
/* A Unix socket: 0, or -1 with e (ERR_INPUT) when the path is empty or too long. */
int net_address_unix(const char *path, struct net_address *out, struct err *e);
/* Never leaves this machine: loopback or a Unix socket. */
bool net_address_is_local(const struct net_address *a);
/* For people: "127.0.0.1:25", "[::1]:25", "/run/lmtp". */
void net_address_words(const struct net_address *a, char out[NET_ADDRESS_WORDS]);

/* ---- names ---- */

/* A name being resolved by a thread of its own, since getaddrinfo(3) has no time limit. */
struct net_lookup;

int net_lookup_start(struct net_lookup **out, const char *host, uint16_t port, struct err *e);
/* Readable for poll(2) once the answer is there. */
int net_lookup_fd(const struct net_lookup *l);
/* 1 *out is filled, 0 not yet, -1 with e (ERR_NET): the name does not exist or cannot be asked. */
int net_lookup_take(struct net_lookup *l, struct net_addresses *out, struct err *e);
/* Forgets it; a thread that is still asking ends by itself later. */
void net_lookup_free(struct net_lookup **l);
/* Blocks at most wait_ms. Numbers are not asked about. 0, or -1 with e (ERR_NET, ERR_NOMEM). */
int net_lookup_now(const char *host, uint16_t port, int64_t wait_ms, struct net_addresses *out, struct err *e);

/* ---- TLS ---- */

enum { NET_FINGERPRINT = 32 }; /* octets of SHA-256 */

enum net_verify {
	NET_VERIFY_FULL, /* chain and name; a pin besides */
	NET_VERIFY_PIN,  /* the pin alone */
	NET_VERIFY_NONE  /* only when the user said so in words; a pin all the same */
};

struct net_tls_options { /* strings are borrowed for the call */
	const char *host;      /* the name the user configured, as A-labels, or an address in numbers */
	const char *ca;        /* PEM file, or a folder of them as `openssl rehash` makes it; NULL: the system's store */
	const char *cert_file; /* our own certificate and what vouches for it, PEM; NULL: none */
	const char *key_file;  /* its key, PEM, which only its owner may read; NULL: in cert_file */
	bool only_tls13;       /* else TLS 1.2 is enough */
	enum net_verify verify;
	const unsigned char *pin; /* SHA-256 of the server's certificate, NET_FINGERPRINT octets; NULL: none */
};

/* What it takes to shake hands with one server: TLS 1.2 or newer, chain and name verified. */
struct net_tls;

int net_tls_new(struct net_tls **out, const struct net_tls_options *opt, struct err *e);
void net_tls_free(struct net_tls **t);

/* The newest session of a server, so that a reconnect is cheap. Zero it before use; belongs to one
 * thread and to one struct net_tls, and must outlive the links that it was given to. */
struct net_ticket {
	void *session;
};
void net_ticket_release(struct net_ticket *t);

/* ---- links ---- */

enum net_wants { NET_WANTS_READ = 1, NET_WANTS_WRITE = 2 };

struct net_link;

int net_link_new(struct net_link **out, struct err *e);
/* Says goodbye where TLS can without waiting, then closes. */
void net_link_free(struct net_link **l);

/* How to get there; const and borrowed until the link is freed. */
struct net_way {
	struct net_address source; /* of this machine, the port is 0; n == 0: the system's choice */
	/* A SOCKS5 proxy (RFC 1928): the addresses are its own, and it connects to this name or number, which it
	 * looks up itself. host[0] == 0: none. */
	char host[NET_HOST_MAX + 1];
	uint16_t port;
};
/* Before net_link_connect(); NULL: straight. */
void net_link_go(struct net_link *l, const struct net_way *way);

/* Begins with the first address. Each one gets limit_ms, or 5 s when another stands behind it and
 * that is less. to is borrowed until connected. 1 connected at once, 0 under way, -1 with e (ERR_NET):
 * none can be reached. */
int net_link_connect(struct net_link *l, const struct net_addresses *to, int64_t now_ms, int64_t limit_ms,
		     struct err *e);
/* Call when the fd is ready or net_link_deadline_ms() has come. The fd may be another one after it.
 * Returns as net_link_connect(). */
int net_link_connect_step(struct net_link *l, int64_t now_ms, struct err *e);
/* Of the address that is being tried; INT64_MAX when connected. */
int64_t net_link_deadline_ms(const struct net_link *l);

int net_link_fd(const struct net_link *l); /* -1: none */
/* What to poll for, enum net_wants. */
unsigned net_link_wants(const struct net_link *l);
/* The address that answered; valid once connected. */
const struct net_address *net_link_peer(const struct net_link *l);
/* Own address of the link as an address literal for EHLO, "[192.0.2.1]", "[IPv6:2001:db8::1]";
 * "localhost" for a Unix socket. */
void net_link_own_literal(const struct net_link *l, char out[NET_ADDRESS_WORDS]);

/* Begins TLS; then call net_link_handshake() until it is done. ticket may be NULL. */
int net_link_secure(struct net_link *l, const struct net_tls *t, struct net_ticket *ticket, struct err *e);
/* 1 done, 0 wait for what net_link_wants() says, -1 with e: ERR_TLS when certificate or versions do
 * not fit (trying again is no use), ERR_NET when the link broke. */
int net_link_handshake(struct net_link *l, struct err *e);
/* "TLSv1.3, TLS_AES_256_GCM_SHA384" and whether a session was resumed; "" without TLS. */
void net_link_tls_words(const struct net_link *l, char *out, size_t out_size);
bool net_link_resumed(const struct net_link *l);
/* The channel binding tls-exporter of RFC 9266: 0; -1: the link has none (TLS 1.2, or no TLS). */
enum { NET_BINDING = 32 };
int net_link_binding(const struct net_link *l, unsigned char out[NET_BINDING]);

enum { NET_CERT_NAMES = 480, NET_CERT_PARTY = 80 };

struct net_cert_facts { /* of the server's own certificate */
	char names[NET_CERT_NAMES];  /* "a.example, b.example"; "" none */
	char issuer[NET_CERT_PARTY];
	int64_t from_ms, until_ms;   /* wall clock */
	unsigned char sha256[NET_FINGERPRINT];
};
/* 0; -1: there is none (no TLS yet, or a resumed session whose certificate is not at hand). */
int net_link_cert(const struct net_link *l, struct net_cert_facts *out);

/* 1 got *out_n bytes, 0 nothing there now, -1 with e (ERR_NET, ERR_TLS): the link is gone, also when
 * the server closed it. */
int net_link_read(struct net_link *l, char *p, size_t size, size_t *out_n, struct err *e);
/* More bytes are at hand than the last read took, which poll(2) would not tell. */
bool net_link_has_more(const struct net_link *l);
/* Takes bytes from the front of the pieces: *out_n may be less than there are, 0 when the link is
 * full (then net_link_wants() has NET_WANTS_WRITE). With TLS, bytes taken may still wait in the
 * link: net_link_write() with n = 0 moves them on. 0, or -1 with e (ERR_NET, ERR_TLS): no byte can be
 * written any more, but there may still be something to read. */
int net_link_write(struct net_link *l, const struct span *pieces, int n, size_t *out_n, struct err *e);

#endif
