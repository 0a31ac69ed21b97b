/* relay_link.c - one connection: drives a session over a socket.
 *
 *     FREE -open-> CONNECTING -> (SHAKING ->) TALKING -ready-> READY -finish-> LEAVING -> FREE
 *                      |             |  ^ STARTTLS |             |                |
 *                      +-> FREE      +------------ any of them -> LOST -> FREE ---+
 *
 * Invariants, held by tests/unit/test_relay_pool.c, test_relay_pauses.c and test_relay_abort.c:
 *  1. Bytes of the session leave in relay_link_push() and nowhere else.
 *  2. When writing fails, what the server has still said is read before the session is told: a 421
 *     or a last reply may be among it.
 *  3. A session that is told of a loss has given all its verdicts before its link is FREE.
 *  4. side->opening and side->ready count the states; every change goes through set_state(). */
#include <string.h>
#include <sys/epoll.h>

#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/relay_token.h"

enum { READS_AT_LOSS = 256 }; /* of RELAY_READ_BYTES at most */

static bool is_opening(enum relay_link_state state)
{
	return state == LINK_CONNECTING || state == LINK_SHAKING || state == LINK_TALKING;
}

static void set_state(struct relay_link *l, enum relay_link_state to)
{
	struct relay_side *s = l->side;

	s->opening += (unsigned)is_opening(to) - (unsigned)is_opening(l->state);
	s->ready += (unsigned)(to == LINK_READY) - (unsigned)(l->state == LINK_READY);
	l->state = to;
}

static bool has_socket(const struct relay_link *l)
{
	return l->state != LINK_FREE && l->state != LINK_LOST;
}

/* On the list of those that want a mail, or off it. */
static void place(struct relay_link *l)
{
	struct relay_pool *p = l->pool;
	bool wants = l->state == LINK_READY && !p->finishing && smtp_session_wants(l->session) && relay_pace_allows(l);

	if (!wants || l->in_hand > 0)
		relay_list_remove(p, LIST_IDLE, l);
	if (!wants || l->in_hand == 0)
		relay_list_remove(p, LIST_BUSY, l);
	if (wants)
		relay_list_add(p, l->in_hand ? LIST_BUSY : LIST_IDLE, l, l->in_hand == 0);
}

void relay_link_touch(struct relay_link *l)
{
	struct relay_pool *p = l->pool;

	place(l);
	if (!l->session)
		return;
	relay_list_add(p, LIST_EVENTS, l, false);
	if (has_socket(l) && l->state != LINK_SHAKING)
		relay_list_add(p, LIST_PUSH, l, false);
	else
		relay_list_remove(p, LIST_PUSH, l);
}

/* ---- ending ---- */

static void drop_socket(struct relay_link *l)
{
	if (!l->net)
		return;
	relay_pool_unpoll(l->pool, l);
	net_link_free(&l->net);
	l->pool->open_links--;
	relay_board_leave_link(l->side->relay, l->pauses);
}

void relay_link_drop(struct relay_link *l)
{
	if (l->state == LINK_FREE)
		return;
	for (int i = 0; i < LISTS; i++)
		relay_list_remove(l->pool, (enum relay_list_kind)i, l);
	drop_socket(l);
	smtp_session_free(&l->session);
	relay_told_forget(&l->told);
	set_state(l, LINK_FREE);
	l->side->links--;
	l->side = NULL;
}

void relay_link_closed(struct relay_link *l, const struct err *why, int64_t now_ms)
{
	struct relay_side *side = l->side;
	struct relay_end end = {
		.why = why,
		.connected = l->number != 0,
		.address = l->address,
		.logging_in = l->session && smtp_session_mechanism(l->session),
		.refused_token = l->told.token && why->kind == ERR_AUTH && l->close_code / 100 == 5 ? l->told.token_serial : 0,
		.in_clear = !l->secured,
		.was_ready = l->was_ready,
		.served = l->served,
		.broke = l->session && relay_board_broke(l->side->relay, smtp_session_broke(l->session)),
		.idle_ms = l->was_ready && l->in_hand == 0 ? now_ms - l->idle_since_ms : 0,
	};

	unsigned number = l->number;

	relay_link_drop(l);
	relay_side_ended(side, &end, now_ms);
	relay_board_leave_turn(side->relay, number); /* what it was told is on the board now */
}

/* The socket is of no use any more. A session gets to say what that means for its mails. */
static void lose(struct relay_link *l, const struct err *why, int64_t now_ms)
{
	if (!l->session) {
		struct err copy = *why;

		relay_link_closed(l, &copy, now_ms);
		return;
	}
	drop_socket(l);
	set_state(l, LINK_LOST);
	smtp_session_hangup(l->session, why);
	relay_link_touch(l);
}

/* ---- beginning ---- */

static void heard(struct relay_link *l)
{
	if (!l->heard)
		relay_board_reached(l->side->relay);
	l->heard = true;
}

static void shake(struct relay_link *l, int64_t now_ms)
{
	struct err e = { 0 };
	int rc = net_link_handshake(l->net, &e);

	if (rc < 0) {
		lose(l, &e, now_ms);
		return;
	}
	if (rc > 0) {
		heard(l);
		set_state(l, LINK_TALKING);
		smtp_session_tick(l->session, now_ms);
		relay_bind(l->net, l->session);
		smtp_session_secured(l->session);
		relay_link_touch(l);
	}
	relay_pool_poll(l->pool, l);
}

void relay_link_begin_tls(struct relay_link *l, int64_t now_ms)
{
	struct err e = { 0 };

	if (!has_socket(l))
		return; /* lost since the session asked for it */
	if (net_link_secure(l->net, l->side->relay->tls, &l->side->ticket, &e) < 0) {
		lose(l, &e, now_ms);
		return;
	}
	l->secured = true;
	set_state(l, LINK_SHAKING);
	relay_list_remove(l->pool, LIST_PUSH, l);
	shake(l, now_ms);
}

static unsigned which_address(const struct relay_link *l)
{
	const struct net_addresses *all = &l->side->addresses;
	const struct net_address *peer = net_link_peer(l->net);
	unsigned i = 0;

	while (i + 1 < all->n && (all->items[i].n != peer->n || memcmp(&all->items[i].at, &peer->at, peer->n) != 0))
		i++;
	return i;
}

static void connected(struct relay_link *l, int64_t now_ms)
{
	struct err e = { 0 };

	l->number = relay_board_connected(l->side->relay);
	l->address = which_address(l);
	if (relay_link_begin_session(l, now_ms, &e) < 0) {
		lose(l, &e, now_ms);
		return;
	}
	set_state(l, LINK_TALKING);
	if (l->told.options.security == SMTP_IMPLICIT) {
		relay_link_begin_tls(l, now_ms);
		return;
	}
	relay_link_touch(l);
	relay_pool_poll(l->pool, l);
}

/* rc as of net_link_connect(). */
static void connect_went(struct relay_link *l, int rc, const struct err *e, int64_t now_ms)
{
	if (rc < 0)
		lose(l, e, now_ms);
	else if (rc > 0)
		connected(l, now_ms);
	else {
		l->polled_fd = -1; /* the next address may have the number of the one before: epoll forgot that one */
		relay_pool_poll(l->pool, l);
	}
}

static void connect_goes_on(struct relay_link *l, int64_t now_ms)
{
	struct err e = { 0 };
	int rc = net_link_connect_step(l->net, now_ms, &e);

	connect_went(l, rc, &e, now_ms);
}

int relay_link_open(struct relay_link *l, struct relay_side *side, int64_t now_ms)
{
	struct err e = { 0 };
	int rc;

	MUST(l->state == LINK_FREE);
	if (!relay_board_take_link(side->relay, &l->pauses))
		return -1; /* another thread was faster */
	l->side = side;
	l->number = 0;
	l->in_hand = l->served = 0;
	l->close_code = 0;
	l->was_ready = l->secured = l->heard = l->troubled = false;
	l->polled_fd = -1;
	side->links++;
	set_state(l, LINK_CONNECTING);
	if (relay_pace_begin(l) < 0 || net_link_new(&l->net, &e) < 0) {
		relay_board_leave_link(side->relay, l->pauses);
		if (e.kind == ERR_NONE)
			err_nomem(&e, "rate limits");
		lose(l, &e, now_ms);
		return -1;
	}
	l->pool->open_links++;
	net_link_go(l->net, &side->relay->way);
	rc = net_link_connect(l->net, &side->addresses, now_ms, side->relay->connect_ms, &e);
	connect_went(l, rc, &e, now_ms);
	return l->state == LINK_FREE ? -1 : 0;
}

void relay_link_became_ready(struct relay_link *l, int64_t now_ms)
{
	if (l->state != LINK_TALKING)
		return; /* lost since */
	l->was_ready = true;
	l->idle_since_ms = now_ms;
	set_state(l, LINK_READY);
	relay_board_offers(l->side->relay, smtp_session_caps(l->session));
	if (l->told.token)
		relay_token_accepted(l->side->relay->token, l->told.token_serial);
	relay_side_became_ready(l->side);
	if (l->side->state == SIDE_UP)
		relay_pool_unpark(l->pool, l);
	if (l->pool->finishing || l->side->state != SIDE_UP)
		relay_link_finish(l);
	else
		relay_link_touch(l);
}

/* ---- bytes ---- */

/* 1 there may be more, 0 nothing now, -1 the link is gone. */
static int read_some(struct relay_link *l, struct err *e)
{
	size_t n;
	int rc = net_link_read(l->net, l->pool->bytes, sizeof l->pool->bytes, &n, e);

	if (rc > 0) {
		heard(l);
		smtp_session_feed(l->session, span_of(l->pool->bytes, n));
		if (l->state == LINK_TALKING)
			explicit_bzero(l->pool->bytes, n); /* some servers repeat what a login said */
	}
	return rc;
}

static void read_all(struct relay_link *l, int64_t now_ms)
{
	struct err e; /* large, and mostly nobody reads it: not cleared */

	smtp_session_tick(l->session, now_ms);
	do {
		int rc = read_some(l, &e);

		if (rc < 0) {
			lose(l, &e, now_ms);
			return;
		}
		if (rc == 0)
			break;
	} while (net_link_has_more(l->net));
	relay_link_touch(l);
	relay_pool_poll(l->pool, l);
}

void relay_link_ready(struct relay_link *l, bool readable, bool writable, int64_t now_ms)
{
	switch (l->state) {
	case LINK_FREE:
	case LINK_LOST:
		return; /* closed by an event before this one */
	case LINK_CONNECTING:
		connect_goes_on(l, now_ms);
		return;
	case LINK_SHAKING:
		shake(l, now_ms);
		return;
	case LINK_TALKING:
	case LINK_READY:
	case LINK_LEAVING:
		break;
	}
	if (writable)
		relay_list_add(l->pool, LIST_PUSH, l, false);
	if (readable || l->told.options.security != SMTP_PLAIN) /* TLS may have to write in order to read */
		read_all(l, now_ms);
}

/* Bounded, should the other side never stop. */
static void read_what_is_there(struct relay_link *l, struct err *e)
{
	for (int i = 0; i < READS_AT_LOSS && read_some(l, e) > 0; i++)
		;
}

static void write_failed(struct relay_link *l, const struct err *why, int64_t now_ms)
{
	struct err ignored = { 0 };

	read_what_is_there(l, &ignored);
	lose(l, why, now_ms);
}

static size_t total(const struct span *pieces, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += pieces[i].n;
	return sum;
}

void relay_link_push(struct relay_link *l, int64_t now_ms)
{
	struct span pieces[RELAY_PIECES];
	struct err e; /* as in read_all() */

	if (!has_socket(l) || l->state == LINK_CONNECTING || l->state == LINK_SHAKING)
		return;
	smtp_session_tick(l->session, now_ms);
	for (;;) {
		int n = smtp_session_pull(l->session, pieces, RELAY_PIECES);
		size_t taken, sum = total(pieces, n);
		int rc;

		if (n == 0 && !l->secured)
			break;
		rc = net_link_write(l->net, pieces, n, &taken, &e);

		if (taken > 0)
			smtp_session_wrote(l->session, taken);
		if (rc < 0) {
			write_failed(l, &e, now_ms);
			return;
		}
		if (n == 0 || taken < sum || (net_link_wants(l->net) & NET_WANTS_WRITE))
			break;
	}
	relay_pace_used(l, !(net_link_wants(l->net) & NET_WANTS_WRITE));
	place(l);
	relay_list_add(l->pool, LIST_EVENTS, l, false);
	relay_list_remove(l->pool, LIST_PUSH, l); /* all that is to be had was pulled */
	relay_pool_poll(l->pool, l);
}

/* ---- time ---- */

void relay_link_finish(struct relay_link *l)
{
	if (l->state == LINK_CONNECTING) {
		struct err none = { 0 };

		relay_link_closed(l, &none, 0);
		return;
	}
	if (l->state == LINK_FREE || l->state == LINK_LOST || l->state == LINK_LEAVING)
		return;
	if (l->state == LINK_READY)
		set_state(l, LINK_LEAVING);
	smtp_session_finish(l->session);
	relay_link_touch(l);
}

void relay_link_abort(struct relay_link *l, int64_t now_ms)
{
	struct err why = { 0 }, ignored = { 0 };

	if (!has_socket(l))
		return;
	err_set(&why, ERR_NONE, "stopped"); /* no fault of the relay's */
	if (l->state != LINK_CONNECTING && l->state != LINK_SHAKING)
		read_what_is_there(l, &ignored);
	lose(l, &why, now_ms);
}

static int64_t idle_end_ms(const struct relay_link *l)
{
	if (l->state != LINK_READY || l->in_hand > 0)
		return INT64_MAX;
	return l->idle_since_ms + l->side->idle_ms;
}

int64_t relay_link_deadline_ms(const struct relay_link *l)
{
	int64_t session, idle;

	switch (l->state) {
	case LINK_FREE:
	case LINK_LOST:
		return INT64_MAX;
	case LINK_CONNECTING:
		return net_link_deadline_ms(l->net);
	default:
		session = smtp_session_deadline_ms(l->session);
		idle = idle_end_ms(l);
		if (l->pace_due_ms && l->pace_due_ms < idle)
			idle = l->pace_due_ms;
		return session < idle ? session : idle;
	}
}

void relay_link_timer(struct relay_link *l, int64_t now_ms)
{
	if (relay_link_deadline_ms(l) > now_ms)
		return;
	if (l->state == LINK_CONNECTING) {
		connect_goes_on(l, now_ms);
		return;
	}
	smtp_session_tick(l->session, now_ms);
	if (l->pace_due_ms && l->pace_due_ms <= now_ms)
		l->pace_due_ms = 0; /* asked again by touch */
	if (idle_end_ms(l) <= now_ms)
		relay_link_finish(l);
	else
		relay_link_touch(l);
}
