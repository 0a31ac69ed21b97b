/* relay_answer.c - what a relay's answers to mails say of the relay itself (replies.h): it takes no mail now, too much comes
 * at a time, it wants no mail of this account any more.
 *
 * Held by tests/unit/test_relay_pauses.c and tests/system/test_relays.py. */
#include <stdio.h>

#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/replies.h"

static void turned_away_for_good(struct relay_side *s, const struct verdict *v, enum reply_class class)
{
	struct err e = { 0 };

	if (class == REPLY_QUOTA) {
		err_set(&e, ERR_NET, "the relay takes no more mail from this account: %d %s", v->code, v->text);
		err_hint(&e, "its quota is used up; go on when it is renewed, or name another relay");
	} else {
		err_set(&e, ERR_AUTH, "the relay wants another login: %d %s", v->code, v->text);
		err_hint(&e, s->relay->session.login ? "check the user, the password, and which login the relay allows"
						     : "write the user into the relay's URL, smtp://USER@HOST, and "
						       "give the password");
	}
	relay_side_break(s, &e);
}

static void turned_away(struct relay_side *s, const struct verdict *v, const struct reply_meaning *m, int64_t now_ms)
{
	bool quota = m->class == REPLY_QUOTA;
	struct err e = { 0 };
	int64_t until_ms;
	bool first;
	int wait_s;

	if (s->state == SIDE_DOWN)
		return;
	if (m->act == REPLY_STOPS || (quota && relay_board_used_up(s->relay, now_ms) >= RELAY_QUOTA_MS)) {
		turned_away_for_good(s, v, m->class);
		return;
	}
	if (s->quiet)
		return; /* said about a mail that was under way already */
	until_ms = relay_board_ask_quiet(s->relay, now_ms, m->pause_ms, &s->rng, &first);
	wait_s = (int)((until_ms - now_ms + 999) / 1000);
	err_set(&e, ERR_NET, "the relay takes no %s: %d %s; it is asked again in %d %s",
		quota ? "more mail from this account" : "mail now", v->code, v->text, wait_s > 120 ? wait_s / 60 : wait_s,
		wait_s > 120 ? "min" : "s");
	relay_side_set_why(s, &e);
	s->pause_ms = until_ms - now_ms;
	s->tell_pause = first; /* one sentence is enough for all threads */
	relay_side_be_quiet(s, until_ms);
}

/* Too much at a time: half of the connections leave. What was on its way says the same again: once a
 * second is enough. */
static void slow_down(struct relay_side *s, int64_t now_ms)
{
	unsigned links = s->links;

	if (s->slowed_ms && now_ms - s->slowed_ms < RELAY_SLOW_MS)
		return;
	s->slowed_ms = now_ms;
	s->allowed = links > 2 ? links / 2 : 1;
	s->taken = 0;
	for (unsigned i = 0; i < s->pool->n_links && links > s->allowed; i++) {
		struct relay_link *l = &s->pool->links[i];

		if (l->side != s || l->state != LINK_READY)
			continue;
		relay_link_finish(l);
		links--;
	}
}

/* It says "not now" to all that comes, be it of a whole mail or that it is too much at a time, and takes nothing in
 * between. What is said of a whole mail counts once, however many recipients it has. */
static bool takes_nothing_now(struct relay_side *s, const struct verdict *v, const struct reply_meaning *m)
{
	bool of_mailbox = m->class == REPLY_MAILBOX || m->class == REPLY_FULL || m->class == REPLY_ADDRESS;
	bool counts = v->scope == SCOPE_MAIL ? !of_mailbox : v->scope < SCOPE_MAIL && m->act == REPLY_SLOWS;

	if (v->scope == SCOPE_MAIL && v->recipient > 0)
		return false;
	s->not_now = counts && v->kind == VERDICT_DEFERRED ? s->not_now + 1 : 0;
	return s->not_now >= RELAY_NOT_NOW_MAX;
}

void relay_side_refused(struct relay_side *s, struct verdict *v, int64_t now_ms)
{
	struct reply_meaning m = reply_meaning_of(v);

	v->account = m.class == REPLY_QUOTA && v->kind == VERDICT_DEFERRED;
	if (v->code == 0 || s->state == SIDE_DOWN)
		return;
	if (m.act < REPLY_WAITS && (v->scope == SCOPE_RELAY || takes_nothing_now(s, v, &m)))
		m.act = REPLY_WAITS;
	if (m.act >= REPLY_WAITS)
		turned_away(s, v, &m, now_ms);
	else if (m.act == REPLY_SLOWS && !s->quiet)
		slow_down(s, now_ms);
}

void relay_side_took(struct relay_side *s)
{
	s->not_now = 0;
	if (s->careful)
		s->careful = relay_board_grow(s->relay);
	if (s->allowed == 0 || ++s->taken < RELAY_GROW_AFTER)
		return;
	s->taken = 0;
	if (++s->allowed >= s->quota)
		s->allowed = 0;
}
