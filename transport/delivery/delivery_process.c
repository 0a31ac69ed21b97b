/* delivery_process.c - one mail given to one process: its arguments, its input, what it prints, how it ends.
 *
 *     COMMAND's words... -f SENDER -- RECIPIENT...      content on standard input, with LF
 *
 * Invariants, held by tests/system/test_pipe.py:
 *  1. No shell runs; an address is a whole argument, and behind "--" none is an option.
 *  2. sent is said only of a program that ended with status 0 after it was given all of the content.
 *  3. A program that is killed, by us or others, before it was given all has sent nothing: it never saw the
 *     end of its input. Behind that the mail is in doubt.
 *  4. Exit statuses are those of sysexits.h, read as Postfix reads them; any other one refuses. */
#include "transport/delivery/delivery_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"

extern char **environ;

enum { ARGUMENTS_MAX = 2000 /* recipients of one mail and the command's own words */ };

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
static void said_words(const struct pipe_job *j, char out[PIPE_SAID_MAX + 2])
{
	struct span s = span_trim(span_of(j->said, j->said_n));

	s = span_sub(s, 0, span_find(s, '\n'));
	out[0] = '\0';
	if (s.n == 0)
		return;
	memcpy(out, ": ", 2);
	utf8_printable(s, out + 2, PIPE_SAID_MAX);
}

void pipe_job_settle(struct pipe_job *j, enum verdict_kind kind, enum verdict_scope scope, const char *words)
{
	j->verdict = (struct verdict){ .kind = kind, .scope = scope, .stage = "pipe" };
	verdict_say(&j->verdict, "%s", words);
	j->step = PIPE_SETTLED;
}

static void settle_by_status(struct pipe_job *j, int status)
{
	char said[PIPE_SAID_MAX + 2], words[PIPE_SAID_MAX + 64];
	const char *meaning = "failed";
	int enhanced[3] = { 5, 3, 0 };

	said_words(j, said);
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (meanings[i].status == status) {
			memcpy(enhanced, meanings[i].enhanced, sizeof enhanced);
			meaning = meanings[i].words;
		}
	snprintf(words, sizeof words, "exit status %d, %s%s", status, meaning, said);
	pipe_job_settle(j, enhanced[0] == 4 ? VERDICT_DEFERRED : VERDICT_REFUSED,
	       status == 67 || status == 68 ? SCOPE_RECIPIENT : SCOPE_MAIL, words);
	memcpy(j->verdict.enhanced, enhanced, sizeof enhanced);
}

static void settle_by_end(struct pipe_job *j, int status)
{
	char words[PIPE_SAID_MAX + 64], said[PIPE_SAID_MAX + 2];
	bool fed = j->step == PIPE_FED && !j->cut;

	said_words(j, said);
	if (j->timed_out || WIFSIGNALED(status)) {
		if (j->timed_out)
			snprintf(words, sizeof words, "the program did not end in time and was killed%s", said);
		else
			snprintf(words, sizeof words, "the program was killed by signal %d%s", WTERMSIG(status), said);
		pipe_job_settle(j, fed ? VERDICT_IN_DOUBT : VERDICT_DEFERRED, SCOPE_MAIL, words);
	} else if (WEXITSTATUS(status) != 0) {
		settle_by_status(j, WEXITSTATUS(status));
	} else if (fed) {
		pipe_job_settle(j, VERDICT_SENT, SCOPE_MAIL, said[0] ? said + 2 : "");
		verdict_find_queue_id(span_str(j->verdict.text), j->verdict.queue_id);
	} else {
		pipe_job_settle(j, VERDICT_IN_DOUBT, SCOPE_MAIL, "the program said yes without reading the whole message");
	}
}

/* ---- processes ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_fds(struct pipe_job *j)
{
	close_fd(&j->in_fd);
	close_fd(&j->out_fd);
	close_fd(&j->end_fd);
}

/* Before its input is closed: it must not take that for the end of the message. */
void pipe_job_kill(struct pipe_job *j)
{
	int status;

	if (kill(-j->pid, SIGKILL) < 0) /* with what it started */
		kill(j->pid, SIGKILL);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fds(j);
}

/* words: room for all of them and a NULL; strings are made in text. */
static int make_arguments(char *const *command, int n_command, const struct mail *m, char **words, char *text)
{
	bool placed = false;
	int n = 0;

	memcpy(text, m->sender.n ? m->sender.p : "<>", m->sender.n ? m->sender.n : 2);
	text[m->sender.n ? m->sender.n : 2] = '\0';
	for (int i = 0; i < n_command; i++) {
		bool here = strcmp(command[i], "{sender}") == 0;

		words[n++] = here ? text : command[i];
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
	sigaddset(&pipe_signal, SIGXFSZ);
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

static int start_words(struct pipe_job *j, char *const *words)
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
			pipe_job_kill(j);
	}
	if (rc != 0)
		close_fds(j);
	return rc;
}

void pipe_job_start(struct pipe_job *j, char *const *command, int n_command, int64_t patience_ms)
{
	const struct mail *m = j->mail;
	size_t bytes = m->sender.n + 3;
	char **words = NULL, *text = NULL;
	int rc;

	for (uint32_t i = 0; i < m->n_recipients; i++)
		bytes += m->recipients[i].n + 1;
	if (m->n_recipients > ARGUMENTS_MAX) {
		pipe_job_settle(j, VERDICT_REFUSED, SCOPE_MAIL, "too many recipients for a command line");
		return;
	}
	words = mem_array((size_t)n_command + m->n_recipients + 4, sizeof *words);
	text = mem_new(bytes);
	rc = ENOMEM;
	if (words && text) {
		make_arguments(command, n_command, m, words, text);
		rc = start_words(j, words);
	}
	mem_free(words);
	mem_free(text);
	if (rc != 0) {
		char why[128];

		snprintf(why, sizeof why, "the program cannot be started: %s", strerror(rc));
		pipe_job_settle(j, VERDICT_DEFERRED, SCOPE_MAIL, why);
		return;
	}
	j->until_ms = clock_mono_ms() + patience_ms;
	j->step = PIPE_WRITING;
}

/* More of the content, every CRLF as LF: canonical content has no other CR (engine/model/mail.h). */
static void fill_chunk(struct pipe_job *j)
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

void pipe_job_write(struct pipe_job *j)
{
	for (;;) {
		ssize_t n;

		if (j->chunk_at == j->chunk_n)
			fill_chunk(j);
		if (j->chunk_n == 0) { /* from here on the mail may be in doubt */
			close_fd(&j->in_fd);
			j->step = PIPE_FED;
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
			j->step = PIPE_FED;
			return;
		}
		j->chunk_at += (size_t)n;
	}
}

/* What it prints beyond the first bytes is read and dropped, so that it never waits for us. */
static void read_more(struct pipe_job *j)
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

void pipe_job_look(struct pipe_job *j)
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

bool pipe_job_runs(const struct pipe_job *j)
{
	return j->step == PIPE_WRITING || j->step == PIPE_FED;
}

void pipe_job_go_on(struct pipe_job *j, int64_t now_ms)
{
	if (j->out_fd >= 0)
		read_more(j);
	if (j->step == PIPE_WRITING)
		pipe_job_write(j);
	pipe_job_look(j);
	if (!pipe_job_runs(j) || now_ms < j->until_ms)
		return;
	j->timed_out = true;
	pipe_job_kill(j);
	settle_by_end(j, 0);
}
