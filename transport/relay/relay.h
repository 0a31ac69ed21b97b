/* relay.h - relays and a worker's sessions at them (front door of the room).
 *
 * A struct relay is what is known of one relay before anything is sent: URL, password, addresses,
 * TLS. It is made once and shared by all threads. A struct relay_pool is one worker's share of
 * the connections, to one relay or to several, with its own poll loop; one thread owns it.
 *
 * Connections are made when there are mails for them: the first at once, then as many more as keep
 * all sessions busy, up to the pool's number. Idle ones are closed politely before the server
 * does it, and opened again for the next mail. */
#ifndef TRANSPORT_RELAY_RELAY_H
#define TRANSPORT_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"

struct relay;
struct relay_pool;

struct relay_options { /* strings are borrowed for the call */
	const char *name; /* NULL: the URL's host, or the socket's path */
	const char *url;  /* relay_url.h says what is understood */
	const char *password_command;
	const char *password_file;
	const char *password_env;
	const char *token_command; /* prints an OAuth 2 bearer token; run again when that is refused */
	bool ask_password; /* hidden prompt on the terminal is allowed */
	bool no_login;     /* the URL's user does not log in: no password is wanted */
	const char *source_address; /* of this machine, in numbers; NULL: the system's choice */
	const char *helo;  /* NULL: the machine's name when it has a dot, else the link's own address */
	unsigned messages_per_connection; /* 0: as many as the relay takes */
	unsigned window;                  /* transactions in flight with CHUNKING; 0: 1 */
	bool lockstep;
	int64_t timeout_ms; /* 0: RFC 5321; else no wait is longer */
	/* Single waits, which go before timeout_ms: "connect=5s,greeting=1min"; also command, data, block,
	 * end-of-data, quit (smtp_session.h: struct smtp_timeouts); NULL: none. */
	const char *timeouts;
	/* What MAIL and RCPT say beyond what a mail needs (smtp_session.h: struct smtp_wishes); NULL: nothing. */
	const char *dsn_notify, *dsn_ret;
	const char *mail_options, *rcpt_options; /* "A=1 B" */
	bool requiretls;
};

/* True when url has a scheme of this room: smtp, smtps, lmtp. */
bool relay_url_is_ours(const char *url);

/* Reads the URL, gets the password, loads the CA file, resolves the name (blocks). 0; -1 with e:
 * ERR_INPUT with a hint, ERR_NET when the name is not found, ERR_NOMEM, ERR_SYS. */
int relay_open(struct relay **out, const struct relay_options *opt, struct err *e);
void relay_free(struct relay **r); /* wipes the password */
/* How many connections it bears, as its URL says; 0: it does not say. */
unsigned relay_connections_max(const struct relay *r);
const char *relay_name(const struct relay *r); /* valid as long as r */
/* "smtp.example.com:587 (STARTTLS, user ann)" */
void relay_describe(const struct relay *r, char *out, size_t out_size);
/* Connects, TLS, EHLO, login, QUIT; blocks up to the time limits. 0, or -1 with e: the sentence that
 * a run would give. */
int relay_probe(const struct relay *r, struct err *e);

struct relay_pool_options {
	const struct relay *const *relays; /* borrowed for the pool's life */
	unsigned n_relays;                 /* at least 1 */
	unsigned connections;              /* of this pool; at least 1 */
	unsigned first;                    /* index of the relay that gets the first connection */
	int wake_fd;                       /* polled for reading beside the sockets; -1: none */
	int trace_fd;                      /* transcript; -1: none */
	const char *trouble_path;          /* file that gets the last lines of a session in which something happened
	                                    * that nobody expected; NULL: none. Borrowed for the pool's life */
	bool paced;                        /* no mail is taken that has to wait for a connection */
};

int relay_pool_new(struct relay_pool **out, const struct relay_pool_options *opt, struct err *e);
/* Drops what is open at once; mails in hand get no further event. */
void relay_pool_free(struct relay_pool **p);

/* How many mails may be offered now. Unless paced, one mail is taken while no session is open: it
 * waits for the connection that it causes. */
unsigned relay_pool_wants(const struct relay_pool *p);
/* There are mails: makes a connection where none is open or being opened and no relay has to wait. */
void relay_pool_wake(struct relay_pool *p);
/* Tickets are 0 .. this - 1. */
unsigned relay_pool_tickets(const struct relay_pool *p);
/* 1 taken, borrowed until its RELAY_DONE; 0 no room now. */
int relay_pool_offer(struct relay_pool *p, const struct mail *m);
void relay_pool_grant(struct relay_pool *p, uint32_t ticket);
/* Writes what may be written; content leaves nowhere else. */
void relay_pool_push(struct relay_pool *p);
/* Waits at most max_ms (-1: for ever), reads. 1 when wake_fd is readable, 0, or -1 with e. Does not
 * wait while events are to be taken or bytes to be pushed. */
int relay_pool_wait(struct relay_pool *p, int64_t max_ms, struct err *e);

enum relay_event_kind {
	RELAY_INTENT,  /* content of ticket is next: record it, then relay_pool_grant() */
	RELAY_VERDICT, /* for one recipient of ticket */
	RELAY_DONE,    /* the mail is given back */
	RELAY_PAUSE,   /* no session at this relay now, error says why; tried again by itself */
	RELAY_DOWN,    /* broken for good; error says why */
	RELAY_ALL_DOWN /* it was the last one */
};

struct relay_event {
	enum relay_event_kind kind;
	uint32_t ticket;
	const char *relay;
	const struct verdict *verdict; /* RELAY_VERDICT; borrowed until the next call with the pool */
	const struct err *error;       /* PAUSE, DOWN, ALL_DOWN; the same */
	int64_t pause_ms;              /* PAUSE: as long as the relay asked for; 0: it was not reached */
};
/* 1 got one, 0 none. */
int relay_pool_event(struct relay_pool *p, struct relay_event *out);

/* No more offers: sessions QUIT when they are through. */
void relay_pool_finish(struct relay_pool *p);
/* Closes all connections now and opens none any more. What the relays had answered by then is read;
 * the other mails in hand are deferred (SCOPE_SESSION), or in doubt when all their octets had left. */
void relay_pool_abort(struct relay_pool *p);
unsigned relay_pool_in_hand(const struct relay_pool *p);
unsigned relay_pool_open_links(const struct relay_pool *p);
/* True once a session has got as far as taking mails. */
bool relay_pool_was_ready(const struct relay_pool *p);

#endif
