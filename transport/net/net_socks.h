/* net_socks.h - what is said to a SOCKS5 proxy (RFC 1928), without a login. Private to the room; pure. */
#ifndef TRANSPORT_NET_NET_SOCKS_H
#define TRANSPORT_NET_NET_SOCKS_H

#include <stddef.h>
#include <stdint.h>

enum {
	SOCKS_HELLO = 3,         /* octets of the first message */
	SOCKS_CHOICE = 2,        /* of its answer */
	SOCKS_REQUEST_MAX = 262, /* of the second one */
	SOCKS_REPLY_MAX = 262
};

void net_socks_hello(unsigned char out[SOCKS_HELLO]);
/* 0, or the errno that says why this proxy will not do. */
int net_socks_choice(const unsigned char in[SOCKS_CHOICE]);
/* host: a name of at most 255 octets, which the proxy looks up, or an address in numbers. Returns octets. */
size_t net_socks_request(unsigned char out[SOCKS_REQUEST_MAX], const char *host, uint16_t port);
/* How many octets the answer has, as far as n of them say; more than n: read on. 0: it is no answer. */
size_t net_socks_reply_size(const unsigned char *in, size_t n);
/* 0: connected; else the errno that its code stands for. */
int net_socks_outcome(const unsigned char *in);

#endif
