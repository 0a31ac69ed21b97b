/* relay_talk.h - one conversation with a relay, for a caller who wants to wait: what a program that is no
 * batch engine needs, and what `lettershop probe` shows.
 *
 * Every function blocks, up to the time limits of the relay's options. One thread at a time. After -1
 * the conversation is over: only the questions about it and relay_talk_free() are of use. */
#ifndef TRANSPORT_RELAY_RELAY_TALK_H
#define TRANSPORT_RELAY_RELAY_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"
#include "transport/net/net.h"
#include "transport/relay/relay.h"
#include "transport/smtp/smtp_session.h"

struct relay_talk;

enum { RELAY_STEPS_MAX = 24, RELAY_STEP_WORDS = 16, RELAY_ANSWER_MAX = 4096 };

struct relay_talk_options {
	/* Every line both ways as it happens, without line end, secrets masked, contents left out; NULL none. */
	void (*trace)(void *ctx, bool from_server, struct span line);
	void *trace_ctx;
};

struct relay_step { /* how long one thing took */
	char what[RELAY_STEP_WORDS]; /* "name", "connect", "TLS", "greeting", "EHLO", "AUTH" ... */
	int64_t took_us;
};

struct relay_answer { /* to a command */
	int code;
	char text[RELAY_ANSWER_MAX]; /* printable; lines joined by '\n' */
};

/* Connects, TLS, EHLO, login: ready for mail. opt may be NULL. 0; -1 with e: the sentence that a run
 * would give. Also then *out is there, and knows what was learned until it failed, unless memory
 * is lacking. */
int relay_talk_open(struct relay_talk **out, const struct relay *r, const struct relay_talk_options *opt,
		    struct err *e);
/* Closes at once what is still open. */
void relay_talk_free(struct relay_talk **t);

/* One mail; verdicts has room for one a recipient, in their order. 0: all of them are there, be it that it was
 * refused or that the line was lost on the way (what comes next then says so). -1 with e: the conversation
 * was over before, and the mail was not begun: the verdicts say so, too. */
int relay_talk_send(struct relay_talk *t, const struct mail *m, struct verdict *verdicts, struct err *e);
/* Any line but those that are the session's own (smtp_session_command). 0 with the answer, whatever its
 * code; -1 with e. ERR_INPUT: the line was not sent, and the conversation goes on. */
int relay_talk_command(struct relay_talk *t, struct span line, struct relay_answer *out, struct err *e);
/* It goes on: commands and mails may follow. */
bool relay_talk_is_open(const struct relay_talk *t);
/* QUIT, and its answer. 0, or -1 with e. */
int relay_talk_quit(struct relay_talk *t, struct err *e);

/* ---- what is known about the other side; all borrowed until the next call with t ---- */

/* NULL before the connection was made. */
const struct net_address *relay_talk_peer(const struct relay_talk *t);
struct span relay_talk_greeting(const struct relay_talk *t);
/* The relay's EHLO lines, without codes, joined by '\n'; the first is its name. */
struct span relay_talk_ehlo(const struct relay_talk *t);
const struct smtp_caps *relay_talk_caps(const struct relay_talk *t);
bool relay_talk_offers(const struct relay_talk *t, struct span keyword, struct span *params);
/* The mechanisms that it offers, a space between them; empty: none. */
struct span relay_talk_mechanisms(const struct relay_talk *t);
/* The mechanism of the login; NULL: there was none. Static text. */
const char *relay_talk_mechanism(const struct relay_talk *t);
/* "TLSv1.3, TLS_AES_256_GCM_SHA384"; "" without TLS. */
void relay_talk_tls(const struct relay_talk *t, char *out, size_t out_size);
int relay_talk_cert(const struct relay_talk *t, struct net_cert_facts *out); /* as net_link_cert() */
/* Returns how many; *out is their beginning. */
unsigned relay_talk_steps(const struct relay_talk *t, const struct relay_step **out);

/* One line of a transcript, as a run writes it: time, the relay's name, number of the connection. */
void relay_trace_write(int fd, const char *name, unsigned number, bool from_server, struct span line);

#endif
