/* domain_rate.h - how many messages a time the recipients' domains get: exact windows, each domain its own.
 *
 *     gmail.com=20/s     this domain
 *     *=5/s              each of the others, by itself
 *
 * Who sends asks domain_rates_take() just before MAIL, which keeps the windows. Who reads the list asks
 * domain_rates_queue() first, and lets rows wait as places in the file, so that a domain that waits holds
 * up nobody else and a row is rendered about when it can go. Safe in any thread: one lock guards all. */
#ifndef ENGINE_RUN_DOMAIN_RATE_H
#define ENGINE_RUN_DOMAIN_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

struct err;
struct domain_rates;

enum { DOMAIN_RULES_MAX = 1000, DOMAIN_SIZE = 256 };

/* rules: as above. ERR_INPUT with a hint, ERR_NOMEM. */
int domain_rates_new(struct domain_rates **out, const char *const *rules, uint32_t n, struct err *e);
void domain_rates_free(struct domain_rates **d);

/* A place for a message to these paths (local@domain), one in each of their domains: 0 taken, else nothing
 * was taken and it is worth asking again after so many nanoseconds. -1: no memory. */
int64_t domain_rates_take(struct domain_rates *d, const struct span *paths, uint32_t n, int64_t now_ns);
/* The place that such a message took at taken_ns was used just now: its windows run from here. */
void domain_rates_used(struct domain_rates *d, const struct span *paths, uint32_t n, int64_t taken_ns, int64_t now_ns);
/* Lines up behind those who wait for the address's domain: nanoseconds until it is its turn, about; 0 now.
 * address: as in a list, "Ann <ann@Example.COM>" too. */
int64_t domain_rates_queue(struct domain_rates *d, struct span address, int64_t now_ns);
/* A message to that path left before this run began. */
void domain_rates_remember(struct domain_rates *d, struct span path, int64_t age_ms, int64_t now_ns);
/* The longest window, in ms: what a resume must know. */
int64_t domain_rates_window_ms(const struct domain_rates *d);
/* What stands behind the last @, in lower case and A-labels, without what a display form has behind it; false: nothing. */
bool domain_of_address(struct span address, char out[DOMAIN_SIZE]);

#endif
