/* listener.c - the ready file appears by rename, whole, once every socket listens: whoever sees it may
 * connect. */
#include "tests/fake/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static const char *const protocol_names[] = { [PROTOCOL_SMTP] = "smtp", [PROTOCOL_SMTPS] = "smtps",
					      [PROTOCOL_LMTP] = "lmtp" };

_Noreturn static void cannot(const struct listener *l, const char *why)
{
	die("cannot listen on '%s': %s", l->address, why);
}

static void set_int(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof value);
}

static void listen_at(struct listener *l, const struct sockaddr *address, socklen_t n, const struct config *c)
{
	l->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		cannot(l, strerror(errno));
	set_int(l->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (c->rcvbuf_bytes) /* before listen: accepted sockets inherit it, and the window with it */
		set_int(l->fd, SOL_SOCKET, SO_RCVBUF, c->rcvbuf_bytes);
	if (bind(l->fd, address, n) < 0 || listen(l->fd, BACKLOG) < 0)
		cannot(l, strerror(errno));
}

static void open_unix(struct listener *l, const struct config *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(l->address);

	if (n >= sizeof un.sun_path)
		cannot(l, "path too long");
	memcpy(un.sun_path, l->address, n + 1);
	unlink(l->address);
	listen_at(l, (struct sockaddr *)&un, sizeof un, c);
	snprintf(l->actual, sizeof l->actual, "%s", l->address);
}

/* "127.0.0.1:0", "[::1]:0", "localhost:2525" */
static void open_tcp(struct listener *l, const struct config *c)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found;
	struct sockaddr_storage bound;
	socklen_t n = sizeof bound;
	const char *colon = strrchr(l->address, ':');
	size_t length = colon ? (size_t)(colon - l->address) : 0;
	bool brackets = length > 2 && l->address[0] == '[' && l->address[length - 1] == ']';
	char host[256], port[16];
	int rc;

	if (length == 0 || length >= sizeof host)
		cannot(l, "ADDRESS:PORT is wanted");
	snprintf(host, sizeof host, "%.*s", (int)length - 2 * brackets, l->address + brackets);
	rc = getaddrinfo(host, l->address + length + 1, &hints, &found);
	if (rc)
		cannot(l, gai_strerror(rc));
	listen_at(l, found->ai_addr, found->ai_addrlen, c);
	freeaddrinfo(found);
	if (getsockname(l->fd, (struct sockaddr *)&bound, &n) < 0 ||
	    getnameinfo((struct sockaddr *)&bound, n, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV))
		cannot(l, "its address cannot be told");
	snprintf(l->actual, sizeof l->actual, strchr(host, ':') ? "[%.100s]:%s" : "%.100s:%s", host, port);
}

static void write_ready(const struct config *c)
{
	struct bytes lines = { 0 }, temporary = { 0 };
	int fd;

	for (size_t i = 0; i < c->n_listeners; i++)
		bytes_printf(&lines, "%s %s\n", protocol_names[c->listeners[i].protocol], c->listeners[i].actual);
	bytes_printf(&temporary, "%s.tmp", c->ready_file);
	bytes_char(&temporary, 0);
	fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, lines.p, lines.n) != (ssize_t)lines.n || close(fd) < 0 ||
	    rename(temporary.p, c->ready_file) < 0)
		die("cannot write '%s': %s", c->ready_file, strerror(errno));
	bytes_free(&lines);
	bytes_free(&temporary);
}

void listeners_open(struct config *c)
{
	for (size_t i = 0; i < c->n_listeners; i++)
		if (c->listeners[i].is_unix)
			open_unix(&c->listeners[i], c);
		else
			open_tcp(&c->listeners[i], c);
	if (c->ready_file)
		write_ready(c);
}

void listeners_close(struct config *c)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		close(c->listeners[i].fd);
		if (c->listeners[i].is_unix)
			unlink(c->listeners[i].address);
	}
}

int listener_accept(const struct listener *l, const struct config *c)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!l->is_unix)
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (c->rcvbuf_bytes)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, c->rcvbuf_bytes);
	return fd;
}
