/* queue.h - a bounded queue of blocks between threads, the only thing threads share.
 *
 * An item belongs to whoever popped it. Any number of pushers and poppers. The lock guards all
 * members and is never held while anything else is called. queue_fd() lets a poll loop wait for
 * items together with its sockets. */
#ifndef ENGINE_BASE_QUEUE_H
#define ENGINE_BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct queue;

int queue_new(struct queue **out, size_t capacity, struct err *e);
/* Items still inside are not freed: pop them first. */
void queue_free(struct queue **q);
/* 1 pushed, 0 full or closed. Never waits. */
int queue_try_push(struct queue *q, void *item);
/* Waits at most wait_ms (-1: for ever). 1 pushed, 0 time is up, -1 closed. */
int queue_push(struct queue *q, void *item, int64_t wait_ms);
/* Waits at most wait_ms (0: not at all, -1: for ever). 1 got one, 0 none in time, -1 closed and
 * empty. */
int queue_pop(struct queue *q, void **item, int64_t wait_ms);
/* No push from now on; what is inside can still be popped. Wakes all waiters. */
void queue_close(struct queue *q);
/* Readable for poll(2) while items are inside or the queue is closed. Never read from it. */
int queue_fd(const struct queue *q);
/* The popper has seen the end (-1): from now on the descriptor of the closed queue is not readable,
 * so that a poll loop which goes on for other reasons does not spin. */
void queue_hush(struct queue *q);
size_t queue_length(struct queue *q);

#endif
