/* net_socks.c - the two exchanges of RFC 1928:
 *
 *     > 05 01 00                        < 05 00           nobody logs in
 *     > 05 01 00 ATYP ADDRESS PORT      < 05 REP 00 ATYP ADDRESS PORT
 *
 * Held by tests/system/test_proxy.py. */
#include "transport/net/net_socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { VERSION = 5, CONNECT = 1, NO_LOGIN = 0, BY_V4 = 1, BY_NAME = 3, BY_V6 = 4 };

void net_socks_hello(unsigned char out[SOCKS_HELLO])
{
	out[0] = VERSION;
	out[1] = 1;
	out[2] = NO_LOGIN;
}

int net_socks_choice(const unsigned char in[SOCKS_CHOICE])
{
	if (in[0] != VERSION)
		return EPROTO;
	return in[1] == NO_LOGIN ? 0 : EACCES;
}

size_t net_socks_request(unsigned char out[SOCKS_REQUEST_MAX], const char *host, uint16_t port)
{
	size_t n = 4, length = strlen(host) < 255 ? strlen(host) : 255;

	out[0] = VERSION;
	out[1] = CONNECT;
	out[2] = 0;
	if (inet_pton(AF_INET, host, out + n) == 1) {
		out[3] = BY_V4;
		n += 4;
	} else if (inet_pton(AF_INET6, host, out + n) == 1) {
		out[3] = BY_V6;
		n += 16;
	} else {
		out[3] = BY_NAME;
		out[n++] = (unsigned char)length;
		memcpy(out + n, host, length);
		n += length;
	}
	out[n++] = (unsigned char)(port >> 8);
	out[n++] = (unsigned char)(port & 255);
	return n;
}

size_t net_socks_reply_size(const unsigned char *in, size_t n)
{
	if (n < 5)
		return 5;
	if (in[0] != VERSION)
		return 0;
	if (in[3] == BY_V4)
		return 4 + 4 + 2;
	if (in[3] == BY_V6)
		return 4 + 16 + 2;
	return in[3] == BY_NAME ? 4 + 1 + (size_t)in[4] + 2 : 0;
}

int net_socks_outcome(const unsigned char *in)
{
	static const int meanings[] = { 0, EIO, EACCES, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT, EOPNOTSUPP,
					EAFNOSUPPORT };

	return in[1] < sizeof meanings / sizeof *meanings ? meanings[in[1]] : EPROTO;
}
