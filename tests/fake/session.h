/* session.h - one SMTP or LMTP conversation, seen from the server, without I/O: bytes in, replies into an
 * outq, time as an argument. Touched by the thread of its connection only.
 *
 * The driver (conn.c) feeds what it read, looks at `hold` afterwards, and lets replies leave only after
 * the record was flushed. */
#ifndef TESTS_FAKE_SESSION_H
#define TESTS_FAKE_SESSION_H

#include "tests/fake/auth.h"
#include "tests/fake/config.h"
#include "tests/fake/content.h"
#include "tests/fake/outq.h"
#include "tests/fake/record.h"

struct greylist;

enum session_mode {
	MODE_COMMAND,
	MODE_OVERLONG, /* the rest of a line that was too long */
	MODE_AUTH,     /* a response to a challenge */
	MODE_DATA,
	MODE_CHUNK     /* the octets of a BDAT */
};

/* Why nothing may be fed. */
enum session_hold {
	HOLD_NO,
	HOLD_PAUSE, /* until resume_ns */
	HOLD_TLS,   /* until session_secured() */
	HOLD_CLOSED /* for good; what still comes is thrown away */
};

struct rcpt_place {
	uint32_t at, n; /* in transaction.rcpts */
};

struct transaction {
	bool open;            /* MAIL was accepted */
	bool mail_refused;    /* what follows may have been pipelined in good faith */
	bool utf8, eightbit, binary;
	bool has_size;
	bool bdat, bdat_failed;
	bool content_began;
	unsigned tried;       /* RCPT commands */
	uint64_t declared;    /* SIZE= */
	struct moment arrived;
	struct bytes from;    /* "<path> PARAMETERS" */
	size_t sender_n;      /* octets of the path, without brackets */
	struct bytes rcpts;   /* accepted paths, with commas between */
	struct bytes params;  /* their parameters, likewise; '-' for none */
	struct rcpt_place *places;
	struct text *list;    /* the same as texts, made when somebody asks */
	size_t n, cap;
};

struct session {
	const struct config *cfg;
	struct greylist *greylist;
	struct record *record;
	struct outq *out;
	uint64_t number; /* of the connection, from 1 */
	bool lmtp;
	struct auth_link link;
	struct moment now;

	enum session_mode mode;
	enum session_hold hold;
	int64_t resume_ns;
	int64_t late_ns; /* what is said now leaves that much later than others */

	bool greeted, extended; /* EHLO or HELO; EHLO */
	bool authenticated;
	struct auth auth;
	struct transaction t;
	uint64_t txn;      /* MAIL commands of this connection */
	uint64_t accepted; /* messages */
	unsigned errors;   /* refusals since the last accepted message */
	bool reset;        /* RSET was said since the last message */
	unsigned resets;   /* and how often when it was */
	bool dovecot_failed;

	struct content content;
	struct bytes kept;
	uint64_t chunk_left;
	bool chunk_last;
	const char *chunk_refusal; /* the chunk is swallowed, then this is said */

	const struct fault *fault; /* for the next reply */
	const struct fault *content_fault;
	uint64_t content_seen;
	uint64_t *fault_seen; /* matches a fault on this connection */
	unsigned swallow;     /* replies that an early one stood for */

	const char *silence;  /* the rule a client breaks that speaks before the next reply left; or NULL */
	uint64_t feed, silence_feed;
	bool out_waited;
	struct bytes reply, scratch, challenge;
};

void session_init(struct session *s, const struct config *cfg, struct greylist *g, struct record *r,
		  struct outq *out, uint64_t number, bool lmtp);
void session_release(struct session *s);
/* too_many: turned away instead. */
void session_greet(struct session *s, struct moment now, bool too_many);
/* Nothing came for --idle-timeout. */
void session_idle(struct session *s, struct moment now);
/* Returns octets taken; fewer than n only with a hold, or when a line is not complete. */
size_t session_feed(struct session *s, struct moment now, const char *p, size_t n);
/* TLS is up after STARTTLS: everything learned before is forgotten (RFC 3207 4.2). */
void session_secured(struct session *s, const struct auth_link *link);
/* Octets that stood behind STARTTLS in clear: they are thrown away, and told. */
void session_spilled(struct session *s, struct text octets);
/* The peer is gone. */
void session_lost(struct session *s, struct moment now, const char *how);

#endif
