/* settings.h - a settings file: any long option as `name = value`, sections name relays.
 *
 *     # the text after a # is a comment, at the start of a line or after a space
 *     rate = 100/s
 *     [relay main]
 *     url = smtps://ann@smtp.example.com
 *     password_command = pass show mail/ann
 *
 * '_' and '-' are alike in names. A flag is yes or no. Options that may come again (var, relay)
 * may stand on several lines; all others on one. A value as a whole may stand in double quotes,
 * with \" and \\ inside; within quotes # begins no comment. The command line wins. */
#ifndef ENGINE_CLI_SETTINGS_H
#define ENGINE_CLI_SETTINGS_H

#include "engine/cli/options.h"

enum { SETTINGS_MAX_BYTES = 1 << 20, SETTINGS_RELAYS_MAX = 64 };

/* Adds what the file says to what the command line left open. Options of other commands are
 * known and passed over. ERR_INPUT with file, line and column; ERR_SYS. */
int settings_read(struct options *o, unsigned command, const char *path, struct err *e);

#endif
