/* commands.h - what main() can run. */
#ifndef ENGINE_CLI_COMMANDS_H
#define ENGINE_CLI_COMMANDS_H

#include "engine/cli/options.h"

#define LETTERSHOP_VERSION "0.1"

enum exit_status {
	EXIT_SENT = 0,    /* everyone was sent to; for other commands: done */
	EXIT_SOME = 1,    /* finished, some were not sent */
	EXIT_WRONG = 2,   /* usage, letter, list or settings: nothing was sent */
	EXIT_STOPPED = 3  /* before the end; resume is possible */
};

struct command {
	const char *name;
	const char *operands;  /* "LETTER RECIPIENTS" */
	const char *summary;   /* one line of `lettershop --help` */
	const char *help;      /* a screen: at most 24 lines of at most 80 columns */
	unsigned bit;          /* FOR_... */
	unsigned n_operands;
	/* Says itself what is wrong; returns the exit status. */
	int (*run)(struct options *o);
};

extern const struct command command_send, command_preview, command_check, command_render, command_init,
	command_dkim_key, command_show, command_status, command_pause,
	command_continue, command_rate, command_results, command_probe;

struct err;
/* Shows e and returns the exit status that its kind stands for when no message has left. */
int command_failed(const struct err *e);

#endif
