/* control.c - the socket, and what signals asked for, in a thread of its own.
 *
 * The path of a Unix socket may have 107 bytes, that of a journal more: it is named through an open
 * descriptor of the folder.
 *  1. A client that says nothing costs CLIENT_MS, then it is left.
 *  2. A handler only sets a flag (campaign_reload()); the work is done here.
 * Held by tests/system/test_control.py. */
#include "engine/run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/run/campaign_private.h"
#include "engine/base/throttle.h"

enum { CLIENT_MS = 2000, REPLY_MS = 5000, BACKLOG = 8 };

/* -1 with errno. */
static int open_folder(const char *results_path)
{
	size_t size = strlen(results_path) + sizeof ".journal";
	char *path = mem_new(size);
	int fd;

	if (!path) {
		errno = ENOMEM;
		return -1;
	}
	snprintf(path, size, "%s.journal", results_path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mem_free(path);
	return fd;
}

static void name_socket(int folder, struct sockaddr_un *to)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/control", folder);
}

void control_open(struct control *c, struct run *run)
{
	struct sockaddr_un name;

	*c = (struct control){ .run = run, .fd = -1, .folder = open_folder(run->job->results) };
	c->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->folder < 0)
		return;
	name_socket(c->folder, &name);
	unlinkat(c->folder, "control", 0);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd >= 0 && bind(c->fd, (struct sockaddr *)&name, sizeof name) == 0 &&
	    fchmodat(c->folder, "control", 0600, 0) == 0 && listen(c->fd, BACKLOG) == 0)
		return;
	log_line(LOG_WARNING, "%s.journal/control: %s; pause, continue and rate cannot reach this run", run->job->results,
		 strerror(errno));
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void control_close(struct control *c)
{
	if (c->fd >= 0) {
		close(c->fd);
		unlinkat(c->folder, "control", 0);
	}
	if (c->folder >= 0)
		close(c->folder);
	if (c->over >= 0)
		close(c->over);
	*c = (struct control){ .fd = -1, .folder = -1, .over = -1 };
}

void control_end(struct control *c)
{
	uint64_t one = 1;

	if (c->over >= 0 && write(c->over, &one, sizeof one) < 0)
		log_line(LOG_DEBUG, "the control thread: %s", strerror(errno));
}

/* ---- lines ---- */

/* Reads up to a line break or the end: 0, or -1 when nothing whole came in time. */
static int read_line(int fd, char *out, size_t size, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;
	size_t n = 0;

	while (n < size - 1 && !memchr(out, '\n', n)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_mono_ms();
		ssize_t got;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -1;
		got = recv(fd, out + n, size - 1 - n, MSG_DONTWAIT); /* poll() ends also when this program was stopped */
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return n > 0 ? 0 : -1;
}

static void send_line(int fd, const char *word, const char *text)
{
	char line[CONTROL_LINE_MAX + 16], shown[CONTROL_LINE_MAX];
	int n;

	utf8_printable(span_str(text), shown, sizeof shown);
	n = snprintf(line, sizeof line, "%s %s\n", word, shown);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		log_line(LOG_DEBUG, "the control socket: %s", strerror(errno));
}

/* ---- what can be asked for ---- */

static int change_rate(struct run *run, const char *limits, char *words, size_t size, struct err *e)
{
	struct throttle *next = NULL;

	if (strcmp(limits, "off") != 0 && throttle_new(&next, limits, e) < 0)
		return -1;
	run_change_throttle(run, next);
	snprintf(words, size, "rate %s", limits);
	log_line(LOG_NOTE, "lettershop: rate is %s now", limits);
	return 0;
}

static void say_state(struct run *run, char *words, size_t size)
{
	char pause[sizeof run->pause];

	pthread_mutex_lock(&run->lock);
	memcpy(pause, run->pause, sizeof pause);
	pthread_mutex_unlock(&run->lock);
	if (run_stopping(run) != RUN_GO)
		snprintf(words, size, "stopping");
	else if (atomic_load(&run->held) & RUN_HELD_BY_USER)
		snprintf(words, size, "paused");
	else
		snprintf(words, size, "%s", pause[0] ? pause : "going on");
}

static int obey(struct run *run, const char *request, char words[CONTROL_LINE_MAX], struct err *e)
{
	if (strcmp(request, "pause") == 0) {
		run_hold(run, RUN_HELD_BY_USER);
		snprintf(words, CONTROL_LINE_MAX, "paused; what is under way is finished");
		return 0;
	}
	if (strcmp(request, "continue") == 0) {
		run_release(run, RUN_HELD_BY_USER);
		snprintf(words, CONTROL_LINE_MAX, "going on");
		return 0;
	}
	if (strncmp(request, "rate ", 5) == 0)
		return change_rate(run, request + 5, words, CONTROL_LINE_MAX, e);
	if (strcmp(request, "state") == 0) {
		say_state(run, words, CONTROL_LINE_MAX);
		return 0;
	}
	return err_set(e, ERR_INPUT, "this run does not know that request");
}

static void answer(struct run *run, int fd)
{
	char request[CONTROL_LINE_MAX] = "", words[CONTROL_LINE_MAX] = "";
	struct err e = { 0 };

	if (read_line(fd, request, sizeof request, CLIENT_MS) < 0)
		return;
	if (obey(run, request, words, &e) == 0)
		send_line(fd, "ok", words);
	else
		send_line(fd, "error", e.text);
}

static void serve(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	answer(c->run, fd);
	close(fd);
}

/* SIGHUP: suppressions, and the rate of the settings file. */
static void reload(struct run *run)
{
	const struct campaign_job *job = run->job;
	char rate[CONTROL_LINE_MAX] = "", words[CONTROL_LINE_MAX];
	struct err e = { 0 };

	if (campaign_reload_suppressed(run->opened, &e) < 0)
		log_line(LOG_WARNING, "the suppression lists stay as they were: %s%s%.0llu%s%s", e.path, e.line ? ":" : "",
			 (unsigned long long)e.line, e.path[0] ? ": " : "", e.text);
	else
		log_line(LOG_NOTE, "lettershop: read again: suppression lists%s", job->on_reload ? ", rate" : "");
	if (!job->on_reload)
		return;
	if (job->on_reload(job->reload_ctx, rate, sizeof rate, &e) < 0)
		log_line(LOG_WARNING, "the settings stay as they were: %s", e.text);
	else if (rate[0] && change_rate(run, rate, words, sizeof words, &e) < 0)
		log_line(LOG_WARNING, "the rate stays as it was: %s", e.text);
}

void *control_main(void *arg)
{
	struct control *c = arg;

	while (!atomic_load(&c->run->workers_gone)) {
		struct pollfd p[2] = { { .fd = c->fd, .events = POLLIN }, { .fd = c->over, .events = POLLIN } };

		if (poll(p, 2, RUN_IDLE_MS / 2) > 0 && p[0].revents)
			serve(c);
		if (atomic_exchange(&c->run->opened->reload, false))
			reload(c->run);
	}
	return NULL;
}

/* ---- the other side ---- */

static int nobody(const char *results_path, struct err *e)
{
	err_set(e, ERR_INPUT, "no run of the campaign of '%s' listens on this machine", results_path);
	return err_hint(e, "lettershop status %s tells whether it runs, and where", results_path);
}

static int talk(int fd, const char *request, char reply[CONTROL_LINE_MAX], struct err *e)
{
	char line[CONTROL_LINE_MAX];
	int n = snprintf(line, sizeof line, "%s\n", request);

	if (n < 0 || (size_t)n >= sizeof line)
		return err_set(e, ERR_INPUT, "that is too long");
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n || read_line(fd, line, sizeof line, REPLY_MS) < 0)
		return err_set(e, ERR_SYS, "the run did not answer");
	if (strncmp(line, "ok ", 3) != 0)
		return err_set(e, ERR_INPUT, "%s", strncmp(line, "error ", 6) == 0 ? line + 6 : line);
	snprintf(reply, CONTROL_LINE_MAX, "%s", line + 3);
	return 0;
}

int control_ask(const char *results_path, const char *request, char reply[CONTROL_LINE_MAX], struct err *e)
{
	int folder = open_folder(results_path), fd = -1, rc;
	struct sockaddr_un name;

	if (folder < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_sys(e, "cannot open the journal of '%s'", results_path);
		err_set(e, ERR_INPUT, "there is no campaign of '%s'", results_path);
		return err_hint(e, "name the results file that send was given");
	}
	name_socket(folder, &name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
		rc = talk(fd, request, reply, e);
	else
		rc = nobody(results_path, e);
	if (fd >= 0)
		close(fd);
	close(folder);
	return rc;
}
