/* signals.c - a handler calls campaign_stop(), which is made for it, or write(2) and the end of the
 * program, and nothing else. What is happening while a campaign runs is told by the progress
 * (progress.c), outside the handler.
 *
 * Held by tests/system/test_cli_send.py and test_cli_check.py. */
#include "engine/cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/campaign.h"

static _Atomic(struct campaign *) running;
static atomic_bool came;
static _Atomic(const char *) last_words; /* static text, ends with a line break */
static atomic_int last_status;

static void stop(int signal_number)
{
	struct campaign *c = atomic_load(&running);

	(void)signal_number;
	atomic_store(&came, true);
	if (c)
		campaign_stop(c);
}

/* A terminal that is gone stops the run in order; who sends the signal on purpose wants things read
 * again. */
static void hang_up(int signal_number, siginfo_t *info, void *context)
{
	struct campaign *c = atomic_load(&running);

	(void)context;
	if (info->si_code == SI_KERNEL)
		stop(signal_number);
	else if (c)
		campaign_reload(c);
}

static void tell(int signal_number)
{
	struct campaign *c = atomic_load(&running);

	(void)signal_number;
	if (c)
		campaign_tell(c);
}

static void end(int signal_number)
{
	const char *words = atomic_load(&last_words);
	int status = atomic_load(&last_status);

	/* The terminal shows ^C where the cursor stood: the sentence has a line of its own. */
	if (isatty(STDERR_FILENO) && write(STDERR_FILENO, "\n", 1) < 0)
		_exit(status ? status : 128 + signal_number);
	if (write(STDERR_FILENO, words, strlen(words)) < 0 || status)
		_exit(status ? status : 128 + signal_number);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void set_all(void (*handler)(int))
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART }, now;

	sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		/* A parent that ignores a signal (nohup) has its reasons. */
		if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(numbers[i], &a, NULL);
	}
}

void signals_end(const char *sentence, int status)
{
	atomic_store(&last_words, sentence);
	atomic_store(&last_status, status);
	signal(SIGUSR1, SIG_IGN); /* nothing to tell so far */
	set_all(end);
}

void signals_stop(struct campaign *c)
{
	struct sigaction a = { .sa_sigaction = hang_up, .sa_flags = SA_RESTART | SA_SIGINFO }, now;

	atomic_store(&came, false);
	atomic_store(&running, c);
	set_all(stop);
	sigemptyset(&a.sa_mask);
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &a, NULL);
	a = (struct sigaction){ .sa_handler = tell, .sa_flags = SA_RESTART };
	sigemptyset(&a.sa_mask);
	sigaction(SIGUSR1, &a, NULL);
}

bool signals_came(void)
{
	return atomic_load(&came);
}

void signals_usual(void)
{
	set_all(SIG_DFL);
	signal(SIGUSR1, SIG_IGN); /* one that comes late ends nothing */
	atomic_store(&running, NULL);
}
