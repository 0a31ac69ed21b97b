/* relay_event.c - what a pool tells its owner: its sessions' events, the parked mail's, its sides'.
 *
 * An event that its owner need not know of is dealt with on the way: a session is ready, wants TLS, is
 * closed. Held by tests/unit/test_relay_pool.c, test_relay_pauses.c and test_relay_abort.c. */
#include <string.h>

#include "engine/base/must.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"

static int one(struct relay_event *out, enum relay_event_kind kind, const struct relay_side *s, uint32_t ticket)
{
	out->kind = kind;
	out->ticket = ticket;
	out->relay = s->relay->name;
	out->verdict = NULL;
	out->error = NULL;
	out->pause_ms = 0;
	return 1;
}

/* The server itself spoke about this mail, and not only about its own troubles. */
static bool is_service(const struct verdict *v)
{
	return v->kind == VERDICT_SENT || (v->code != 0 && v->scope <= SCOPE_MAIL);
}

/* Enough of this session: 452 at MAIL (OpenSMTPD), or 421 whenever it comes. */
static bool is_enough(const struct smtp_event *ev)
{
	if (ev->kind == EV_CLOSED)
		return ev->code == 421;
	return ev->verdict->scope == SCOPE_SESSION && ev->verdict->code == 452 && strcmp(ev->verdict->stage, "MAIL") == 0;
}

static int mail_done(struct relay_pool *p, struct relay_link *l, struct relay_event *out)
{
	MUST(l->in_hand > 0 && p->in_hand > 0);
	l->in_hand--;
	p->in_hand--;
	p->of_ticket[p->event.ticket] = NULL;
	if (l->in_hand == 0)
		l->idle_since_ms = p->now_ms;
	if (l->in_hand == 0 || !l->nodes[LIST_BUSY].on) /* else it wants mails as before */
		relay_link_touch(l);
	return one(out, RELAY_DONE, l->side, p->event.ticket);
}

/* p->event is from l. 1 when it concerns the pool's owner. */
static int translate(struct relay_pool *p, struct relay_link *l, struct relay_event *out)
{
	switch (p->event.kind) {
	case EV_READY:
		p->was_ready = true;
		relay_link_became_ready(l, p->now_ms);
		return 0;
	case EV_WANT_TLS:
		relay_link_begin_tls(l, p->now_ms);
		return 0;
	case EV_INTENT:
		return one(out, RELAY_INTENT, l->side, p->event.ticket);
	case EV_VERDICT:
		if (p->mails)
			relay_pool_spare(p, l->side, p->mails[p->event.ticket], p->event.verdict);
		if (is_enough(&p->event))
			relay_side_hung_up(l->side, l->served);
		l->served += is_service(p->event.verdict);
		if (relay_is_trouble(p->event.verdict))
			relay_link_trouble(l, p->event.verdict->text);
		if (p->event.verdict->kind == VERDICT_SENT) {
			relay_board_served(l->side->relay, p->now_ms);
			relay_side_took(l->side);
			if (smtp_session_is_pipelined(l->session))
				relay_board_trust(l->side->relay);
		} else {
			relay_side_refused(l->side, p->event.verdict, p->now_ms);
		}
		one(out, RELAY_VERDICT, l->side, p->event.ticket);
		out->verdict = p->event.verdict;
		return 1;
	case EV_DONE:
		return mail_done(p, l, out);
	case EV_REPLY: /* the pool asks nothing of its own */
		return 0;
	case EV_CLOSED:
		if (is_enough(&p->event))
			relay_side_hung_up(l->side, l->served);
		l->close_code = p->event.code;
		if (p->event.error.kind == ERR_PROTO)
			relay_link_trouble(l, p->event.error.text);
		relay_link_closed(l, &p->event.error, p->now_ms);
		return 0;
	}
	return 0;
}

static int session_event(struct relay_pool *p, struct relay_event *out)
{
	struct relay_link *l;

	while ((l = p->fetched ? p->fetched : p->lists[LIST_EVENTS].first)) {
		if (!p->fetched && !smtp_session_event(l->session, &p->event)) {
			relay_list_remove(p, LIST_EVENTS, l);
			continue;
		}
		p->fetched = NULL;
		if (translate(p, l, out))
			return 1;
	}
	return 0;
}

static bool parked_is_lost(const struct relay_pool *p)
{
	return p->parked && !relay_pool_has_session(p) && (p->finishing || p->sides_down == p->n_sides);
}

/* A mail that no session will ever take: it was not begun. */
static int parked_event(struct relay_pool *p, struct relay_event *out)
{
	struct relay_side *s = &p->sides[p->first];
	struct verdict *v = &p->parked_verdict;
	uint32_t ticket;

	if (!p->parked_given_up && !parked_is_lost(p))
		return 0;
	p->parked_given_up = true;
	ticket = p->parked->ticket;
	if (p->parked_next < p->parked->n_recipients) {
		*v = (struct verdict){ .kind = VERDICT_DEFERRED, .scope = SCOPE_RELAY, .stage = "connect" };
		if (p->aborted)
			v->scope = SCOPE_SESSION;
		v->recipient = p->parked_next++;
		verdict_say(v, "%s", !p->aborted && s->why.text[0] ? s->why.text : "stopped before it was begun");
		one(out, RELAY_VERDICT, s, ticket);
		out->verdict = v;
		return 1;
	}
	p->parked = NULL;
	p->parked_given_up = false;
	p->parked_next = 0;
	p->in_hand--;
	return one(out, RELAY_DONE, s, ticket);
}

static int side_event(struct relay_pool *p, struct relay_event *out)
{
	for (unsigned i = 0; i < p->n_sides; i++) {
		struct relay_side *s = &p->sides[i];

		if (!s->tell_pause && !s->tell_down)
			continue;
		one(out, s->tell_down ? RELAY_DOWN : RELAY_PAUSE, s, 0);
		out->pause_ms = s->tell_down ? 0 : s->pause_ms;
		s->tell_pause = s->tell_down = false;
		p->error = s->why;
		out->error = &p->error;
		return 1;
	}
	if (!p->tell_all_down)
		return 0;
	p->tell_all_down = false;
	one(out, RELAY_ALL_DOWN, &p->sides[p->n_sides - 1], 0);
	out->error = &p->error; /* the last one's, told just before */
	return 1;
}

int relay_pool_event(struct relay_pool *p, struct relay_event *out)
{
	return session_event(p, out) || parked_event(p, out) || side_event(p, out);
}
