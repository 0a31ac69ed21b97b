/* timers.h - a heap of what is due next. An element is embedded in what it wakes. */
#ifndef TESTS_FAKE_TIMERS_H
#define TESTS_FAKE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_NONE INT64_MAX

struct timer {
	int64_t due_ns; /* TIMER_NONE: not in the heap */
	size_t place;
};

struct timers {
	struct timer **heap;
	size_t n, cap;
};

void timer_init(struct timer *t);
/* Puts in, moves, or with TIMER_NONE takes out. */
void timers_set(struct timers *ts, struct timer *t, int64_t due_ns);
/* The first to come, or NULL. */
struct timer *timers_first(const struct timers *ts);
void timers_free(struct timers *ts);

#endif
