/* ask.h - a question to the person at the terminal. */
#ifndef ENGINE_CLI_ASK_H
#define ENGINE_CLI_ASK_H

#include <stdbool.h>

/* "question [y/N] " on standard error; true only for an answer that begins with y or Y. */
bool ask(const char *question);

#endif
