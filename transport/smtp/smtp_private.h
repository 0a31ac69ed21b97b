/* smtp_private.h - the inside of a session, shared by the files of this room and nobody else.
 *
 * Two cursors walk over the same transactions. The sender (smtp_send.c) is at `tx_send` and writes
 * commands and content into `out`; for each thing that will be answered it puts one entry behind
 * the queue `expect`. The receiver (smtp_answer.c) takes replies in the order in which they come,
 * each for the entry at the head of that queue, whatever its code or text says.
 *
 * Invariants (smtp_check() looks at them, held by tests/unit/test_script.c at every cut):
 *  1. An entry is answered only after the octets it stands for were handed out; a reply that comes
 *     earlier, or when the queue is empty, ends the session.
 *  2. Content of a mail is queued only after its grant; in DATA also only after its own 354.
 *  3. Every recipient of a mail gets exactly one verdict, and after the last one the mail its one
 *     EV_DONE.
 *  4. A mail is in doubt only when its last octet was handed out and no reply about it was read.
 *  5. Nothing is allocated after smtp_session_new() but what a login needs. */
#ifndef TRANSPORT_SMTP_SMTP_PRIVATE_H
#define TRANSPORT_SMTP_SMTP_PRIVATE_H

#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_caps.h"
#include "transport/smtp/smtp_content.h"
#include "transport/smtp/smtp_out.h"
#include "transport/smtp/smtp_reply.h"
#include "transport/smtp/smtp_session.h"
#include "transport/smtp/smtp_verdict.h"

enum {
	SMTP_RECIPIENTS_MAX = 1000,       /* of one transaction; the others go in a next one */
	SMTP_EXPECT_MIN = 64,             /* entries besides four a transaction */
	SMTP_PATIENCE = 8,                /* refusals since the last accepted mail: Postfix sleeps after
	                                   * 10 and hangs up after 20 */
	SMTP_SYNTAX_PATIENCE = 2,         /* replies that speak of our syntax: Exim hangs up after 3 */
	SMTP_RESETS = 10,                 /* RSETs that no message precedes: Exim hangs up at the next one */
	SMTP_RESETS_LAST = 2,             /* so many of them are kept for what is in flight */
	SMTP_COST_MIN = 2,                /* refusals that a mail may bring at least: recipient, end of data */
	SMTP_IN_FLIGHT_BYTES_MAX = 4 << 20,
	SMTP_BINDING_MAX = 64,
	SMTP_GREETING_MAX = 512,          /* bytes of it that are kept */
	SMTP_SALTING_LOOK_MS = 10,        /* between two looks at a password that is being worked on */
	SMTP_BDAT_EAGER_MAX = 256 << 10   /* larger content waits for the replies to RCPT */
};

#define NO_RCPT UINT32_MAX
#define NOT_YET UINT64_MAX

enum smtp_phase {
	PHASE_SECURING,  /* SMTP_IMPLICIT: the driver's handshake */
	PHASE_OPENING,   /* greeting, EHLO, STARTTLS, AUTH: one at a time */
	PHASE_HANDSHAKE, /* STARTTLS: the driver's handshake */
	PHASE_READY,
	PHASE_QUITTING,
	PHASE_CLOSED
};

enum smtp_expect_kind {
#define EXPECT(name, what, limit, taker) EXPECT_##name,
#include "transport/smtp/smtp_replies.def"
#undef EXPECT
	EXPECT_KINDS
};

struct smtp_expect {
	uint8_t kind;
	uint16_t tx;   /* index of the transaction */
	uint32_t rcpt; /* index of the recipient's record, for RCPT */
	uint64_t end;  /* place in the stream behind what is answered; NOT_YET while it grows */
};

enum smtp_rcpt_state { RCPT_OPEN, RCPT_ACCEPTED, RCPT_SETTLED };

struct smtp_rcpt {
	struct verdict verdict; /* when settled */
	uint32_t next;          /* of the same mail, or of the free list */
	uint8_t state;
};

enum smtp_step { /* what the sender does next for a transaction */
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,    /* DATA or BDAT */
	STEP_WAIT,    /* for 354 */
	STEP_CONTENT,
	STEP_LONE_DOT,
	STEP_OVER
};

struct smtp_tx {
	const struct mail *mail;
	uint32_t ticket;
	struct smtp_content content;
	uint64_t size;          /* octets of content as SIZE and BDAT count them */
	uint64_t end;           /* place in the stream behind its last octet; NOT_YET */
	uint32_t first, cursor; /* records of its recipients; the sender's next one */
	uint32_t tracked;       /* recipients with a record; those behind them are for a next transaction */
	uint32_t accepted, settled;
	uint32_t rest;          /* next of the recipients without a record to get its verdict */
	uint32_t holder;
	uint32_t expected;      /* replies that are still to come */
	uint32_t rcpts_open;    /* of them to RCPT */
	uint8_t step;           /* enum smtp_step */
	bool in_use, bdat, granted, asked;
	bool mail_sent;         /* MAIL was written */
	bool failed;            /* MAIL was refused: record `holder` has the verdict for all */
	bool astray;            /* and a recipient accepted all the same: under whose sender? */
	bool content_begun;
	bool ended;             /* a reply to its end of data was read */
	bool soiled;            /* BDAT was refused: RFC 3030 2 asks for RSET */
	bool local;             /* the first record's verdict, ours, is for all */
	bool over;              /* nothing is sent, answered or settled any more; EV_DONE was told */
};

struct smtp_note { /* an event that waits to be taken */
	uint8_t kind; /* enum smtp_event_kind */
	uint16_t tx;
	uint32_t rcpt;
};

struct smtp_session {
	const struct smtp_options *opt;
	struct smtp_timeouts limit;
	enum smtp_phase phase;
	bool secured;    /* TLS is up */
	bool esmtp;      /* EHLO or LHLO was understood */
	bool retiring;   /* no more mails, then QUIT */
	bool leaving;    /* the server wants us gone: what is not begun goes back */
	bool cancelled;  /* we broke the login off: error already tells why */
	bool dirty;      /* RSET is due before the next MAIL */
	bool wishing;    /* the options' wishes are not empty */
	bool commanding; /* from a line of the caller's own until its EV_REPLY was taken: the parser's reply
	                  * may not change before */
	int64_t now_ms;
	int64_t moved_ms;   /* the last whole reply or written octet: from here the next reply is awaited */
	int64_t writing_ms; /* the last written octet, or when octets began to wait */

	struct smtp_reply_parser parser;
	struct smtp_ehlo ehlo;
	struct sasl_login login; /* the options' one, with the link's binding */
	size_t binding_n;
	char binding[SMTP_BINDING_MAX];
	struct sasl *sasl;
	const char *mechanism;
	struct span initial; /* response of the login that did not fit behind AUTH; sasl owns it */
	bool initial_waits;
	bool login_held; /* until options.may_login says yes */
	bool salting; /* the password is being worked on: the response to a challenge comes later */
	struct smtp_out out;

	struct smtp_expect *expect;
	uint32_t expect_first, expect_n, expect_max; /* a power of two */

	struct smtp_tx *tx;
	uint32_t tx_max;            /* window + 2: one more to write ahead, one whose EV_DONE waits */
	uint32_t tx_first, tx_n;    /* ring, in the order of offers */
	uint32_t tx_grant;          /* place in tx of what is likely to be granted next */
	uint32_t tx_send;           /* how many of them the sender has behind it */
	uint32_t in_hand;           /* offered and EV_DONE not taken */
	uint32_t in_flight;         /* offered and not over */
	uint64_t in_flight_bytes;
	unsigned window;             /* transactions in flight with BDAT */
	unsigned daring;             /* refusals that what is in flight may bring: grows with a clean list */
	unsigned in_flight_cost;     /* and those that it would, were everything refused */
	unsigned taken, begun;       /* mails to begin here so far, MAIL commands */
	unsigned accepted, errors;   /* mails; refusals since the last accepted one */
	unsigned syntax_errors;      /* in all */
	unsigned resets;             /* RSETs in all that no message preceded */
	bool reset;                  /* RSET was answered since the last message */
	unsigned broke;              /* enum smtp_broke */

	struct smtp_rcpt *rcpt;
	uint32_t rcpt_free;   /* list of records given back, newest first: few are ever touched */
	uint32_t rcpt_fresh;  /* the first that was never used */
	uint32_t rcpt_free_n; /* both together */

	struct smtp_note *note;
	uint32_t note_first, note_n, note_max;
	struct verdict told; /* of a recipient that has no record */

	size_t greeting_n;
	char greeting[SMTP_GREETING_MAX];
	struct err error; /* of EV_CLOSED */
	int close_code;
};

/* --- smtp_session.c */
void smtp_note(struct smtp_session *s, enum smtp_event_kind kind, const struct smtp_tx *tx, uint32_t rcpt);
/* Ends the session: everything unsettled gets its verdict, EV_CLOSED comes last. answer: a 421
 * that was read, so that nothing behind it was taken; else NULL. */
void smtp_end(struct smtp_session *s, const struct smtp_reply *answer, enum err_kind kind, int code,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "relay <what>: 550 <its words>" */
void smtp_end_reply(struct smtp_session *s, const struct smtp_reply *r, enum err_kind kind, const char *what);
/* RFC 2920 may be used */
static inline bool smtp_is_pipelined(const struct smtp_session *s)
{
	return s->ehlo.caps.pipelining && !s->opt->lockstep;
}
/* whole transactions with BDAT */
static inline bool smtp_is_chunked(const struct smtp_session *s)
{
	return smtp_is_pipelined(s) && s->ehlo.caps.chunking && !s->opt->no_chunking;
}
/* Stops the program when one of the invariants does not hold. For tests: it looks at everything. */
void smtp_check(struct smtp_session *s);

/* --- smtp_offer.c */
/* Refusals that may be in flight now: the server's patience that is left, and more only once the list
 * has proved clean. */
unsigned smtp_patience(const struct smtp_session *s);

/* --- smtp_tx.c: transactions and their verdicts */
/* i-th in hand, the oldest is 0 */
static inline struct smtp_tx *smtp_tx_at(const struct smtp_session *s, uint32_t i)
{
	uint32_t at = s->tx_first + i;

	return &s->tx[at < s->tx_max ? at : at - s->tx_max];
}
/* Takes a mail into the ring; NULL when there is no room for it now. */
struct smtp_tx *smtp_tx_begin(struct smtp_session *s, const struct mail *m);
void smtp_settle(struct smtp_session *s, struct smtp_tx *tx, uint32_t rcpt, const struct verdict *v);
/* All recipients that have no verdict yet. */
void smtp_settle_all(struct smtp_session *s, struct smtp_tx *tx, const struct verdict *v);
/* Nothing more will be sent for it. */
void smtp_tx_stop(struct smtp_session *s, struct smtp_tx *tx);
/* When all is sent, answered and settled: tells EV_DONE. */
void smtp_tx_try_over(struct smtp_session *s, struct smtp_tx *tx);
void smtp_tx_release(struct smtp_session *s, struct smtp_tx *tx); /* its EV_DONE was taken */
/* The link is lost: what every transaction has come to. */
void smtp_tx_abandon_all(struct smtp_session *s, const struct smtp_reply *answer, const char *why);
/* All its recipients were answered and none was accepted. */
static inline bool smtp_tx_is_empty(const struct smtp_tx *tx)
{
	return tx->accepted == 0 && tx->settled == tx->tracked;
}

/* --- smtp_expect.c: the queue of replies that will come */
void smtp_expect_push(struct smtp_session *s, enum smtp_expect_kind kind, struct smtp_tx *tx, uint32_t rcpt,
		      uint64_t end);
struct smtp_expect *smtp_expect_head(struct smtp_session *s); /* NULL: none */
struct smtp_expect *smtp_expect_last(struct smtp_session *s);
struct smtp_expect smtp_expect_pop(struct smtp_session *s);
/* The one just popped will be answered once more. */
void smtp_expect_again(struct smtp_session *s);
const char *smtp_expect_word(enum smtp_expect_kind kind);
int64_t smtp_expect_limit_ms(const struct smtp_session *s, enum smtp_expect_kind kind);
void smtp_take_reply(struct smtp_session *s, const struct smtp_reply *r);
/* Takes replies off *bytes that say no more than "go on", as nearly all do, up to the first other one. */
void smtp_take_go_on(struct smtp_session *s, struct span *bytes);
/* The reply makes no sense here: ends the session. */
void smtp_desync(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r);

#define EXPECT(name, what, limit, taker) \
	void smtp_on_##taker(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r);
#include "transport/smtp/smtp_replies.def"
#undef EXPECT

/* --- smtp_open.c */
void smtp_say_hello(struct smtp_session *s);
/* Looks whether the response of a login is there now. */
void smtp_login_again(struct smtp_session *s);
/* Begins the login, if that is allowed now. */
void smtp_login_when_allowed(struct smtp_session *s);

/* --- smtp_send.c */
/* Some commands or content of one mail: 1, or 0 when nothing may be written now. */
int smtp_send_some(struct smtp_session *s);
/* Passes over what need not be sent any more: content of a refused envelope, a mail for a server
 * that wants us gone. */
void smtp_send_skip(struct smtp_session *s);
/* A line that is followed by nothing until its reply has come. shown: what a trace may see. */
void smtp_say(struct smtp_session *s, enum smtp_expect_kind kind, struct span line, struct span shown);
/* Lines without the end of the last. */
static inline void smtp_trace(const struct smtp_session *s, bool from_server, struct span lines)
{
	if (s->opt->trace)
		s->opt->trace(s->opt->trace_ctx, from_server, lines);
}

#endif
