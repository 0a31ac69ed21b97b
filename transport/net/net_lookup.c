/* net_lookup.c - host names to addresses, in a thread of its own.
 *
 * getaddrinfo(3) may take half a minute and cannot be cancelled, so the asker never waits for
 * the thread: both hold the lookup, and whoever lets go last frees it. Invariants:
 *  1. answer, failure and done are guarded by lock; the thread writes them once, before done.
 *  2. holders counts asker and thread, guarded by lock; at 0 the lookup is freed.
 *  3. fd (an eventfd) becomes readable after done was set.
 * Held by tests/unit/test_net_address.c, also under TSan. */
#include "transport/net/net.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

struct net_lookup {
	pthread_mutex_t lock;
	unsigned holders;
	bool done;
	int failure, failure_errno; /* EAI_ code; errno for EAI_SYSTEM */
	struct net_addresses answer;
	int fd;
	uint16_t port;
	char host[NET_HOST_MAX + 1];
};

static void let_go(struct net_lookup *l)
{
	unsigned left;

	pthread_mutex_lock(&l->lock);
	left = --l->holders;
	pthread_mutex_unlock(&l->lock);
	if (left > 0)
		return;
	pthread_mutex_destroy(&l->lock);
	close(l->fd);
	mem_free(l);
}

static void keep_answer(struct net_addresses *out, const struct addrinfo *list)
{
	for (const struct addrinfo *a = list; a && out->n < NET_ADDRESSES_MAX; a = a->ai_next) {
		struct net_address *to = &out->items[out->n];

		if (a->ai_addrlen > sizeof to->at)
			continue;
		memset(to, 0, sizeof *to);
		memcpy(&to->at, a->ai_addr, a->ai_addrlen);
		to->n = a->ai_addrlen;
		out->n++;
	}
}

static void *ask(void *arg)
{
	struct net_lookup *l = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	struct net_addresses answer = { .n = 0 };
	char service[8];
	int failure, failure_errno;

	snprintf(service, sizeof service, "%u", (unsigned)l->port);
	failure = getaddrinfo(l->host, service, &hints, &list);
	failure_errno = errno;
	if (failure == 0) {
		keep_answer(&answer, list);
		freeaddrinfo(list);
		if (answer.n == 0)
			failure = EAI_NONAME;
	}
	pthread_mutex_lock(&l->lock);
	l->answer = answer;
	l->failure = failure;
	l->failure_errno = failure_errno;
	l->done = true;
	pthread_mutex_unlock(&l->lock);
	eventfd_write(l->fd, 1);
	let_go(l);
	return NULL;
}

/* Signals are for the threads that expect them. */
static int start_thread(struct net_lookup *l)
{
	pthread_t thread;
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, NULL, ask, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		pthread_detach(thread);
	return rc;
}

int net_lookup_start(struct net_lookup **out, const char *host, uint16_t port, struct err *e)
{
	struct net_lookup *l;
	int rc;

	*out = NULL;
	if (strlen(host) > NET_HOST_MAX)
		return err_set(e, ERR_INPUT, "a host name may have at most %d bytes", NET_HOST_MAX);
	l = mem_new(sizeof *l);
	if (!l)
		return err_nomem(e, "to look up a name");
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0) {
		mem_free(l);
		return err_sys(e, "cannot look up '%s'", host);
	}
	pthread_mutex_init(&l->lock, NULL);
	l->port = port;
	memcpy(l->host, host, strlen(host) + 1);
	l->holders = 2;
	rc = start_thread(l);
	if (rc != 0) {
		l->holders = 1;
		let_go(l);
		errno = rc;
		return err_sys(e, "cannot start a thread to look up '%s'", host);
	}
	*out = l;
	return 0;
}

int net_lookup_fd(const struct net_lookup *l)
{
	return l->fd;
}

static int explain(const struct net_lookup *l, struct err *e)
{
	switch (l->failure) {
	case EAI_NONAME:
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
		err_set(e, ERR_NET, "no host is called '%s'", l->host);
		return err_hint(e, "check the spelling of the relay's host name");
	case EAI_SYSTEM:
		return err_set(e, ERR_NET, "cannot look up '%s': %s", l->host, strerror(l->failure_errno));
	default:
		err_set(e, ERR_NET, "cannot look up '%s': %s", l->host, gai_strerror(l->failure));
		return err_hint(e, "is this machine connected, and does its name server answer?");
	}
}

int net_lookup_take(struct net_lookup *l, struct net_addresses *out, struct err *e)
{
	bool done;

	pthread_mutex_lock(&l->lock);
	done = l->done;
	pthread_mutex_unlock(&l->lock);
	if (!done)
		return 0;
	if (l->failure != 0)
		return explain(l, e);
	*out = l->answer;
	return 1;
}

void net_lookup_free(struct net_lookup **l)
{
	if (*l)
		let_go(*l);
	*l = NULL;
}

static void wait_for(int fd, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_mono_ms();

		if (left <= 0 || poll(&p, 1, (int)(left < 1000 ? left : 1000)) > 0)
			return;
	}
}

int net_lookup_now(const char *host, uint16_t port, int64_t wait_ms, struct net_addresses *out, struct err *e)
{
	struct net_lookup *l = NULL;
	int rc;

	if (net_address_literal(host, port, &out->items[0]) == 0) {
		out->n = 1;
		return 0;
	}
	if (net_lookup_start(&l, host, port, e) < 0 || !l)
		return -1;
	wait_for(l->fd, wait_ms);
	rc = net_lookup_take(l, out, e);
	net_lookup_free(&l);
	if (rc == 0) {
		err_set(e, ERR_NET, "no name server told the address of '%s' within %lld s", host,
			(long long)(wait_ms / 1000));
		return err_hint(e, "is this machine connected, and does its name server answer?");
	}
	return rc < 0 ? -1 : 0;
}
