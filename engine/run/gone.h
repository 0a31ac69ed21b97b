/* gone.h - addresses that a relay says do not exist become entries of a suppression list. */
#ifndef ENGINE_RUN_GONE_H
#define ENGINE_RUN_GONE_H

#include <stdint.h>

struct err;
struct ledger;

/* Appends to path (made when it is not there: a table email,reason,time) everybody who was refused for
 * good because there is no such mailbox or domain, and is not in it yet. *added: how many. */
int gone_append(const char *path, struct ledger *ledger, uint64_t *added, struct err *e);

#endif
