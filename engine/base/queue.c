/* queue.c - a ring of pointers behind one lock.
 *
 *  1. 0 <= count <= capacity, and items leave in the order they came.
 *  2. The eventfd is readable exactly when count > 0, or closed and not hushed; `readable` remembers
 *     it, so that a system call is made only when that changes, not on each push and pop.
 *  3. Under the lock nothing is called that can wait: the eventfd is non-blocking, and its counter
 *     is only ever 0 or 1.
 * Held by tests/unit/test_base_queue.c (and MODE=tsan). */
#include "engine/base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"

struct queue {
	pthread_mutex_t lock; /* guards everything below but fd and capacity, which never change */
	pthread_cond_t items; /* "there is an item, or closed" */
	pthread_cond_t room;  /* "there is room, or closed" */
	void **ring;
	size_t capacity, head, count;
	bool closed, hushed, readable;
	int fd;
};

static int init_cond(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int rc;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
	return rc;
}

int queue_new(struct queue **out, size_t capacity, struct err *e)
{
	struct queue *q = mem_new(sizeof *q);

	*out = NULL;
	MUST(capacity > 0);
	if (!q)
		return err_nomem(e, "a queue");
	q->ring = mem_array(capacity, sizeof *q->ring);
	if (!q->ring) {
		mem_free(q);
		return err_nomem(e, "a queue");
	}
	q->capacity = capacity;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0) {
		err_sys(e, "cannot make an event descriptor");
		mem_free(q->ring);
		mem_free(q);
		return -1;
	}
	/* On Linux these do not fail: nothing is allocated for private locks. */
	MUST(pthread_mutex_init(&q->lock, NULL) == 0);
	MUST(init_cond(&q->items) == 0 && init_cond(&q->room) == 0);
	*out = q;
	return 0;
}

void queue_free(struct queue **q)
{
	struct queue *old = *q;

	if (!old)
		return;
	pthread_cond_destroy(&old->room);
	pthread_cond_destroy(&old->items);
	pthread_mutex_destroy(&old->lock);
	close(old->fd);
	mem_free(old->ring);
	mem_free(old);
	*q = NULL;
}

/* Makes (2) true again. Under the lock. */
static void show(struct queue *q)
{
	bool want = q->count > 0 || (q->closed && !q->hushed);
	uint64_t one = 1;
	ssize_t n;

	if (want == q->readable)
		return;
	do
		n = want ? write(q->fd, &one, sizeof one) : read(q->fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
	MUST(n == sizeof one);
	q->readable = want;
}

static void put(struct queue *q, void *item)
{
	size_t at = q->head + q->count;

	q->ring[at < q->capacity ? at : at - q->capacity] = item;
	q->count++;
	show(q);
	pthread_cond_signal(&q->items);
}

static void *take(struct queue *q)
{
	void *item = q->ring[q->head];

	q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
	q->count--;
	show(q);
	pthread_cond_signal(&q->room);
	return item;
}

/* Waits once for c; false when the time is up. until is not looked at when wait_ms is -1. */
static bool wait_for(struct queue *q, pthread_cond_t *c, int64_t wait_ms, const struct timespec *until)
{
	if (wait_ms < 0)
		return pthread_cond_wait(c, &q->lock) == 0;
	return pthread_cond_timedwait(c, &q->lock, until) != ETIMEDOUT;
}

int queue_try_push(struct queue *q, void *item)
{
	return queue_push(q, item, 0) == 1;
}

int queue_push(struct queue *q, void *item, int64_t wait_ms)
{
	struct timespec until = { 0 };
	bool more = wait_ms != 0;
	int rc;

	if (wait_ms > 0)
		until = clock_deadline(wait_ms);
	pthread_mutex_lock(&q->lock);
	while (q->count == q->capacity && !q->closed && more)
		more = wait_for(q, &q->room, wait_ms, &until);
	rc = q->closed ? -1 : q->count < q->capacity;
	if (rc == 1)
		put(q, item);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

int queue_pop(struct queue *q, void **item, int64_t wait_ms)
{
	struct timespec until = { 0 };
	bool more = wait_ms != 0;
	int rc;

	if (wait_ms > 0)
		until = clock_deadline(wait_ms);
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed && more)
		more = wait_for(q, &q->items, wait_ms, &until);
	rc = q->count > 0 ? 1 : q->closed ? -1 : 0;
	if (rc == 1)
		*item = take(q);
	pthread_mutex_unlock(&q->lock);
	return rc;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	show(q);
	pthread_cond_broadcast(&q->items);
	pthread_cond_broadcast(&q->room);
	pthread_mutex_unlock(&q->lock);
}

int queue_fd(const struct queue *q)
{
	return q->fd;
}

void queue_hush(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->hushed = true;
	show(q);
	pthread_mutex_unlock(&q->lock);
}

size_t queue_length(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->count;
	pthread_mutex_unlock(&q->lock);
	return n;
}
