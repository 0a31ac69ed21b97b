/* loop.c - the round, and the order that makes the record trustworthy: nothing leaves a connection between
 * the reading of a message's end and the write of its line. */
#include "tests/fake/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/fake/conn.h"

enum { EVENTS_A_ROUND = 256 };

static void arm(struct loop *l)
{
	struct timer *first = timers_first(&l->timers);
	int64_t due = first ? first->due_ns : TIMER_NONE;
	struct itimerspec spec = { 0 };

	if (due == l->armed_ns)
		return;
	l->armed_ns = due;
	if (due != TIMER_NONE) {
		spec.it_value.tv_sec = due / 1000000000;
		spec.it_value.tv_nsec = due % 1000000000;
	}
	if (due != TIMER_NONE && due <= 0)
		spec.it_value.tv_nsec = 1;
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void swallow_count(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
		die("cannot read an event: %s", strerror(errno));
}

static void take_inbox(struct loop *l)
{
	for (;;) {
		struct arrival a;

		pthread_mutex_lock(&l->lock);
		if (l->n_inbox == 0) {
			pthread_mutex_unlock(&l->lock);
			return;
		}
		a = l->inbox[--l->n_inbox];
		pthread_mutex_unlock(&l->lock);
		conn_open(l, a);
	}
}

static void run_timers(struct loop *l)
{
	struct timer *t;

	while ((t = timers_first(&l->timers)) && t->due_ns <= l->now.mono_ns) {
		timers_set(&l->timers, t, TIMER_NONE);
		conn_timer((struct conn *)t);
	}
}

static void settle(struct loop *l)
{
	record_flush(&l->record);
	while (l->dirty) {
		struct conn *c = l->dirty;

		l->dirty = c->next_dirty;
		conn_settle(c);
	}
	while (l->dead) {
		struct conn *c = l->dead;

		l->dead = c->next_dead;
		conn_free(c);
	}
}

static void one_event(struct loop *l, const struct epoll_event *ev)
{
	if (ev->data.ptr == &l->wake_fd) {
		swallow_count(l->wake_fd);
		take_inbox(l);
	} else if (ev->data.ptr == &l->timer_fd) {
		swallow_count(l->timer_fd);
		l->armed_ns = TIMER_NONE;
	} else {
		l->now = moment_now(); /* when these octets came */
		conn_event(ev->data.ptr, ev->events);
	}
}

static void *run(void *arg)
{
	struct loop *l = arg;
	struct epoll_event events[EVENTS_A_ROUND];

	while (!atomic_load_explicit(&l->stop, memory_order_acquire)) {
		int n = epoll_wait(l->epoll_fd, events, EVENTS_A_ROUND, -1);

		if (n < 0 && errno != EINTR)
			die("epoll: %s", strerror(errno));
		l->now = moment_now();
		for (int i = 0; i < n; i++)
			one_event(l, &events[i]);
		run_timers(l);
		settle(l);
		arm(l);
	}
	for (struct conn *c = l->all; c; c = c->next)
		conn_die(c, false);
	l->dirty = NULL;
	settle(l);
	return NULL;
}

static void watch(struct loop *l, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	if (*fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, *fd, &ev) < 0)
		die("epoll: %s", strerror(errno));
}

void loop_start(struct loop *l, const struct config *cfg, struct greylist *g, struct record_files *files)
{
	*l = (struct loop){ .cfg = cfg, .greylist = g, .armed_ns = TIMER_NONE };
	record_init(&l->record, files, cfg);
	pthread_mutex_init(&l->lock, NULL);
	l->buffer = need(LOOP_CARRY_BYTES + LOOP_READ_BYTES);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	watch(l, &l->timer_fd);
	watch(l, &l->wake_fd);
	if (pthread_create(&l->thread, NULL, run, l) != 0)
		die("cannot start a thread");
}

static void wake(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		die("cannot wake a thread: %s", strerror(errno));
}

void loop_give(struct loop *l, struct arrival a)
{
	pthread_mutex_lock(&l->lock);
	if (l->n_inbox == l->cap_inbox) {
		l->cap_inbox = l->cap_inbox ? l->cap_inbox * 2 : 64;
		l->inbox = need_more(l->inbox, l->cap_inbox * sizeof *l->inbox);
	}
	l->inbox[l->n_inbox++] = a;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->stop, true, memory_order_release);
	wake(l);
	pthread_join(l->thread, NULL);
	for (size_t i = 0; i < l->n_inbox; i++)
		close(l->inbox[i].fd);
	free(l->inbox);
	free(l->buffer);
	close(l->epoll_fd);
	close(l->timer_fd);
	close(l->wake_fd);
	timers_free(&l->timers);
	pthread_mutex_destroy(&l->lock);
}
