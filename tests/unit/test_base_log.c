/* The log, seen through a pipe and through a pseudo terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/log.h"

static int kept_stderr;
static char seen[16384];

/* Standard error goes to fd until restore() */
static void redirect(int fd)
{
	kept_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
}

static void restore(void)
{
	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
}

/* Until nothing has come for a while: a terminal hands on what it got in pieces. */
static const char *read_all(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < sizeof seen - 1 && poll(&p, 1, 300) == 1) {
		ssize_t got = read(fd, seen + n, sizeof seen - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	seen[n] = '\0';
	return seen;
}

static void lines_in_a_pipe(void **state)
{
	int ends[2];
	char longest[5000];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	redirect(ends[1]);
	log_line(LOG_ERROR, "file '%s'", "x");
	log_line(LOG_WARNING, "w");
	log_line(LOG_NOTE, "n");
	log_line(LOG_DEBUG, "hidden");
	log_show(LOG_DEBUG);
	log_line(LOG_DEBUG, "d");
	log_show(LOG_ERROR);
	log_line(LOG_WARNING, "hidden");
	log_show(LOG_NOTE);
	log_status("not on a pipe");
	log_line(LOG_NOTE, "%s", "a\x1b[2J\rb\nc\n  hint\n");
	restore();
	assert_string_equal(read_all(ends[0]),
			    "error: file 'x'\nwarning: w\nn\ndebug: d\na?[2J?b?c\n  hint?\n");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	redirect(ends[1]);
	log_line(LOG_NOTE, "%s", longest);
	restore();
	read_all(ends[0]);
	assert_in_range(strlen(seen), 1000, 2100);
	assert_int_equal(seen[strlen(seen) - 1], '\n');
	close(ends[0]);
	close(ends[1]);
}

static int open_terminal(int *inner)
{
	struct winsize size = { .ws_row = 24, .ws_col = 20 };
	struct termios raw;
	int outer = posix_openpt(O_RDWR | O_NOCTTY);

	if (outer < 0 || grantpt(outer) < 0 || unlockpt(outer) < 0)
		return -1;
	*inner = open(ptsname(outer), O_RDWR | O_NOCTTY);
	if (*inner < 0)
		return -1;
	tcgetattr(*inner, &raw);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(*inner, TCSANOW, &raw);
	ioctl(*inner, TIOCSWINSZ, &size);
	return outer;
}

static void status_stands_below_the_lines(void **state)
{
	int inner = -1, outer = open_terminal(&inner);

	(void)state;
	if (outer < 0)
		skip();
	unsetenv("NO_COLOR");
	redirect(inner);
	log_line(LOG_ERROR, "first");
	log_status("50 of 100");
	log_line(LOG_NOTE, "second");
	log_status("wider than the twenty columns");
	log_status(NULL);
	setenv("NO_COLOR", "1", 1);
	log_line(LOG_ERROR, "plain");
	log_status(NULL); /* nothing to remove */
	restore();
	assert_string_equal(read_all(outer),
			    "\033[1;31merror:\033[0m first\n"
			    "\r\033[K50 of 100"
			    "\r\033[Ksecond\n50 of 100"
			    "\r\033[Kwider than the twen"
			    "\r\033[K"
			    "error: plain\n");
	close(inner);
	close(outer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_in_a_pipe),
		cmocka_unit_test(status_stands_below_the_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
