/* net_address.c - socket addresses from text and back. Pure code. */
#include "transport/net/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "engine/base/err.h"

int net_address_literal(const char *host, uint16_t port, struct net_address *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->at;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		out->n = sizeof *v4;
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		out->n = sizeof *v6;
		return 0;
	}
	return -1;
}

int net_address_unix(const char *path, struct net_address *out, struct err *e)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->at;
	size_t n = strlen(path);

	if (n == 0)
		return err_set(e, ERR_INPUT, "the path of the socket is empty");
	if (n >= sizeof un->sun_path)
		return err_set(e, ERR_INPUT, "the path of a socket may have at most %zu bytes: %s",
			       sizeof un->sun_path - 1, path);
	memset(out, 0, sizeof *out);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n + 1);
	out->n = sizeof *un;
	return 0;
}

bool net_address_is_local(const struct net_address *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->at;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->at;

	switch (a->at.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
	default:
		return false;
	}
}

void net_address_words(const struct net_address *a, char out[NET_ADDRESS_WORDS])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->at;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->at;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->at;
	char number[INET6_ADDRSTRLEN] = "";

	switch (a->at.ss_family) {
	case AF_UNIX:
		snprintf(out, NET_ADDRESS_WORDS, "%s", un->sun_path);
		return;
	case AF_INET:
		inet_ntop(AF_INET, &v4->sin_addr, number, sizeof number);
		snprintf(out, NET_ADDRESS_WORDS, "%s:%d", number, ntohs(v4->sin_port));
		return;
	case AF_INET6:
		inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof number);
		snprintf(out, NET_ADDRESS_WORDS, "[%s]:%d", number, ntohs(v6->sin6_port));
		return;
	default:
		snprintf(out, NET_ADDRESS_WORDS, "?");
	}
}
