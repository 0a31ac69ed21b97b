/* relay_rig.h - drives a relay's sessions as a worker does, against servers in this program. */
#ifndef TESTS_UNIT_RELAY_RIG_H
#define TESTS_UNIT_RELAY_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"
#include "mini_smtpd.h"
#include "transport/relay/relay_parts.h"

enum { RIG_RELAYS_MAX = 3, RIG_TICKETS_MAX = 1000, RIG_WINDOW = 4 };

struct rig {
	struct mini_smtpd *s, *t; /* its servers; NULL once stopped */
	struct relay *relays[RIG_RELAYS_MAX];
	unsigned n_relays;
	struct relay_pool *pool;
	unsigned n_mails, next, n_free, done, sent, in_doubt, refused;
	unsigned deferred; /* verdicts; such mails are offered again */
	unsigned pauses, downs, all_downs;
	unsigned again[MINI_MAILS_MAX], n_again;
	unsigned free_tickets[RIG_TICKETS_MAX], of_ticket[RIG_TICKETS_MAX], verdicts[RIG_TICKETS_MAX];
	enum verdict_kind kind[RIG_TICKETS_MAX];
	struct mail mails[RIG_TICKETS_MAX];
	struct span to[RIG_TICKETS_MAX];
	char to_text[RIG_TICKETS_MAX][32];
	unsigned granted[RIG_TICKETS_MAX], n_granted;
	struct err why; /* of the last PAUSE or DOWN */
	struct verdict last;
	bool hold; /* offer nothing now */
	bool paced;
};

/* A server at `s` that does as `o` says, and its relay with a window of RIG_WINDOW. rig_free() frees all. */
struct rig *rig_new(const struct mini_options *o);
/* The same with one mail in flight a connection. */
struct rig *rig_one_in_flight(const struct mini_options *o);
/* The server without a relay. */
struct rig *rig_bare(const struct mini_options *o);
/* A second server at `t`, and its relay. */
void rig_serve_too(struct rig *r, const struct mini_options *o);
/* A relay at that server. A user ("" none) has a password; url_end follows `?tls=none`. */
void rig_add(struct rig *r, struct mini_smtpd *s, const char *user, const char *url_end, unsigned window);
/* Frees pool and relays, stops the servers, sets the clock right. */
void rig_free(struct rig *r);
void rig_stop_server(struct mini_smtpd **s);

/* The sessions, for so many mails. */
void rig_begin(struct rig *r, unsigned connections, unsigned mails);
/* One turn of a worker's loop: waits at most so long, offers what may be offered, reads the events. */
void rig_turn(struct rig *r, int64_t max_ms);
/* So many turns of 10 ms. */
void rig_turns(struct rig *r, unsigned n);
/* Until all mails are done or all relays down. */
void rig_run(struct rig *r);
/* Until so many pauses have been heard of. */
void rig_until_paused(struct rig *r, unsigned times);
/* Until there is no connection, and the server at `s` has heard all that was said. */
void rig_until_closed(struct rig *r);
/* Ends in order. */
void rig_quit(struct rig *r);
void rig_take_events(struct rig *r);

#endif
