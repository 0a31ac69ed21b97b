/* run.c - what any thread of a running campaign may tell it: trouble, pauses, that the journal takes nothing.
 *
 * The first trouble is kept: what comes after it is mostly its echo. Held by tests/system/test_what_happens.py,
 * test_breaker.py, test_control.py. */
#include "engine/run/run.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/throttle.h"
#include "engine/results/journal.h"
#include "engine/run/breaker.h"
#include "engine/run/campaign_private.h"

void run_trouble(struct run *r, enum campaign_end end, const struct err *why)
{
	int go = RUN_GO;

	pthread_mutex_lock(&r->lock);
	if (r->end == CAMPAIGN_COMPLETE) {
		r->end = end;
		r->why = *why;
	}
	pthread_mutex_unlock(&r->lock);
	atomic_compare_exchange_strong(r->stop, &go, RUN_DRAIN);
}

void run_relay_down(struct run *r, const char *relay, const struct err *why)
{
	bool known = false;

	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->n_down && !known; i++)
		known = strcmp(r->down[i], relay) == 0;
	if (!known && r->n_down < RUN_DOWN_MAX)
		snprintf(r->down[r->n_down++], sizeof r->down[0], "%s", relay);
	pthread_mutex_unlock(&r->lock);
	if (!known && r->job->delivery.n_relays > 1) /* the only one's end is the run's: told there */
		log_line(LOG_WARNING, "relay %s is out: %s", relay, why->text);
}

void run_refused(struct run *r, const char *class, uint32_t count, const struct verdict *v)
{
	struct err e;

	pthread_mutex_lock(&r->lock);
	if (!r->refused_class[0])
		snprintf(r->refused_class, sizeof r->refused_class, "%s", class);
	pthread_mutex_unlock(&r->lock);
	err_set(&e, ERR_NET, "%u of the last %u recipients were refused alike, the newest with: %d %s", count,
		breaker_window(r->breaker), v->code, v->text);
	err_hint(&e, "refusals of class %s count as deferred now, nobody has lost their mail; ask the relay's owner, "
		     "mend what is wrong, and go on with --resume", class);
	run_trouble(r, CAMPAIGN_REFUSED, &e);
}

int run_pardon(struct run *r, struct err *e)
{
	char class[REFUSAL_CLASS_SIZE];

	pthread_mutex_lock(&r->lock);
	memcpy(class, r->refused_class, sizeof class);
	pthread_mutex_unlock(&r->lock);
	if (!class[0] || r->pardoned)
		return 0;
	if (journal_pardon(r->journal, class, false, e) < 0)
		return -1;
	r->pardoned = true;
	return 0;
}

void run_hold(struct run *r, unsigned why)
{
	atomic_fetch_or(&r->held, why);
}

void run_release(struct run *r, unsigned why)
{
	atomic_fetch_and(&r->held, ~why);
}

void run_change_throttle(struct run *r, struct throttle *next)
{
	struct campaign *c = r->opened;
	struct throttle *old = c->throttle;

	throttle_follow(next, old, clock_mono_ns());
	c->throttle = next;
	atomic_store(&r->throttle, next);
	throttle_retire(old, &c->throttles); /* a worker may be asking it just now */
}

bool run_log_waits(struct run *r, bool broken, const struct err *why)
{
	if (broken || r->job->on_log_error == LOG_ERROR_STOP || run_stopping(r) != RUN_GO)
		return false;
	run_pause(r, why);
	if (!atomic_exchange(&r->log_stuck, true))
		log_line(LOG_WARNING, "%s; nothing is begun until it can be written (^C stops)", why->text);
	return true;
}

void run_log_works(struct run *r)
{
	if (!atomic_load_explicit(&r->log_stuck, memory_order_relaxed) || !atomic_exchange(&r->log_stuck, false))
		return;
	run_pause(r, NULL);
	log_line(LOG_NOTE, "lettershop: the journal can be written again: going on");
}

void run_pause(struct run *r, const struct err *why)
{
	pthread_mutex_lock(&r->lock);
	snprintf(r->pause, sizeof r->pause, "%.*s", (int)sizeof r->pause - 1, why ? why->text : "");
	atomic_store_explicit(&r->paused, why != NULL, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
}
