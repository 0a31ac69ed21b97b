/* net_link.c - one connection: connecting with fallback, plain reads and writes.
 *
 * TCP_NODELAY always: a batch is one write, and Nagle's wait costs 40 ms where a batch needs two.
 * Buffer sizes are left to the kernel, which grows them with the distance; setting them by hand
 * would switch that off. MSG_NOSIGNAL always. Invariants, held by tests/unit/test_net_link.c:
 *  1. Addresses are tried in order, each once; the first that answers is kept.
 *  2. When none answers, the sentence names each of them with its reason.
 *  3. A write that took less than it was given sets full; only the next write clears it. */
#include "transport/net/net_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"

enum {
	NEXT_ADDRESS_MS = 5000, /* patience with an address that has another one behind it */
	WRITE_PIECES = 1024     /* of one system call: IOV_MAX */
};

int net_link_new(struct net_link **out, struct err *e)
{
	struct net_link *l = mem_new(sizeof *l);

	if (!l)
		return err_nomem(e, "for a connection");
	l->fd = -1;
	l->deadline_ms = INT64_MAX;
	*out = l;
	return 0;
}

static void close_fd(struct net_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void net_link_free(struct net_link **l)
{
	if (!*l)
		return;
	tls_link_free(&(*l)->tls);
	close_fd(*l);
	mem_free(*l);
	*l = NULL;
}

/* ---- connecting ---- */

static void note_tried(struct net_link *l, int error)
{
	char where[NET_ADDRESS_WORDS];
	size_t n = strlen(l->tried);

	net_address_words(&l->to->items[l->at], where);
	snprintf(l->tried + n, sizeof l->tried - n, "%s%s%s: %s", n ? ", " : "", l->proxy ? "through the proxy " : "", where,
		 error == ETIMEDOUT ? "no answer in time" : strerror(error));
}

static int connected(struct net_link *l)
{
	int on = 1;

	l->peer = l->to->items[l->at];
	if (l->peer.at.ss_family != AF_UNIX)
		(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	l->connected = true;
	l->deadline_ms = INT64_MAX;
	l->to = NULL;
	return 1;
}

void net_link_go(struct net_link *l, const struct net_way *way)
{
	l->way = way;
}

/* An address of the other family cannot be reached from there. 0, or the errno. */
static int bind_source(const struct net_link *l, const struct net_address *to)
{
	const struct net_address *source = l->way ? &l->way->source : NULL;

	if (!source || source->n == 0 || to->at.ss_family == AF_UNIX)
		return 0;
	if (source->at.ss_family != to->at.ss_family)
		return EAFNOSUPPORT;
	return bind(l->fd, (const struct sockaddr *)&source->at, source->n) == 0 ? 0 : errno;
}

/* 0, or the errno. */
static int begin_address(struct net_link *l, int64_t now_ms)
{
	const struct net_address *a = &l->to->items[l->at];
	bool last = l->at + 1 == l->to->n;
	int64_t limit_ms = !last && l->limit_ms > NEXT_ADDRESS_MS ? NEXT_ADDRESS_MS : l->limit_ms;
	int error;

	l->fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return errno;
	l->deadline_ms = now_ms + limit_ms;
	error = bind_source(l, a);
	if (error != 0 || connect(l->fd, (const struct sockaddr *)&a->at, a->n) == 0)
		return error;
	return errno;
}

/* ---- a proxy ---- */

static bool has_proxy(const struct net_link *l)
{
	return l->way && l->way->host[0];
}

/* What is said to a proxy always fits into a socket that is new. 0, or the errno. */
static int tell_proxy(struct net_link *l, const void *p, size_t n)
{
	return send(l->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : errno ? errno : EIO;
}

static int greet_proxy(struct net_link *l)
{
	unsigned char hello[SOCKS_HELLO];

	net_socks_hello(hello);
	l->proxy = PROXY_CHOICE;
	l->socks_n = 0;
	return tell_proxy(l, hello, sizeof hello);
}

static int ask_proxy(struct net_link *l)
{
	unsigned char request[SOCKS_REQUEST_MAX];
	int error = net_socks_choice(l->socks);

	if (error != 0)
		return error;
	l->proxy = PROXY_REPLY;
	l->socks_n = 0;
	return tell_proxy(l, request, net_socks_request(request, l->way->host, l->way->port));
}

/* No octet more is read than the answers have: what follows is the server's. As connect_outcome(). */
static int proxy_outcome(struct net_link *l, int64_t now_ms)
{
	for (;;) {
		size_t size = l->proxy == PROXY_CHOICE ? SOCKS_CHOICE : net_socks_reply_size(l->socks, l->socks_n);
		ssize_t n;
		int error;

		if (size == 0 || size > sizeof l->socks)
			return EPROTO;
		if (l->socks_n == size && l->proxy == PROXY_REPLY)
			return net_socks_outcome(l->socks);
		if (l->socks_n == size) {
			error = ask_proxy(l);
			if (error != 0)
				return error;
			continue;
		}
		n = recv(l->fd, l->socks + l->socks_n, size - l->socks_n, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return now_ms >= l->deadline_ms ? ETIMEDOUT : -1;
		if (n <= 0)
			return n < 0 ? errno : ECONNRESET;
		l->socks_n += (size_t)n;
	}
}

/* From address l->at on. */
static int try_addresses(struct net_link *l, int64_t now_ms, struct err *e)
{
	for (; l->at < l->to->n; l->at++) {
		int error;

		l->proxy = PROXY_NOT;
		error = begin_address(l, now_ms);
		if (error == 0 && !has_proxy(l))
			return connected(l);
		if (error == 0)
			error = greet_proxy(l);
		if (error == 0)
			return 0;
		if (error == EINPROGRESS || error == EINTR)
			return 0;
		note_tried(l, error);
		close_fd(l);
	}
	l->to = NULL;
	l->deadline_ms = INT64_MAX;
	return err_set(e, ERR_NET, "cannot connect (%s)", l->tried[0] ? l->tried : "the host has no address");
}

int net_link_connect(struct net_link *l, const struct net_addresses *to, int64_t now_ms, int64_t limit_ms,
		     struct err *e)
{
	MUST(l->fd < 0 && !l->connected);
	l->to = to;
	l->at = 0;
	l->limit_ms = limit_ms;
	l->tried[0] = '\0';
	return try_addresses(l, now_ms, e);
}

/* -1 still under way, 0 connected, else the errno. */
static int connect_outcome(struct net_link *l, int64_t now_ms)
{
	struct sockaddr_storage peer;
	socklen_t peer_n = sizeof peer, n = sizeof(int);
	int error = 0;

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return errno;
	if (error != 0)
		return error;
	if (getpeername(l->fd, (struct sockaddr *)&peer, &peer_n) == 0)
		return 0;
	return now_ms >= l->deadline_ms ? ETIMEDOUT : -1;
}

int net_link_connect_step(struct net_link *l, int64_t now_ms, struct err *e)
{
	int outcome;

	if (l->connected)
		return 1;
	MUST(l->to && l->fd >= 0);
	outcome = l->proxy ? proxy_outcome(l, now_ms) : connect_outcome(l, now_ms);
	if (outcome == 0 && has_proxy(l) && !l->proxy) {
		outcome = greet_proxy(l);
		if (outcome == 0)
			outcome = -1;
	}
	if (outcome < 0)
		return 0;
	if (outcome == 0)
		return connected(l);
	note_tried(l, outcome);
	close_fd(l);
	l->at++;
	return try_addresses(l, now_ms, e);
}

int64_t net_link_deadline_ms(const struct net_link *l)
{
	return l->deadline_ms;
}

/* ---- what it is ---- */

int net_link_fd(const struct net_link *l)
{
	return l->fd;
}

unsigned net_link_wants(const struct net_link *l)
{
	if (!l->connected)
		return l->proxy ? NET_WANTS_READ : NET_WANTS_WRITE;
	if (l->tls)
		return tls_link_wants(l->tls);
	return NET_WANTS_READ | (l->full ? NET_WANTS_WRITE : 0);
}

const struct net_address *net_link_peer(const struct net_link *l)
{
	return &l->peer;
}

void net_link_own_literal(const struct net_link *l, char out[NET_ADDRESS_WORDS])
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&own;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&own;
	char number[INET6_ADDRSTRLEN] = "";
	socklen_t n = sizeof own;

	snprintf(out, NET_ADDRESS_WORDS, "localhost");
	if (getsockname(l->fd, (struct sockaddr *)&own, &n) < 0)
		return;
	if (own.ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, number, sizeof number))
		snprintf(out, NET_ADDRESS_WORDS, "[%s]", number);
	if (own.ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof number))
		snprintf(out, NET_ADDRESS_WORDS, "[IPv6:%s]", number);
}

/* ---- TLS ---- */

int net_link_secure(struct net_link *l, const struct net_tls *t, struct net_ticket *ticket, struct err *e)
{
	MUST(l->connected && !l->tls);
	return tls_link_new(&l->tls, l, t, ticket, e);
}

int net_link_handshake(struct net_link *l, struct err *e)
{
	return tls_link_handshake(l->tls, e);
}

void net_link_tls_words(const struct net_link *l, char *out, size_t out_size)
{
	if (l->tls)
		tls_link_words(l->tls, out, out_size);
	else if (out_size)
		out[0] = '\0';
}

bool net_link_resumed(const struct net_link *l)
{
	return l->tls && tls_link_resumed(l->tls);
}

int net_link_binding(const struct net_link *l, unsigned char out[NET_BINDING])
{
	return l->tls ? tls_link_binding(l->tls, out) : -1;
}

int net_link_cert(const struct net_link *l, struct net_cert_facts *out)
{
	return l->tls ? tls_link_cert(l->tls, out) : -1;
}

/* ---- bytes ---- */

int net_link_broken(struct err *e)
{
	switch (errno) {
	case ECONNRESET:
	case EPIPE:
		return err_set(e, ERR_NET, "the server broke the connection off");
	case ETIMEDOUT:
		return err_set(e, ERR_NET, "the server is out of reach: the connection timed out");
	default:
		return err_set(e, ERR_NET, "the connection is lost: %s", strerror(errno));
	}
}

int net_link_read(struct net_link *l, char *p, size_t size, size_t *out_n, struct err *e)
{
	ssize_t n;

	*out_n = 0;
	if (l->tls)
		return tls_link_read(l->tls, p, size, out_n, e);
	do {
		n = recv(l->fd, p, size, 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		*out_n = (size_t)n;
		return 1;
	}
	if (n == 0)
		return err_set(e, ERR_NET, "the server closed the connection");
	return errno == EAGAIN ? 0 : net_link_broken(e);
}

bool net_link_has_more(const struct net_link *l)
{
	return l->tls && tls_link_has_more(l->tls);
}

static size_t gather(const struct span *pieces, int n, struct iovec *iov, int *out_count)
{
	size_t sum = 0;
	int count = n < WRITE_PIECES ? n : WRITE_PIECES;

	for (int i = 0; i < count; i++) {
		iov[i].iov_base = (void *)(uintptr_t)pieces[i].p; /* sendmsg() only reads */
		iov[i].iov_len = pieces[i].n;
		sum += pieces[i].n;
	}
	*out_count = count;
	return sum;
}

/* One system call. */
static int send_some(struct net_link *l, const struct span *pieces, int n, int *used, size_t *out_n,
		     struct err *e)
{
	struct iovec iov[WRITE_PIECES];
	struct msghdr m = { .msg_iov = iov };
	size_t sum = gather(pieces, n, iov, used);
	ssize_t sent;

	m.msg_iovlen = (size_t)*used;
	do {
		sent = sendmsg(l->fd, &m, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		return net_link_broken(e);
	if (sent > 0)
		*out_n += (size_t)sent;
	l->full = sent < 0 || (size_t)sent < sum;
	return 0;
}

int net_link_write(struct net_link *l, const struct span *pieces, int n, size_t *out_n, struct err *e)
{
	*out_n = 0;
	if (l->tls)
		return tls_link_write(l->tls, pieces, n, out_n, e);
	l->full = false;
	while (n > 0 && !l->full) {
		int used = 0;

		if (send_some(l, pieces, n, &used, out_n, e) < 0)
			return -1;
		pieces += used;
		n -= used;
	}
	return 0;
}
