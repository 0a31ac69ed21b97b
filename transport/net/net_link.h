/* net_link.h - what net_link.c and net_tls.c share. Private to the room. */
#ifndef TRANSPORT_NET_NET_LINK_H
#define TRANSPORT_NET_NET_LINK_H

#include "transport/net/net.h"
#include "transport/net/net_socks.h"

struct tls_link; /* net_tls.c */

enum { NET_TRIED_MAX = 512 };

enum net_proxy_step { PROXY_NOT, PROXY_CHOICE, PROXY_REPLY };

struct net_link {
	int fd;
	bool connected;
	bool full; /* the kernel took less than was given: wait before writing again */
	struct net_address peer;
	const struct net_way *way; /* NULL: straight */
	const struct net_addresses *to;
	unsigned at; /* index in to that is being tried */
	enum net_proxy_step proxy; /* whose answer is awaited */
	size_t socks_n;            /* octets of it so far */
	unsigned char socks[SOCKS_REPLY_MAX];
	int64_t limit_ms, deadline_ms;
	struct tls_link *tls;      /* NULL: plain */
	char tried[NET_TRIED_MAX]; /* "A: refused, B: unreachable" */
};

int tls_link_new(struct tls_link **out, struct net_link *l, const struct net_tls *t, struct net_ticket *ticket,
		 struct err *e);
void tls_link_free(struct tls_link **t);
int tls_link_handshake(struct tls_link *t, struct err *e);
int tls_link_read(struct tls_link *t, char *p, size_t size, size_t *out_n, struct err *e);
bool tls_link_has_more(const struct tls_link *t);
int tls_link_write(struct tls_link *t, const struct span *pieces, int n, size_t *out_n, struct err *e);
unsigned tls_link_wants(const struct tls_link *t);
void tls_link_words(const struct tls_link *t, char *out, size_t out_size);
bool tls_link_resumed(const struct tls_link *t);
int tls_link_binding(const struct tls_link *t, unsigned char out[NET_BINDING]);
int tls_link_cert(const struct tls_link *t, struct net_cert_facts *out);

/* The words for a broken read or write; errno is looked at. Returns -1. */
int net_link_broken(struct err *e);

#endif
