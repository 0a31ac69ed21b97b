/* main.c - finds the command, reads its options, runs it.
 *
 * Exit statuses are those of commands.h, for every command. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/commands.h"
#include "engine/cli/options_table.h"
#include "engine/cli/say.h"
#include "engine/cli/settings.h"

static const struct command *const commands[] = { &command_send,  &command_check,  &command_preview,
						  &command_render, &command_init,  &command_dkim_key,
						  &command_show, &command_status, &command_pause, &command_continue, &command_rate, &command_results, &command_probe };
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

/* What takes the place of EXIT_SENT when standard output cannot be written. */
static int status_unheard = EXIT_WRONG;

static const char about[] =
	"Merges a letter with a list of recipients, sends each a message of their own\n"
	"over SMTP, and records what became of every one.\n";

static const char ending[] =
	"COMMAND --help has examples; help COMMAND --all, every option. A first campaign:\n"
	"  lettershop init welcome; cd welcome       writes a letter, a list and settings\n"
	"  lettershop check letter.eml recipients.csv\n"
	"  lettershop send letter.eml recipients.csv --relay smtps://you@smtp.example.com\n"
	"\nExit status: 0 everyone was sent to, 1 some were not, 2 something is wrong and\n"
	"nothing was sent, 3 stopped before the end (--resume goes on).\n";

static int print_all_help(void)
{
	printf("Usage: lettershop COMMAND [options]\n%sCommands:\n", about);
	for (int i = 0; i < N_COMMANDS; i++)
		printf("  %-8s %-18s %s\n", commands[i]->name, commands[i]->operands, commands[i]->summary);
	printf("%s", ending);
	return EXIT_SENT;
}

static int print_version(void)
{
	printf("lettershop " LETTERSHOP_VERSION "\n"
	       "License MIT. There is no warranty, as far as the law permits.\n");
	return EXIT_SENT;
}

static void print_option(const struct option_spec *s)
{
	printf("\n  --%s%s", s->name, s->value ? " " : "");
	for (int i = 0; s->words && s->words[i]; i++)
		printf("%s%s", i == 0 ? "" : "|", s->words[i]);
	printf("%s\n      %s\n", s->words || !s->value ? "" : s->value, s->about);
}

/* `help COMMAND`, with --all: every option in words. */
static int print_help_of(const struct command *c, bool all)
{
	printf("%s", c->help);
	if (all)
		printf("\nEvery option:\n");
	for (const struct option_spec *s = options_table; all && s->name; s++)
		if (s->commands & c->bit)
			print_option(s);
	return EXIT_SENT;
}

static const char *nearest_command(const char *word)
{
	const char *nearest = NULL;
	unsigned best = 3;

	for (int i = 0; i < N_COMMANDS; i++) {
		unsigned d = utf8_distance(span_str(word), span_str(commands[i]->name), best);

		if (d < best) {
			best = d;
			nearest = commands[i]->name;
		}
	}
	return nearest;
}

/* The command that word is or begins. */
static const struct command *find_command(const char *word)
{
	const struct command *found = NULL;
	const char *nearest;
	char hint[64];
	int count = 0;

	for (int i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, word) == 0)
			return commands[i];
		if (word[0] && strncmp(commands[i]->name, word, strlen(word)) == 0) {
			found = commands[i];
			count++;
		}
	}
	if (count == 1)
		return found;
	if (count > 1) {
		say_wrong("lettershop --help lists the commands", "'%s' may mean more than one command", word);
		return NULL;
	}
	nearest = nearest_command(word);
	if (nearest)
		snprintf(hint, sizeof hint, "did you mean %s?", nearest);
	else
		snprintf(hint, sizeof hint, "lettershop --help lists the commands");
	say_wrong(hint, "there is no command '%s'", word);
	return NULL;
}

int command_failed(const struct err *e)
{
	say_err(e);
	switch (e->kind) {
	case ERR_NET:
	case ERR_TLS:
	case ERR_AUTH:
	case ERR_PROTO:
		return EXIT_STOPPED;
	default:
		return EXIT_WRONG;
	}
}

static int wrong_operands(const struct command *c, const struct options *o)
{
	char hint[96];

	snprintf(hint, sizeof hint, "lettershop %s --help shows examples", c->name);
	if (o->n_operands > c->n_operands)
		say_wrong(hint, "%s takes %s and no more: '%s'", c->name, c->operands, o->operands[c->n_operands]);
	else
		say_wrong(hint, "%s wants %s", c->name, c->operands);
	return EXIT_WRONG;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int status;

	options_init(&o);
	o.argc = argc;
	o.argv = argv;
	if (options_parse(&o, c->bit, argc - 1, argv + 1, &e) < 0)
		status = command_failed(&e);
	else if (o.version)
		status = print_version();
	else if (o.help)
		status = print_help_of(c, false);
	else if (o.n_operands != c->n_operands)
		status = wrong_operands(c, &o);
	else if (o.settings && settings_read(&o, c->bit, o.settings, &e) < 0)
		status = command_failed(&e);
	else {
		/* What was sent stays sent, whoever could not read about it. */
		if (c->bit == FOR_SEND)
			status_unheard = EXIT_SENT;
		status = c->run(&o);
	}
	options_release(&o);
	return status;
}

/* Standard input, output and error are open, so that no file of ours gets their numbers. */
static int open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	return 0;
}

static int run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		say_wrong("lettershop --help lists the commands", "what should be done?");
		return EXIT_WRONG;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2))
		return print_all_help();
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return print_version();
	if (strcmp(argv[1], "help") == 0) {
		c = find_command(argv[2]);
		return c ? print_help_of(c, argc > 3 && strcmp(argv[3], "--all") == 0) : EXIT_WRONG;
	}
	if (argv[1][0] == '-') {
		say_wrong("the command comes first: lettershop send LETTER RECIPIENTS --relay URL",
			  "an option stands where a command should");
		return EXIT_WRONG;
	}
	c = find_command(argv[1]);
	return c ? run_command(c, argc, argv) : EXIT_WRONG;
}

int main(int argc, char **argv)
{
	int status;

	if (open_standard() < 0)
		return EXIT_WRONG;
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an answer, not the end */
	signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow: EFBIG */
	status = run(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		say_wrong(NULL, "cannot write to standard output");
		status = status == EXIT_SENT ? status_unheard : status;
	}
	return status;
}
