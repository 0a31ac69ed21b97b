/* Passwords: from commands, files, variables and a terminal; and what comes of relay_open(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "transport/relay/relay.h"
#include "transport/relay/relay_command.h"
#include "transport/relay/relay_secret.h"

static const struct split_case {
	const char *command;
	int rc;
	const char *words; /* joined by / */
} splits[] = {
	{ "pass show mail", 3, "pass/show/mail" },
	{ "  pass\tshow \n", 2, "pass/show" },
	{ "pass 'a b' \"c 'd'\"", 3, "pass/a b/c 'd'" },
	{ "pass a\\ b \"q\\\"q\" 's\\s'", 4, "pass/a b/q\"q/s\\s" },
	{ "pass ''", 2, "pass/" },
	{ "pass ''x\"\"y", 2, "pass/xy" },
	{ "$(echo x);`y` | z > w", 6, "$(echo/x);`y`/|/z/>/w" },
	{ "x\\", 1, "x\\" },
	{ "", -1, NULL },
	{ "   ", -1, NULL },
	{ "pass 'open", -1, NULL },
	{ "pass \"open\\\"", -1, NULL },
};

static void splitting(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
		char *words[RELAY_COMMAND_WORDS_MAX + 1], *text = strdup(splits[i].command), joined[200] = "";
		struct err e = { 0 };
		int n = relay_command_split(text, words, "password", &e);

		if (n != splits[i].rc)
			fail_msg("%s: %d", splits[i].command, n);
		for (int w = 0; n > 0 && words[w]; w++) {
			strncat(joined, w ? "/" : "", sizeof joined - strlen(joined) - 1);
			strncat(joined, words[w], sizeof joined - strlen(joined) - 1);
		}
		if (n > 0)
			assert_string_equal(joined, splits[i].words);
		free(text);
	}
	char many[200] = "";
	char *words[RELAY_COMMAND_WORDS_MAX + 1];
	struct err e = { 0 };

	for (int i = 0; i < RELAY_COMMAND_WORDS_MAX + 1; i++)
		strcat(many, "x ");
	assert_int_equal(relay_command_split(many, words, "password", &e), -1);
}

static const struct command_case {
	const char *command, *password, *words;
} commands[] = {
	{ "printf 'canary\\nsecond'", "canary", NULL },
	{ "printf 'canary\\r\\n'", "canary", NULL },
	{ "echo ' with  spaces '", " with  spaces ", NULL },
	{ "head -c 3 /dev/stdin", NULL, "is empty" }, /* reads nothing of ours */
	{ "printf ''", NULL, "is empty" },
	{ "printf '\\nsecond'", NULL, "is empty" },
	{ "printf 'a\\0b'", NULL, "not plain text" },
	{ "printf '\\377'", NULL, "not plain text" },
	{ "head -c 100000 /dev/zero", NULL, "too long" },
	{ "false", NULL, "failed with exit status 1" },
	{ "sh -c 'echo canary; exit 7'", NULL, "failed with exit status 7" },
	{ "sh -c 'kill -9 $$'", NULL, "killed by signal 9" },
	{ "no-such-program-here x", NULL, "cannot run the password command 'no-such-program-here'" },
	{ "'", NULL, "not closed" },
};

static void by_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const struct command_case *c = &commands[i];
		struct relay_secret s = { NULL, 0 };
		struct err e = { 0 };
		int rc = relay_secret_command(c->command, "password", 20000, &s, &e);

		if (rc != (c->password ? 0 : -1) || (c->words && !strstr(e.text, c->words)))
			fail_msg("%s: %d %s", c->command, rc, e.text);
		assert_null(strstr(e.text, "canary"));
		if (c->password) {
			assert_string_equal(s.p, c->password);
			assert_int_equal(s.n, strlen(c->password));
		} else {
			assert_null(s.p);
		}
		relay_secret_release(&s);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void command_that_hangs(void **state)
{
	struct relay_secret s = { NULL, 0 };
	struct err e = { 0 };
	int64_t begin = clock_mono_ms();

	(void)state;
	assert_int_equal(relay_secret_command("sh -c 'echo canary; exec sleep 60'", "password", 1000, &s, &e), -1);
	assert_true(clock_mono_ms() - begin < 5000);
	assert_non_null(strstr(e.text, "did not end within 1 s"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	begin = clock_mono_ms(); /* closes its output and hangs */
	assert_int_equal(relay_secret_command("sh -c 'exec sleep 60 >&-'", "password", 1000, &s, &e), -1);
	assert_true(clock_mono_ms() - begin < 5000);
}

/* What a command may count on, whatever the thread that runs it has blocked or ignored. */
static void signals_of_a_command(void **state)
{
	void (*was)(int) = signal(SIGPIPE, SIG_IGN);
	struct relay_secret s = { .n = 0 };
	struct err e = { 0 };
	sigset_t all, before;

	(void)state;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	assert_int_equal(relay_secret_command("awk '/^SigBlk/ { b = $2 } /^SigIgn/ { print b \"/\" substr($2, 13, 1) }' /proc/self/status",
					      "token", 20000, &s, &e), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, was);
	assert_string_equal(s.p, "0000000000000000/0"); /* SIGPIPE is 13: the 4th digit from the right */
	relay_secret_release(&s);
}

static void by_file(void **state)
{
	char path[64];
	struct relay_secret s = { NULL, 0 };
	struct err e = { 0 };
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "/tmp/test_relay_secret.%d", (int)getpid());
	f = fopen(path, "w");
	fputs("canary\nnot this\n", f);
	fclose(f);
	chmod(path, 0600);
	assert_int_equal(relay_secret_file(path, &s, &e), 0);
	assert_string_equal(s.p, "canary");
	relay_secret_release(&s);
	for (unsigned mode = 0; mode < 0100; mode++) {
		chmod(path, 0600 | mode);
		assert_int_equal(relay_secret_file(path, &s, &e), mode ? -1 : 0);
		if (mode)
			assert_non_null(strstr(e.hint, "chmod 600"));
		relay_secret_release(&s);
	}
	unlink(path);
	assert_int_equal(relay_secret_file(path, &s, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_int_equal(relay_secret_file("/tmp", &s, &e), -1);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
	assert_int_equal(relay_secret_file(path, &s, &e), -1);
	unlink(path);
}

static void by_variable(void **state)
{
	struct relay_secret s = { NULL, 0 };
	struct err e = { 0 };

	(void)state;
	setenv("TEST_SECRET", "canary", 1);
	assert_int_equal(relay_secret_env("TEST_SECRET", &s, &e), 0);
	assert_string_equal(s.p, "canary");
	relay_secret_release(&s);
	setenv("TEST_SECRET", "", 1);
	assert_int_equal(relay_secret_env("TEST_SECRET", &s, &e), -1);
	unsetenv("TEST_SECRET");
	assert_int_equal(relay_secret_env("TEST_SECRET", &s, &e), -1);
	assert_non_null(strstr(e.text, "TEST_SECRET"));
	mem_fail_after(0);
	setenv("TEST_SECRET", "canary", 1);
	assert_int_equal(relay_secret_env("TEST_SECRET", &s, &e), -1);
	mem_fail_after(-1);
	assert_int_equal(e.kind, ERR_NOMEM);
}

/* A child whose terminal is ours: exit status 0 when it read what was expected. */
static int ask_child(int slave, const char *expected)
{
	struct relay_secret s = { NULL, 0 };
	struct err e = { 0 };
	struct termios before, after;
	int rc;

	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	tcgetattr(slave, &before);
	rc = relay_secret_ask("Password: ", &s, &e);
	tcgetattr(slave, &after);
	if (before.c_lflag != after.c_lflag)
		return 3;
	if (!expected)
		return rc == -1 ? 0 : 1;
	return rc == 0 && strcmp(s.p, expected) == 0 ? 0 : 2;
}

static const struct ask_case {
	const char *typed, *expected;
} asked[] = {
	{ "canary\n", "canary" },        { "canarx\x7fy\n", "canary" }, { "x\xc3\xa9\x7f\x7f" "canary\r", "canary" },
	{ "wrong\x15" "canary\n", "canary" }, { "canary\x04", "canary" },    { "\n", NULL },
	{ "can\x03", NULL },
};

static void by_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		int master = posix_openpt(O_RDWR | O_NOCTTY), slave, status = -1;
		char seen[256] = "", path[64];
		size_t n = 0;
		pid_t pid;

		assert_int_equal(grantpt(master) | unlockpt(master), 0);
		snprintf(path, sizeof path, "%s", ptsname(master));
		slave = open(path, O_RDWR | O_NOCTTY);
		pid = fork();
		if (pid == 0) {
			close(master);
			_exit(ask_child(slave, asked[i].expected));
		}
		while (!memchr(seen, ':', n)) { /* the question: from here on nothing is shown */
			ssize_t got = read(master, seen + n, sizeof seen - n - 1);

			assert_true(got > 0);
			n += (size_t)got;
		}
		usleep(50000);
		assert_true(write(master, asked[i].typed, strlen(asked[i].typed)) > 0);
		waitpid(pid, &status, 0);
		if (status != 0)
			fail_msg("case %zu: status %d", i, WEXITSTATUS(status));
		fcntl(master, F_SETFL, O_NONBLOCK);
		ssize_t got = read(master, seen, sizeof seen - 1);

		seen[got > 0 ? got : 0] = '\0';
		assert_null(strstr(seen, "canary"));
		close(master);
		close(slave);
	}
}

/* ---- relay_open() ---- */

static const struct open_case {
	const char *url, *helo, *env;
	const char *words; /* NULL: it opens */
	const char *described;
} opens[] = {
	{ "smtp://127.0.0.1:2525?tls=none", NULL, NULL, NULL, "127.0.0.1:2525 (no TLS)" },
	{ "smtp://127.0.0.1", "mail.example.com", NULL, NULL, "127.0.0.1:587 (STARTTLS)" },
	{ "smtps://ann@[::1]?verify=no", "[192.0.2.1]", "TEST_SECRET", NULL,
	  "[::1]:465 (TLS, certificate not verified, user ann)" },
	{ "lmtp:///run/lmtp", "[IPv6:2001:db8::1]", NULL, NULL, "/run/lmtp (LMTP, no TLS)" },
	{ "smtp://127.0.0.1", "a b", NULL, "is no name to greet", NULL },
	{ "smtp://127.0.0.1", "a\r\nMAIL", NULL, "is no name to greet", NULL },
	{ "smtp://127.0.0.1", "", NULL, "is no name to greet", NULL },
	{ "smtp://127.0.0.1", "[]", NULL, "is no name to greet", NULL },
	{ "smtp://ann@127.0.0.1", NULL, NULL, "needs the password of 'ann'", NULL },
	{ "smtp://127.0.0.1", NULL, "TEST_SECRET", "no user", NULL },
	{ "smtp://ann@127.0.0.1", NULL, "TEST_UNSET", "TEST_UNSET", NULL },
	{ "smtp://ann@127.0.0.1?auth=NONSENSE", NULL, "TEST_SECRET", "?auth=NONSENSE", NULL },
	{ "smtp://127.0.0.1?ca=/nonexistent", NULL, NULL, "cannot read the certificate file", NULL },
	{ "smtp://no-such-host.invalid?tls=none", NULL, NULL, "no-such-host.invalid", NULL },
};

static void opening(void **state)
{
	(void)state;
	setenv("TEST_SECRET", "canary", 1);
	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		const struct open_case *c = &opens[i];
		const struct relay_options opt = { .url = c->url, .helo = c->helo, .password_env = c->env };
		struct relay *r = NULL;
		struct err e = { 0 };
		char words[200];
		int rc = relay_open(&r, &opt, &e);

		if (rc != (c->words ? -1 : 0) || (c->words && !strstr(e.text, c->words)))
			fail_msg("%s: %s", c->url, e.text);
		assert_null(strstr(e.text, "canary"));
		if (rc == 0) {
			relay_describe(r, words, sizeof words);
			assert_string_equal(words, c->described);
		}
		relay_free(&r);
		assert_null(r);
	}
}

static void opening_without_memory(void **state)
{
	const struct relay_options opt = { .url = "smtps://ann@127.0.0.1", .password_command = "echo canary" };
	struct relay *r = NULL;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = relay_open(&r, &opt, &e);
		mem_fail_after(-1);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0 && n < 50);
	assert_int_equal(rc, 0);
	assert_string_equal(relay_name(r), "127.0.0.1");
	relay_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitting),   cmocka_unit_test(by_command),  cmocka_unit_test(command_that_hangs),
		cmocka_unit_test(by_file),     cmocka_unit_test(by_variable), cmocka_unit_test(by_terminal),
		cmocka_unit_test(opening),     cmocka_unit_test(opening_without_memory), cmocka_unit_test(signals_of_a_command),
	};

	return cmocka_run_group_tests_name("relay_secret", tests, NULL, NULL);
}
