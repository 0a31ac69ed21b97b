/* relay_carry.c - relays that do not all take the same: a mail goes to one that can carry it.
 *
 * What a relay offers is on its board once a session was ready; before that it may be anything. A refusal that a
 * session made by itself (SIZE, SMTPUTF8, 8BITMIME) is final only when no other relay of the pool may do better;
 * else the mail comes back, and is offered to another one. Held by tests/unit/test_relay_carry.c. */
#include <string.h>

#include "transport/relay/relay_parts.h"

enum { CARRIES_KNOWN = 1, CARRIES_UTF8 = 2, CARRIES_8BIT = 4 };

void relay_board_offers(const struct relay *r, const struct smtp_caps *caps)
{
	unsigned offers = CARRIES_KNOWN | (caps->smtputf8 && caps->eightbitmime ? CARRIES_UTF8 : 0) |
			  (caps->eightbitmime ? CARRIES_8BIT : 0);

	atomic_store_explicit(&r->board->size_max, caps->size_max, memory_order_relaxed);
	atomic_store_explicit(&r->board->offers, offers, memory_order_release);
}

static bool may_carry(const struct relay *r, const struct mail *m)
{
	unsigned offers = atomic_load_explicit(&r->board->offers, memory_order_acquire);
	uint64_t most = atomic_load_explicit(&r->board->size_max, memory_order_relaxed);

	if (offers == 0)
		return true;
	if (most > 0 && m->size > most)
		return false;
	if (m->needs & MAIL_NEEDS_SMTPUTF8 && !(offers & CARRIES_UTF8))
		return false;
	return !(m->needs & MAIL_NEEDS_8BITMIME) || (offers & CARRIES_8BIT);
}

struct relay_link *relay_pool_carrier(const struct relay_pool *p, struct relay_link *first, const struct mail *m)
{
	static const enum relay_list_kind kinds[] = { LIST_IDLE, LIST_BUSY };

	if (may_carry(first->side->relay, m))
		return first;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (struct relay_link *l = p->lists[kinds[i]].first; l; l = l->nodes[kinds[i]].after)
			if (may_carry(l->side->relay, m))
				return l;
	return first;
}

/* Not a word of the relay's. */
static bool is_of_the_session(const struct verdict *v)
{
	return v->kind == VERDICT_REFUSED && (strcmp(v->stage, "size") == 0 || strcmp(v->stage, "SMTPUTF8") == 0 ||
					      strcmp(v->stage, "8BITMIME") == 0);
}

void relay_pool_spare(const struct relay_pool *p, const struct relay_side *refused, const struct mail *m, struct verdict *v)
{
	char why[VERDICT_TEXT_MAX];

	if (!is_of_the_session(v))
		return;
	for (unsigned i = 0; i < p->n_sides; i++) {
		const struct relay_side *s = &p->sides[i];

		if (s == refused || s->state == SIDE_DOWN || !may_carry(s->relay, m))
			continue;
		memcpy(why, v->text, sizeof why);
		v->kind = VERDICT_DEFERRED;
		v->scope = SCOPE_SESSION; /* it costs no try */
		v->not_tried = true;
		v->code = v->enhanced[0] = v->enhanced[1] = v->enhanced[2] = 0;
		verdict_say(v, "another relay may take it; this one: %s", why);
		return;
	}
}
