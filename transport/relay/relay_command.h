/* relay_command.h - a command of the user's, without a shell. */
#ifndef TRANSPORT_RELAY_RELAY_COMMAND_H
#define TRANSPORT_RELAY_RELAY_COMMAND_H

struct err;

enum { RELAY_COMMAND_WORDS_MAX = 64 };

/* Splits in place as a shell would ('…', "…", \): words point into text and end with a NULL. what, in
 * sentences: "password". Returns their number, -1 with e (ERR_INPUT). */
int relay_command_split(char *text, char *words[RELAY_COMMAND_WORDS_MAX + 1], const char *what, struct err *e);
/* 0 when that program is there, by its path or in PATH; -1 with e (ERR_INPUT). */
int relay_command_find(const char *program, struct err *e);

#endif
