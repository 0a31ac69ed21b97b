/* relay_pool.c - one worker's sessions: which mail goes where, when connections are made.
 *
 * A mail goes to the session that had none for the shortest time, so that a slow run keeps few
 * connections alive; when all have some, to the one that waits longest. Another connection is made
 * when a mail meets sessions without a pause between two mails, and never more at once than are
 * ready already: 1, 2, 4, 8. Invariants, held by tests/unit/test_relay_pool.c, test_relay_pauses.c and test_relay_abort.c:
 *  1. Each mail that was taken gets exactly one verdict a recipient and one RELAY_DONE.
 *  2. Never more than n_links sockets are open.
 *  3. At most one mail is parked, and only while no session is open; it is the first that the next
 *     session gets, and given back when there will be none.
 *     A paced pool parks none.
 *  4. DOWN is told once for each relay, ALL_DOWN once, after all of them. */
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"

/* ---- opening connections ---- */

int relay_pool_open_at(struct relay_pool *p, struct relay_side *s, int64_t now_ms)
{
	if (!relay_side_still_good(s))
		return 0;
	for (unsigned i = 0; i < p->n_links; i++)
		if (p->links[i].state == LINK_FREE)
			return relay_link_open(&p->links[i], s, now_ms) == 0;
	return 0;
}

bool relay_pool_has_free(const struct relay_pool *p)
{
	for (unsigned i = 0; i < p->n_links; i++)
		if (p->links[i].state == LINK_FREE)
			return true;
	return false;
}

int relay_pool_open_one(struct relay_pool *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->n_sides; i++) {
		struct relay_side *s = &p->sides[(p->turn + i) % p->n_sides];
		unsigned most = s->ready ? s->ready : 1;

		if (s->state != SIDE_UP || s->opening >= most || !relay_side_may_open(s, now_ms))
			continue;
		p->turn = (s->index + 1) % p->n_sides;
		if (relay_pool_open_at(p, s, now_ms))
			return 1;
	}
	return 0;
}

static unsigned count_sides(const struct relay_pool *p, enum relay_side_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_sides; i++)
		n += p->sides[i].state == state;
	return n;
}

static unsigned weight_of(const struct relay_side *s)
{
	return s->relay->url.limits.weight ? s->relay->url.limits.weight : 1;
}

/* Other threads have all the connections that it bears. */
static bool is_full_elsewhere(const struct relay_side *s)
{
	return s->links == 0 && relay_board_is_full(s->relay);
}

/* The side that is up, below its own number, and farthest from its share; the first connection is for
 * side p->first. NULL: none takes more. */
static struct relay_side *needs_most(const struct relay_pool *p, bool with_full)
{
	struct relay_side *most = NULL;

	for (unsigned i = 0; i < p->n_sides; i++) {
		struct relay_side *s = &p->sides[(p->first + i) % p->n_sides];
		unsigned own = s->relay->url.limits.connections;

		if (s->state != SIDE_UP || (own > 0 && s->quota >= own) || (!with_full && is_full_elsewhere(s)))
			continue;
		if (!most || s->quota * weight_of(most) < most->quota * weight_of(s))
			most = s;
	}
	return most;
}

static unsigned share_out(struct relay_pool *p, unsigned links, bool with_full)
{
	unsigned n = 0;

	for (struct relay_side *s; n < links && (s = needs_most(p, with_full)); n++)
		s->quota++;
	return n;
}

/* A paused side keeps one link to come back with, where that leaves each of the others one too. */
void relay_pool_share(struct relay_pool *p)
{
	unsigned up = count_sides(p, SIDE_UP), paused = count_sides(p, SIDE_PAUSED), left = p->n_links;

	MUST(p->n_sides > 0);
	for (unsigned i = 0; i < p->n_sides; i++) {
		struct relay_side *s = &p->sides[i];

		s->quota = s->state == SIDE_PAUSED && (up == 0 || p->n_links >= up + paused) && left > 0;
		left -= s->quota;
	}
	left -= share_out(p, left, false);
	if (left == p->n_links) /* one of those may be left by its thread */
		share_out(p, left, true);
}

bool relay_pool_has_session(const struct relay_pool *p)
{
	for (unsigned i = 0; i < p->n_sides; i++)
		if (p->sides[i].opening + p->sides[i].ready > 0)
			return true;
	return false;
}

/* ---- life ---- */

static int make_parts(struct relay_pool *p, const struct relay_pool_options *opt, struct err *e)
{
	unsigned window = 1;

	for (unsigned i = 0; i < opt->n_relays; i++)
		if (opt->relays[i]->session.window > window)
			window = opt->relays[i]->session.window;
	p->tickets = p->n_links * (window + 2) + 1; /* a session holds two more than are in flight */
	p->sides = mem_array(opt->n_relays, sizeof *p->sides);
	p->links = mem_array(p->n_links, sizeof *p->links);
	p->of_ticket = mem_array(p->tickets, sizeof(struct relay_link *));
	if (opt->n_relays > 1)
		p->mails = mem_array(p->tickets, sizeof(struct mail *));
	if (!p->sides || !p->links || !p->of_ticket || (opt->n_relays > 1 && !p->mails))
		return err_nomem(e, "for connections");
	p->n_sides = opt->n_relays;
	for (unsigned i = 0; i < p->n_sides; i++)
		relay_side_init(&p->sides[i], p, opt->relays[i], i);
	for (unsigned i = 0; i < p->n_links; i++) {
		p->links[i].pool = p;
		p->links[i].index = i;
		p->links[i].polled_fd = -1;
	}
	return 0;
}

static int make_epoll(struct relay_pool *p, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .u64 = 0 } };

	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0)
		return err_sys(e, "cannot wait for connections");
	if (p->wake_fd >= 0 && epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake_fd, &ev) < 0)
		return err_sys(e, "cannot wait for the queue");
	return 0;
}

int relay_pool_new(struct relay_pool **out, const struct relay_pool_options *opt, struct err *e)
{
	struct relay_pool *p = mem_new(sizeof *p);

	MUST(opt->n_relays > 0 && opt->connections > 0);
	if (!p)
		return err_nomem(e, "for connections");
	p->epoll_fd = -1;
	p->wake_fd = opt->wake_fd;
	p->trace_fd = opt->trace_fd;
	p->trouble_path = opt->trouble_path;
	p->paced = opt->paced || relay_pace_is_needed(opt);
	p->first = p->turn = opt->first % opt->n_relays;
	p->n_links = opt->connections > RELAY_LINKS_MAX ? RELAY_LINKS_MAX : opt->connections;
	if (make_parts(p, opt, e) < 0 || make_epoll(p, e) < 0) {
		relay_pool_free(&p);
		return -1;
	}
	relay_pool_share(p);
	p->now_ms = clock_mono_ms();
	relay_pool_open_one(p, p->now_ms);
	*out = p;
	return 0;
}

void relay_pool_free(struct relay_pool **out)
{
	struct relay_pool *p = *out;

	if (!p)
		return;
	for (unsigned i = 0; p->links && i < p->n_links; i++) {
		if (p->links[i].side)
			relay_board_leave_turn(p->links[i].side->relay, p->links[i].number);
		relay_link_drop(&p->links[i]);
		relay_pace_end(&p->links[i]);
	}
	for (unsigned i = 0; i < p->n_sides; i++)
		relay_side_release(&p->sides[i]);
	if (p->epoll_fd >= 0)
		close(p->epoll_fd);
	mem_free(p->sides);
	mem_free(p->links);
	mem_free(p->of_ticket);
	mem_free(p->mails);
	mem_free(p);
	*out = NULL;
}

/* ---- mails ---- */

/* No session is open or being opened, and some relay would have one. */
static bool sleeps(const struct relay_pool *p)
{
	int64_t now_ms;

	if (p->finishing || relay_pool_has_session(p))
		return false;
	now_ms = clock_mono_ms();
	for (unsigned i = 0; i < p->n_sides; i++)
		if (relay_side_sleeps(&p->sides[i], now_ms))
			return true;
	return false;
}

static bool may_park(const struct relay_pool *p)
{
	return !p->paced && !p->parked && sleeps(p);
}

void relay_pool_wake(struct relay_pool *p)
{
	if (!sleeps(p))
		return;
	p->now_ms = clock_mono_ms();
	relay_pool_open_one(p, p->now_ms);
}

unsigned relay_pool_wants(const struct relay_pool *p)
{
	unsigned n = p->lists[LIST_IDLE].n + p->lists[LIST_BUSY].n, room = p->tickets - p->in_hand;

	if (n > 0)
		return n < room ? n : room;
	return room > 0 && may_park(p);
}

unsigned relay_pool_tickets(const struct relay_pool *p)
{
	return p->tickets;
}

static void take(struct relay_pool *p, struct relay_link *l, const struct mail *m)
{
	MUST(m->ticket < p->tickets);
	p->of_ticket[m->ticket] = l;
	if (p->mails)
		p->mails[m->ticket] = m;
	l->in_hand++;
}

static int offer_to(struct relay_pool *p, struct relay_link *l, const struct mail *m)
{
	bool pressed = l->in_hand > 0 || p->now_ms - l->idle_since_ms < RELAY_PAUSE_MS;

	if (!relay_pace_take(l) || !smtp_session_offer(l->session, m)) {
		relay_link_touch(l);
		return 0;
	}
	take(p, l, m);
	p->in_hand++;
	relay_list_remove(p, LIST_BUSY, l); /* to the end of it */
	relay_link_touch(l);
	if (pressed && p->lists[LIST_IDLE].n == 0 && p->open_links < p->n_links)
		relay_pool_open_one(p, p->now_ms);
	return 1;
}

int relay_pool_offer(struct relay_pool *p, const struct mail *m)
{
	struct relay_link *l = p->lists[LIST_IDLE].first ? p->lists[LIST_IDLE].first : p->lists[LIST_BUSY].first;

	if (p->in_hand == p->tickets)
		return 0;
	if (l)
		return offer_to(p, p->mails ? relay_pool_carrier(p, l, m) : l, m);
	if (!may_park(p))
		return 0;
	MUST(m->ticket < p->tickets);
	p->parked = m;
	p->of_ticket[m->ticket] = NULL;
	p->in_hand++;
	relay_pool_open_one(p, p->now_ms);
	return 1;
}

void relay_pool_unpark(struct relay_pool *p, struct relay_link *l)
{
	if (!p->parked || p->parked_given_up || !smtp_session_offer(l->session, p->parked))
		return;
	take(p, l, p->parked);
	p->parked = NULL;
}

void relay_pool_grant(struct relay_pool *p, uint32_t ticket)
{
	struct relay_link *l = ticket < p->tickets ? p->of_ticket[ticket] : NULL;

	if (!l || l->state == LINK_LOST)
		return; /* lost since it asked */
	smtp_session_grant(l->session, ticket);
	relay_list_add(p, LIST_PUSH, l, false);
}

void relay_pool_push(struct relay_pool *p)
{
	struct relay_link *l;

	if (!p->lists[LIST_PUSH].first)
		return;
	p->now_ms = clock_mono_ms();
	while ((l = p->lists[LIST_PUSH].first)) {
		relay_list_remove(p, LIST_PUSH, l);
		relay_link_push(l, p->now_ms);
	}
}

/* ---- time ---- */

void relay_pool_timers(struct relay_pool *p, int64_t now_ms)
{
	/* What the wait itself brought is looked at before the next one. */
	for (unsigned i = 0; i < p->n_links && now_ms >= p->due_ms; i++)
		relay_link_timer(&p->links[i], now_ms);
	for (unsigned i = 0; i < p->n_sides; i++)
		relay_side_timer(&p->sides[i], now_ms);
	if (p->parked && !p->parked_given_up && !relay_pool_has_session(p))
		relay_pool_open_one(p, now_ms);
}

/* ---- the end ---- */

void relay_pool_finish(struct relay_pool *p)
{
	if (p->finishing)
		return;
	p->finishing = true;
	for (unsigned i = 0; i < p->n_links; i++)
		if (!p->parked || p->links[i].state == LINK_READY) /* what is opening will take the parked one */
			relay_link_finish(&p->links[i]);
}

void relay_pool_abort(struct relay_pool *p)
{
	p->finishing = p->aborted = true;
	p->now_ms = clock_mono_ms();
	for (unsigned i = 0; i < p->n_links; i++)
		relay_link_abort(&p->links[i], p->now_ms);
	p->parked_given_up = p->parked != NULL;
}

unsigned relay_pool_in_hand(const struct relay_pool *p)
{
	return p->in_hand;
}

unsigned relay_pool_open_links(const struct relay_pool *p)
{
	return p->open_links;
}

bool relay_pool_was_ready(const struct relay_pool *p)
{
	return p->was_ready;
}
