/* relay_url.h - relays as URLs. Pure code.
 *
 *     smtp://[user@]host[:port]    port 587, STARTTLS required
 *     smtps://[user@]host[:port]   port 465, TLS from the first byte
 *     lmtp://host[:port]           port 24, plain on this machine, else STARTTLS required
 *     lmtp:///path/of/socket       plain
 *     ?tls=none|starttls|implicit  ?tls-min=1.2|1.3  ?ca=FILE|FOLDER  ?verify=yes|pin|no  ?pin=sha256:HEX
 *     ?cert=FILE  ?key=FILE  ?auth=MECHANISM  ?proxy=socks5://HOST[:1080]  ?weight=N  ?connections=N
 *     ?messages=N  ?window=N  ?rate=RATE  ?connection-rate=RATE, joined by &
 *
 * IPv6 numbers stand in brackets. The user ends at the last @ and may hold %XX, as may values behind
 * the question mark and the path. A password in the URL is refused: it would be seen in process lists. */
#ifndef TRANSPORT_RELAY_RELAY_URL_H
#define TRANSPORT_RELAY_RELAY_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/net/net.h"
#include "transport/smtp/smtp_session.h"

enum {
	RELAY_USER_MAX = 320,
	RELAY_HOST_MAX = 255,
	RELAY_PATH_MAX = 1024,
	RELAY_SOCKET_MAX = 107, /* of struct sockaddr_un */
	RELAY_AUTH_MAX = 32,
	RELAY_RATE_MAX = 63,
	RELAY_WEIGHT_MAX = 1000
};

struct relay_limits { /* of this relay, beside those of the run; 0 and "": none of its own */
	unsigned weight;      /* share of the connections among several relays; 0 counts as 1 */
	unsigned connections; /* at once, all threads together */
	unsigned messages;    /* a connection */
	unsigned window;
	char rate[RELAY_RATE_MAX + 1];            /* "10/s,2000/day": the relay's, all connections together */
	char connection_rate[RELAY_RATE_MAX + 1]; /* of each connection */
};

struct relay_url {
	bool lmtp;
	enum smtp_security security;
	enum net_verify verify;            /* full unless ?verify=pin or no */
	bool only_tls13, pinned;
	unsigned char pin[NET_FINGERPRINT]; /* when pinned */
	uint16_t port;
	char host[RELAY_HOST_MAX + 1];     /* A-labels, or numbers without brackets; "" for a socket */
	char socket[RELAY_SOCKET_MAX + 1]; /* "" for TCP */
	char user[RELAY_USER_MAX + 1];     /* "" none */
	char ca[RELAY_PATH_MAX + 1];       /* "" the system's store */
	char cert[RELAY_PATH_MAX + 1];     /* ours; "" none */
	char key[RELAY_PATH_MAX + 1];      /* "" in cert */
	char proxy[RELAY_HOST_MAX + 1];    /* host of a SOCKS5 proxy; "" none */
	uint16_t proxy_port;
	char auth[RELAY_AUTH_MAX + 1];     /* mechanism; "" the strongest */
	struct relay_limits limits;
};

/* 0, or -1 with e (ERR_INPUT with a hint, ERR_NOMEM). */
int relay_url_parse(const char *text, struct relay_url *out, struct err *e);

#endif
