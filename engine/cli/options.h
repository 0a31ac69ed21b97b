/* options.h - what the user asked for: one table of options, from the command line or a file.
 *
 * A row of the table says which commands take the option, what its value must look like and
 * which member of struct options it sets. A name may be cut as long as only one option of the
 * command begins so. The same table reads settings files (settings.h): there every long option is
 * `name = value`, and the command line wins. Texts live as long as the struct. */
#ifndef ENGINE_CLI_OPTIONS_H
#define ENGINE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/rows/rows.h"

struct err;

enum { FOR_SEND = 1, FOR_PREVIEW = 2, FOR_CHECK = 4, FOR_RENDER = 8, FOR_INIT = 16,
       FOR_DKIM_KEY = 32, FOR_SHOW = 64, FOR_STATUS = 128, FOR_PROBE = 256, FOR_CONTROL = 512, FOR_RESULTS = 1024 };
enum { OPTIONS_OPERANDS_MAX = 3, OPTIONS_TABLE_MAX = 128 };

struct text_list {
	const char **items;
	uint32_t n, capacity;
};

struct relay_section { /* [relay NAME] of a settings file */
	const char *name;
	const char *url, *password_command, *password_file, *password_env, *token_command;
	uint32_t line;
};

enum progress_form { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE };

struct options {
	const char *operands[OPTIONS_OPERANDS_MAX];
	unsigned n_operands;
	bool help, version;

	/* letter and list */
	struct text_list vars; /* NAME=VALUE or NAME=@FILE */
	uint32_t vars_typed;   /* the first ones, from the command line */
	struct rows_ways ways; /* how the list is read */
	const char *rows, *address_column, *envelope_from;
	uint64_t limit;        /* 0: all */
	bool limit_given;
	uint64_t seed;
	bool seed_given;
	int64_t date_ms;       /* -1: now */
	int date_zone_minutes;
	uint64_t threads;
	uint64_t max_nesting, max_steps, max_output; /* of the template language; 0: its defaults */
	uint64_t row;          /* 0: not given */
	struct text_list dkim_keys, dkim_selectors; /* which belong together by their order */
	const char *dkim_domain, *dkim_canon;
	bool bulk;
	const char *charset, *smime_cert, *smime_key;
	int algorithm;         /* index into its words */
	uint64_t bits;

	/* relays */
	struct text_list relays; /* URLs, or names of sections */
	const char *provider, *user; /* in place of them */
	const char *password_command, *password_file, *password_env, *token_command;
	uint64_t connections, messages_per_connection, window;
	const char *helo, *transcript, *stats;
	const char *dsn_notify, *dsn_ret, *source_address, *timeouts;
	struct text_list mail_options, rcpt_options;
	bool requiretls;
	int64_t timeout_ms;
	struct relay_section *sections;
	uint32_t n_sections;

	/* campaign */
	const char *results, *redirect_to, *rate;
	struct text_list domain_rates;
	bool resume, accept_changes, yes, no_preflight;
	int duplicates;
	struct text_list suppress;
	const char *only, *shard, *where, *group_by;
	uint64_t skip, sample, max_message_bytes;
	const char *suppress_add;
	int in_doubt, bad_rows, log_format, progress; /* indexes into their words */
	int64_t sync_ms, retry_for_ms, canary_wait_ms, drain_ms;
	int on_log_error; /* index into its words */
	const char *key, *old_list;
	bool retry_at_end;
	const char *stop_after, *retry_refused;
	uint64_t canary;

	/* probe */
	bool login;
	struct text_list vrfy, commands;
	uint64_t size; /* octets; 0: not given */

	const char *settings, *out, *data, *partials;
	bool html;
	bool json;
	const char *join, *only_status;

	/* the reader's own */
	unsigned char from[OPTIONS_TABLE_MAX]; /* enum option_origin of each row of the table */
	uint32_t set_at_line[OPTIONS_TABLE_MAX];
	struct arena memory;
	int argc;
	char **argv; /* as typed, for commands that the summary proposes */
};

enum option_origin { FROM_NOWHERE, FROM_SETTINGS, FROM_COMMAND_LINE };

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *, not empty */
	OPTION_TEXTS,  /* struct text_list, may come again */
	OPTION_COUNT,  /* uint64_t within min..max */
	OPTION_LIMIT,  /* uint64_t, "all" is 0; sets limit_given */
	OPTION_SEED,   /* uint64_t; sets seed_given */
	OPTION_TIME,   /* int64_t milliseconds: "15min" */
	OPTION_SYNC,   /* int64_t milliseconds, each, off */
	OPTION_DATE,   /* int64_t wall clock; sets date_zone_minutes */
	OPTION_WORD    /* int: which of words */
};

struct option_spec {
	const char *name;  /* without -- */
	const char *value; /* what it wants, for messages; NULL: nothing */
	unsigned commands; /* FOR_... */
	bool rare;         /* a screen has no room for it: only --all names it */
	enum option_kind kind;
	size_t at;         /* offset of its member */
	uint64_t min, max;
	const char *const *words; /* ends with NULL */
	const char *about;        /* a few words for people, default in brackets; at most 74 columns */
};

int options_init(struct options *o);
void options_release(struct options *o);

/* Reads argv[1...] of a command (argv[0] is its name). ERR_INPUT with a hint. --help and --version
 * stop the reading: the rest is not looked at. */
int options_parse(struct options *o, unsigned command, int argc, char **argv, struct err *e);

/* The row of the table with exactly that name, or NULL; index for from[]. */
const struct option_spec *options_find(const char *name, unsigned *index);
/* Name of the option most like it among those of `commands`, or NULL. */
const char *options_nearest(const char *name, unsigned commands);
/* Sets one option. dashes is "--" on a command line, "" in a file. The value is borrowed for the
 * life of o. */
int options_set(struct options *o, const struct option_spec *spec, const char *dashes, const char *value,
		struct err *e);
bool options_from_settings(const struct options *o, const char *name);
bool options_given(const struct options *o, const char *name);

int text_list_add(struct options *o, struct text_list *list, const char *text);

#endif
