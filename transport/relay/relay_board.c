/* relay_board.c - what threads tell each other about a relay: that it was reached, that no later attempt
 * would help (a refused login is tried again by nobody), that it asked for a pause.
 *
 * Nothing is called while the lock is held. Who only wants to know whether there is anything new reads
 * `news`, without a lock. Held by tests/unit/test_relay_pool.c and test_delivery_smtp.c. */
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"

/* To be called with the lock held, after what is posted was written. */
static void post(struct relay_board *b)
{
	atomic_fetch_add_explicit(&b->news, 1, memory_order_relaxed);
}

int relay_board_new(struct relay_board **out, struct err *e)
{
	struct relay_board *b = mem_new(sizeof *b);

	if (!b)
		return err_nomem(e, "for a relay");
	pthread_mutex_init(&b->lock, NULL);
	atomic_init(&b->news, 0);
	atomic_init(&b->quiets, 0);
	atomic_init(&b->links, 0);
	atomic_init(&b->troubles, 0);
	atomic_init(&b->ready, false);
	atomic_init(&b->broke, 0);
	atomic_init(&b->suspicions, 0);
	atomic_init(&b->no_answers, 0);
	atomic_init(&b->offers, 0);
	atomic_init(&b->size_max, 0);
	atomic_init(&b->trusted, false);
	atomic_init(&b->allowed, 0);
	atomic_init(&b->fresh, 0);
	*out = b;
	return 0;
}

void relay_board_free(struct relay_board **b)
{
	if (*b)
		pthread_mutex_destroy(&(*b)->lock);
	mem_free(*b);
	*b = NULL;
}

unsigned relay_board_connected(const struct relay *r)
{
	unsigned number;

	pthread_mutex_lock(&r->board->lock);
	number = ++r->board->connections;
	pthread_mutex_unlock(&r->board->lock);
	return number;
}

void relay_board_reached(const struct relay *r)
{
	pthread_mutex_lock(&r->board->lock);
	r->board->reached = true;
	pthread_mutex_unlock(&r->board->lock);
}

bool relay_board_was_reached(const struct relay *r)
{
	bool reached;

	pthread_mutex_lock(&r->board->lock);
	reached = r->board->reached;
	pthread_mutex_unlock(&r->board->lock);
	return reached;
}

void relay_board_was_made_ready(const struct relay *r)
{
	if (!atomic_load_explicit(&r->board->ready, memory_order_relaxed))
		atomic_store_explicit(&r->board->ready, true, memory_order_relaxed);
}

bool relay_board_was_ready(const struct relay *r)
{
	return atomic_load_explicit(&r->board->ready, memory_order_relaxed);
}

void relay_board_break(const struct relay *r, const struct err *why)
{
	pthread_mutex_lock(&r->board->lock);
	if (!r->board->broken)
		r->board->why = *why;
	r->board->broken = true;
	post(r->board);
	pthread_mutex_unlock(&r->board->lock);
}

bool relay_board_is_broken(const struct relay *r, struct err *why)
{
	bool broken;

	pthread_mutex_lock(&r->board->lock);
	broken = r->board->broken;
	if (broken && why)
		*why = r->board->why;
	pthread_mutex_unlock(&r->board->lock);
	return broken;
}

/* ---- pauses ---- */

int64_t relay_board_ask_quiet(const struct relay *r, int64_t now_ms, int64_t at_least_ms, struct rng *rng, bool *first)
{
	struct relay_board *b = r->board;
	int64_t until_ms;

	pthread_mutex_lock(&b->lock);
	*first = now_ms >= b->quiet_until_ms;
	if (*first) {
		unsigned quiets = 1 + atomic_load_explicit(&b->quiets, memory_order_relaxed);

		atomic_store_explicit(&b->quiets, quiets, memory_order_relaxed);
		int64_t quiet_ms = relay_quiet_ms(quiets, rng);

		b->quiet_until_ms = now_ms + (quiet_ms > at_least_ms ? quiet_ms : at_least_ms);
		b->pauses++;
		b->taken = 0;
		atomic_store_explicit(&b->fresh, 0, memory_order_relaxed);
		atomic_store_explicit(&b->allowed, 1, memory_order_relaxed);
		post(b);
	}
	until_ms = b->quiet_until_ms;
	pthread_mutex_unlock(&b->lock);
	return until_ms;
}

int64_t relay_board_quiet_until_ms(const struct relay *r)
{
	int64_t until_ms;

	pthread_mutex_lock(&r->board->lock);
	until_ms = r->board->quiet_until_ms;
	pthread_mutex_unlock(&r->board->lock);
	return until_ms;
}

void relay_board_served(const struct relay *r, int64_t now_ms)
{
	struct relay_board *b = r->board;

	if (atomic_load_explicit(&b->quiets, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&b->lock);
	if (now_ms >= b->quiet_until_ms) { /* else it was on its way before the pause began */
		atomic_store_explicit(&b->quiets, 0, memory_order_relaxed);
		b->used_up_ms = 0;
	}
	pthread_mutex_unlock(&b->lock);
}

int64_t relay_board_used_up(const struct relay *r, int64_t now_ms)
{
	struct relay_board *b = r->board;
	int64_t since_ms;

	pthread_mutex_lock(&b->lock);
	if (b->used_up_ms == 0)
		b->used_up_ms = now_ms;
	since_ms = now_ms - b->used_up_ms;
	pthread_mutex_unlock(&b->lock);
	return since_ms;
}

/* ---- connections of all threads ---- */

void relay_board_joins(const struct relay *r, unsigned links)
{
	pthread_mutex_lock(&r->board->lock);
	r->board->wanted += links;
	pthread_mutex_unlock(&r->board->lock);
}

/* Until the relay has let us in once, one session of all threads tries: a wrong password is said once, and not
 * as often as there are threads; accounts are locked for less. One that stalls is not waited for longer than that. */
bool relay_board_may_login(const struct relay *r, unsigned number)
{
	struct relay_board *b = r->board;
	int64_t now_ms = clock_mono_ms();
	bool mine;

	if (relay_board_was_ready(r))
		return true;
	pthread_mutex_lock(&b->lock);
	mine = !b->broken && (b->turn == 0 || b->turn == number || now_ms - b->turn_ms >= RELAY_LOGIN_TURN_MS);
	if (mine && b->turn != number) {
		b->turn = number;
		b->turn_ms = now_ms;
	}
	pthread_mutex_unlock(&b->lock);
	return mine;
}

void relay_board_leave_turn(const struct relay *r, unsigned number)
{
	pthread_mutex_lock(&r->board->lock);
	if (number > 0 && r->board->turn == number)
		r->board->turn = 0;
	pthread_mutex_unlock(&r->board->lock);
}

static bool has_link(const struct relay *r)
{
	const struct relay_board *b = r->board;
	unsigned allowed = atomic_load_explicit(&b->allowed, memory_order_relaxed);

	if (relay_board_is_full(r))
		return false;
	return allowed == 0 || atomic_load_explicit(&b->fresh, memory_order_relaxed) < allowed;
}

bool relay_board_is_full(const struct relay *r)
{
	unsigned own = r->url.limits.connections;

	return own > 0 && atomic_load_explicit(&r->board->links, memory_order_relaxed) >= own;
}

bool relay_board_has_link(const struct relay *r)
{
	return has_link(r);
}

bool relay_board_take_link(const struct relay *r, unsigned *pauses)
{
	struct relay_board *b = r->board;
	bool taken;

	pthread_mutex_lock(&b->lock); /* else two threads might take the last one */
	taken = has_link(r);
	if (taken) {
		atomic_fetch_add_explicit(&b->links, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&b->fresh, 1, memory_order_relaxed);
	}
	*pauses = b->pauses;
	pthread_mutex_unlock(&b->lock);
	return taken;
}

void relay_board_leave_link(const struct relay *r, unsigned pauses)
{
	struct relay_board *b = r->board;

	pthread_mutex_lock(&b->lock);
	atomic_fetch_sub_explicit(&b->links, 1, memory_order_relaxed);
	if (pauses == b->pauses)
		atomic_fetch_sub_explicit(&b->fresh, 1, memory_order_relaxed);
	pthread_mutex_unlock(&b->lock);
}

bool relay_board_grow(const struct relay *r)
{
	struct relay_board *b = r->board;
	unsigned allowed;

	pthread_mutex_lock(&b->lock);
	allowed = atomic_load_explicit(&b->allowed, memory_order_relaxed);
	if (allowed > 0 && ++b->taken >= RELAY_GROW_AFTER) {
		b->taken = 0;
		if (++allowed >= b->wanted)
			allowed = 0;
		atomic_store_explicit(&b->allowed, allowed, memory_order_relaxed);
	}
	pthread_mutex_unlock(&b->lock);
	return allowed > 0;
}

/* ---- what it cannot do ---- */

bool relay_board_broke(const struct relay *r, unsigned broke)
{
	struct relay_board *b = r->board;
	unsigned found = broke & (SMTP_BROKE_PIPELINING | SMTP_BROKE_CHUNKING);

	if (broke & SMTP_MAYBE_PIPELINING && atomic_fetch_add_explicit(&b->suspicions, 1, memory_order_relaxed) > 0)
		found |= SMTP_BROKE_PIPELINING;
	if (broke & SMTP_MAYBE_CHUNKING && atomic_fetch_add_explicit(&b->no_answers, 1, memory_order_relaxed) > 0)
		found |= SMTP_BROKE_CHUNKING;
	atomic_fetch_or_explicit(&b->broke, found, memory_order_relaxed);
	return broke != 0; /* no failure of the relay's: sessions from now on go without it */
}

void relay_board_trust(const struct relay *r)
{
	if (!atomic_load_explicit(&r->board->trusted, memory_order_relaxed))
		atomic_store_explicit(&r->board->trusted, true, memory_order_relaxed);
}

bool relay_board_has_news(const struct relay *r, unsigned *seen)
{
	unsigned news = atomic_load_explicit(&r->board->news, memory_order_relaxed);
	bool fresh = news != *seen;

	*seen = news;
	return fresh;
}
