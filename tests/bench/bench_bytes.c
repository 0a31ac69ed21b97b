/* bench_bytes - what the line itself bears: messages that were made before, sent as fast as possible.
 *
 *     bytes PORT MESSAGES SIZE CONNECTIONS WINDOW [data|step]
 *
 * No list, no letter, no journal, no verdicts: replies are only counted, by their final lines. With
 * BDAT a whole window leaves in one write, RSET at the head of each message, and the next one when half
 * of it is answered; `data` is RFC 2920's group, a message a round trip; `step` waits for each reply.
 * One thread, one epoll. Prints messages a second. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, WINDOW_MAX = 256, ENVELOPE_MAX = 256 };
enum way { WAY_BDAT, WAY_DATA, WAY_STEP };

struct line {
	int fd;
	long in_flight, replies; /* messages, replies that are still to come */
	int step;                /* of a message, for WAY_STEP */
	bool open, middle;       /* the last read ended amid a line */
	char head[4];
	int head_n;
};

static struct line lines[CONNECTIONS_MAX];
static long left, done;
static char *body, *whole; /* content; envelope and content of one message */
static size_t body_n, whole_n;
static long window;
static enum way way;
static char head[ENVELOPE_MAX];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(struct line *l, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t rc = write(l->fd, p, n); /* the socket blocks: replies are few and small */

		if (rc <= 0)
			die("write");
		p += rc;
		n -= (size_t)rc;
	}
}

static void put_many(struct line *l, long n)
{
	struct iovec v[WINDOW_MAX];
	size_t sum = (size_t)n * whole_n;
	ssize_t rc;

	for (long i = 0; i < n; i++)
		v[i] = (struct iovec){ whole, whole_n };
	rc = writev(l->fd, v, (int)n);
	if (rc < 0)
		die("writev");
	for (size_t at = (size_t)rc; at < sum;) { /* what did not go in one piece */
		size_t in = at % whole_n;

		put(l, whole + in, whole_n - in);
		at += whole_n - in;
	}
}

/* How many final reply lines the octets end. */
static long count_replies(struct line *l, const char *p, ssize_t n)
{
	long count = 0;

	for (ssize_t i = 0; i < n; i++) {
		if (l->head_n < 4)
			l->head[l->head_n++] = p[i];
		if (p[i] != '\n')
			continue;
		count += l->head_n < 4 || l->head[3] != '-';
		if (l->head[0] >= '4')
			die("refused");
		l->head_n = 0;
	}
	return count;
}

static void begin_group(struct line *l)
{
	long want = l->in_flight > window / 2 ? 0 : window - l->in_flight;

	if (want > left)
		want = left;
	if (want <= 0)
		return;
	put_many(l, want);
	l->in_flight += want;
	l->replies += 4 * want; /* RSET MAIL RCPT BDAT */
	left -= want;
}

static const char envelope[] = "MAIL FROM:<a@bench.example>\r\nRCPT TO:<b@bench.example>\r\nDATA\r\n";

/* content k, envelope k + 1: then 1 and 3 replies */
static void next_data(struct line *l)
{
	struct iovec v[2] = { { body, body_n }, { (char *)envelope, sizeof envelope - 1 } };
	bool more = left > 0;
	size_t sum = body_n + (more ? sizeof envelope - 1 : 0);
	ssize_t rc = writev(l->fd, v, more ? 2 : 1);

	if (rc < 0)
		die("writev");
	if ((size_t)rc < body_n) {
		put(l, body + rc, body_n - (size_t)rc);
		rc = (ssize_t)body_n;
	}
	if ((size_t)rc < sum)
		put(l, envelope + ((size_t)rc - body_n), sum - (size_t)rc);
	l->replies = more ? 4 : 1;
	left -= more;
	l->in_flight = more ? 2 : 1;
}

static void next_step(struct line *l)
{
	static const char *const words[] = { "MAIL FROM:<a@bench.example>\r\n", "RCPT TO:<b@bench.example>\r\n", "DATA\r\n" };

	l->replies = 1;
	if (l->step < 3)
		put(l, words[l->step], strlen(words[l->step]));
	else
		put(l, body, body_n);
	l->step++;
}

static void answered(struct line *l, long n)
{
	l->replies -= n;
	if (!l->open) {
		if (l->replies > 0)
			return;
		l->open = true;
		if (way == WAY_DATA && left > 0) {
			put(l, envelope, sizeof envelope - 1);
			l->replies = 3;
			l->in_flight = 1;
			left--;
			return;
		}
	} else if (way == WAY_BDAT) {
		long now = (l->replies + 3) / 4;

		done += l->in_flight - now;
		l->in_flight = now;
	} else if (l->replies == 0 && way == WAY_DATA) {
		if (l->in_flight == 2) {
			done++;
			next_data(l);
		} else if (l->step++ == 0) {
			next_data(l); /* the first envelope of the connection was answered */
		} else {
			done++;
		}
		return;
	}
	if (way == WAY_BDAT) {
		begin_group(l);
	} else if (way == WAY_STEP && l->replies == 0) {
		if (l->step == 4) {
			done++;
			l->step = 0;
		}
		if (l->step == 0 && left == 0)
			return;
		left -= l->step == 0;
		next_step(l);
	}
}

static void make_message(size_t size)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog and runs away.\r\n";
	size_t n = 0;

	body = malloc(size + 256);
	whole = malloc(size + 512);
	if (!body || !whole)
		die("memory");
	n = (size_t)sprintf(body, "From: a@bench.example\r\nTo: b@bench.example\r\nSubject: bench\r\n\r\n");
	while (n + sizeof text - 1 < size) {
		memcpy(body + n, text, sizeof text - 1);
		n += sizeof text - 1;
	}
	whole_n = (size_t)sprintf(whole, "RSET\r\nMAIL FROM:<a@bench.example>\r\nRCPT TO:<b@bench.example>\r\nBDAT %zu LAST\r\n", n);
	memcpy(whole + whole_n, body, n);
	whole_n += n;
	if (way != WAY_BDAT)
		n += (size_t)sprintf(body + n, ".\r\n");
	body_n = n;
}

static void connect_all(int ep, int port, int n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int on = 1;

	for (int i = 0; i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = &lines[i] } };

		lines[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(lines[i].fd, (struct sockaddr *)&a, sizeof a) < 0)
			die("connect");
		setsockopt(lines[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		epoll_ctl(ep, EPOLL_CTL_ADD, lines[i].fd, &ev);
		lines[i].replies = 2;
		if (read(lines[i].fd, head, sizeof head) <= 0) /* the greeting before anything is said */
			die("greeting");
		lines[i].replies = 1;
		put(&lines[i], "EHLO bench.example\r\n", 20);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ev[64];
	struct timespec t0, t1;
	static char in[65536];
	int ep = epoll_create1(0), connections;
	long messages;
	double took;

	if (argc < 6) {
		fprintf(stderr, "usage: bytes PORT MESSAGES SIZE CONNECTIONS WINDOW [data|step]\n");
		return 2;
	}
	way = argc < 7 ? WAY_BDAT : strcmp(argv[6], "data") == 0 ? WAY_DATA : WAY_STEP;
	messages = left = strtol(argv[2], NULL, 10);
	connections = (int)strtol(argv[4], NULL, 10);
	window = strtol(argv[5], NULL, 10);
	if (connections < 1 || connections > CONNECTIONS_MAX || window < 1 || window > WINDOW_MAX)
		return 2;
	make_message(strtoul(argv[3], NULL, 10));
	connect_all(ep, (int)strtol(argv[1], NULL, 10), connections);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (done < messages) {
		int n = epoll_wait(ep, ev, 64, -1);

		for (int i = 0; i < n; i++) {
			struct line *l = ev[i].data.ptr;
			ssize_t got = read(l->fd, in, sizeof in);

			if (got <= 0)
				die("read");
			answered(l, count_replies(l, in, got));
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	took = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	printf("%.0f\n", (double)messages / took);
	return 0;
}
