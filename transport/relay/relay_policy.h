/* relay_policy.h - the room's numbers, each with its reason. Private to the room. */
#ifndef TRANSPORT_RELAY_RELAY_POLICY_H
#define TRANSPORT_RELAY_RELAY_POLICY_H

#include <stdint.h>

struct rng;

enum {
	RELAY_CONNECT_MS = 30 * 1000,     /* an address; RFC 5321 names no limit, Postfix has the same */
	RELAY_LOOKUP_MS = 30 * 1000,      /* a name */
	RELAY_COMMAND_MS = 120 * 1000,    /* a password command: it may wait for a person's PIN */
	RELAY_TOKEN_MS = 100,             /* between two looks whether the command has printed another token */
	RELAY_IDLE_MS = 8 * 1000,         /* some relays hang up after 10 s without a command */
	RELAY_IDLE_LEAST_MS = 2 * 1000,   /* no less, however soon this relay hung up on an idle session */
	RELAY_AHEAD_MS = 2 * 1000,        /* a connection is made so long before the rate has a place: greeting, TLS, login */
	RELAY_PAUSE_MS = 20,              /* between two mails on a session: no need for another one */
	RELAY_IDLE_SEEN_MS = 1000,        /* a loss after that long without a mail is a server's idle close */
	RELAY_BACKOFF_MS = 200,           /* after the first failure, doubling */
	RELAY_BACKOFF_MAX_MS = 30 * 1000,
	RELAY_QUIET_MS = 5 * 1000,        /* the first pause that a relay asked for, doubling: rates count by the second */
	RELAY_QUIET_MAX_MS = 5 * 60 * 1000, /* some rates count by the hour; asking again costs one message */
	RELAY_TROUBLES_MAX = 20,          /* of a relay and run: the twenty-first looks like one of them */
	RELAY_NOT_NOW_MAX = 10,           /* deferrals of all that comes, one after the other: it takes no mail now */
	RELAY_SLOW_MS = 1000,             /* connections are halved no more often */
	RELAY_GROW_AFTER = 50,            /* mails taken for each connection more, after they were made fewer */
	RELAY_GIVE_UP_MS = 10 * 60 * 1000, /* without any success: the relay is down */
	RELAY_TURN_MS = 1000,             /* between two looks whether another thread left a connection to take */
	RELAY_LOGIN_TURN_MS = 10 * 1000,  /* a first login that takes longer holds up no other: one more tries */
	RELAY_QUOTA_MS = 25 * 60 * 60 * 1000 /* a quota of the day has returned by then, or it is none */
};

/* Wait before the next try after that many failures in a row (at least 1): doubles, with a quarter of
 * jitter both ways, so that workers do not come back in step. */
int64_t relay_backoff_ms(unsigned failures, struct rng *rng);
/* The same for the pauses that a relay asked for. */
int64_t relay_quiet_ms(unsigned pauses, struct rng *rng);

#endif
