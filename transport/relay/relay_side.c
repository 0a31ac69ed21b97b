/* relay_side.c - one relay as one pool sees it: when to try again, and when to give up.
 *
 *     UP  --(no session left, the last one failed)--> PAUSED --(a session is ready)--> UP
 *     UP  --(the relay takes no mail now)--> PAUSED, quiet --(time over, a session is ready)--> UP
 *     any --(login or certificate refused, never reached, 10 min without success)--> DOWN
 *
 * Invariants, held by tests/unit/test_relay_pool.c, test_relay_pauses.c and test_relay_abort.c:
 *  1. A session that served a mail, or ended as both sides wished, forgets all failures before it.
 *  2. Between two failures without a success in between the wait grows; the server is never asked
 *     in a loop.
 *  3. A server that hangs up on an idle session has done nothing wrong: no wait, no failure, but less
 *     patience from now on.
 *  4. What a thread found to be broken for good no thread tries again (the board).
 *  5. While a relay is to be left alone (quiet), its sessions finish what they began and leave, in all
 *     threads; then one session asks again, and more follow as mails are taken (the board). */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "transport/relay/relay_parts.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/replies.h"
#include "transport/relay/relay_token.h"

void relay_side_init(struct relay_side *s, struct relay_pool *p, const struct relay *r, unsigned index)
{
	s->relay = r;
	s->pool = p;
	s->index = index;
	s->addresses = r->addresses;
	s->idle_ms = RELAY_IDLE_MS;
	s->failing_since_ms = INT64_MAX;
	relay_board_joins(r, p->n_links);
	rng_seed(&s->rng, (uint64_t)clock_mono_ns(), (uint64_t)(uintptr_t)s);
}

void relay_side_release(struct relay_side *s)
{
	net_lookup_free(&s->lookup);
	net_ticket_release(&s->ticket);
}

/* ---- down and up ---- */

static void tell_all_down(struct relay_pool *p)
{
	if (++p->sides_down == p->n_sides)
		p->tell_all_down = true;
}

void relay_side_set_why(struct relay_side *s, const struct err *why)
{
	s->why = *why;
	err_at(&s->why, s->relay->place, 0, 0);
}

static void finish_links(struct relay_side *s)
{
	for (unsigned i = 0; i < s->pool->n_links; i++)
		if (s->pool->links[i].side == s)
			relay_link_finish(&s->pool->links[i]);
}

static void go_down(struct relay_side *s)
{
	if (s->state == SIDE_DOWN)
		return;
	s->state = SIDE_DOWN;
	s->tell_down = true;
	s->tell_pause = false;
	tell_all_down(s->pool);
	finish_links(s);
	relay_pool_share(s->pool);
}

void relay_side_break(struct relay_side *s, const struct err *why)
{
	relay_side_set_why(s, why);
	relay_board_break(s->relay, &s->why);
	go_down(s);
}

static void pause_side(struct relay_side *s, const struct err *why)
{
	relay_side_set_why(s, why);
	s->pause_ms = 0;
	s->tell_pause = true;
	if (s->state == SIDE_PAUSED)
		return;
	s->state = SIDE_PAUSED;
	relay_pool_share(s->pool);
}

void relay_side_be_quiet(struct relay_side *s, int64_t until_ms)
{
	s->quiet = s->careful = true;
	s->allowed = 0;
	s->next_try_ms = until_ms;
	s->state = SIDE_PAUSED;
	finish_links(s);
	relay_pool_share(s->pool);
}

/* What other threads found out. */
static void read_board(struct relay_side *s, int64_t now_ms)
{
	int64_t until_ms;

	if (!relay_board_has_news(s->relay, &s->news_seen) || !relay_side_still_good(s))
		return;
	until_ms = relay_board_quiet_until_ms(s->relay);
	if (until_ms > now_ms && !(s->quiet && until_ms <= s->next_try_ms))
		relay_side_be_quiet(s, until_ms + (int64_t)rng_below(&s->rng, (uint64_t)(until_ms - now_ms) / 4 + 1));
}

/* ---- how a link ended ---- */

static void all_is_well(struct relay_side *s)
{
	s->failures = 0;
	s->failing_since_ms = INT64_MAX;
	s->next_try_ms = 0;
	relay_side_became_ready(s);
}

/* Login, certificate or the lack of TLS: with what the user can do, where nobody has said it yet. */
static void refused_us(struct relay_side *s, const struct relay_end *how)
{
	struct err e = *how->why;

	if (!e.hint[0] && e.kind == ERR_AUTH)
		err_hint(&e, s->relay->token ? "check the user in the relay's URL and the account that --token-command is for" :
					       "check the user in the relay's URL and the password");
	if (!e.hint[0] && e.kind == ERR_TLS && how->in_clear)
		err_hint(&e, "smtps:// begins with TLS at once (port 465); ?tls=none would send all in clear");
	relay_side_break(s, &e);
}

static void never_reached(struct relay_side *s, const struct relay_end *how)
{
	struct err e = *how->why;

	if (!e.hint[0] && how->connected && how->in_clear)
		err_hint(&e, "a port that begins with TLS, as 465 does, needs smtps:// in the relay's URL");
	else if (!e.hint[0])
		err_hint(&e, "does a mail server run there, and is the port right?");
	relay_side_break(s, &e);
}

/* It has never got as far as taking a mail, and what it says is no protocol of ours. */
static void speaks_no_smtp(struct relay_side *s, const struct relay_end *how)
{
	struct err e = *how->why;

	if (!e.hint[0])
		err_hint(&e, "is the port right? Mail is taken on 587 (smtp://) and 465 (smtps://), LMTP often on 24; "
			     "lettershop probe URL shows what is there");
	relay_side_break(s, &e);
}

static void give_up(struct relay_side *s, const struct err *why)
{
	struct err e;

	err_set(&e, why->kind, "gave up after %d min without any success; the last failure: %s",
		RELAY_GIVE_UP_MS / 60000, why->text);
	err_hint(&e, "%s", why->hint);
	relay_side_break(s, &e);
}

/* The addresses may have changed. */
static void ask_name_again(struct relay_side *s)
{
	struct net_address number;
	struct err ignored;

	if (s->lookup || s->relay->url.socket[0] || net_address_literal(s->relay->reach_host, 0, &number) == 0)
		return;
	if (net_lookup_start(&s->lookup, s->relay->reach_host, s->relay->reach_port, &ignored) == 0)
		relay_pool_watch_lookup(s->pool, s);
}

static void failed(struct relay_side *s, const struct relay_end *how, int64_t now_ms)
{
	s->failures++;
	s->next_try_ms = now_ms + relay_backoff_ms(s->failures, &s->rng);
	if (s->failing_since_ms == INT64_MAX)
		s->failing_since_ms = now_ms;
	if (!how->connected)
		ask_name_again(s);
	if (s->ready > 0)
		return; /* others do the work; there may be too many of us */
	if (now_ms - s->failing_since_ms >= RELAY_GIVE_UP_MS)
		give_up(s, how->why);
	else if (s->opening == 0)
		pause_side(s, how->why);
}

/* So that the address behind that one is in front. */
static void turn_addresses(struct net_addresses *a, unsigned at)
{
	struct net_addresses was = *a;

	for (unsigned i = 0; i < a->n; i++)
		a->items[i] = was.items[(at + 1 + i) % was.n];
}

/* RFC 5321 5.1: who answers at one address and takes no mail there (hangs up, 421, 554) may take it at the
 * next. True: that one is being tried. When all were, this is a failure, and the next one begins then. */
static bool tries_next_address(struct relay_side *s, const struct relay_end *how, int64_t now_ms)
{
	bool early = how->connected && !how->was_ready && !how->logging_in && !how->broke;

	if (!early || (how->why->kind != ERR_NET && how->why->kind != ERR_PROTO) || s->ready > 0 || s->opening > 0 ||
	    s->addresses.n < 2 || s->pool->finishing)
		return false;
	turn_addresses(&s->addresses, how->address);
	if (++s->addresses_tried < s->addresses.n)
		return relay_pool_open_at(s->pool, s, now_ms);
	s->addresses_tried = 0;
	return false;
}

/* False: none is to be had, and the side is down, or will be for the refusal itself. */
static bool gets_another_token(struct relay_side *s, const struct relay_end *how, int64_t now_ms)
{
	struct err e = { 0 };

	if (relay_token_refused(s->relay->token, how->refused_token, &e) < 0) {
		if (e.kind != ERR_NONE)
			relay_side_break(s, &e);
		return e.kind != ERR_NONE;
	}
	s->next_try_ms = now_ms + RELAY_TOKEN_MS;
	if (s->ready == 0 && s->opening == 0 && s->state == SIDE_UP) {
		s->state = SIDE_PAUSED; /* not worth a word */
		relay_pool_share(s->pool);
	}
	return true;
}

/* The relay hung up on a session that had been idle for so long: the next ones end a good while before. */
static void be_impatient(struct relay_side *s, int64_t idle_ms)
{
	int64_t least_ms = idle_ms / 4 * 3 > RELAY_IDLE_LEAST_MS ? idle_ms / 4 * 3 : RELAY_IDLE_LEAST_MS;

	s->idle_ms = least_ms < s->idle_ms ? least_ms : s->idle_ms;
}

void relay_side_ended(struct relay_side *s, const struct relay_end *how, int64_t now_ms)
{
	const struct err *why = how->why;
	bool idle = how->was_ready && how->idle_ms >= RELAY_IDLE_SEEN_MS;

	if (s->state == SIDE_DOWN)
		return;
	if (how->refused_token && gets_another_token(s, how, now_ms))
		return;
	if (why->kind == ERR_AUTH || why->kind == ERR_TLS || why->kind == ERR_INPUT)
		refused_us(s, how);
	else if (s->quiet)
		return; /* it was told to leave */
	else if (tries_next_address(s, how, now_ms))
		return;
	else if (why->kind == ERR_NET && !relay_board_was_reached(s->relay))
		never_reached(s, how);
	else if (why->kind == ERR_PROTO && !relay_board_was_ready(s->relay))
		speaks_no_smtp(s, how);
	else if (why->kind == ERR_NONE && how->was_ready)
		all_is_well(s);
	else if (why->kind == ERR_NONE)
		return; /* dropped while it was opening, as we wished */
	else if (idle) {
		be_impatient(s, how->idle_ms);
		all_is_well(s);
	} else if (how->served > 0 || how->broke)
		all_is_well(s);
	else
		failed(s, how, now_ms);
}

/* ---- opening ---- */

bool relay_side_still_good(struct relay_side *s)
{
	if (s->state == SIDE_DOWN)
		return false;
	if (!relay_board_is_broken(s->relay, &s->why))
		return true;
	go_down(s);
	return false;
}

/* Failures before it are forgotten only when it has served a mail. */
void relay_side_became_ready(struct relay_side *s)
{
	relay_board_was_made_ready(s->relay);
	s->addresses_tried = 0;
	if (s->state != SIDE_PAUSED || s->quiet)
		return;
	s->state = SIDE_UP;
	s->tell_pause = false;
	relay_pool_share(s->pool);
}

static bool lacks_token(const struct relay_side *s)
{
	return s->relay->token && relay_token_is_busy(s->relay->token);
}

bool relay_side_may_open(const struct relay_side *s, int64_t now_ms)
{
	if (!relay_board_has_link(s->relay))
		return false; /* other threads have them */
	if (s->allowed > 0 && s->links >= s->allowed)
		return false;
	return s->state != SIDE_DOWN && s->links < s->quota && now_ms >= s->next_try_ms && !lacks_token(s) &&
	       !relay_pace_is_far(s);
}

void relay_side_hung_up(struct relay_side *s, unsigned served)
{
	if (served == 0)
		return; /* it takes nothing at all just now: no rule about numbers */
	if (served == s->mails_told && (s->mails_most == 0 || served < s->mails_most))
		s->mails_most = served;
	s->mails_told = served;
}

bool relay_side_sleeps(const struct relay_side *s, int64_t now_ms)
{
	return s->state == SIDE_UP && s->ready == 0 && s->opening == 0 && s->quota > 0 && now_ms >= s->next_try_ms &&
	       !relay_pace_is_far(s);
}

/* Sessions that take their time to leave a quiet relay stand in nobody's way. */
static bool has_room(const struct relay_side *s)
{
	if (s->links < s->quota)
		return true;
	return s->quiet && s->quota > 0 && relay_pool_has_free(s->pool);
}

/* A paused side that may try again at next_try_ms. */
static bool is_waiting(const struct relay_side *s)
{
	return s->state == SIDE_PAUSED && s->opening == 0 && s->ready == 0 && !s->pool->finishing && has_room(s);
}

void relay_side_timer(struct relay_side *s, int64_t now_ms)
{
	struct err e = { 0 };

	if (s->state == SIDE_DOWN)
		return;
	read_board(s, now_ms);
	if (!is_waiting(s) || now_ms < s->next_try_ms)
		return;
	if (lacks_token(s)) {
		s->next_try_ms = now_ms + RELAY_TOKEN_MS;
		return;
	}
	if (s->relay->token && relay_token_has_failed(s->relay->token, &e)) {
		relay_side_break(s, &e);
		return;
	}
	if (!relay_board_has_link(s->relay)) { /* another thread asks */
		s->next_try_ms = now_ms + RELAY_TURN_MS;
		return;
	}
	s->quiet = false;
	relay_pool_open_at(s->pool, s, now_ms);
}

int64_t relay_side_deadline_ms(const struct relay_side *s)
{
	return is_waiting(s) ? s->next_try_ms : INT64_MAX;
}

void relay_side_looked_up(struct relay_side *s)
{
	struct net_addresses fresh;
	struct err ignored;
	int rc = net_lookup_take(s->lookup, &fresh, &ignored);

	if (rc == 0)
		return;
	if (rc > 0 && s->opening == 0) { /* a link that is connecting reads the old ones */
		s->addresses = fresh;
		s->addresses_tried = 0;
	}
	net_lookup_free(&s->lookup);
}
