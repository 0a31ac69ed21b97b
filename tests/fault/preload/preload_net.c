/* preload_net.c - the calls on sockets, and threads. */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/fault/preload/preload.h"

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static int fails(int why)
{
	errno = why;
	return -1;
}

/* From here on these octets may be at the other side. */
static void offered(void)
{
	if (!record_wants("socket"))
		return;
	record_begin();
	record_add('N', "socket", 0, NULL, 0);
	record_end();
}

int socket(int domain, int type, int protocol)
{
	int why = 0, fd;
	enum deed deed = fault_decide("socket", "socket", -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	fd = REAL(socket)(domain, type, protocol);
	if (domain != AF_NETLINK)
		fault_opened(fd, "socket");
	if (deed != DO_CALL)
		fault_die();
	return fd;
}

int connect(int fd, const struct sockaddr *to, socklen_t n)
{
	int why = 0, rc;
	enum deed deed = fault_decide("connect", NULL, fd, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	rc = REAL(connect)(fd, to, n);
	if (deed != DO_CALL)
		fault_die();
	return rc;
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	int why = 0;
	enum deed deed = fault_decide("recv", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	rc = REAL(recv)(fd, p, deed == DO_SHORT ? 1 : n, flags);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	int why = 0;
	enum deed deed = fault_decide("send", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	offered();
	rc = REAL(send)(fd, p, deed == DO_CALL || deed == DO_CALL_AND_DIE || n < 2 ? n : n / 2, flags);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

/* Half of the octets, whatever the pieces. */
static ssize_t send_half(int fd, const struct msghdr *m, int flags)
{
	struct iovec iov[64];
	struct msghdr part = *m;
	size_t all = 0, left;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		all += m->msg_iov[i].iov_len;
	left = all > 1 ? all / 2 : all;
	part.msg_iov = iov;
	part.msg_iovlen = 0;
	for (size_t i = 0; i < m->msg_iovlen && i < 64 && left > 0; i++) {
		iov[i] = m->msg_iov[i];
		if (iov[i].iov_len > left)
			iov[i].iov_len = left;
		left -= iov[i].iov_len;
		part.msg_iovlen++;
	}
	return REAL(sendmsg)(fd, &part, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	int why = 0;
	enum deed deed = fault_decide("sendmsg", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	offered();
	rc = deed == DO_SHORT || deed == DO_HALF_AND_DIE ? send_half(fd, m, flags) : REAL(sendmsg)(fd, m, flags);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
	int why = 0;
	enum deed deed = fault_decide("getaddrinfo", "name", -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return EAI_AGAIN;
	if (deed != DO_CALL)
		fault_die();
	return REAL(getaddrinfo)(host, port, hints, out);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int wait_ms)
{
	int why = 0;
	enum deed deed = fault_decide("epoll_wait", "wait", -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	if (deed != DO_CALL)
		fault_die();
	return REAL(epoll_wait)(fd, events, n, wait_ms);
}

int epoll_ctl(int fd, int what, int of, struct epoll_event *event)
{
	int why = 0;
	enum deed deed = fault_decide("epoll_ctl", "wait", -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	if (deed != DO_CALL)
		fault_die();
	return REAL(epoll_ctl)(fd, what, of, event);
}

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*f)(void *), void *arg)
{
	int why = 0;
	enum deed deed = fault_decide("pthread_create", "thread", -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return why;
	if (deed != DO_CALL)
		fault_die();
	return REAL(pthread_create)(out, attr, f, arg);
}
