/* fault_server.h - a small SMTP server in a thread of the test: one poll loop, plain, pipelined.
 *
 * It refuses REFUSED_ROW, defers GREY_ROW the first time (where `grey` is set), and counts for each recipient how often
 * it said yes to the end of a message. Nothing in it comes from mem.h, so no test makes it fail. */
#ifndef TESTS_FAULT_FAULT_SERVER_H
#define TESTS_FAULT_FAULT_SERVER_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fault/fault_place.h"

enum { SERVER_LINKS = 16, SERVER_LINE = 2048 };

struct server_link {
	int fd; /* 0: free */
	bool content;
	unsigned n_to, to[RECIPIENTS]; /* row * RECIPIENTS + recipient */
	size_t n;
	char line[SERVER_LINE];
};

struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	atomic_bool end;
	atomic_uint accepted[(ROWS + 1) * RECIPIENTS];
	atomic_uint greyed;
	bool grey;
	atomic_bool hold; /* no reply to the end of a message for now */
	struct server_link links[SERVER_LINKS];
};

static inline void server_say(struct server_link *l, const char *line)
{
	size_t n = strlen(line);

	if (l->fd && send(l->fd, line, n, MSG_NOSIGNAL) != (ssize_t)n) {
		close(l->fd);
		l->fd = 0;
	}
}

static inline void server_rcpt(struct server *v, struct server_link *l)
{
	unsigned row, k;

	if (sscanf(l->line, "%*[^<]<r%ux%u@", &row, &k) != 2 || row > ROWS || k >= RECIPIENTS)
		server_say(l, "501 5.1.3 whom?\r\n");
	else if (row == REFUSED_ROW)
		server_say(l, "550 5.1.1 no such user\r\n");
	else if (row == GREY_ROW && v->grey && atomic_fetch_add(&v->greyed, 1) == 0)
		server_say(l, "450 4.7.1 try later\r\n");
	else if (l->n_to == RECIPIENTS)
		server_say(l, "452 4.5.3 too many\r\n");
	else {
		l->to[l->n_to++] = row * RECIPIENTS + k;
		server_say(l, "250 2.1.5 ok\r\n");
	}
}

static inline void server_end_of_data(struct server *v, struct server_link *l)
{
	while (atomic_load(&v->hold))
		usleep(2000);
	for (unsigned i = 0; i < l->n_to; i++)
		atomic_fetch_add(&v->accepted[l->to[i]], 1);
	l->content = false;
	l->n_to = 0;
	server_say(l, "250 2.0.0 ok: queued as A1\r\n");
}

static inline bool server_is(const struct server_link *l, const char *verb)
{
	return strncasecmp(l->line, verb, strlen(verb)) == 0;
}

static inline void server_line(struct server *v, struct server_link *l)
{
	if (l->content) {
		if (strcmp(l->line, ".\r\n") == 0)
			server_end_of_data(v, l);
	} else if (server_is(l, "EHLO")) {
		server_say(l, "250-relay.example.com\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n");
	} else if (server_is(l, "RCPT")) {
		server_rcpt(v, l);
	} else if (server_is(l, "DATA")) {
		l->content = l->n_to > 0;
		server_say(l, l->content ? "354 go on\r\n" : "554 5.5.1 nobody to send to\r\n");
	} else if (server_is(l, "QUIT")) {
		server_say(l, "221 2.0.0 bye\r\n");
		if (l->fd)
			close(l->fd);
		l->fd = 0;
	} else {
		l->n_to = 0; /* MAIL, RSET */
		server_say(l, "250 2.0.0 ok\r\n");
	}
}

static inline void server_read(struct server *v, struct server_link *l)
{
	char bytes[8192];
	ssize_t n = recv(l->fd, bytes, sizeof bytes, 0);

	if (n <= 0) {
		close(l->fd);
		l->fd = 0;
		return;
	}
	for (ssize_t i = 0; i < n && l->fd; i++) {
		if (l->n < SERVER_LINE - 1)
			l->line[l->n++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		l->line[l->n] = '\0';
		l->n = 0;
		server_line(v, l);
	}
}

static inline void server_accept(struct server *v)
{
	int fd = accept(v->fd, NULL, NULL), on = 1;

	for (unsigned i = 0; i < SERVER_LINKS && fd >= 0; i++) {
		if (v->links[i].fd)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		v->links[i] = (struct server_link){ .fd = fd };
		server_say(&v->links[i], "220 relay.example.com ESMTP\r\n");
		return;
	}
	if (fd >= 0)
		close(fd);
}

static inline void *server_main(void *arg)
{
	struct server *v = arg;

	while (!atomic_load(&v->end)) {
		struct pollfd p[SERVER_LINKS + 1] = { { .fd = v->fd, .events = POLLIN } };

		for (unsigned i = 0; i < SERVER_LINKS; i++)
			p[i + 1] = (struct pollfd){ .fd = v->links[i].fd ? v->links[i].fd : -1, .events = POLLIN };
		if (poll(p, SERVER_LINKS + 1, 20) <= 0)
			continue;
		for (unsigned i = 0; i < SERVER_LINKS; i++)
			if (p[i + 1].revents)
				server_read(v, &v->links[i]);
		if (p[0].revents)
			server_accept(v);
	}
	return NULL;
}

static inline void server_start(struct server *v, bool grey)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;

	memset(v, 0, sizeof *v);
	v->grey = grey;
	v->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (v->fd < 0 || bind(v->fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(v->fd, 16) < 0 ||
	    getsockname(v->fd, (struct sockaddr *)&at, &size) < 0 ||
	    pthread_create(&v->thread, NULL, server_main, v) != 0)
		fail_msg("no server");
	v->port = ntohs(at.sin_port);
}

static inline void server_stop(struct server *v)
{
	atomic_store(&v->end, true);
	pthread_join(v->thread, NULL);
	for (unsigned i = 0; i < SERVER_LINKS; i++)
		if (v->links[i].fd)
			close(v->links[i].fd);
	close(v->fd);
}

/* As if no mail had come yet. No client may be at work. */
static inline void server_forget(struct server *v)
{
	for (unsigned i = 0; i < sizeof v->accepted / sizeof *v->accepted; i++)
		atomic_store(&v->accepted[i], 0);
	atomic_store(&v->greyed, 0);
}

#endif
