/* Plain links over loopback and Unix sockets: connecting, falling back, slow readers, broken ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "transport/net/net.h"

static int listen_on_loopback(struct net_address *out, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(net_address_literal("127.0.0.1", 0, out), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&out->at, out->n), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&out->at, &out->n), 0);
	return fd;
}

/* An address where nobody listens. */
static struct net_address dead_address(void)
{
	struct net_address a;

	close(listen_on_loopback(&a, 1));
	return a;
}

static int connect_whole(struct net_link *l, const struct net_addresses *to, int64_t limit_ms, struct err *e)
{
	int rc = net_link_connect(l, to, clock_mono_ms(), limit_ms, e);

	while (rc == 0) {
		struct pollfd p = { .fd = net_link_fd(l), .events = POLLOUT };

		poll(&p, 1, 20);
		rc = net_link_connect_step(l, clock_mono_ms(), e);
	}
	return rc;
}

/* A link and the server's end of it. */
static struct net_link *pair(int *server)
{
	struct net_addresses to = { .n = 1 };
	struct net_link *l = NULL;
	struct err e = { 0 };
	int listener = listen_on_loopback(&to.items[0], 4);

	assert_int_equal(net_link_new(&l, &e), 0);
	assert_int_equal(connect_whole(l, &to, 5000, &e), 1);
	*server = accept(listener, NULL, NULL);
	assert_true(*server >= 0);
	close(listener);
	return l;
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void falls_back(void **state)
{
	struct net_addresses to = { .n = 3 };
	char words[NET_ADDRESS_WORDS];
	struct net_link *l = NULL;
	struct err e = { 0 };
	int listener = listen_on_loopback(&to.items[2], 4);

	(void)state;
	to.items[0] = to.items[1] = dead_address();
	assert_int_equal(net_link_new(&l, &e), 0);
	assert_int_equal(net_link_fd(l), -1);
	assert_int_equal(connect_whole(l, &to, 5000, &e), 1);
	assert_memory_equal(&net_link_peer(l)->at, &to.items[2].at, to.items[2].n);
	assert_true(net_link_deadline_ms(l) == INT64_MAX);
	assert_int_equal(net_link_wants(l), NET_WANTS_READ);
	net_link_own_literal(l, words);
	assert_string_equal(words, "[127.0.0.1]");
	net_link_free(&l);
	net_link_free(&l); /* twice is fine */
	close(listener);
}

static void names_all_that_failed(void **state)
{
	struct net_addresses to = { .n = 2 };
	char first[NET_ADDRESS_WORDS], second[NET_ADDRESS_WORDS];
	struct net_link *l = NULL;
	struct err e = { 0 };

	(void)state;
	to.items[0] = dead_address();
	assert_int_equal(net_address_unix("/nonexistent/socket", &to.items[1], &e), 0);
	net_address_words(&to.items[0], first);
	net_address_words(&to.items[1], second);
	assert_int_equal(net_link_new(&l, &e), 0);
	assert_int_equal(connect_whole(l, &to, 5000, &e), -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_non_null(strstr(e.text, first));
	assert_non_null(strstr(e.text, "refused"));
	assert_non_null(strstr(e.text, second));
	assert_int_equal(net_link_fd(l), -1);
	to.n = 0;
	assert_int_equal(connect_whole(l, &to, 5000, &e), -1);
	net_link_free(&l);
}

/* A listener whose queue is full does not answer. */
static void gives_up_in_time(void **state)
{
	struct net_addresses to = { .n = 1 };
	struct net_link *fill[16] = { NULL }, *l = NULL;
	struct err e = { 0 };
	int listener = listen_on_loopback(&to.items[0], 0), rc = 0;
	int64_t begin;

	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(net_link_new(&fill[i], &e), 0);
		assert_true(net_link_connect(fill[i], &to, clock_mono_ms(), 100, &e) >= 0);
	}
	assert_int_equal(net_link_new(&l, &e), 0);
	begin = clock_mono_ms();
	rc = connect_whole(l, &to, 100, &e);
	assert_int_equal(rc, -1);
	assert_true(clock_mono_ms() - begin >= 99 && clock_mono_ms() - begin < 3000);
	assert_non_null(strstr(e.text, "no answer in time"));
	for (int i = 0; i < 16; i++)
		net_link_free(&fill[i]);
	net_link_free(&l);
	close(listener);
}

static void unix_socket(void **state)
{
	struct net_addresses to = { .n = 1 };
	char path[64], words[NET_ADDRESS_WORDS];
	struct net_link *l = NULL;
	struct err e = { 0 };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(path, sizeof path, "/tmp/test_net_link.%d", (int)getpid());
	unlink(path);
	assert_int_equal(net_address_unix(path, &to.items[0], &e), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&to.items[0].at, to.items[0].n), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(net_link_new(&l, &e), 0);
	assert_int_equal(connect_whole(l, &to, 5000, &e), 1);
	net_link_own_literal(l, words);
	assert_string_equal(words, "localhost");
	net_link_free(&l);
	close(listener);
	unlink(path);
}

enum { BIG = 3 * 1024 * 1024 + 77 };

static void check_pattern(const char *p, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (char)((at + i) % 251))
			fail_msg("byte %zu is wrong", at + i);
}

/* Pieces of all sizes to a reader who begins late: every byte once, in order; wants follow. */
static void slow_reader(void **state)
{
	static char big[BIG], got[65536];
	struct span pieces[3000];
	struct net_link *l;
	struct err e = { 0 };
	size_t at = 0, read_n = 0, n_pieces = 0, sum = 0;
	bool was_full = false;
	int server, small = 100000;

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i % 251);
	l = pair(&server);
	setsockopt(net_link_fd(l), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	while (sum < BIG) {
		size_t n = n_pieces % 100 == 99 ? 200000 : 1 + n_pieces % 700;

		pieces[n_pieces] = span_sub(span_of(big, BIG), sum, n);
		sum += pieces[n_pieces++].n;
	}
	for (size_t first = 0; read_n < BIG;) {
		size_t taken;
		ssize_t n;

		assert_int_equal(net_link_write(l, pieces + first, (int)(n_pieces - first), &taken, &e), 0);
		at += taken;
		while (taken > 0 && taken >= pieces[first].n)
			taken -= pieces[first++].n;
		if (taken > 0)
			pieces[first] = span_skip(pieces[first], taken);
		was_full |= (net_link_wants(l) & NET_WANTS_WRITE) != 0;
		assert_true(first == n_pieces || (net_link_wants(l) & NET_WANTS_WRITE));
		n = read(server, got, sizeof got);
		assert_true(n > 0);
		check_pattern(got, (size_t)n, read_n);
		read_n += (size_t)n;
	}
	assert_int_equal(at, BIG);
	assert_true(was_full);
	net_link_free(&l);
	close(server);
}

static void reads(void **state)
{
	struct net_link *l;
	struct err e = { 0 };
	char got[8];
	size_t n;
	int server;

	(void)state;
	l = pair(&server);
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(write(server, "220 hello", 9), 9);
	poll(&(struct pollfd){ .fd = net_link_fd(l), .events = POLLIN }, 1, 1000);
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), 1);
	assert_int_equal(n, 8);
	assert_false(net_link_has_more(l)); /* poll(2) tells */
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), 1);
	assert_int_equal(n, 1);
	close(server);
	poll(&(struct pollfd){ .fd = net_link_fd(l), .events = POLLIN }, 1, 1000);
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_string_equal(e.text, "the server closed the connection");
	net_link_free(&l);
}

/* Writing to a dead end is an error and no signal; what the server said before can still be read. */
static void reset(void **state)
{
	struct span piece = SPAN("MAIL FROM:<a@b>\r\n");
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct net_link *l;
	struct err e = { 0 };
	char got[64];
	size_t n;
	int server, rc = 0;

	(void)state;
	l = pair(&server);
	assert_int_equal(write(server, "421 bye\r\n", 9), 9);
	setsockopt(server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(server);
	for (int i = 0; i < 100 && rc == 0; i++) {
		rc = net_link_write(l, &piece, 1, &n, &e);
		poll(NULL, 0, 1);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), 1);
	assert_memory_equal(got, "421 bye\r\n", 9);
	assert_int_equal(net_link_read(l, got, sizeof got, &n, &e), -1);
	net_link_free(&l);
}

static void leaves_nothing_open(void **state)
{
	struct net_addresses to = { .n = 1 }, dead = { .n = 1 };
	struct err e = { 0 };
	int listener = listen_on_loopback(&to.items[0], 64);
	unsigned before;

	(void)state;
	dead.items[0] = dead_address();
	before = open_fds();
	for (int i = 0; i < 1000; i++) {
		struct net_link *l = NULL;

		assert_int_equal(net_link_new(&l, &e), 0);
		assert_int_equal(connect_whole(l, i % 3 ? &to : &dead, 5000, &e), i % 3 ? 1 : -1);
		net_link_free(&l);
		if (i % 3)
			close(accept(listener, NULL, NULL));
	}
	assert_int_equal(open_fds(), before);
	mem_fail_after(0);
	struct net_link *l = NULL;
	assert_int_equal(net_link_new(&l, &e), -1);
	mem_fail_after(-1);
	assert_null(l);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(falls_back),   cmocka_unit_test(names_all_that_failed),
		cmocka_unit_test(gives_up_in_time), cmocka_unit_test(unix_socket),
		cmocka_unit_test(slow_reader),  cmocka_unit_test(reads),
		cmocka_unit_test(reset),        cmocka_unit_test(leaves_nothing_open),
	};

	return cmocka_run_group_tests_name("net_link", tests, NULL, NULL);
}
