/* throttle.h - rate limits as exact sliding windows.
 *
 * Each limit remembers its last N begin times, so no window of that length ever holds more than N
 * messages. The window is kept a little longer than asked (THROTTLE_MARGIN) so that what is exact
 * here stays true at the relay, where a message arrives some milliseconds later than it left. A
 * limit a second is also spread within the second. Safe in any thread: one lock guards all. */
#ifndef ENGINE_BASE_THROTTLE_H
#define ENGINE_BASE_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct throttle;

enum {
	THROTTLE_LIMITS_MAX = 8,
	THROTTLE_COUNT_MAX = 10000000, /* N of one limit: 8 bytes each */
	THROTTLE_MARGIN_MS = 25        /* at most; and at most 1/40 of the window */
};

/* "100/s", "30/min,2000/day", "5 / 10s". ERR_INPUT says what is wrong. */
int throttle_new(struct throttle **out, const char *limits, struct err *e);
void throttle_free(struct throttle **t);
/* The longest window in ms, and the most messages any limit remembers: what a resume must know. */
int64_t throttle_window_ms(const struct throttle *t);
size_t throttle_memory(const struct throttle *t);
/* Begin times of earlier runs, ascending, as ages: how many ms ago at now_ns. */
void throttle_remember(struct throttle *t, const int64_t *age_ms, size_t n, int64_t now_ns);

/* What was begun under old counts for t, too, and old gives no places any more. Both may be NULL. */
void throttle_follow(struct throttle *t, struct throttle *old, int64_t now_ns);
/* Keeps old in the list, to be freed with it. old may be NULL. */
void throttle_retire(struct throttle *old, struct throttle **list);
/* Takes a place at now_ns (monotonic): 0 taken, else the nanoseconds until it is worth asking again. */
int64_t throttle_take(struct throttle *t, int64_t now_ns);
/* The places that were taken at these times were used just now: their windows run from here. What happens between
 * taking a place and writing the command, a busy machine above all, so never shortens a window. */
void throttle_used(struct throttle *t, const int64_t *taken_ns, size_t n, int64_t now_ns);
/* The wait that throttle_take() would tell, and nothing is taken. */
int64_t throttle_wait(struct throttle *t, int64_t now_ns);
/* How far apart places are in the long run. */
int64_t throttle_spacing_ns(const struct throttle *t);
/* Messages a second in the long run, for estimates. */
double throttle_per_second(const struct throttle *t);

#endif
