/* vars.h - --var NAME=VALUE and --var NAME=@FILE become values for the letter. */
#ifndef ENGINE_CLI_VARS_H
#define ENGINE_CLI_VARS_H

#include "engine/cli/options.h"
#include "engine/model/value.h"

enum { VAR_FILE_MAX_BYTES = 1 << 20 };

/* Untyped, as cells are: --var age=34 can be compared with a number. Members live in o's memory. A name given twice: the command line's wins over the file's, two of
 * the command line are ERR_INPUT. One line break at the end of a FILE is dropped. "@@text" is the
 * value "@text". */
int vars_read(struct options *o, const struct member **out, uint32_t *n, struct err *e);
/* The file that this --var names, or NULL. */
const char *var_file(const char *var);

#endif
