/* cmd_control.c - pause, continue, rate: a word with a campaign that runs.
 *
 * Held by tests/system/test_control.py. */
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/cli/commands.h"
#include "engine/run/control.h"

static const char pause_help[] =
	"Usage: lettershop pause RESULTS\n"
	"A running campaign begins no further message; what is under way is finished, and\n"
	"the process stays. `lettershop continue RESULTS` goes on.\n"
	"\n"
	"Examples:\n"
	"  lettershop pause results.csv\n"
	"  lettershop status results.csv\n";

static const char continue_help[] =
	"Usage: lettershop continue RESULTS\n"
	"A campaign that was paused goes on.\n"
	"\n"
	"Examples:\n"
	"  lettershop continue results.csv\n";

static const char rate_help[] =
	"Usage: lettershop rate RESULTS LIMITS|off\n"
	"A running campaign keeps to another rate from now on. What was begun under the\n"
	"old one counts for the new one, too.\n"
	"\n"
	"Examples:\n"
	"  lettershop rate results.csv 20/s\n"
	"  lettershop rate results.csv 30/min,2000/day\n"
	"  lettershop rate results.csv off\n";

static int ask(const struct options *o, const char *request)
{
	char reply[CONTROL_LINE_MAX];
	struct err e = { 0 };

	if (control_ask(o->operands[0], request, reply, &e) < 0)
		return command_failed(&e);
	printf("%s\n", reply);
	return EXIT_SENT;
}

static int run_pause(struct options *o)
{
	return ask(o, "pause");
}

static int run_continue(struct options *o)
{
	return ask(o, "continue");
}

static int run_rate(struct options *o)
{
	char request[CONTROL_LINE_MAX];

	snprintf(request, sizeof request, "rate %.400s", o->operands[1]);
	return ask(o, request);
}

const struct command command_pause = {
	.name = "pause",
	.operands = "RESULTS",
	.summary = "holds a running campaign",
	.help = pause_help,
	.bit = FOR_CONTROL,
	.n_operands = 1,
	.run = run_pause,
};

const struct command command_continue = {
	.name = "continue",
	.operands = "RESULTS",
	.summary = "a campaign that was paused goes on",
	.help = continue_help,
	.bit = FOR_CONTROL,
	.n_operands = 1,
	.run = run_continue,
};

const struct command command_rate = {
	.name = "rate",
	.operands = "RESULTS LIMITS",
	.summary = "changes the rate of a running campaign",
	.help = rate_help,
	.bit = FOR_CONTROL,
	.n_operands = 2,
	.run = run_rate,
};
