/* main.c - fake-relay: a practice relay for tests and the demo. The main thread accepts and listens to
 * signals; the loops do the rest. README.md is the manual. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/fake/auth.h"
#include "tests/fake/listener.h"
#include "tests/fake/loop.h"
#include "tests/fake/policy.h"
#include "tests/fake/tls.h"

struct relay {
	struct config cfg;
	struct record_files files;
	struct greylist *greylist;
	struct loop *loops;
	uint64_t connections;
	int signal_fd;
};

static uint64_t count(const struct relay *r, enum counter c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->cfg.threads; i++)
		sum += atomic_load_explicit(&r->loops[i].record.count[c], memory_order_relaxed);
	return sum;
}

static void print_summary(const struct relay *r, FILE *to)
{
	static const char *const names[] = {
		"connections", "messages", "recipients", "rejected", "violations", "bytes", "tls",
	};

	fputs("fake-relay:", to);
	for (size_t c = 0; c < sizeof names / sizeof names[0]; c++)
		fprintf(to, " %s=%llu", names[c], (unsigned long long)count(r, (enum counter)c));
	fputc('\n', to);
	fflush(to);
}

/* Threads inherit the blocked signals, so only the descriptor hears of them. */
static void block_signals(struct relay *r)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		die("no signals: %s", strerror(errno));
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* True: the program shall end. */
static bool hear_signals(struct relay *r)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo != SIGUSR1)
			return true;
		print_summary(r, stderr);
	}
	return false;
}

static void accept_all(struct relay *r, const struct listener *l)
{
	int fd;

	while ((fd = listener_accept(l, &r->cfg)) >= 0) {
		struct arrival a = { fd, ++r->connections, l->protocol, false };

		if (r->cfg.max_connections)
			a.too_many = a.number - count(r, COUNT_CLOSED) > r->cfg.max_connections;
		loop_give(&r->loops[a.number % r->cfg.threads], a);
	}
	if (errno == EMFILE || errno == ENFILE)
		poll(NULL, 0, 10); /* until somebody leaves */
}

static void serve(struct relay *r)
{
	size_t n = r->cfg.n_listeners;
	struct pollfd *fds = need((n + 1) * sizeof *fds);

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = r->cfg.listeners[i].fd, .events = POLLIN };
	fds[n] = (struct pollfd){ .fd = r->signal_fd, .events = POLLIN };
	for (;;) {
		if (poll(fds, n + 1, -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents)
				accept_all(r, &r->cfg.listeners[i]);
		if (fds[n].revents && hear_signals(r))
			break;
	}
	free(fds);
}

static void release(struct relay *r)
{
	for (unsigned i = 0; i < r->cfg.threads; i++)
		record_release(&r->loops[i].record);
	free(r->loops);
	record_files_close(&r->files);
	greylist_free(&r->greylist);
	tls_context_free(r->cfg.tls);
	close(r->signal_fd);
	config_free(&r->cfg);
}

int main(int argc, char **argv)
{
	static struct relay r;

	if (options_parse(&r.cfg, argc, argv) == OPTIONS_DONE) {
		config_free(&r.cfg);
		return 0;
	}
	block_signals(&r);
	raise_descriptors();
	auth_prepare(&r.cfg.login);
	r.cfg.tls = tls_context(&r.cfg);
	record_files_open(&r.files, &r.cfg);
	r.greylist = greylist_new();
	r.loops = need(r.cfg.threads * sizeof *r.loops);
	for (unsigned i = 0; i < r.cfg.threads; i++)
		loop_start(&r.loops[i], &r.cfg, r.greylist, &r.files);
	listeners_open(&r.cfg);
	serve(&r);
	listeners_close(&r.cfg);
	for (unsigned i = 0; i < r.cfg.threads; i++)
		loop_stop(&r.loops[i]);
	print_summary(&r, stdout);
	release(&r);
	return 0;
}
