/* sasl.h - one login, whatever the protocol around it (front door of the room; RFC 4422).
 *
 * The caller moves base64 text, this room knows mechanisms. Most come from GNU SASL, whose header
 * is included nowhere else. One struct sasl is one exchange of one thread; several threads may
 * each have theirs. Secrets are wiped when the exchange is freed. */
#ifndef TRANSPORT_SASL_SASL_H
#define TRANSPORT_SASL_SASL_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/span.h"

enum {
	SASL_LINE_MAX = 12288,        /* octets of base64 in a line of the exchange, RFC 4954 4 */
	SASL_ITERATIONS_MIN = 4096,   /* SCRAM, RFC 5802 5.1: with fewer our proof would soon tell the password */
	SASL_ITERATIONS_MAX = 1000000 /* SCRAM: a server could ask for hours of our processor */
};

/* Who logs in. Borrowed for as long as a session or exchange uses it; const, so that any number
 * of sessions may share one. Its owner wipes the password. */
struct sasl_keys;

struct sasl_login {
	struct span user;     /* UTF-8, no NUL */
	struct span password; /* UTF-8, no NUL */
	struct span authzid;  /* act as this user; empty: as user itself */
	struct span token;    /* OAuth 2 bearer token, in place of a password; empty: none */
	struct span host;     /* as the user configured it: OAUTHBEARER names it; empty: not named */
	unsigned port;
	struct span binding;  /* the link's tls-exporter, RFC 9266, raw: -PLUS mechanisms want it; empty: none */
	struct sasl_keys *keys; /* of this password: SCRAM's work is done there, and once; NULL: within the step */
	const char *mechanism; /* "CRAM-MD5", in any case; NULL: the strongest that is offered */
};

/* A store for one password. It is freed after the last exchange that uses it, and before the password; that
 * may wait for the work under way. */
int sasl_keys_new(struct sasl_keys **out, struct err *e);
void sasl_keys_free(struct sasl_keys **k);
unsigned sasl_keys_made(struct sasl_keys *k); /* how often a password was worked on */

struct sasl;

/* The mechanism to use out of those offered ("PLAIN LOGIN SCRAM-SHA-256"), as static text in upper
 * case. NULL with e (ERR_AUTH) when there is none that is offered and known, or not the one that
 * was asked for. Whether the link is secret enough for a login at all is the caller's question. */
const char *sasl_choose(const struct sasl_login *login, struct span offered, struct err *e);
/* True for the name of a mechanism this room has. */
bool sasl_knows(struct span mechanism);

/* mechanism: as sasl_choose() gave it. 0; -1 with e (ERR_AUTH, ERR_INPUT, ERR_NOMEM). */
int sasl_new(struct sasl **out, const struct sasl_login *login, const char *mechanism, struct err *e);
void sasl_free(struct sasl **x);

/* True when the client speaks first: sasl_step() with an empty challenge gives the initial
 * response. Otherwise the first step answers the server's first challenge. */
bool sasl_speaks_first(const struct sasl *x);
/* challenge: base64 as it came, may be empty. *response: base64 to send, may be empty; borrowed
 * until the next call with x. 0; -1 with e (ERR_AUTH): cancel the exchange, x is only to be
 * freed. 1: the password is being worked on elsewhere; sasl_again() has the response later. */
int sasl_step(struct sasl *x, struct span challenge, struct span *response, struct err *e);
/* After a 1: as sasl_step(), for the same challenge. */
int sasl_again(struct sasl *x, struct span *response, struct err *e);
/* Puts stars over what a server's words repeat of the password, the token or the newest response, in any case: some
 * quote the line that they did not understand. A whole secret, or its first 8 octets and more. */
void sasl_hide(const struct sasl *x, char *text, size_t n);
/* True when nothing is missing: a "logged in" of the server may be believed. A SCRAM server that
 * has not proved that it knows the password is not. */
bool sasl_complete(const struct sasl *x);

#endif
