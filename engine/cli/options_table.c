/* options_table.c - to add an option: a member in struct options, a row here, its name in the
 * help text of each command that takes it (tests/system/test_cli_help.py compares). */
#include "engine/cli/options_table.h"

#define MEMBER(name) offsetof(struct options, name)

enum { MAILS = FOR_SEND | FOR_PREVIEW | FOR_CHECK };

/* In the order of the enums they stand for. */
static const char *const in_doubt_words[] = { "hold", "resend", NULL };
static const char *const bad_rows_words[] = { "stop", "skip", NULL };
static const char *const log_format_words[] = { "csv", "jsonl", NULL };
static const char *const algorithm_words[] = { "rsa", "ed25519", NULL };
static const char *const progress_words[] = { "auto", "bar", "plain", "none", NULL };

const struct option_spec options_table[] = {
	{ .name = "help", .commands = ~0u, .kind = OPTION_FLAG, .at = MEMBER(help) },
	{ .name = "version", .commands = ~0u, .kind = OPTION_FLAG, .at = MEMBER(version) },
	{ .name = "settings", .value = "FILE", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT, .at = MEMBER(settings) },

	{ .name = "var", .value = "NAME=VALUE", .commands = MAILS | FOR_RENDER | FOR_SHOW, .kind = OPTION_TEXTS,
	  .at = MEMBER(vars) },
	{ .name = "rows", .value = "RANGES", .commands = MAILS, .kind = OPTION_TEXT, .at = MEMBER(rows) },
	{ .name = "limit", .value = "N", .commands = MAILS, .kind = OPTION_LIMIT, .at = MEMBER(limit) },
	{ .name = "address-column", .value = "NAME", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT,
	  .at = MEMBER(address_column) },
	{ .name = "envelope-from", .value = "ADDRESS", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT,
	  .at = MEMBER(envelope_from) },
	{ .name = "seed", .value = "N", .commands = MAILS, .kind = OPTION_SEED, .at = MEMBER(seed) },
	{ .name = "date", .value = "TIME", .commands = MAILS | FOR_RENDER, .kind = OPTION_DATE,
	  .at = MEMBER(date_ms) },
	{ .name = "threads", .value = "N", .commands = FOR_SEND | FOR_CHECK, .kind = OPTION_COUNT,
	  .at = MEMBER(threads), .min = 1, .max = 256 },

	{ .name = "max-nesting", .value = "N", .commands = FOR_RENDER, .kind = OPTION_COUNT, .at = MEMBER(max_nesting),
	  .min = 1, .max = 1000 },
	{ .name = "max-steps", .value = "N", .commands = FOR_RENDER, .kind = OPTION_COUNT, .at = MEMBER(max_steps),
	  .min = 1, .max = 1000000000000 },
	{ .name = "max-output", .value = "BYTES", .commands = FOR_RENDER, .kind = OPTION_COUNT, .at = MEMBER(max_output),
	  .min = 1, .max = 4000000000 },

	{ .name = "dkim-key", .value = "FILE", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXTS, .at = MEMBER(dkim_keys) },
	{ .name = "dkim-selector", .value = "NAME", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXTS,
	  .at = MEMBER(dkim_selectors) },
	{ .name = "dkim-domain", .value = "DOMAIN", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT,
	  .at = MEMBER(dkim_domain) },
	{ .name = "dkim-canon", .value = "FORMS", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT,
	  .at = MEMBER(dkim_canon) },
	{ .name = "smime-cert", .value = "FILE", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT, .at = MEMBER(smime_cert) },
	{ .name = "smime-key", .value = "FILE", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT, .at = MEMBER(smime_key) },
	{ .name = "charset", .value = "NAME", .commands = MAILS | FOR_SHOW, .kind = OPTION_TEXT, .at = MEMBER(charset) },
	{ .name = "bulk", .commands = MAILS | FOR_SHOW, .kind = OPTION_FLAG, .at = MEMBER(bulk) },

	{ .name = "relay", .value = "URL", .commands = FOR_SEND, .kind = OPTION_TEXTS, .at = MEMBER(relays) },
	{ .name = "password-command", .value = "COMMAND", .commands = FOR_SEND, .kind = OPTION_TEXT,
	  .at = MEMBER(password_command) },
	{ .name = "password-file", .value = "FILE", .commands = FOR_SEND, .kind = OPTION_TEXT,
	  .at = MEMBER(password_file) },
	{ .name = "password-env", .value = "NAME", .commands = FOR_SEND, .kind = OPTION_TEXT,
	  .at = MEMBER(password_env) },
	{ .name = "connections", .value = "N", .commands = FOR_SEND, .kind = OPTION_COUNT,
	  .at = MEMBER(connections), .min = 1, .max = 1024 },
	{ .name = "messages-per-connection", .value = "N", .commands = FOR_SEND, .kind = OPTION_COUNT,
	  .at = MEMBER(messages_per_connection), .min = 1, .max = 1000000000 },
	{ .name = "helo", .value = "NAME", .commands = FOR_SEND, .kind = OPTION_TEXT, .at = MEMBER(helo) },
	{ .name = "timeout", .value = "TIME", .commands = FOR_SEND, .kind = OPTION_TIME,
	  .at = MEMBER(timeout_ms), .min = 1 },
	{ .name = "transcript", .value = "FILE", .commands = FOR_SEND, .kind = OPTION_TEXT,
	  .at = MEMBER(transcript) },
	{ .name = "stats", .value = "FILE", .commands = FOR_SEND, .kind = OPTION_TEXT, .at = MEMBER(stats) },

	{ .name = "results", .value = "FILE", .commands = FOR_SEND, .kind = OPTION_TEXT, .at = MEMBER(results) },
	{ .name = "resume", .commands = FOR_SEND, .kind = OPTION_FLAG, .at = MEMBER(resume) },
	{ .name = "redirect-to", .value = "ADDRESS", .commands = FOR_SEND, .kind = OPTION_TEXT,
	  .at = MEMBER(redirect_to) },
	{ .name = "rate", .value = "RATE", .commands = FOR_SEND, .kind = OPTION_TEXT, .at = MEMBER(rate) },
	{ .name = "yes", .commands = FOR_SEND, .kind = OPTION_FLAG, .at = MEMBER(yes) },
	{ .name = "no-preflight", .commands = FOR_SEND, .kind = OPTION_FLAG, .at = MEMBER(no_preflight) },
	{ .name = "in-doubt", .value = "WORD", .commands = FOR_SEND, .kind = OPTION_WORD,
	  .at = MEMBER(in_doubt), .words = in_doubt_words },
	{ .name = "bad-rows", .value = "WORD", .commands = FOR_SEND, .kind = OPTION_WORD,
	  .at = MEMBER(bad_rows), .words = bad_rows_words },
	{ .name = "log-format", .value = "WORD", .commands = FOR_SEND, .kind = OPTION_WORD,
	  .at = MEMBER(log_format), .words = log_format_words },
	{ .name = "progress", .value = "WORD", .commands = FOR_SEND, .kind = OPTION_WORD,
	  .at = MEMBER(progress), .words = progress_words },
	{ .name = "sync", .value = "TIME", .commands = FOR_SEND, .kind = OPTION_SYNC, .at = MEMBER(sync_ms) },
	{ .name = "retry-for", .value = "TIME", .commands = FOR_SEND, .kind = OPTION_TIME,
	  .at = MEMBER(retry_for_ms) },

	{ .name = "algorithm", .value = "WORD", .commands = FOR_DKIM_KEY, .kind = OPTION_WORD,
	  .at = MEMBER(algorithm), .words = algorithm_words },
	{ .name = "bits", .value = "N", .commands = FOR_DKIM_KEY, .kind = OPTION_COUNT, .at = MEMBER(bits),
	  .min = 1024, .max = 8192 },
	{ .name = "row", .value = "N", .commands = FOR_SHOW, .kind = OPTION_COUNT, .at = MEMBER(row), .min = 1,
	  .max = UINT64_MAX },
	{ .name = "out", .value = "PATH", .commands = FOR_PREVIEW | FOR_DKIM_KEY, .kind = OPTION_TEXT, .at = MEMBER(out) },
	{ .name = "data", .value = "FILE", .commands = FOR_RENDER, .kind = OPTION_TEXT, .at = MEMBER(data) },
	{ .name = "partials", .value = "FOLDER", .commands = FOR_RENDER, .kind = OPTION_TEXT,
	  .at = MEMBER(partials) },
	{ .name = "html", .commands = FOR_RENDER, .kind = OPTION_FLAG, .at = MEMBER(html) },
	{ .name = NULL }
};

_Static_assert(sizeof options_table / sizeof *options_table <= OPTIONS_TABLE_MAX, "from[] has a place for each");
