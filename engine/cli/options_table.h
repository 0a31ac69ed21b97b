/* options_table.h - every option of every command, one row each; ends with a name of NULL. */
#ifndef ENGINE_CLI_OPTIONS_TABLE_H
#define ENGINE_CLI_OPTIONS_TABLE_H

#include "engine/cli/options.h"

extern const struct option_spec options_table[];

#endif
