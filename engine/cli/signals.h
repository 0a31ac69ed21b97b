/* signals.h - ^C and SIGTERM end a campaign in order; a second one ends it at once. Before it has
 * begun they end the program, with a sentence.
 *
 * Called by the thread that runs the campaign. */
#ifndef ENGINE_CLI_SIGNALS_H
#define ENGINE_CLI_SIGNALS_H

#include <stdbool.h>

struct campaign;

/* From now on a signal shows the sentence (static text) and ends the program: with that exit status,
 * or, when it is 0, by the signal itself, as a shell expects it. */
void signals_end(const char *sentence, int status);
/* From now on the signals stop c; SIGUSR1 makes it tell how far it is, SIGHUP that somebody sent (no
 * terminal that went away) makes it read suppressions and rate again. */
void signals_stop(struct campaign *c);
/* They have their usual effect again. */
void signals_usual(void);
/* One came since signals_stop(). Any thread. */
bool signals_came(void);

#endif
