/* relay_pace.c - how many mails a time a relay takes, all its connections together and each by itself.
 *
 * A place is taken just before MAIL, and its windows run from the moment in which MAIL was written. The
 * relay's are shared by all threads; a connection's belong to its place in the pool, so that a new connection
 * does not begin with an empty window. Held by tests/system/test_rate.py, test_relays.py and test_relay_pool.c. */
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"

#define NS_PER_MS 1000000LL

int relay_pace_begin(struct relay_link *l)
{
	const struct relay *r = l->side->relay;
	struct err ignored;

	l->pace_due_ms = 0;
	l->n_paced = 0;
	if (l->rate_of == r)
		return 0;
	relay_pace_end(l);
	if ((r->rate || r->url.limits.connection_rate[0]) && !(l->paced = mem_array(SMTP_WINDOW_MAX, sizeof *l->paced)))
		return -1;
	if (r->url.limits.connection_rate[0] && throttle_new(&l->rate, r->url.limits.connection_rate, &ignored) < 0)
		return -1;
	l->rate_of = r;
	return 0;
}

void relay_pace_end(struct relay_link *l)
{
	throttle_free(&l->rate);
	mem_free(l->paced);
	l->paced = NULL;
	l->rate_of = NULL;
}

static int64_t wait_ns(const struct relay_link *l, int64_t now_ns)
{
	struct throttle *all = l->side->relay->rate;
	int64_t wait = l->rate ? throttle_wait(l->rate, now_ns) : 0, w = all ? throttle_wait(all, now_ns) : 0;

	return w > wait ? w : wait;
}

static bool must_wait(struct relay_link *l, int64_t wait, int64_t now_ns)
{
	l->pace_due_ms = wait ? (now_ns + wait) / NS_PER_MS + 1 : 0;
	return wait != 0;
}

bool relay_pace_allows(struct relay_link *l)
{
	int64_t now_ns;

	if (!l->rate && !l->side->relay->rate)
		return true;
	now_ns = clock_mono_ns();
	return !must_wait(l, wait_ns(l, now_ns), now_ns);
}

bool relay_pace_take(struct relay_link *l)
{
	struct throttle *all = l->side->relay->rate;
	int64_t now_ns;

	if (!l->rate && !all)
		return true;
	if (l->n_paced == SMTP_WINDOW_MAX) /* it has taken in all it can, and nothing was written */
		return false;
	now_ns = clock_mono_ns();
	if (must_wait(l, l->rate ? throttle_wait(l->rate, now_ns) : 0, now_ns) ||
	    must_wait(l, all ? throttle_take(all, now_ns) : 0, now_ns))
		return false;
	if (l->rate)
		(void)throttle_take(l->rate, now_ns); /* this thread alone takes from it: there is one */
	l->paced[l->n_paced++] = now_ns;
	return true;
}

void relay_pace_used(struct relay_link *l, bool all)
{
	int64_t now_ns;

	if (l->n_paced == 0)
		return;
	now_ns = clock_mono_ns();
	if (l->rate)
		throttle_used(l->rate, l->paced, l->n_paced, now_ns);
	if (l->side->relay->rate)
		throttle_used(l->side->relay->rate, l->paced, l->n_paced, now_ns);
	for (unsigned i = 0; i < l->n_paced; i++) /* what is still to be written is marked once more */
		l->paced[i] = now_ns;
	if (all)
		l->n_paced = 0;
}

bool relay_pace_is_far(const struct relay_side *s)
{
	const struct relay *r = s->relay;
	int64_t now_ns;

	if (!r->rate && !r->url.limits.connection_rate[0])
		return false;
	now_ns = clock_mono_ns();
	if (r->rate && throttle_wait(r->rate, now_ns) > RELAY_AHEAD_MS * NS_PER_MS)
		return true;
	if (!r->url.limits.connection_rate[0])
		return false;
	for (unsigned i = 0; i < s->pool->n_links; i++) {
		const struct relay_link *l = &s->pool->links[i];

		if (l->state == LINK_FREE && (l->rate_of != r || !l->rate || throttle_wait(l->rate, now_ns) <= RELAY_AHEAD_MS * NS_PER_MS))
			return false;
	}
	return true;
}

bool relay_pace_is_needed(const struct relay_pool_options *opt)
{
	for (unsigned i = 0; i < opt->n_relays; i++)
		if (opt->relays[i]->rate || opt->relays[i]->url.limits.connection_rate[0])
			return true;
	return false;
}
