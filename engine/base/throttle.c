/* throttle.c - a ring of begin times for each limit.
 *
 * Invariants (tests/unit/test_base_throttle.c):
 *  1. Of any N + 1 places that were taken, first and last are at least the window apart, each counted from when
 *     it was used, where that was told (a place is given when the one N before it was used a window ago).
 *  2. A place is taken from all limits or from none.
 *  3. A limit of one second also spaces its places: they follow a schedule of window / N, which may
 *     lag behind the clock by SPREAD_LAG_NS, so that a late wake-up costs no throughput. */
#include "engine/base/throttle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/span.h"

#define NS_PER_MS 1000000LL
#define SPREAD_LAG_NS (10 * NS_PER_MS)
#define SPREAD_WINDOW_MAX_MS 1000
#define USED_LOOK_BACK 4096 /* places: more than are ever taken and not used */

struct limit {
	uint64_t n;
	int64_t window_ns;  /* with the margin */
	int64_t asked_ms;
	int64_t *begun;     /* ring of the last n begin times */
	uint64_t used, at;  /* filled entries; where the next one goes: the oldest once all are used */
	int64_t spacing_ns; /* 0: not spread */
	int64_t next_ns;    /* earliest time of the next place when spread */
};

struct throttle {
	struct throttle *older; /* list of throttle_retire() */
	bool closed;
	pthread_mutex_t lock; /* guards limits */
	unsigned n_limits;
	struct limit limits[THROTTLE_LIMITS_MAX];
};

static int limit_wrong(struct err *e, struct span text)
{
	unsigned long long n;

	if (span_number(text, THROTTLE_COUNT_MAX, &n) == 0) {
		err_set(e, ERR_INPUT, "rate '%llu' has no time", n);
		return err_hint(e, "write %llu/s, %llu/min or %llu/day", n, n, n);
	}
	err_set(e, ERR_INPUT, "rate '%.*s' is not understood", SPAN_ARG(text));
	return err_hint(e, "a number and its time: 100/s, 30/min or 2000/day, several joined by commas");
}

static int window_of(struct span unit, int64_t *out_ms)
{
	static const struct { const char *name; int64_t ms; } units[] = {
		{ "s", 1000 }, { "sec", 1000 }, { "second", 1000 }, { "m", 60000 }, { "min", 60000 },
		{ "minute", 60000 }, { "h", 3600000 }, { "hour", 3600000 }, { "d", 86400000 }, { "day", 86400000 },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_case_eq(unit, span_str(units[i].name))) {
			*out_ms = units[i].ms;
			return 0;
		}
	return clock_parse_span(unit, out_ms);
}

static int add_limit(struct throttle *t, struct span text, struct err *e)
{
	struct span rest = text;
	struct span count = span_trim(span_cut(&rest, '/'));
	unsigned long long n;
	int64_t window_ms;

	if (!rest.p || span_number(count, THROTTLE_COUNT_MAX, &n) < 0 || n == 0 ||
	    window_of(span_trim(rest), &window_ms) < 0 || window_ms <= 0)
		return limit_wrong(e, text);
	if (t->n_limits == THROTTLE_LIMITS_MAX)
		return err_set(e, ERR_INPUT, "more than %d rate limits", THROTTLE_LIMITS_MAX);

	struct limit *l = &t->limits[t->n_limits];
	int64_t margin_ns = window_ms * NS_PER_MS / 40;

	if (margin_ns > THROTTLE_MARGIN_MS * NS_PER_MS)
		margin_ns = THROTTLE_MARGIN_MS * NS_PER_MS;
	*l = (struct limit){ .n = n, .asked_ms = window_ms, .window_ns = window_ms * NS_PER_MS + margin_ns };
	l->begun = mem_array(n, sizeof *l->begun);
	if (!l->begun)
		return err_nomem(e, "rate limits");
	if (window_ms <= SPREAD_WINDOW_MAX_MS)
		l->spacing_ns = l->window_ns / (int64_t)n;
	t->n_limits++;
	return 0;
}

int throttle_new(struct throttle **out, const char *limits, struct err *e)
{
	struct throttle *t = mem_new(sizeof *t);
	struct span rest = span_str(limits);

	if (!t)
		return err_nomem(e, "rate limits");
	pthread_mutex_init(&t->lock, NULL);
	while (rest.p)
		if (add_limit(t, span_trim(span_cut(&rest, ',')), e) < 0) {
			throttle_free(&t);
			return -1;
		}
	*out = t;
	return 0;
}

void throttle_free(struct throttle **t)
{
	while (*t) {
		struct throttle *older = (*t)->older;

		for (unsigned i = 0; i < (*t)->n_limits; i++)
			mem_free((*t)->limits[i].begun);
		pthread_mutex_destroy(&(*t)->lock);
		mem_free(*t);
		*t = older;
	}
}

void throttle_retire(struct throttle *old, struct throttle **list)
{
	if (!old)
		return;
	old->older = *list;
	*list = old;
}

int64_t throttle_window_ms(const struct throttle *t)
{
	int64_t most = 0;

	for (unsigned i = 0; i < t->n_limits; i++)
		if (t->limits[i].window_ns / NS_PER_MS > most)
			most = t->limits[i].window_ns / NS_PER_MS + 1;
	return most;
}

size_t throttle_memory(const struct throttle *t)
{
	size_t most = 0;

	for (unsigned i = 0; i < t->n_limits; i++)
		if (t->limits[i].n > most)
			most = t->limits[i].n;
	return most;
}

static void note(struct limit *l, int64_t at_ns)
{
	l->begun[l->at] = at_ns;
	l->at = (l->at + 1) % l->n;
	if (l->used < l->n)
		l->used++;
}

void throttle_remember(struct throttle *t, const int64_t *age_ms, size_t n, int64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_limits; i++)
		for (size_t k = n > t->limits[i].n ? n - t->limits[i].n : 0; k < n; k++)
			note(&t->limits[i], now_ns - (age_ms[k] < 0 ? 0 : age_ms[k]) * NS_PER_MS);
	pthread_mutex_unlock(&t->lock);
}

/* The limit that remembers most begin times. */
static const struct limit *longest(const struct throttle *t)
{
	const struct limit *most = NULL;

	for (unsigned i = 0; i < t->n_limits; i++)
		if (!most || t->limits[i].used > most->used)
			most = &t->limits[i];
	return most;
}

void throttle_follow(struct throttle *t, struct throttle *old, int64_t now_ns)
{
	const struct limit *from;

	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->closed = true;
	from = longest(old);
	for (unsigned i = 0; t && from && i < t->n_limits; i++) {
		for (uint64_t k = 0; k < from->used; k++)
			note(&t->limits[i], from->begun[(from->at + from->n - from->used + k) % from->n]);
		t->limits[i].next_ns = t->limits[i].spacing_ns ? now_ns + t->limits[i].spacing_ns : 0;
	}
	pthread_mutex_unlock(&old->lock);
}

/* Nanoseconds until this limit has a place, 0 when it has one now. */
static int64_t limit_wait(const struct limit *l, int64_t now_ns)
{
	int64_t wait_ns = 0;

	if (l->used == l->n)
		wait_ns = l->begun[l->at] + l->window_ns - now_ns;
	if (l->spacing_ns && l->next_ns - now_ns > wait_ns)
		wait_ns = l->next_ns - now_ns;
	return wait_ns > 0 ? wait_ns : 0;
}

static void limit_take(struct limit *l, int64_t now_ns)
{
	note(l, now_ns);
	if (!l->spacing_ns)
		return;
	if (l->next_ns < now_ns - SPREAD_LAG_NS)
		l->next_ns = now_ns - SPREAD_LAG_NS;
	l->next_ns += l->spacing_ns;
}

/* With the lock held. */
static int64_t longest_wait(const struct throttle *t, int64_t now_ns)
{
	int64_t wait_ns = t->closed ? NS_PER_MS : 0; /* closed: another one has its place by then */

	for (unsigned i = 0; i < t->n_limits; i++) {
		int64_t w = limit_wait(&t->limits[i], now_ns);

		if (w > wait_ns)
			wait_ns = w;
	}
	return wait_ns;
}

int64_t throttle_wait(struct throttle *t, int64_t now_ns)
{
	int64_t wait_ns;

	pthread_mutex_lock(&t->lock);
	wait_ns = longest_wait(t, now_ns);
	pthread_mutex_unlock(&t->lock);
	return wait_ns;
}

int64_t throttle_take(struct throttle *t, int64_t now_ns)
{
	int64_t wait_ns;

	pthread_mutex_lock(&t->lock);
	wait_ns = longest_wait(t, now_ns);
	if (wait_ns == 0)
		for (unsigned i = 0; i < t->n_limits; i++)
			limit_take(&t->limits[i], now_ns);
	pthread_mutex_unlock(&t->lock);
	return wait_ns;
}

/* The newest of that time; most are among the last few. One that was forgotten meanwhile counts from its use. */
static void limit_used(struct limit *l, int64_t taken_ns, int64_t now_ns)
{
	for (uint64_t i = 1; i <= l->used && i <= USED_LOOK_BACK; i++) {
		int64_t *begun = &l->begun[(l->at + l->n - i) % l->n];

		if (*begun == taken_ns) {
			*begun = now_ns;
			return;
		}
	}
	note(l, now_ns);
}

void throttle_used(struct throttle *t, const int64_t *taken_ns, size_t n, int64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_limits; i++)
		for (size_t k = 0; k < n; k++)
			limit_used(&t->limits[i], taken_ns[k], now_ns);
	pthread_mutex_unlock(&t->lock);
}

int64_t throttle_spacing_ns(const struct throttle *t)
{
	int64_t most = 0;

	for (unsigned i = 0; i < t->n_limits; i++) {
		int64_t spacing = (t->limits[i].window_ns + (int64_t)t->limits[i].n - 1) / (int64_t)t->limits[i].n;

		if (spacing > most)
			most = spacing;
	}
	return most;
}

double throttle_per_second(const struct throttle *t)
{
	double least = 0;

	for (unsigned i = 0; i < t->n_limits; i++) {
		double per_second = (double)t->limits[i].n * 1000.0 / (double)t->limits[i].asked_ms;

		if (least == 0 || per_second < least)
			least = per_second;
	}
	return least;
}
