/* relay_poll.c - the pool's waiting: one epoll(7) over links, name look-ups and the worker's wake-up.
 *
 * Level-triggered; what is watched is changed only when a link wants something else, so that a
 * message costs no epoll_ctl(2). A link's read is one system call a wake-up: what is left in the
 * socket wakes the next wait. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/must.h"
#include "transport/relay/relay_parts.h"

enum {
	EVENTS_AT_ONCE = 64,
	ID_WAKE = 0, /* what epoll hands back: 0, then links, then sides */
	ID_LINKS = 1,
	ID_SIDES = ID_LINKS + RELAY_LINKS_MAX
};

void relay_pool_unpoll(struct relay_pool *p, struct relay_link *l)
{
	if (l->polled_fd >= 0 && l->polled_fd == net_link_fd(l->net))
		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, l->polled_fd, NULL);
	l->polled_fd = -1;
	l->polled = 0;
}

void relay_pool_poll(struct relay_pool *p, struct relay_link *l)
{
	struct epoll_event ev = { .data = { .u64 = ID_LINKS + l->index } };
	unsigned wants;
	int fd, rc;

	if (!l->net)
		return;
	wants = net_link_wants(l->net);
	fd = net_link_fd(l->net);
	if (fd == l->polled_fd && wants == l->polled)
		return;
	ev.events = (wants & NET_WANTS_READ ? (uint32_t)EPOLLIN : 0) | (wants & NET_WANTS_WRITE ? (uint32_t)EPOLLOUT : 0);
	rc = epoll_ctl(p->epoll_fd, fd == l->polled_fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
	if (rc < 0 && errno == EEXIST) /* still the same address */
		rc = epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
	if (rc < 0 && errno == ENOENT)
		rc = epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	MUST(rc == 0 || errno == ENOMEM || errno == ENOSPC);
	l->polled_fd = rc == 0 ? fd : -1;
	l->polled = rc == 0 ? wants : 0;
}

void relay_pool_watch_lookup(struct relay_pool *p, const struct relay_side *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .u64 = ID_SIDES + s->index } };

	/* Should it fail, the old addresses stay in use. */
	(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, net_lookup_fd(s->lookup), &ev);
}

/* True when there is something to do before anything else can happen. */
static bool has_work(struct relay_pool *p)
{
	struct relay_link *l;

	while (!p->fetched && (l = p->lists[LIST_EVENTS].first)) {
		if (smtp_session_event(l->session, &p->event))
			p->fetched = l;
		else
			relay_list_remove(p, LIST_EVENTS, l);
	}
	if (p->fetched || p->lists[LIST_PUSH].n > 0 || p->parked_given_up || p->tell_all_down)
		return true;
	for (unsigned i = 0; i < p->n_sides; i++)
		if (p->sides[i].tell_pause || p->sides[i].tell_down)
			return true;
	return false;
}

static int64_t earliest_ms(const struct relay_pool *p)
{
	int64_t ms = INT64_MAX;

	for (unsigned i = 0; i < p->n_links; i++) {
		int64_t at = relay_link_deadline_ms(&p->links[i]);

		if (at < ms)
			ms = at;
	}
	for (unsigned i = 0; i < p->n_sides; i++) {
		int64_t at = relay_side_deadline_ms(&p->sides[i]);

		if (at < ms)
			ms = at;
	}
	return ms;
}

static int wait_ms(struct relay_pool *p, int64_t max_ms)
{
	int64_t at, now, ms;

	p->due_ms = 0;
	if (max_ms == 0 || has_work(p))
		return 0;
	at = p->due_ms = earliest_ms(p);
	if (at == INT64_MAX)
		ms = max_ms;
	else {
		now = clock_mono_ms();
		ms = at > now ? at - now : 0;
		if (max_ms >= 0 && max_ms < ms)
			ms = max_ms;
	}
	return ms > 3600000 ? 3600000 : (int)ms;
}

/* 1 when it is the worker's wake-up. */
static int dispatch(struct relay_pool *p, const struct epoll_event *ev)
{
	uint64_t id = ev->data.u64;
	bool readable = ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR);

	if (id == ID_WAKE)
		return 1;
	if (id < ID_SIDES)
		relay_link_ready(&p->links[id - ID_LINKS], readable, ev->events & EPOLLOUT, p->now_ms);
	else if (p->sides[id - ID_SIDES].lookup)
		relay_side_looked_up(&p->sides[id - ID_SIDES]);
	return 0;
}

int relay_pool_wait(struct relay_pool *p, int64_t max_ms, struct err *e)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(p->epoll_fd, events, EVENTS_AT_ONCE, wait_ms(p, max_ms));
	int woken = 0;

	if (n < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for the connections");
	p->now_ms = clock_mono_ms();
	for (int i = 0; i < n; i++)
		woken |= dispatch(p, &events[i]);
	relay_pool_timers(p, p->now_ms);
	return woken;
}
