/* signals.h - ^C and SIGTERM end a campaign in order; a second one ends it at once.
 *
 * Called by the thread that runs the campaign. */
#ifndef ENGINE_CLI_SIGNALS_H
#define ENGINE_CLI_SIGNALS_H

#include <stdbool.h>

struct campaign;

/* From now on the signals stop c. Before and after, they have their usual effect. */
void signals_stop(struct campaign *c);
void signals_usual(void);
/* One came since signals_stop(). Any thread. */
bool signals_came(void);

#endif
