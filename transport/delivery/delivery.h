/* delivery.h - where a mail goes: smtp, lmtp, eml, mbox, maildir, null behind one interface.
 *
 * A plan is made once from the relay URLs and settings and is const from then on. Each worker
 * opens its own delivery, its share of the connections, and alone touches it. Its loop is
 *
 *     delivery_wait(d, …)                        sockets, timers, the worker's own wake-up
 *     while (delivery_event(d, &ev)) …           settle, or note an intent
 *     while (delivery_wants(d)) delivery_offer() rows rendered just now
 *     while (delivery_event(d, &ev)) …
 *     write the journal, grant the intents
 *     delivery_push(d)                           the octets leave here and only here
 *
 * No function blocks but delivery_wait(). */
#ifndef TRANSPORT_DELIVERY_DELIVERY_H
#define TRANSPORT_DELIVERY_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"

struct delivery_plan;
struct delivery;

struct delivery_relay { /* one --relay with what belongs to it; strings are borrowed for the call */
	const char *name;             /* from the settings' section; NULL: the URL's host or scheme */
	const char *url;              /* smtp:// smtps:// lmtp:// eml: mbox: maildir: null: */
	const char *password_command; /* run without a shell (split like one, quotes allowed) */
	const char *password_file;
	const char *password_env;     /* name of a variable */
	const char *token_command;    /* prints an OAuth 2 bearer token, in place of a password */
	bool ask_password;            /* hidden prompt on the terminal is allowed */
};

struct delivery_options {
	const struct delivery_relay *relays;
	uint32_t n_relays;
	unsigned connections; /* in all, shared out over workers and relays; at least 1 */
	const char *helo;     /* NULL: the machine's name */
	const char *source_address; /* NULL: the system's choice */
	const char *timeouts; /* single waits, as in relay.h; NULL: none */
	unsigned messages_per_connection; /* 0: as many as the relay takes */
	unsigned window;      /* 0: 1 */
	bool lockstep;
	bool paced;           /* a mail is wanted only when its MAIL can leave at once, not while a connection
	                       * is made for it: delivery_wake() makes that */
	int64_t timeout_ms;   /* 0: RFC 5321; else the cap of each wait (tests, impatient users) */
	int trace_fd;         /* transcript goes here; -1: none */
	const char *trouble_path; /* as in relay.h, borrowed for the plan's life; NULL: none */
	/* What MAIL and RCPT say beyond what a mail needs, as in relay.h; NULL: nothing. */
	const char *dsn_notify, *dsn_ret, *mail_options, *rcpt_options;
	bool requiretls;
};

/* Parses and checks everything that can be wrong before a connection is made: URLs, passwords,
 * CA files, folders. Resolves names. ERR_INPUT with a hint; ERR_NET when a name is not found. */
int delivery_plan_open(struct delivery_plan **out, const struct delivery_options *opt, struct err *e);
void delivery_plan_free(struct delivery_plan **p);
/* True when no relay of the plan reaches another machine or person: eml, mbox, maildir, null. */
bool delivery_plan_is_rehearsal(const struct delivery_plan *p);
/* Where it goes, for people: "smtp.example.com:587 (STARTTLS, user ann)", joined by ", ". */
void delivery_plan_describe(const struct delivery_plan *p, char *out, size_t out_size);
/* Class of destination for the campaign's identity: "smtp", "maildir:/abs/path", ... without
 * hosts, so that a campaign may go on through another relay. */
void delivery_plan_class(const struct delivery_plan *p, char *out, size_t out_size);
/* How many connections there may be in all, with what each relay bears: a worker more than that would only wait. */
unsigned delivery_plan_connections(const struct delivery_plan *p);
/* A plan whose first relay is asked without sending mail: connect, TLS, EHLO, login, QUIT. Blocks
 * up to the time limits. 0; -1 with e, the same sentences as a run would give. */
int delivery_plan_probe(const struct delivery_plan *p, struct err *e);

/* Worker `index` of `n_workers`: gets its share of the connections, at least one in all. wake_fd
 * is polled for reading beside the sockets (-1: none). */
int delivery_open(struct delivery **out, const struct delivery_plan *p, unsigned index, unsigned n_workers,
		  int wake_fd, struct err *e);
/* Drops what is open at once. Mails in hand get no further event. */
void delivery_close(struct delivery **d);

/* How many mails may be offered now, each to be begun by the next push. */
unsigned delivery_wants(const struct delivery *d);
/* There are mails, and delivery_wants() is 0: makes a connection where none is open, being opened or
 * waiting for its time. Cheap; to be called in each turn while that is so, as one that is just being
 * closed may stand in the way. Only a paced delivery needs it: others take a mail and connect for it. */
void delivery_wake(struct delivery *d);
/* Tickets a worker may use: 0 .. delivery_tickets() - 1; never more mails in hand than that. */
unsigned delivery_tickets(const struct delivery *d);
/* 1 taken: borrowed until its DELIVERY_DONE was taken. 0: no room now. */
int delivery_offer(struct delivery *d, const struct mail *m);
/* The intent of that ticket is on record. */
void delivery_grant(struct delivery *d, uint32_t ticket);
/* Writes what may be written. */
void delivery_push(struct delivery *d);

/* Waits until a socket or timer of d or wake_fd is ready, at most max_ms (-1: for ever), then
 * reads. 1 when wake_fd is readable, else 0; -1 with e: the system's poll failed. */
int delivery_wait(struct delivery *d, int64_t max_ms, struct err *e);

enum delivery_event_kind {
	DELIVERY_INTENT,  /* about to send the content of ticket: record, then grant */
	DELIVERY_VERDICT, /* for one recipient of ticket */
	DELIVERY_DONE,    /* the mail is given back */
	DELIVERY_PAUSE,   /* a relay was not reached or asked us to wait; error says so; it will be
	                   * tried again by itself */
	DELIVERY_DOWN,    /* a relay is broken for good: login refused, certificate wrong, never reached */
	DELIVERY_ALL_DOWN /* it was the last one: no mail can be offered any more */
};

struct delivery_event {
	enum delivery_event_kind kind;
	uint32_t ticket;
	const char *relay; /* its name, valid while the plan lives */
	struct verdict verdict;
	struct err error;
	int64_t pause_ms; /* PAUSE: as long as the relay asked for; 0: it was not reached */
};
/* 1 got one, 0 none. */
int delivery_event(struct delivery *d, struct delivery_event *out);

/* No more mails will be offered: sessions QUIT when they are through. */
void delivery_finish(struct delivery *d);
/* All at once: nothing is written from here on, connections are closed, no mail is wanted. Every mail
 * in hand gets its verdicts and DONE by the next events: what the relay had already answered, in doubt
 * when the last octet of its content had left, else deferred (SCOPE_SESSION, code 0, "stopped"). */
void delivery_abort(struct delivery *d);
/* Mails in hand; connections that are open (for a clean end, wait until both are 0). */
unsigned delivery_in_hand(const struct delivery *d);
unsigned delivery_open_links(const struct delivery *d);

#endif
