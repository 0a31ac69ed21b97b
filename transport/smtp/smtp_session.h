/* smtp_session.h - one SMTP or LMTP conversation without any I/O (front door of the room).
 *
 * The driver owns socket, TLS and clock; this code owns what is said:
 *     feed  bytes that came from the server        pull  bytes to write to it
 *     tick  the time, so that waits can end        event what happened, one at a time
 * One thread at a time; no allocation after smtp_session_new(). RFC 5321, 2033 (LMTP), 2920
 * (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS), 4954 (AUTH), 1870, 2034, 6152, 6531.
 *
 * A mail that was offered stays borrowed until its EV_DONE is taken. Its content is held back
 * until the owner has recorded that it may now be sent: EV_INTENT asks, smtp_session_grant()
 * answers, and only then does pull hand out content. So a mail can be in doubt only after its
 * intent is on record, and at most `window` mails of a session are. */
#ifndef TRANSPORT_SMTP_SMTP_SESSION_H
#define TRANSPORT_SMTP_SMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"

struct sasl_login; /* transport/sasl/sasl.h */
struct smtp_reply; /* transport/smtp/smtp_reply.h */
struct smtp_session;

enum smtp_security { SMTP_PLAIN, SMTP_STARTTLS, SMTP_IMPLICIT };
enum { SMTP_WINDOW_MAX = 256 };

struct smtp_timeouts { /* milliseconds; 0: the default, RFC 5321 4.5.3.2 */
	int64_t greeting;    /* 5 min */
	int64_t command;     /* 5 min: EHLO, STARTTLS, AUTH, MAIL, RCPT */
	int64_t data;        /* 2 min: DATA to 354 */
	int64_t block;       /* 3 min: while our bytes are not taken */
	int64_t end_of_data; /* 10 min, never lower by default */
	int64_t quit;        /* 5 s */
};

/* What MAIL and RCPT say beyond what a mail needs. Words must have been found good by
 * smtp_wishes_check(). A relay that lacks what is wished for is not used: EV_CLOSED with ERR_INPUT. */
struct smtp_wishes {
	struct span notify;     /* DSN, RFC 3461: "NEVER" or a list of SUCCESS, FAILURE, DELAY; empty: none */
	struct span ret;        /* DSN: "FULL" or "HDRS"; empty: none */
	bool requiretls;        /* RFC 8689 */
	struct span mail, rcpt; /* more parameters: "AUTH=<> MT-PRIORITY=3"; empty: none */
};

struct smtp_options { /* borrowed for the session's life */
	bool lmtp;
	enum smtp_security security;
	struct span helo_name;          /* own name or address literal; validated */
	const struct sasl_login *login; /* NULL: no AUTH */
	/* Asked before AUTH, again and again until it says yes: several sessions need not all try a first login. NULL: yes. */
	bool (*may_login)(void *ctx);
	void *login_ctx;
	bool login_in_clear;            /* the link is loopback or a Unix socket: AUTH without TLS is fine */
	unsigned window;                /* transactions in flight with CHUNKING; 0 and 1: one */
	unsigned messages_max;          /* then QUIT; 0: no limit of ours */
	bool lockstep;                  /* one command at a time whatever EHLO says */
	bool no_chunking;               /* DATA even where BDAT is offered */
	struct smtp_wishes wishes;
	bool trusted;                   /* this server has taken mails that were pipelined: what it refuses
	                                 * now is no sign that it cannot do what it offers */
	struct smtp_timeouts timeouts;
	/* Every line both ways, secrets masked, content left out; may be NULL. One or several at once, which
	 * smtp_trace_next() takes apart. What a server said may hold control octets. */
	void (*trace)(void *ctx, bool from_server, struct span lines);
	void *trace_ctx;
};

/* Takes the next line off *lines, without its line end. True when it was not the last. */
static inline bool smtp_trace_next(struct span *lines, struct span *line)
{
	*line = span_cut(lines, '\n');
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return lines->p != NULL;
}

enum smtp_event_kind {
	EV_READY,    /* greeting, EHLO, TLS and AUTH are done: mails may be offered */
	EV_WANT_TLS, /* write what is pulled, shake hands, then call smtp_session_secured() */
	EV_INTENT,   /* content of `ticket` is next: record it, then smtp_session_grant() */
	EV_VERDICT,  /* verdict is final for one recipient of `ticket`, in this attempt */
	EV_DONE,     /* every recipient of `ticket` has its verdict and no octet of it is needed */
	EV_REPLY,    /* code and smtp_session_reply() are the answer to smtp_session_command() */
	EV_CLOSED    /* nothing more will come; error says why (kind ERR_NONE after a QUIT of ours):
	              * ERR_AUTH, ERR_TLS: the relay is broken for us, do not come back;
	              * ERR_PROTO, ERR_NET: this session only. code is the reply that led to it, or 0 */
};

struct smtp_event {
	enum smtp_event_kind kind;
	uint32_t ticket;
	int code;
	struct verdict *verdict; /* EV_VERDICT: borrowed until the next event is asked for, and free to write to */
	struct err error;
};

struct smtp_caps { /* what the newest EHLO said */
	bool pipelining, chunking, eightbitmime, smtputf8, dsn, starttls, enhanced, requiretls;
	uint64_t size_max;    /* 0: no fixed limit */
	unsigned mail_max;    /* LIMITS MAILMAX, 0 unknown */
	unsigned rcpt_max, rcpt_domain_max;
};

enum smtp_broke { /* what a server offered and cannot do: later sessions go without it */
	SMTP_BROKE_PIPELINING = 1, /* options.lockstep */
	SMTP_BROKE_CHUNKING = 2,   /* options.no_chunking */
	SMTP_MAYBE_PIPELINING = 4, /* it hung up or fell silent amid its first group: twice is a sign */
	SMTP_MAYBE_CHUNKING = 8    /* the same behind its first BDAT, when all before it was answered */
};

int smtp_session_new(struct smtp_session **out, const struct smtp_options *opt, int64_t now_ms, struct err *e);
void smtp_session_free(struct smtp_session **s);

/* True when a mail offered now has its MAIL command written by the next pull, given that what
 * EV_INTENT has asked for is granted by then: the MAIL goes right behind that content. */
bool smtp_session_wants(const struct smtp_session *s);
/* 1 taken, 0 busy. A mail that this session cannot carry (SIZE, 8BITMIME, SMTPUTF8 missing) is
 * taken and gets its verdicts at once. */
int smtp_session_offer(struct smtp_session *s, const struct mail *m);
void smtp_session_grant(struct smtp_session *s, uint32_t ticket);

/* One line of the caller's own (NOOP, VRFY, HELP, MAIL ...) while no mail is in hand; EV_REPLY brings
 * the answer. RSET goes before the next mail. 1 taken, 0 not now. -1 with e (ERR_INPUT): the line holds
 * a control octet or is too long, or its verb is the session's own business: EHLO, HELO, LHLO,
 * STARTTLS, AUTH, DATA, BDAT, QUIT. */
int smtp_session_command(struct smtp_session *s, struct span line, struct err *e);
/* The answer that EV_REPLY told of, borrowed until the next feed. */
const struct smtp_reply *smtp_session_reply(const struct smtp_session *s);

void smtp_session_feed(struct smtp_session *s, struct span bytes);
/* Up to max pieces that may be written now, borrowed until the next call of wrote() or feed().
 * Returns how many, 0: nothing to write. Bytes count as possibly gone once pulled. */
int smtp_session_pull(struct smtp_session *s, struct span *out, int max);
void smtp_session_wrote(struct smtp_session *s, size_t n);

/* The link's channel binding (tls-exporter), before smtp_session_secured(): logins may want it. */
void smtp_session_bind(struct smtp_session *s, struct span binding);
/* The TLS handshake of EV_WANT_TLS (or of an SMTP_IMPLICIT link, before anything else) is done. */
void smtp_session_secured(struct smtp_session *s);
/* The link is gone or was never made; why tells. Everything unsettled gets its verdict now. */
void smtp_session_hangup(struct smtp_session *s, const struct err *why);
/* Take no more mails; finish what was begun, QUIT, close. */
void smtp_session_finish(struct smtp_session *s);

void smtp_session_tick(struct smtp_session *s, int64_t now_ms);
/* Tick no later than this (monotonic ms); INT64_MAX: no wait is running. */
int64_t smtp_session_deadline_ms(const struct smtp_session *s);
/* 1 got one, 0 none. */
int smtp_session_event(struct smtp_session *s, struct smtp_event *out);

const struct smtp_caps *smtp_session_caps(const struct smtp_session *s);
/* The greeting's and the newest EHLO's lines without codes, joined by '\n'; the second begins with the
 * relay's name. Borrowed until the next feed. */
struct span smtp_session_greeting(const struct smtp_session *s);
struct span smtp_session_ehlo(const struct smtp_session *s);
/* True when the newest EHLO has that keyword; *params, if not NULL, is what stands behind it. */
bool smtp_session_offers(const struct smtp_session *s, struct span keyword, struct span *params);
/* Those of the newest EHLO, in upper case, a space between them, each once for each time it was offered. */
struct span smtp_session_mechanisms(const struct smtp_session *s);
/* "SCRAM-SHA-256": how the login went or is going; NULL: there was none. Static text. */
const char *smtp_session_mechanism(const struct smtp_session *s);
/* enum smtp_broke, joined by |; final with EV_CLOSED. */
unsigned smtp_session_broke(const struct smtp_session *s);
/* Commands go in groups. Meaningful once EV_READY was told. */
bool smtp_session_is_pipelined(const struct smtp_session *s);
/* Mails that are offered and not done. */
unsigned smtp_session_in_hand(const struct smtp_session *s);

#endif
