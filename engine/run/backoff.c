/* backoff.c - a small table of the domains that defer.
 *
 * Invariants (tests/unit/test_run_backoff.c, tests/system/test_backoff.py):
 *  1. A domain holds rows back after BACKOFF_AFTER deferrals without another answer; any other answer ends it.
 *  2. While it holds, one row a wait goes ahead; waits grow as those of a single row do (retry.c), by chance a
 *     little more or less.
 *  3. Rows that wait come one after the other, SPACING_MS apart, so that nobody asks all of them at once, and a
 *     domain that takes mail again is not run over. A row is asked for again at the latest when its time is up.
 *  4. What speaks of one mailbox or one address counts for nothing: a full mailbox, greylisting; nor does what is
 *     said to MAIL, before a recipient was named.
 *  5. A table that is full of domains that defer takes no more: their rows wait each by itself. */
#include "engine/run/backoff.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/run/domain_rate.h"
#include "engine/run/retry.h"

enum { PLACES = 2048, USED_MAX = PLACES / 2, SPACING_MS = 2, SAID_SIZE = 160, TOLD_MAX = 5 };

struct held {
	uint64_t name;     /* hash of the domain; 0 a free place */
	uint32_t deferred; /* in a row; 0: forgotten when there is need */
	uint32_t level;    /* 0: holds nobody back; grows with each that went ahead */
	int64_t until_ms;  /* the next one may go ahead */
	int64_t tail_ms;   /* when the last one in line is asked for */
	char said[SAID_SIZE];
};

struct backoff {
	pthread_mutex_t lock; /* guards what follows */
	struct hash_key key;
	struct rng rng;
	int64_t retry_for_ms;
	struct held *table;   /* open addressing */
	uint32_t used, told;
	atomic_uint deferring; /* domains whose last answer was a deferral; read without the lock */
};

int backoff_new(struct backoff **out, int64_t retry_for_ms, struct err *e)
{
	struct backoff *b = mem_new(sizeof *b);

	if (!b)
		return err_nomem(e, "the domains that defer");
	pthread_mutex_init(&b->lock, NULL);
	rng_seed(&b->rng, (uint64_t)clock_mono_ns(), (uint64_t)(uintptr_t)b);
	b->key = (struct hash_key){ rng_next(&b->rng), rng_next(&b->rng) };
	b->retry_for_ms = retry_for_ms;
	atomic_init(&b->deferring, 0);
	b->table = mem_array(PLACES, sizeof *b->table);
	if (!b->table) {
		backoff_free(&b);
		return err_nomem(e, "the domains that defer");
	}
	*out = b;
	return 0;
}

void backoff_free(struct backoff **b)
{
	if (!*b)
		return;
	mem_free((*b)->table);
	pthread_mutex_destroy(&(*b)->lock);
	mem_free(*b);
	*b = NULL;
}

/* ---- the table, with the lock held ---- */

static struct held *place_of(struct held *table, uint64_t name)
{
	uint64_t at = name % PLACES;

	while (table[at].name && table[at].name != name)
		at = (at + 1) % PLACES;
	return &table[at];
}

static uint64_t name_of(const struct backoff *b, struct span address)
{
	char domain[DOMAIN_SIZE];

	return domain_of_address(address, domain) ? hash_span(b->key, span_str(domain)) | 1 : 0;
}

/* NULL: its last answer was none of these, or it has no name. */
static struct held *find(const struct backoff *b, struct span address)
{
	uint64_t name = name_of(b, address);
	struct held *h = name ? place_of(b->table, name) : NULL;

	return h && h->deferred ? h : NULL;
}

/* Domains that have answered leave the table. */
static bool make_room(struct backoff *b)
{
	struct held *table = mem_array(PLACES, sizeof *table);

	if (!table)
		return false;
	b->used = 0;
	for (uint32_t i = 0; i < PLACES; i++)
		if (b->table[i].deferred) {
			*place_of(table, b->table[i].name) = b->table[i];
			b->used++;
		}
	mem_free(b->table);
	b->table = table;
	return b->used < USED_MAX;
}

static struct held *meet(struct backoff *b, struct span address)
{
	uint64_t name = name_of(b, address);
	struct held *h = name ? place_of(b->table, name) : NULL;

	if (!h || h->name)
		return h;
	if (b->used >= USED_MAX) {
		if (!make_room(b))
			return NULL;
		h = place_of(b->table, name);
	}
	h->name = name;
	b->used++;
	return h;
}

/* ---- what a verdict means ---- */

static bool says(const char *text, const char *word)
{
	struct span rest = span_str(text);

	for (; rest.n > 0; rest = span_skip(rest, 1))
		if (span_case_begins(rest, span_str(word)))
			return true;
	return false;
}

/* Before a recipient was named: the relay's own trouble, or the sender's. */
static bool is_at_mail(const struct verdict *v)
{
	return v->stage && strcmp(v->stage, "MAIL") == 0;
}

static bool is_of_the_domain(const struct verdict *v)
{
	if (v->enhanced[0] == 4 && (v->enhanced[1] == 1 || v->enhanced[1] == 2))
		return false;
	return !says(v->text, "greylist") && !says(v->text, "graylist");
}

static void hold(struct backoff *b, struct held *h, int64_t now_ms)
{
	h->level++;
	h->until_ms = now_ms + retry_pause_ms(h->level, b->retry_for_ms, &b->rng);
}

static void defer(struct backoff *b, struct span path, const struct verdict *v, int64_t now_ms)
{
	struct held *h = meet(b, path);
	size_t n;

	if (!h)
		return;
	atomic_fetch_add(&b->deferring, h->deferred == 0);
	h->deferred++;
	n = strnlen(v->text, SAID_SIZE - 1);
	memcpy(h->said, v->text, n);
	h->said[n] = '\0';
	if (h->level > 0 || h->deferred < BACKOFF_AFTER)
		return;
	hold(b, h, now_ms);
	h->tail_ms = 0;
	if (b->told++ < TOLD_MAX)
		log_line(LOG_NOTE, "lettershop: %.*s says \"not now\" again and again; its rows wait, the others go on. Last: %d %s",
			 SPAN_ARG(span_skip(path, span_find(path, '@') + 1)), v->code, h->said);
}

static void forget(struct backoff *b, struct span path)
{
	struct held *h = find(b, path);

	if (!h)
		return;
	h->deferred = h->level = 0;
	atomic_fetch_sub(&b->deferring, 1);
}

void backoff_told(struct backoff *b, struct span path, const struct verdict *v, int64_t now_ms)
{
	bool defers = v->kind == VERDICT_DEFERRED;

	if (!b || v->code == 0 || v->scope > SCOPE_MAIL || v->not_tried || is_at_mail(v))
		return;
	if (defers ? !is_of_the_domain(v) : atomic_load_explicit(&b->deferring, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&b->lock);
	if (defers)
		defer(b, path, v, now_ms);
	else
		forget(b, path);
	pthread_mutex_unlock(&b->lock);
}

/* ---- who asks ---- */

static int64_t wait_in_line(struct backoff *b, struct held *h, int64_t held_since_ms, int64_t now_ms)
{
	int64_t up_ms = held_since_ms + b->retry_for_ms, turn_ms = h->until_ms;

	if (h->level == 0 || now_ms >= h->until_ms)
		return 0;
	if (now_ms >= up_ms)
		return -1;
	if (h->tail_ms > turn_ms)
		turn_ms = h->tail_ms;
	h->tail_ms = turn_ms + SPACING_MS;
	return (turn_ms < up_ms ? turn_ms : up_ms) - now_ms;
}

int64_t backoff_ask(struct backoff *b, struct span address, int64_t held_since_ms, int64_t now_ms)
{
	struct held *h;
	int64_t wait_ms = 0;

	if (!b || atomic_load_explicit(&b->deferring, memory_order_relaxed) == 0)
		return 0;
	pthread_mutex_lock(&b->lock);
	h = find(b, address);
	if (h)
		wait_ms = wait_in_line(b, h, held_since_ms, now_ms);
	pthread_mutex_unlock(&b->lock);
	return wait_ms;
}

void backoff_began(struct backoff *b, struct span path, int64_t now_ms)
{
	struct held *h;

	if (!b || atomic_load_explicit(&b->deferring, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&b->lock);
	h = find(b, path);
	if (h && h->level > 0 && now_ms >= h->until_ms)
		hold(b, h, now_ms);
	pthread_mutex_unlock(&b->lock);
}

void backoff_verdict(struct backoff *b, struct span path, struct verdict *out)
{
	const struct held *h;

	*out = (struct verdict){ .kind = VERDICT_DEFERRED, .scope = SCOPE_RECIPIENT, .stage = "wait" };
	pthread_mutex_lock(&b->lock);
	h = find(b, path);
	verdict_say(out, "not tried: its domain put off all others: %s", h ? h->said : "it has changed its mind just now");
	pthread_mutex_unlock(&b->lock);
}
