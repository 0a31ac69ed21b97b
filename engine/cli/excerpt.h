/* excerpt.h - the line of a file that a finding is about, with a caret below the place. */
#ifndef ENGINE_CLI_EXCERPT_H
#define ENGINE_CLI_EXCERPT_H

#include <stdint.h>
#include <stdio.h>

/* Shows line (from 1) and a caret under column (from 1, in characters). Nothing when the file is no
 * regular one, has no such line, or column is 0. */
void excerpt_show(FILE *to, const char *path, uint64_t line, uint64_t column);

#endif
