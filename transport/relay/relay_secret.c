/* relay_secret.c - a password from where the user keeps it.
 *
 * Invariants, held by tests/unit/test_relay_secret.c:
 *  1. A secret lives in one buffer of fixed size, which no core dump holds and which is wiped before it is freed.
 *  2. A command that hangs is killed and waited for; no child and no descriptor is left behind.
 *  3. The terminal is as it was before, whatever was typed. */
#include "transport/relay/relay_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "transport/relay/relay_command.h"

extern char **environ;

void relay_secret_release(struct relay_secret *s)
{
	if (s->p)
		mem_hidden_free(s->p, RELAY_SECRET_MAX + 1);
	s->p = NULL;
	s->n = 0;
}

static int make_room(struct relay_secret *s, struct err *e)
{
	s->p = mem_hidden_new(RELAY_SECRET_MAX + 1);
	s->n = 0;
	return s->p ? 0 : err_nomem(e, "for a password");
}

/* Cuts at the first line end and looks whether it can be a password. source: "the password file". */
static int finish(struct relay_secret *s, const char *source, struct err *e)
{
	struct span rest = { s->p, s->n };
	struct span line = span_cut(&rest, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0)
		err_set(e, ERR_INPUT, "the first line of %s is empty, so there is nothing to log in with", source);
	else if (line.n == RELAY_SECRET_MAX)
		err_set(e, ERR_INPUT, "the first line of %s is too long for a secret", source);
	else if (!utf8_valid(line) || memchr(line.p, '\0', line.n))
		err_set(e, ERR_INPUT, "the first line of %s is not plain text in UTF-8", source);
	else {
		s->n = line.n;
		s->p[s->n] = '\0';
		return 0;
	}
	relay_secret_release(s);
	return -1;
}

/* ---- file and environment ---- */

static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at the password file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "the password file '%s' is no regular file", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	err_set(e, ERR_INPUT, "the password file '%s' may be read by others", path);
	return err_hint(e, "make it your own: chmod 600 %s", path);
}

int relay_secret_file(const char *path, struct relay_secret *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "cannot open the password file '%s'", path);
	if (check_file(fd, path, e) < 0 || make_room(out, e) < 0) {
		close(fd);
		return -1;
	}
	n = file_read_full(fd, out->p, RELAY_SECRET_MAX);
	close(fd);
	if (n < 0) {
		relay_secret_release(out);
		return err_sys(e, "cannot read the password file '%s'", path);
	}
	out->n = (size_t)n;
	return finish(out, "the password file", e);
}

int relay_secret_env(const char *variable, struct relay_secret *out, struct err *e)
{
	const char *value = getenv(variable);

	if (!value)
		return err_set(e, ERR_INPUT, "the environment variable %s, which should hold the password, is not set",
			       variable);
	if (make_room(out, e) < 0)
		return -1;
	out->n = strnlen(value, RELAY_SECRET_MAX);
	memcpy(out->p, value, out->n);
	return finish(out, "the password's environment variable", e);
}

/* ---- command ---- */

/* No signal is blocked, as it is in the thread that asks for a token anew, and a broken pipe ends it. */
static int spawn(char *const *words, int out_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe_signal;
	int rc;

	MUST(words[0]);
	sigemptyset(&none);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigaddset(&pipe_signal, SIGXFSZ);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

/* Reads to the end of file; what does not fit is dropped. 0, 1 time is up, -1 with errno. */
static int read_answer(int fd, int64_t until_ms, struct relay_secret *out)
{
	char waste[512] = "";
	int rc = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until_ms - clock_mono_ms();
		bool room = out->n < RELAY_SECRET_MAX;
		ssize_t n;

		if (left <= 0) {
			rc = 1;
			break;
		}
		if (poll(&p, 1, (int)(left < 1000 ? left : 1000)) <= 0)
			continue;
		n = read(fd, room ? out->p + out->n : waste, room ? RELAY_SECRET_MAX - out->n : sizeof waste);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR) {
			rc = -1;
			break;
		}
		if (n > 0 && room)
			out->n += (size_t)n;
	}
	explicit_bzero(waste, sizeof waste);
	return rc;
}

/* Waits for the child, killing it when time is up. Returns its wait status. */
static int reap(pid_t pid, int64_t until_ms)
{
	int status = 0;

	for (;;) {
		pid_t rc = waitpid(pid, &status, WNOHANG);

		if (rc == pid || (rc < 0 && errno != EINTR))
			return status;
		if (clock_mono_ms() >= until_ms)
			kill(pid, SIGKILL);
		poll(NULL, 0, 5);
	}
}

static int run_words(char **words, const char *what, int limit_ms, struct relay_secret *out, struct err *e)
{
	int64_t until = clock_mono_ms() + limit_ms;
	int ends[2], rc, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot run the %s command", what);
	rc = spawn(words, ends[1], &pid);
	close(ends[1]);
	if (rc != 0) {
		close(ends[0]);
		errno = rc;
		return err_sys(e, "cannot run the %s command '%s'", what, words[0]);
	}
	rc = read_answer(ends[0], until, out);
	close(ends[0]);
	status = reap(pid, rc == 0 ? until : 0);
	if (rc > 0) {
		err_set(e, ERR_INPUT, "the %s command '%s' did not end within %d s", what, words[0], limit_ms / 1000);
		return err_hint(e, "it must not ask anything on the terminal of this program");
	}
	if (rc < 0)
		return err_set(e, ERR_SYS, "cannot read what the %s command '%s' printed", what, words[0]);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_INPUT, "the %s command '%s' was killed by signal %d", what, words[0],
			       WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INPUT, "the %s command '%s' failed with exit status %d", what, words[0],
			       WEXITSTATUS(status));
	return 0;
}

int relay_secret_command(const char *command, const char *what, int limit_ms, struct relay_secret *out, struct err *e)
{
	char *words[RELAY_COMMAND_WORDS_MAX + 1] = { NULL };
	char *text = mem_strdup(command);
	int rc = -1;

	if (!text)
		return err_nomem(e, "to run a command");
	if (relay_command_split(text, words, what, e) > 0 && make_room(out, e) == 0) {
		rc = run_words(words, what, limit_ms, out, e);
		if (rc < 0)
			relay_secret_release(out);
		else
			rc = finish(out, strcmp(what, "token") == 0 ? "what the token command printed" : "what the password command printed", e);
	}
	mem_free(text);
	return rc;
}

/* ---- terminal ---- */

enum { KEY_CANCEL = 3, KEY_END = 4, KEY_BACK = 8, KEY_CLEAR = 21, KEY_DELETE = 127 };

/* One key. 1 done, 0 go on, -1 cancelled. */
static int take_key(struct relay_secret *s, char key)
{
	switch (key) {
	case '\r':
	case '\n':
	case KEY_END:
		return 1;
	case KEY_CANCEL:
		return -1;
	case KEY_BACK:
	case KEY_DELETE:
		while (s->n > 0 && ((unsigned char)s->p[--s->n] & 0xc0) == 0x80)
			;
		return 0;
	case KEY_CLEAR:
		s->n = 0;
		return 0;
	default:
		if (s->n < RELAY_SECRET_MAX)
			s->p[s->n++] = key;
		return 0;
	}
}

static int read_keys(int fd, struct relay_secret *s)
{
	struct termios was, hidden;
	int rc = 0;

	if (tcgetattr(fd, &was) < 0)
		return -1;
	hidden = was;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG); /* ^C comes as a key, so nothing is left hidden */
	if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0)
		return -1;
	while (rc == 0) {
		char key;
		ssize_t n = read(fd, &key, 1);

		if (n < 0 && errno == EINTR)
			continue;
		rc = n == 1 ? take_key(s, key) : -1;
	}
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	return rc;
}

int relay_secret_ask(const char *question, struct relay_secret *out, struct err *e)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;

	if (fd < 0) {
		err_set(e, ERR_INPUT, "a password is needed, and there is no terminal to ask for it");
		return err_hint(e, "give it by --password-command, a file or an environment variable");
	}
	if (make_room(out, e) < 0) {
		close(fd);
		return -1;
	}
	(void)file_write_full(fd, question, strlen(question));
	rc = read_keys(fd, out);
	(void)file_write_full(fd, "\n", 1);
	close(fd);
	if (rc > 0)
		return finish(out, "what was typed", e);
	relay_secret_release(out);
	return err_set(e, ERR_INPUT, "no password was given");
}
