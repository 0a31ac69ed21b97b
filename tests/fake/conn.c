/* conn.c - between socket and session.
 *
 *   PLAIN --STARTTLS--> HANDSHAKE --> TLS        implicit TLS begins at HANDSHAKE
 *   any --close--> DRAIN --end of the peer, or 2 s--> DEAD        any --reset, error--> DEAD
 *
 * Invariants:
 *  1. Replies are written in conn_settle() only, which runs after the record of the round was flushed.
 *  2. A close by the script is a FIN: what the client still writes is drained, so that no RST
 *     overtakes the replies. A reset by the script is an RST. */
#include "tests/fake/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fake/tls.h"

enum { BACKLOG_BYTES = 64 * 1024 }; /* replies the client does not read: then nothing is read either */

#define DRAIN_NS 2000000000LL

static void mark_dirty(struct conn *c)
{
	if (c->is_dirty || c->state == CONN_DEAD)
		return;
	c->is_dirty = true;
	c->next_dirty = c->loop->dirty;
	c->loop->dirty = c;
}

void conn_die(struct conn *c, bool reset)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	record_count(&c->loop->record, COUNT_CLOSED, 1);
	timers_set(&c->loop->timers, &c->timer, TIMER_NONE);
	tls_free(c->ssl, false);
	c->ssl = NULL;
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(c->fd);
	c->next_dead = c->loop->dead;
	c->loop->dead = c;
}

void conn_free(struct conn *c)
{
	if (c->previous)
		c->previous->next = c->next;
	else
		c->loop->all = c->next;
	if (c->next)
		c->next->previous = c->previous;
	session_release(&c->session);
	outq_free(&c->out);
	bytes_free(&c->carry);
	free(c);
}

/* Our side ends; see invariant 2. */
static void finish(struct conn *c, enum out_after how)
{
	if (how == OUT_RESET || c->eof) {
		conn_die(c, how == OUT_RESET);
		return;
	}
	tls_free(c->ssl, how == OUT_CLOSE);
	c->ssl = NULL;
	shutdown(c->fd, SHUT_WR);
	c->state = CONN_DRAIN;
	c->wait_ns = c->loop->now.mono_ns + DRAIN_NS;
}

static void feed(struct conn *c, const char *p, size_t n)
{
	size_t taken = session_feed(&c->session, c->loop->now, p, n);

	c->carry.n = 0;
	c->heard_ns = c->loop->now.mono_ns;
	if (taken < n && c->session.hold == HOLD_TLS)
		session_spilled(&c->session, text_of(p + taken, n - taken));
	else
		bytes_add(&c->carry, p + taken, n - taken);
	mark_dirty(c);
}

/* The peer shut its side: what waits for it may still leave, then we go too. */
static void peer_ended(struct conn *c, const char *how)
{
	session_lost(&c->session, c->loop->now, how);
	c->eof = true;
	c->session.hold = HOLD_CLOSED;
	outq_commit(&c->out, c->loop->now.mono_ns, c->loop->now.mono_ns, OUT_CLOSE);
	mark_dirty(c);
}

/* Octets put behind those carried over; 0 none yet, -1 end, -2 broken. */
static long read_more(struct conn *c, char *p)
{
	long n;

	if (c->ssl) {
		n = tls_read(c->ssl, p, LOOP_READ_BYTES);
		if (n > 0)
			return n;
		return n == TLS_END ? -1 : n == TLS_BROKEN ? -2 : 0;
	}
	n = recv(c->fd, p, LOOP_READ_BYTES, 0);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == 0 ? -1 : -2;
}

/* True: the buffer was full, more may wait (in TLS without epoll's knowing). */
static bool read_once(struct conn *c)
{
	char *buffer = c->loop->buffer;
	size_t carried = c->carry.n;
	long n;

	if (carried)
		memcpy(buffer, c->carry.p, carried);
	n = read_more(c, buffer + carried);
	if (n > 0)
		feed(c, buffer, carried + (size_t)n);
	else if (n == -1)
		peer_ended(c, "closed by the client");
	else if (n == -2 && c->ssl && errno == 0)
		peer_ended(c, "closed by the client without close_notify");
	else if (n == -2) {
		session_lost(&c->session, c->loop->now, "connection lost");
		conn_die(c, false);
	}
	return c->ssl && n == LOOP_READ_BYTES;
}

static bool may_read(const struct conn *c)
{
	enum session_hold hold = c->session.hold;

	if ((c->state != CONN_PLAIN && c->state != CONN_TLS) || c->eof || hold == HOLD_PAUSE || hold == HOLD_TLS)
		return false;
	return !(c->blocked && c->out.buf.n - c->out.head > BACKLOG_BYTES);
}

static void read_all(struct conn *c)
{
	do
		c->unread = may_read(c) ? read_once(c) : c->unread;
	while (c->unread && may_read(c));
}

static void tls_begin(struct conn *c)
{
	const struct config *cfg = c->loop->cfg;
	struct fault_subject nobody = { 0 };

	c->ssl = tls_new(cfg->tls, c->fd);
	c->state = CONN_HANDSHAKE;
	if (cfg->faults.stages & STAGE_TLS)
		c->tls_fault = faults_pick(&cfg->faults, STAGE_TLS, c->session.number, c->session.fault_seen, &nobody);
	if (c->tls_fault)
		record_protocol(&c->loop->record, c->loop->now.mono_ns, c->session.number, "*", TEXT("fault"));
}

static void tls_end_early(struct conn *c, const struct fault *f)
{
	SSL *ssl = c->ssl;

	c->ssl = NULL;
	tls_free(ssl, false);
	c->session.hold = HOLD_CLOSED;
	finish(c, f->reset ? OUT_RESET : OUT_CUT);
}

/* The script for the handshake, once the client's first octets are there. True: it has the line. */
static bool tls_spoil(struct conn *c)
{
	const struct fault *f = c->tls_fault;

	c->tls_fault = f->close == CLOSE_AFTER ? f : NULL;
	if (f->garbage.n && send(c->fd, f->garbage.p, f->garbage.n, MSG_NOSIGNAL) < 0)
		errno = 0; /* the client is gone: the handshake will say so */
	if (f->close == CLOSE_BEFORE) {
		tls_end_early(c, f);
		return true;
	}
	if (!f->stall_ns)
		return false;
	c->wait_ns = f->stall_ns == FAULT_FOREVER ? TIMER_NONE : c->loop->now.mono_ns + f->stall_ns;
	c->session.hold = HOLD_PAUSE;
	return true;
}

static void tls_failed(struct conn *c)
{
	struct bytes why = { 0 };

	bytes_str(&why, "TLS handshake failed: ");
	tls_error(&why);
	record_protocol(&c->loop->record, c->loop->now.mono_ns, c->session.number, "*", bytes_text(&why));
	bytes_free(&why);
	conn_die(c, false);
}

static void handshake(struct conn *c)
{
	struct auth_link link = { 0 };
	int rc;

	if (c->session.hold == HOLD_PAUSE)
		return;
	if (c->tls_fault && c->tls_fault->close != CLOSE_AFTER && tls_spoil(c))
		return;
	rc = tls_accept(c->ssl);
	c->handshake_writes = rc == TLS_AGAIN_WRITE;
	if (rc == TLS_AGAIN_READ || rc == TLS_AGAIN_WRITE)
		return;
	if (rc < 0) {
		tls_failed(c);
		return;
	}
	c->state = CONN_TLS;
	if (c->tls_fault) {
		tls_end_early(c, c->tls_fault);
		return;
	}
	tls_facts(c->ssl, &link);
	session_secured(&c->session, &link);
	if (c->implicit_tls)
		session_greet(&c->session, c->loop->now, c->too_many);
	read_all(c); /* the library may have read ahead */
}

static void drain(struct conn *c)
{
	long n = recv(c->fd, c->loop->buffer, LOOP_READ_BYTES, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_die(c, false);
}

void conn_event(struct conn *c, unsigned events)
{
	mark_dirty(c);
	switch (c->state) {
	case CONN_HANDSHAKE:
		if (c->session.hold == HOLD_PAUSE && events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			conn_die(c, false);
		else
			handshake(c);
		break;
	case CONN_DRAIN:
		drain(c);
		break;
	case CONN_PLAIN:
	case CONN_TLS:
		if (events & EPOLLIN && may_read(c)) {
			read_all(c);
		} else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
			session_lost(&c->session, c->loop->now, "connection lost");
			conn_die(c, false);
		}
		break;
	case CONN_DEAD:
		break;
	}
}

/* When its patience ends; TIMER_NONE while anything is under way. */
static int64_t idle_at(const struct conn *c)
{
	int64_t patience = c->loop->cfg->idle_ns;

	if (!patience || c->session.hold != HOLD_NO || (c->state != CONN_PLAIN && c->state != CONN_TLS) ||
	    !outq_idle(&c->out))
		return TIMER_NONE;
	return c->heard_ns + patience;
}

void conn_timer(struct conn *c)
{
	struct session *s = &c->session;
	int64_t now = c->loop->now.mono_ns;

	mark_dirty(c);
	if (c->wait_ns <= now && c->state == CONN_DRAIN) {
		conn_die(c, false);
	} else if (c->wait_ns <= now && c->state == CONN_HANDSHAKE) {
		c->wait_ns = TIMER_NONE;
		s->hold = HOLD_NO;
		handshake(c);
	} else if (s->hold == HOLD_PAUSE && s->resume_ns <= now && c->state != CONN_DEAD) {
		s->hold = HOLD_NO;
		if (c->carry.n)
			memcpy(c->loop->buffer, c->carry.p, c->carry.n);
		feed(c, c->loop->buffer, c->carry.n);
		if (c->ssl)
			read_all(c);
	} else if (c->unread) {
		read_all(c);
	} else if (idle_at(c) <= now) {
		session_idle(s, c->loop->now);
	}
}

/* Octets written, 0 the socket is full, -1 broken. */
static long write_some(struct conn *c, struct text t)
{
	long n;

	if (c->ssl) {
		n = tls_write(c->ssl, t);
		return n > 0 ? n : n == TLS_AGAIN_READ || n == TLS_AGAIN_WRITE ? 0 : -1;
	}
	n = send(c->fd, t.p, t.n, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void flush(struct conn *c)
{
	int64_t now = c->loop->now.mono_ns;

	c->blocked = false;
	for (;;) {
		struct text t = outq_ready(&c->out, now);
		enum out_after after;
		long n;

		if (t.n) {
			n = write_some(c, t);
			if (n <= 0) {
				c->blocked = n == 0;
				if (n < 0)
					conn_die(c, false);
				return;
			}
			outq_wrote(&c->out, (size_t)n);
			continue;
		}
		after = outq_reached(&c->out, now);
		if (after == OUT_TLS)
			tls_begin(c);
		else if (after != OUT_NOTHING)
			finish(c, after);
		return;
	}
}

static unsigned wanted_events(const struct conn *c)
{
	const struct session *s = &c->session;
	bool reads = may_read(c) || c->state == CONN_DRAIN || (c->state == CONN_HANDSHAKE && s->hold != HOLD_PAUSE);
	bool writes = c->blocked || (c->state == CONN_HANDSHAKE && c->handshake_writes);
	unsigned events = (reads ? (unsigned)EPOLLIN : 0) | (writes ? (unsigned)EPOLLOUT : 0);

	/* held for ever: only the peer's leaving can end it */
	if (s->hold == HOLD_PAUSE && (c->state == CONN_HANDSHAKE || s->resume_ns == OUTQ_NEVER))
		events |= EPOLLRDHUP;
	return events;
}

static int64_t next_due(const struct conn *c)
{
	int64_t due = c->wait_ns;

	if (c->state == CONN_DRAIN || c->state == CONN_HANDSHAKE)
		return due;
	if (c->unread && may_read(c))
		return c->loop->now.mono_ns;
	if (!c->blocked && outq_due_ns(&c->out) < due)
		due = outq_due_ns(&c->out);
	if (c->session.hold == HOLD_PAUSE && c->session.resume_ns < due)
		due = c->session.resume_ns;
	if (idle_at(c) < due)
		due = idle_at(c);
	return due;
}

void conn_settle(struct conn *c)
{
	struct epoll_event ev = { .data.ptr = c };

	c->is_dirty = false;
	if (c->state == CONN_PLAIN || c->state == CONN_TLS)
		flush(c);
	if (c->state == CONN_DEAD)
		return;
	ev.events = wanted_events(c);
	if (ev.events != c->events && epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		die("epoll: %s", strerror(errno));
	c->events = ev.events;
	timers_set(&c->loop->timers, &c->timer, next_due(c));
}

void conn_open(struct loop *l, struct arrival a)
{
	struct conn *c = need(sizeof *c);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	timer_init(&c->timer);
	c->loop = l;
	c->fd = a.fd;
	c->wait_ns = TIMER_NONE;
	c->events = ev.events;
	c->too_many = a.too_many;
	c->heard_ns = l->now.mono_ns;
	c->implicit_tls = a.protocol == PROTOCOL_SMTPS;
	c->next = l->all;
	if (l->all)
		l->all->previous = c;
	l->all = c;
	session_init(&c->session, l->cfg, l->greylist, &l->record, &c->out, a.number, a.protocol == PROTOCOL_LMTP);
	record_count(&l->record, COUNT_CONNECTIONS, 1);
	record_protocol(&l->record, l->now.mono_ns, a.number, "*", TEXT("connected"));
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll: %s", strerror(errno));
	mark_dirty(c);
	if (c->implicit_tls)
		tls_begin(c);
	else
		session_greet(&c->session, l->now, c->too_many);
}
