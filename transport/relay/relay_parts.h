/* relay_parts.h - how the pieces of the room fit together. Private to the room.
 *
 *     relay        one relay, const, shared by threads; its board is the one thing they write
 *     relay_pool   one worker's links and sides, its poll loop, the parked mail
 *     relay_side   one relay as one pool sees it: up, paused or down; when to try again
 *     relay_link   one connection: socket, TLS, session
 *
 * Calls go pool -> side -> link; a link tells its side what became of it and nothing more. */
#ifndef TRANSPORT_RELAY_RELAY_PARTS_H
#define TRANSPORT_RELAY_RELAY_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/base/throttle.h"
#include "transport/net/net.h"
#include "transport/relay/relay.h"
#include "transport/relay/relay_ring.h"
#include "transport/relay/relay_secret.h"
#include "transport/relay/relay_url.h"
#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_session.h"

struct relay_token; /* relay_token.h */

/* ---- one relay ---- */

enum { RELAY_PLACE_MAX = 320, RELAY_LINKS_MAX = 4096 };

/* What threads tell each other about a relay. */
struct relay_board {
	pthread_mutex_t lock; /* guards all that is not atomic; nothing is called while it is held */
	unsigned turn;     /* the connection whose turn it is to log in; 0: nobody's */
	int64_t turn_ms;   /* since when */
	atomic_uint news;     /* how often something was posted that all threads must heed */
	atomic_uint links;    /* sockets of all threads, for ?connections= */
	bool reached;         /* it has said something once */
	atomic_bool ready;    /* a session has got as far as taking mails once */
	unsigned connections; /* made so far, for the transcript */
	atomic_uint troubles; /* sessions whose last lines were written */
	bool broken;          /* why says what no later attempt would mend */
	struct err why;
	int64_t quiet_until_ms; /* the relay asked for a pause: no new mail before this */
	atomic_uint quiets;     /* pauses since the relay took a mail; changed under the lock */
	unsigned pauses;        /* of the whole run */
	atomic_uint fresh;      /* sockets since the last pause; those from before it are on their way out */
	atomic_uint allowed;    /* at most so many of them; 0: no such limit. Both change under the lock */
	unsigned taken;         /* mails since `allowed` changed */
	unsigned wanted;        /* sockets that all threads together might have */
	int64_t used_up_ms;     /* since when its quota is used up; 0: not that we know */
	atomic_uint broke;      /* enum smtp_broke: what it offers and cannot do */
	atomic_uint suspicions; /* sessions that ended amid their first group, and none took one yet */
	atomic_uint no_answers; /* and behind their first BDAT */
	atomic_uint offers;     /* relay_carry.c; 0: not known */
	atomic_ullong size_max;
	atomic_bool trusted;    /* it took mails that were pipelined */
};

struct relay {
	struct relay_url url;
	char *name;
	char place[RELAY_PLACE_MAX]; /* "smtp.example.com:587" or the socket's path */
	struct relay_secret password;
	struct relay_token *token; /* NULL: none. Has a lock of its own */
	struct sasl_login login;
	struct net_tls *tls; /* NULL: plain */
	struct net_addresses addresses;
	struct smtp_options session; /* what all sessions have in common */
	char helo[RELAY_HOST_MAX + 1]; /* "": the link's own address literal */
	char *wishes; /* the words that session.wishes points into; NULL none */
	struct net_way way;
	const char *reach_host; /* whose addresses are looked up: the relay's, or its proxy's */
	uint16_t reach_port;
	int64_t connect_ms;
	struct throttle *rate; /* all its connections together; NULL: none. It has its own lock */
	int64_t lookup_took_ms;
	struct relay_board *board; /* written by threads, though the relay is const */
};

int relay_board_new(struct relay_board **out, struct err *e);
void relay_board_free(struct relay_board **b);
/* A connection was made. Returns its number, from 1. */
unsigned relay_board_connected(const struct relay *r);
/* The relay has said something. */
void relay_board_reached(const struct relay *r);
bool relay_board_was_reached(const struct relay *r);
/* A session with it has got as far as taking mails. */
void relay_board_was_made_ready(const struct relay *r);
bool relay_board_was_ready(const struct relay *r);
void relay_board_break(const struct relay *r, const struct err *why);
/* True, and *why filled, when some thread found the relay broken. */
bool relay_board_is_broken(const struct relay *r, struct err *why);

/* The relay asked for a pause: returns when it ends for all threads. *first: nobody had said so before. */
int64_t relay_board_ask_quiet(const struct relay *r, int64_t now_ms, int64_t at_least_ms, struct rng *rng, bool *first);
int64_t relay_board_quiet_until_ms(const struct relay *r);
/* The relay took a mail: its next pause is a short one again. */
void relay_board_served(const struct relay *r, int64_t now_ms);
/* The account's quota is used up. How long already. */
int64_t relay_board_used_up(const struct relay *r, int64_t now_ms);
/* One more thread might have so many sockets. */
void relay_board_joins(const struct relay *r, unsigned links);
/* Counts a socket, when all threads together may have one more; false: not now. *pauses: for the next but one. */
bool relay_board_take_link(const struct relay *r, unsigned *pauses);
bool relay_board_has_link(const struct relay *r); /* the same without counting it */
/* All connections that its URL allows are there. */
bool relay_board_is_full(const struct relay *r);
/* May that connection log in now? The first of a relay do it one after the other, until one was let in. */
bool relay_board_may_login(const struct relay *r, unsigned number);
void relay_board_leave_turn(const struct relay *r, unsigned number);
void relay_board_leave_link(const struct relay *r, unsigned pauses);
/* A mail was taken since the last pause: now and then one more socket is allowed. False: all are. */
bool relay_board_grow(const struct relay *r);
/* What a session found out that was offered in vain. True: that is why it ended, and the next one need not wait. */
bool relay_board_broke(const struct relay *r, unsigned broke);
/* The relay took a mail that was pipelined. */
void relay_board_trust(const struct relay *r);
/* True when a break or a pause was posted since *seen, which is brought up to date. */
bool relay_board_has_news(const struct relay *r, unsigned *seen);

/* ---- links ---- */

enum relay_link_state {
	LINK_FREE,
	LINK_CONNECTING, /* no session yet */
	LINK_SHAKING,    /* TLS */
	LINK_TALKING,    /* greeting to login */
	LINK_READY,      /* takes mails */
	LINK_LEAVING,    /* takes no more: what was begun, then QUIT */
	LINK_LOST        /* no socket any more; its session's last events are to be taken */
};

/* The pool's lists of links. */
enum relay_list_kind {
	LIST_IDLE,   /* want a mail and have none; the one used last is in front */
	LIST_BUSY,   /* want a mail and have some; the one that waits longest is in front */
	LIST_EVENTS, /* their session may have events */
	LIST_PUSH,   /* their session may have bytes to write */
	LISTS
};

struct relay_node {
	struct relay_link *before, *after;
	bool on;
};

/* What a session is told when it begins, kept as long as it is there. */
struct relay_told {
	struct smtp_options options;
	struct sasl_login login; /* with the token, when there is one */
	char *token;             /* NULL: none */
	unsigned token_serial;
	char own_literal[NET_ADDRESS_WORDS];
};

struct relay_link {
	struct relay_pool *pool;
	struct relay_side *side; /* NULL: free */
	enum relay_link_state state;
	unsigned index;  /* in the pool */
	unsigned number; /* of the connection, in the transcript */
	struct net_link *net;
	struct smtp_session *session;
	struct relay_told told;
	int close_code;  /* the reply that ended the session, or 0 */
	unsigned pauses; /* of the relay, when it was made */
	unsigned address; /* which of the side's it is connected to; while it is opening */
	int polled_fd;   /* what epoll knows: -1 nothing */
	unsigned polled; /* enum net_wants */
	unsigned in_hand;
	unsigned served; /* verdicts that the server itself gave */
	bool was_ready;
	bool secured; /* TLS has begun */
	bool heard;   /* the server has said something */
	int64_t idle_since_ms; /* meaningful while READY and in_hand == 0 */
	bool troubled; /* its last lines were written */
	struct relay_ring ring;
	struct relay_node nodes[LISTS];
	struct throttle *rate; /* of the connection, kept when another one takes its place; NULL: none */
	const struct relay *rate_of;
	int64_t pace_due_ms;   /* no mail before this; 0: may be asked */
	int64_t *paced;        /* when places were taken whose MAIL is not written so far; NULL: no rates */
	unsigned n_paced;
};

/* ---- relay_pace.c: rates of a relay and of its connections ---- */

/* What l->side's relay asks for; 0, or -1: no memory. */
int relay_pace_begin(struct relay_link *l);
/* No place now: false, and pace_due_ms says when to ask again. */
bool relay_pace_allows(struct relay_link *l);
/* Takes a place in both, or in none. */
bool relay_pace_take(struct relay_link *l);
/* The session was pushed; all: nothing of it waits to be written. The windows run from now. */
void relay_pace_used(struct relay_link *l, bool all);
void relay_pace_end(struct relay_link *l);
/* No place of its comes soon: a connection for it would only stand idle. */
bool relay_pace_is_far(const struct relay_side *s);
/* Some relay of the pool has a rate: a mail is wanted only when its MAIL can leave at once. */
bool relay_pace_is_needed(const struct relay_pool_options *opt);

/* 0, or -1: it failed at once and its side was told. */
int relay_link_open(struct relay_link *l, struct relay_side *side, int64_t now_ms);
/* Frees what it holds; no event. */
void relay_link_drop(struct relay_link *l);
void relay_link_ready(struct relay_link *l, bool readable, bool writable, int64_t now_ms);
void relay_link_push(struct relay_link *l, int64_t now_ms);
void relay_link_timer(struct relay_link *l, int64_t now_ms);
int64_t relay_link_deadline_ms(const struct relay_link *l);
void relay_link_finish(struct relay_link *l);
/* Hangs up. Its session says what that means for its mails, by events. */
void relay_link_abort(struct relay_link *l, int64_t now_ms);
/* The session is done with; how decides what becomes of the side. */
void relay_link_closed(struct relay_link *l, const struct err *how, int64_t now_ms);
/* relay_session.c: its relay's options, name and login, over that link to it, for a pool's link and for a single talk.
 * 0; -1 with e. */
int relay_tell(struct relay_told *told, const struct relay *r, const struct net_link *net, struct err *e);
/* Wipes the token; the session is gone. */
void relay_told_forget(struct relay_told *told);
/* 0; -1 with e. */
int relay_link_begin_session(struct relay_link *l, int64_t now_ms, struct err *e);
void relay_link_begin_tls(struct relay_link *l, int64_t now_ms);
void relay_link_became_ready(struct relay_link *l, int64_t now_ms);
/* Puts it on the lists where it belongs now; after every call that changes its session. */
void relay_link_touch(struct relay_link *l);

/* ---- sides ---- */

enum relay_side_state { SIDE_UP, SIDE_PAUSED, SIDE_DOWN };

struct relay_side {
	const struct relay *relay;
	struct relay_pool *pool;
	enum relay_side_state state;
	unsigned index;
	unsigned quota; /* links it may have now */
	unsigned links; /* not free */
	unsigned opening; /* of them: connecting to logging in */
	unsigned ready;
	unsigned failures;        /* in a row */
	int64_t failing_since_ms; /* INT64_MAX: all is well */
	int64_t next_try_ms;      /* no connection before this */
	int64_t idle_ms;          /* patience with an idle session */
	unsigned mails_most;      /* mails a session may carry, as the relay taught us; 0: not known */
	unsigned allowed;         /* connections since it said too much at a time; 0: all of its quota */
	unsigned taken;           /* mails since `allowed` changed */
	bool careful;             /* since a pause: the board counts the connections of all threads */
	int64_t slowed_ms;
	unsigned not_now;         /* deferrals in a row that were no matter of a recipient */
	unsigned mails_told;      /* after so many it hung up the last time */
	struct net_addresses addresses; /* the one to be tried first is in front */
	unsigned addresses_tried; /* in a row that connected and led to nothing, but for the last one */
	struct net_lookup *lookup; /* under way, or NULL */
	struct net_ticket ticket;
	struct rng rng;
	bool quiet;               /* paused because the relay said so: how its sessions end says nothing */
	unsigned news_seen;       /* on the board */
	bool tell_pause, tell_down; /* events that are due */
	int64_t pause_ms;         /* that the relay asked for; 0: a pause of another kind */
	struct err why;
};

/* How a link ended. */
struct relay_end {
	const struct err *why; /* kind ERR_NONE: as we wished */
	bool connected;        /* a socket was open */
	unsigned address;      /* of the side's, when connected */
	bool logging_in;       /* or logged in */
	unsigned refused_token; /* its serial; 0: none was refused */
	bool in_clear;         /* TLS had not begun */
	bool was_ready;
	unsigned served;
	bool broke;      /* it offered what it cannot do: the next session goes without it */
	int64_t idle_ms; /* how long it had had nothing to do */
};

void relay_side_init(struct relay_side *s, struct relay_pool *p, const struct relay *r, unsigned index);
void relay_side_release(struct relay_side *s);
bool relay_side_may_open(const struct relay_side *s, int64_t now_ms);
/* False when some thread found the relay broken; then the side is down too. */
bool relay_side_still_good(struct relay_side *s);
void relay_side_became_ready(struct relay_side *s);
/* The relay ended a session at the MAIL after `served` mails. Twice after the same number is its
 * rule: sessions from now on say QUIT before. */
void relay_side_hung_up(struct relay_side *s, unsigned served);
/* Why it is paused or down. */
void relay_side_set_why(struct relay_side *s, const struct err *why);
/* Down, for every thread. */
void relay_side_break(struct relay_side *s, const struct err *why);
/* Paused until then: its sessions finish what they began, and leave. */
void relay_side_be_quiet(struct relay_side *s, int64_t until_ms);

/* relay_answer.c: a verdict that a reply made, and not SENT: what it says about the relay itself (replies.h), and v->account. */
void relay_side_refused(struct relay_side *s, struct verdict *v, int64_t now_ms);
/* A mail was taken: connections that were given up may come back. */
void relay_side_took(struct relay_side *s);
/* Nothing open, nothing opening, and nothing against it. */
bool relay_side_sleeps(const struct relay_side *s, int64_t now_ms);
void relay_side_ended(struct relay_side *s, const struct relay_end *how, int64_t now_ms);
void relay_side_timer(struct relay_side *s, int64_t now_ms);
int64_t relay_side_deadline_ms(const struct relay_side *s);
void relay_side_looked_up(struct relay_side *s);

/* ---- the pool ---- */

struct relay_list {
	struct relay_link *first, *last;
	unsigned n;
};

enum { RELAY_READ_BYTES = 64 * 1024, RELAY_PIECES = 1024 };

struct relay_pool {
	int epoll_fd, wake_fd, trace_fd;
	const char *trouble_path; /* NULL: nobody wants to know */
	struct relay_side *sides;
	unsigned n_sides, sides_down;
	struct relay_link *links;
	unsigned n_links, open_links;
	unsigned turn;         /* the side that opens next */
	unsigned first;        /* the side that has the first connection */
	unsigned tickets, in_hand;
	const struct mail **mails;     /* in hand, by ticket; NULL: there is one relay only */
	struct relay_link **of_ticket; /* where a mail is; NULL: parked or not in hand */
	struct relay_list lists[LISTS];
	const struct mail *parked; /* offered while no session was open */
	bool parked_given_up;      /* its verdicts are due: next recipient below */
	uint32_t parked_next;
	struct verdict parked_verdict;
	bool paced, finishing, aborted, was_ready, tell_all_down;
	struct smtp_event event;   /* what the last relay_event points into */
	struct relay_link *fetched; /* event holds one of its events that nobody has seen yet; NULL: none */
	struct err error;          /* what the last relay_event points into */
	int64_t now_ms;            /* at the last push or wait */
	int64_t due_ms;            /* no link had anything to do before this when the wait began; 0: not known */
	char bytes[RELAY_READ_BYTES];
};

void relay_list_put_on(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l, bool in_front);
void relay_list_take_off(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l);
/* Nothing when it is there already, or is not. */
static inline void relay_list_add(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l, bool in_front)
{
	if (!l->nodes[kind].on)
		relay_list_put_on(p, kind, l, in_front);
}
static inline void relay_list_remove(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l)
{
	if (l->nodes[kind].on)
		relay_list_take_off(p, kind, l);
}

/* Opens a connection at some side that may have one. 1 opened, 0 none may. */
int relay_pool_open_one(struct relay_pool *p, int64_t now_ms);
/* One at this side. 1 opened, 0 no link is free or it failed at once. */
int relay_pool_open_at(struct relay_pool *p, struct relay_side *s, int64_t now_ms);
/* Shares the links out anew, after a side went down or came back. */
void relay_pool_share(struct relay_pool *p);
/* A session is open or being opened, at some side. */
bool relay_pool_has_session(const struct relay_pool *p);
/* True when a link is free. */
bool relay_pool_has_free(const struct relay_pool *p);
/* Gives the parked mail, if there is one, to a link that became ready. */
void relay_pool_unpark(struct relay_pool *p, struct relay_link *l);
/* What must be done at certain times, now. */
void relay_pool_timers(struct relay_pool *p, int64_t now_ms);
/* relay_carry.c: what the relay's newest EHLO offers. */
void relay_board_offers(const struct relay *r, const struct smtp_caps *caps);
/* The link to offer m to: first, or one that wants a mail and whose relay can carry this one, where first's cannot. */
struct relay_link *relay_pool_carrier(const struct relay_pool *p, struct relay_link *first, const struct mail *m);
/* A refusal for what `refused` does not offer becomes a deferral while another relay may offer it. */
void relay_pool_spare(const struct relay_pool *p, const struct relay_side *refused, const struct mail *m, struct verdict *v);
/* relay_poll.c: makes epoll watch what the link wants. */
void relay_pool_poll(struct relay_pool *p, struct relay_link *l);
void relay_pool_unpoll(struct relay_pool *p, struct relay_link *l);
void relay_pool_watch_lookup(struct relay_pool *p, const struct relay_side *s);

/* Its last lines go to the pool's trouble_path, once a connection and RELAY_TROUBLES_MAX times a relay. */
void relay_link_trouble(struct relay_link *l, const char *what);
/* True for a verdict that nobody expected: in doubt, or a reply that says that a command of ours was
 * wrong. */
bool relay_is_trouble(const struct verdict *v);

/* Tells the session its link's channel binding, where there is one. */
void relay_bind(const struct net_link *net, struct smtp_session *session);

/* relay_trace.c: ctx is a struct relay_link. */
void relay_trace_lines(void *ctx, bool from_server, struct span lines);

#endif
