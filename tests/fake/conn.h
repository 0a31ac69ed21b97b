/* conn.h - one connection: a socket, perhaps TLS, and the session behind it. Its loop's thread only. */
#ifndef TESTS_FAKE_CONN_H
#define TESTS_FAKE_CONN_H

#include "tests/fake/loop.h"
#include "tests/fake/session.h"

enum conn_state {
	CONN_PLAIN,
	CONN_HANDSHAKE,
	CONN_TLS,
	CONN_DRAIN, /* our side is shut; the rest of the other side is read and dropped */
	CONN_DEAD   /* the descriptor is closed; freed at the end of the round */
};

struct conn {
	struct timer timer; /* first, so that a timer is its connection */
	struct loop *loop;
	int fd;
	enum conn_state state;
	SSL *ssl;
	struct session session;
	struct outq out;
	struct bytes carry;  /* octets read that the session could not take yet */
	bool implicit_tls;   /* the greeting comes after the handshake */
	bool too_many;       /* turned away instead of greeted */
	bool eof;            /* the peer has shut its side */
	bool blocked;        /* the socket takes no more */
	bool unread;         /* TLS has more than one reading took: epoll does not know of it */
	bool handshake_writes;
	const struct fault *tls_fault;
	int64_t heard_ns;    /* when something came last */
	int64_t wait_ns;     /* end of a drain or of a stalled handshake; TIMER_NONE without */
	unsigned events;     /* what epoll was asked for */
	bool is_dirty;
	struct conn *next_dirty, *next_dead, *next, *previous;
};

void conn_open(struct loop *l, struct arrival a);
void conn_event(struct conn *c, unsigned events);
void conn_timer(struct conn *c);
/* Lets replies leave, and asks epoll and the timers for what comes next. After record_flush() only. */
void conn_settle(struct conn *c);
void conn_die(struct conn *c, bool reset);
void conn_free(struct conn *c); /* of a dead one */

#endif
