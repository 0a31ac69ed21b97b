/* signals.c - the handler calls campaign_stop(), which is made for it, and nothing else. What is
 * happening is told by the progress (progress.c), outside the handler. */
#include "engine/cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "engine/run/campaign.h"

static _Atomic(struct campaign *) running;
static atomic_bool came;

static void stop(int signal_number)
{
	struct campaign *c = atomic_load(&running);

	(void)signal_number;
	atomic_store(&came, true);
	if (c)
		campaign_stop(c);
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

void signals_stop(struct campaign *c)
{
	atomic_store(&came, false);
	atomic_store(&running, c);
	set_all(stop);
}

bool signals_came(void)
{
	return atomic_load(&came);
}

void signals_usual(void)
{
	set_all(SIG_DFL);
	atomic_store(&running, NULL);
}
