/* delivery_pipe.c - delivery to a program of this machine, as /usr/sbin/sendmail is one: a process for each
 * mail, as many at once as there are connections.
 *
 *     COMMAND's words... -f SENDER -- RECIPIENT...      content on standard input, with LF
 *
 *     offered -> INTENT told -> granted -> (push) started -> content written -> ended -> VERDICTs, DONE told
 *        ASKING                 WAITING    WRITING           FED                 SETTLED
 *
 * Invariants, held by tests/system/test_pipe.py:
 *  1. No shell runs; an address is a whole argument, and behind "--" none is an option.
 *  2. sent is said only of a program that ended with status 0 after it was given all of the content.
 *  3. A program that is killed, by us or others, before it was given all has sent nothing: it never saw the
 *     end of its input. Behind that the mail is in doubt.
 *  4. Exit statuses are those of sysexits.h, read as Postfix reads them; any other one refuses. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "transport/delivery/delivery_kind.h"
#include "transport/relay/relay_command.h"

extern char **environ;

enum {
	PATIENCE_MS = 10 * 60 * 1000, /* with one process, as with a relay's end of data */
	CHUNK_BYTES = 16 * 1024,
	SAID_MAX = 400,      /* of what a program printed */
	ARGUMENTS_MAX = 2000 /* recipients of one mail and the command's own words */
};

enum step { FREE, ASKING, WAITING, WRITING, FED, SETTLED };

struct job { /* one mail and its process; its ticket is its index */
	enum step step;
	const struct mail *mail;
	pid_t pid;
	int in_fd, out_fd, end_fd; /* -1 none; end_fd becomes readable when the process has ended */
	int64_t until_ms;
	uint32_t piece; /* of the content: the next one */
	size_t offset;
	size_t chunk_at, chunk_n;
	bool cut;    /* the program closed its input before it had all */
	bool timed_out;
	size_t said_n;
	uint32_t told; /* verdicts */
	struct verdict verdict;
	char said[SAID_MAX];
	char chunk[CHUNK_BYTES];
};

struct pipe_plan {
	struct delivery_plan base;
	char *name, *text;
	char *words[RELAY_COMMAND_WORDS_MAX + 1];
	int n_words;
	unsigned connections;
	int64_t patience_ms;
};

struct pipe_delivery {
	struct delivery base;
	const struct pipe_plan *plan;
	int wake_fd;
	bool finishing;
	unsigned n_jobs, in_hand;
	struct job *jobs;
	struct pollfd *fds; /* 1 + 3 a job */
};

static struct pipe_delivery *of(struct delivery *d)
{
	return (struct pipe_delivery *)d;
}

static const struct pipe_delivery *of_const(const struct delivery *d)
{
	return (const struct pipe_delivery *)d;
}

/* ---- verdicts ---- */

static const struct {
	int status, enhanced[3];
	const char *words;
} meanings[] = {
	{ 64, { 5, 3, 5 }, "wrong usage" },          { 65, { 5, 6, 0 }, "bad message" },
	{ 66, { 5, 3, 0 }, "no input" },             { 67, { 5, 1, 1 }, "no such user" },
	{ 68, { 5, 1, 2 }, "no such host" },         { 69, { 5, 3, 0 }, "not available" },
	{ 70, { 5, 3, 0 }, "a fault of its own" },   { 71, { 4, 3, 0 }, "the system failed it" },
	{ 72, { 5, 3, 0 }, "a file is missing" },    { 73, { 5, 2, 0 }, "it cannot write" },
	{ 74, { 4, 3, 0 }, "input or output failed" }, { 75, { 4, 3, 0 }, "not now" },
	{ 76, { 5, 5, 0 }, "the protocol failed" },  { 77, { 5, 7, 0 }, "not allowed" },
	{ 78, { 5, 3, 5 }, "wrongly configured" },
};

/* The first line that it printed, with a colon before it; "" none. */
static void said_words(const struct job *j, char out[SAID_MAX + 2])
{
	struct span s = span_trim(span_of(j->said, j->said_n));

	s = span_sub(s, 0, span_find(s, '\n'));
	out[0] = '\0';
	if (s.n == 0)
		return;
	memcpy(out, ": ", 2);
	utf8_printable(s, out + 2, SAID_MAX);
}

static void settle(struct job *j, enum verdict_kind kind, enum verdict_scope scope, const char *words)
{
	j->verdict = (struct verdict){ .kind = kind, .scope = scope, .stage = "pipe" };
	verdict_say(&j->verdict, "%s", words);
	j->step = SETTLED;
}

static void settle_by_status(struct job *j, int status)
{
	char said[SAID_MAX + 2], words[SAID_MAX + 64];
	const char *meaning = "failed";
	int enhanced[3] = { 5, 3, 0 };

	said_words(j, said);
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (meanings[i].status == status) {
			memcpy(enhanced, meanings[i].enhanced, sizeof enhanced);
			meaning = meanings[i].words;
		}
	snprintf(words, sizeof words, "exit status %d, %s%s", status, meaning, said);
	settle(j, enhanced[0] == 4 ? VERDICT_DEFERRED : VERDICT_REFUSED,
	       status == 67 || status == 68 ? SCOPE_RECIPIENT : SCOPE_MAIL, words);
	memcpy(j->verdict.enhanced, enhanced, sizeof enhanced);
}

static void settle_by_end(struct job *j, int status)
{
	char words[SAID_MAX + 64], said[SAID_MAX + 2];
	bool fed = j->step == FED && !j->cut;

	said_words(j, said);
	if (j->timed_out || WIFSIGNALED(status)) {
		if (j->timed_out)
			snprintf(words, sizeof words, "the program did not end in time and was killed%s", said);
		else
			snprintf(words, sizeof words, "the program was killed by signal %d%s", WTERMSIG(status), said);
		settle(j, fed ? VERDICT_IN_DOUBT : VERDICT_DEFERRED, SCOPE_MAIL, words);
	} else if (WEXITSTATUS(status) != 0) {
		settle_by_status(j, WEXITSTATUS(status));
	} else if (fed) {
		settle(j, VERDICT_SENT, SCOPE_MAIL, said[0] ? said + 2 : "");
		verdict_find_queue_id(span_str(j->verdict.text), j->verdict.queue_id);
	} else {
		settle(j, VERDICT_IN_DOUBT, SCOPE_MAIL, "the program said yes without reading the whole message");
	}
}

/* ---- processes ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_fds(struct job *j)
{
	close_fd(&j->in_fd);
	close_fd(&j->out_fd);
	close_fd(&j->end_fd);
}

/* Before its input is closed: it must not take that for the end of the message. */
static void kill_job(struct job *j)
{
	int status;

	if (kill(-j->pid, SIGKILL) < 0) /* with what it started */
		kill(j->pid, SIGKILL);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fds(j);
}

/* words: room for all of them and a NULL; strings are made in text. */
static int make_arguments(const struct pipe_plan *p, const struct mail *m, char **words, char *text)
{
	bool placed = false;
	int n = 0;

	memcpy(text, m->sender.n ? m->sender.p : "<>", m->sender.n ? m->sender.n : 2);
	text[m->sender.n ? m->sender.n : 2] = '\0';
	for (int i = 0; i < p->n_words; i++) {
		bool here = strcmp(p->words[i], "{sender}") == 0;

		words[n++] = here ? text : p->words[i];
		placed = placed || here;
	}
	if (!placed) {
		words[n++] = (char *)(uintptr_t)"-f"; /* exec only reads */
		words[n++] = text;
	}
	text += strlen(text) + 1;
	words[n++] = (char *)(uintptr_t)"--";
	for (uint32_t i = 0; i < m->n_recipients; i++) {
		memcpy(text, m->recipients[i].p, m->recipients[i].n);
		text[m->recipients[i].n] = '\0';
		words[n++] = text;
		text += m->recipients[i].n + 1;
	}
	words[n] = NULL;
	return n;
}

static int spawn(char *const *words, int in_fd, int out_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe_signal;
	int rc;

	sigemptyset(&none);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
	/* A group of its own: ^C in a terminal is for us, and what was begun is finished. */
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

static int start_words(struct job *j, char *const *words)
{
	int in[2], out[2], rc;

	if (pipe2(in, O_CLOEXEC) < 0)
		return errno;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = errno;
		close(in[0]);
		close(in[1]);
		return rc;
	}
	(void)fcntl(out[1], F_SETFL, 0); /* the program's end waits as programs expect */
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	rc = spawn(words, in[0], out[1], &j->pid);
	close(in[0]);
	close(out[1]);
	j->in_fd = in[1];
	j->out_fd = out[0];
	if (rc == 0) {
		j->end_fd = (int)syscall(SYS_pidfd_open, j->pid, 0);
		rc = j->end_fd < 0 ? errno : 0;
		if (rc != 0)
			kill_job(j);
	}
	if (rc != 0)
		close_fds(j);
	return rc;
}

static void start(const struct pipe_plan *p, struct job *j)
{
	const struct mail *m = j->mail;
	size_t bytes = m->sender.n + 3;
	char **words = NULL, *text = NULL;
	int rc;

	for (uint32_t i = 0; i < m->n_recipients; i++)
		bytes += m->recipients[i].n + 1;
	if (m->n_recipients > ARGUMENTS_MAX) {
		settle(j, VERDICT_REFUSED, SCOPE_MAIL, "too many recipients for a command line");
		return;
	}
	words = mem_array((size_t)p->n_words + m->n_recipients + 4, sizeof *words);
	text = mem_new(bytes);
	rc = ENOMEM;
	if (words && text) {
		make_arguments(p, m, words, text);
		rc = start_words(j, words);
	}
	mem_free(words);
	mem_free(text);
	if (rc != 0) {
		char why[128];

		snprintf(why, sizeof why, "the program cannot be started: %s", strerror(rc));
		settle(j, VERDICT_DEFERRED, SCOPE_MAIL, why);
		return;
	}
	j->until_ms = clock_mono_ms() + p->patience_ms;
	j->step = WRITING;
}

/* More of the content, every CRLF as LF: canonical content has no other CR (engine/model/mail.h). */
static void fill_chunk(struct job *j)
{
	const struct mail *m = j->mail;

	j->chunk_at = j->chunk_n = 0;
	while (j->piece < m->n_content && j->chunk_n < sizeof j->chunk) {
		struct span s = span_skip(m->content[j->piece], j->offset);
		size_t i = 0;

		while (i < s.n && j->chunk_n < sizeof j->chunk) {
			if (s.p[i] != '\r')
				j->chunk[j->chunk_n++] = s.p[i];
			i++;
		}
		j->offset += i;
		if (i == s.n) {
			j->piece++;
			j->offset = 0;
		}
	}
}

static void write_more(struct job *j)
{
	for (;;) {
		ssize_t n;

		if (j->chunk_at == j->chunk_n)
			fill_chunk(j);
		if (j->chunk_n == 0) { /* from here on the mail may be in doubt */
			close_fd(&j->in_fd);
			j->step = FED;
			return;
		}
		n = write(j->in_fd, j->chunk + j->chunk_at, j->chunk_n - j->chunk_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			j->cut = true;
			close_fd(&j->in_fd);
			j->step = FED;
			return;
		}
		j->chunk_at += (size_t)n;
	}
}

/* What it prints beyond the first bytes is read and dropped, so that it never waits for us. */
static void read_more(struct job *j)
{
	char waste[4096];

	for (;;) {
		bool room = j->said_n < sizeof j->said;
		ssize_t n = room ? read(j->out_fd, j->said + j->said_n, sizeof j->said - j->said_n)
				 : read(j->out_fd, waste, sizeof waste);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&j->out_fd);
			return;
		}
		if (room)
			j->said_n += (size_t)n;
	}
}

static void look_at_end(struct job *j)
{
	int status = 0;
	pid_t rc = waitpid(j->pid, &status, WNOHANG);

	if (rc == 0 || (rc < 0 && errno == EINTR))
		return;
	if (j->out_fd >= 0)
		read_more(j);
	close_fds(j);
	settle_by_end(j, status);
}

static bool is_running(const struct job *j)
{
	return j->step == WRITING || j->step == FED;
}

/* ---- the interface ---- */

static unsigned pipe_wants(const struct delivery *d)
{
	const struct pipe_delivery *p = of_const(d);

	return p->finishing ? 0 : p->n_jobs - p->in_hand;
}

static unsigned pipe_tickets(const struct delivery *d)
{
	return of_const(d)->n_jobs;
}

static int pipe_offer(struct delivery *d, const struct mail *m)
{
	struct pipe_delivery *p = of(d);
	struct job *j;

	if (pipe_wants(d) == 0)
		return 0;
	MUST(m->ticket < p->n_jobs);
	j = &p->jobs[m->ticket];
	MUST(j->step == FREE);
	j->step = ASKING;
	j->mail = m;
	j->piece = j->told = 0;
	j->offset = j->chunk_at = j->chunk_n = j->said_n = 0;
	j->cut = j->timed_out = false;
	p->in_hand++;
	return 1;
}

/* Asked for by the event that told the intent: ASKING became WAITING then, with until_ms as the mark. */
static void pipe_grant(struct delivery *d, uint32_t ticket)
{
	struct pipe_delivery *p = of(d);

	if (ticket < p->n_jobs && p->jobs[ticket].step == WAITING)
		p->jobs[ticket].until_ms = 0;
}

static void pipe_push(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct job *j = &p->jobs[i];

		if (j->step == WAITING && j->until_ms == 0)
			start(p->plan, j);
		if (j->step == WRITING)
			write_more(j);
	}
}

static int pipe_event(struct delivery *d, struct delivery_event *out)
{
	struct pipe_delivery *p = of(d);

	out->relay = p->plan->name;
	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct job *j = &p->jobs[i];

		out->ticket = i;
		if (j->step == ASKING) {
			j->step = WAITING;
			j->until_ms = INT64_MAX; /* not granted */
			out->kind = DELIVERY_INTENT;
			return 1;
		}
		if (j->step != SETTLED)
			continue;
		if (j->told < j->mail->n_recipients) {
			out->kind = DELIVERY_VERDICT;
			out->verdict = j->verdict;
			out->verdict.recipient = j->told++;
			return 1;
		}
		out->kind = DELIVERY_DONE;
		j->step = FREE;
		j->mail = NULL;
		p->in_hand--;
		return 1;
	}
	return 0;
}

static unsigned collect_fds(struct pipe_delivery *p, int64_t *until_ms)
{
	unsigned n = 0;

	p->fds[n++] = (struct pollfd){ .fd = p->wake_fd, .events = POLLIN };
	for (unsigned i = 0; i < p->n_jobs; i++) {
		const struct job *j = &p->jobs[i];

		if (j->step == ASKING || j->step == SETTLED || (j->step == WAITING && j->until_ms == 0))
			*until_ms = 0;
		if (!is_running(j))
			continue;
		p->fds[n++] = (struct pollfd){ .fd = j->end_fd, .events = POLLIN };
		if (j->in_fd >= 0)
			p->fds[n++] = (struct pollfd){ .fd = j->in_fd, .events = POLLOUT };
		if (j->out_fd >= 0)
			p->fds[n++] = (struct pollfd){ .fd = j->out_fd, .events = POLLIN };
		if (j->until_ms < *until_ms)
			*until_ms = j->until_ms;
	}
	return n;
}

static void go_on(struct job *j, int64_t now_ms)
{
	if (j->out_fd >= 0)
		read_more(j);
	if (j->step == WRITING)
		write_more(j);
	look_at_end(j);
	if (!is_running(j) || now_ms < j->until_ms)
		return;
	j->timed_out = true;
	kill_job(j);
	settle_by_end(j, 0);
}

static int pipe_wait(struct delivery *d, int64_t max_ms, struct err *e)
{
	struct pipe_delivery *p = of(d);
	int64_t until_ms = INT64_MAX, now_ms = clock_mono_ms(), ms = max_ms;
	unsigned n = collect_fds(p, &until_ms);
	int rc;

	if (until_ms != INT64_MAX && (ms < 0 || until_ms - now_ms < ms))
		ms = until_ms > now_ms ? until_ms - now_ms : 0;
	rc = poll(p->fds, n, ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms);
	if (rc < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for programs");
	now_ms = clock_mono_ms();
	for (unsigned i = 0; i < p->n_jobs; i++)
		if (is_running(&p->jobs[i]))
			go_on(&p->jobs[i], now_ms);
	return rc > 0 && (p->fds[0].revents & POLLIN);
}

static void pipe_finish(struct delivery *d)
{
	of(d)->finishing = true;
}

static void pipe_abort(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	p->finishing = true;
	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct job *j = &p->jobs[i];

		if (is_running(j))
			look_at_end(j); /* it may have said already */
		if (is_running(j)) {
			kill_job(j);
			settle(j, j->step == FED && !j->cut ? VERDICT_IN_DOUBT : VERDICT_DEFERRED, SCOPE_SESSION, "stopped");
		} else if (j->step == ASKING || j->step == WAITING) {
			settle(j, VERDICT_DEFERRED, SCOPE_SESSION, "stopped");
		}
	}
}

static unsigned pipe_in_hand(const struct delivery *d)
{
	return of_const(d)->in_hand;
}

static unsigned pipe_open_links(const struct delivery *d)
{
	(void)d;
	return 0;
}

static void pipe_close(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	for (unsigned i = 0; p->jobs && i < p->n_jobs; i++)
		if (is_running(&p->jobs[i]))
			kill_job(&p->jobs[i]);
	mem_free(p->jobs);
	mem_free(p->fds);
	mem_free(p);
}

static const struct delivery_ops ops = {
	.close = pipe_close,
	.wants = pipe_wants,
	.tickets = pipe_tickets,
	.offer = pipe_offer,
	.grant = pipe_grant,
	.push = pipe_push,
	.wait = pipe_wait,
	.event = pipe_event,
	.finish = pipe_finish,
	.abort = pipe_abort,
	.in_hand = pipe_in_hand,
	.open_links = pipe_open_links,
};

/* ---- the plan ---- */

static int plan_open(struct delivery **out, const struct delivery_plan *base, unsigned index, unsigned n_workers,
		     int wake_fd, struct err *e)
{
	const struct pipe_plan *plan = (const struct pipe_plan *)base;
	unsigned share = plan->connections / n_workers + (index < plan->connections % n_workers);
	struct pipe_delivery *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for a delivery");
	p->base.ops = &ops;
	p->plan = plan;
	p->wake_fd = wake_fd;
	p->n_jobs = share ? share : 1;
	p->jobs = mem_array(p->n_jobs, sizeof *p->jobs);
	p->fds = mem_array(1 + 3 * (size_t)p->n_jobs, sizeof *p->fds);
	if (!p->jobs || !p->fds) {
		pipe_close(&p->base);
		return err_nomem(e, "for a delivery");
	}
	for (unsigned i = 0; i < p->n_jobs; i++)
		p->jobs[i].in_fd = p->jobs[i].out_fd = p->jobs[i].end_fd = -1;
	*out = &p->base;
	return 0;
}

static void plan_free(struct delivery_plan *base)
{
	struct pipe_plan *p = (struct pipe_plan *)base;

	mem_free(p->name);
	mem_free(p->text);
	mem_free(p);
}

static void plan_describe(const struct delivery_plan *base, char *out, size_t out_size)
{
	const struct pipe_plan *p = (const struct pipe_plan *)base;

	snprintf(out, out_size, "the program %s", p->words[0]);
}

/* As with relays: a campaign may go on through another way. */
static void plan_class(const struct delivery_plan *base, char *out, size_t out_size)
{
	(void)base;
	snprintf(out, out_size, "smtp");
}

static int plan_probe(const struct delivery_plan *p, struct err *e)
{
	(void)p;
	(void)e;
	return 0;
}

static const struct delivery_plan_ops plan_ops = {
	.rehearsal = false,
	.free = plan_free,
	.describe = plan_describe,
	.destination = plan_class,
	.probe = plan_probe,
	.open = plan_open,
};

bool delivery_pipe_is_ours(const char *url)
{
	return span_case_begins(span_str(url), SPAN("pipe:"));
}

int delivery_pipe_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e)
{
	const struct delivery_relay *r = &opt->relays[0];
	struct pipe_plan *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for a delivery");
	p->base.ops = &plan_ops;
	p->connections = opt->connections ? opt->connections : 1;
	p->patience_ms = opt->timeout_ms > 0 ? opt->timeout_ms : PATIENCE_MS;
	p->name = mem_strdup(r->name ? r->name : "pipe");
	p->text = mem_strdup(r->url + 5);
	if (!p->name || !p->text) {
		plan_free(&p->base);
		return err_nomem(e, "for a delivery");
	}
	p->n_words = relay_command_split(p->text, p->words, "pipe:", e);
	if (p->n_words < 0 || relay_command_find(p->words[0], e) < 0) {
		plan_free(&p->base);
		return err_hint(e, "for example --relay 'pipe:/usr/sbin/sendmail -i'");
	}
	*out = &p->base;
	return 0;
}
