/* domain_rate.c - a throttle for each domain that a rule holds for, made when it is first met.
 *
 * Invariants (tests/unit/test_run_domain_rate.c):
 *  1. Of any domain no window ever holds more than its rule says; domains do not touch each other.
 *  2. A message takes a place in each of its domains or in none.
 *  3. Rows that line up are called in the order in which they came, no faster than the rule.
 *  4. A domain that was not met for the longest window of its rule is forgotten when the table grows: it
 *     would begin anew all the same. */
#include "engine/run/domain_rate.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/throttle.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"

enum { TABLE_FIRST = 256, AT_ONCE_MAX = 128 /* domains of one mail: JOURNAL_RECIPIENTS_MAX */ };
#define NS_PER_MS 1000000LL

struct rule {
	char *domain; /* lower case; "*" all others */
	char *limits;
	int64_t spacing_ns, window_ns;
};

struct domain {
	char *name;
	struct throttle *throttle;
	const struct rule *rule;
	int64_t tail_ns; /* when the last one in line is called */
	int64_t seen_ns;
};

struct domain_rates {
	pthread_mutex_t lock; /* guards the table and all in it */
	struct hash_key key;
	struct rule *rules;
	uint32_t n_rules;
	struct domain *table; /* open addressing; size is a power of two */
	uint32_t size, used;
};

/* ---- rules ---- */

static int rule_wrong(struct err *e, const char *text)
{
	err_set(e, ERR_INPUT, "'%s' is no rate of a domain", text);
	return err_hint(e, "write a domain and its rate: gmail.com=20/s, or *=5/s for each of the others");
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* As addresses have it on the wire: lower case, A-labels. False: it is no domain. */
static bool wire_domain(struct span domain, char out[DOMAIN_SIZE])
{
	char text[DOMAIN_SIZE + 2];
	struct arena memory;
	struct address a;
	struct err ignored;
	bool good;

	if (domain.n > 0 && domain.p[domain.n - 1] == '.') /* the root's dot is in no address */
		domain.n--;
	snprintf(text, sizeof text, "x@%.*s", SPAN_ARG(domain));
	arena_init(&memory, 4096, 1 << 20);
	good = address_parse(span_str(text), &memory, &a, &ignored) == 0 && a.domain.n < DOMAIN_SIZE;
	if (good) {
		memcpy(out, a.domain.p, a.domain.n);
		out[a.domain.n] = '\0';
	}
	arena_release(&memory);
	return good;
}

static int read_rule(struct domain_rates *d, const char *text, struct err *e)
{
	struct rule *r = &d->rules[d->n_rules];
	struct span rest = span_str(text), domain = span_trim(span_cut(&rest, '='));
	char name[DOMAIN_SIZE] = "*";
	struct throttle *probe;

	rest = span_trim(rest);
	if (!rest.p || rest.n == 0 || domain.n == 0 || domain.n >= DOMAIN_SIZE || span_find(domain, '@') < domain.n ||
	    span_find(domain, ' ') < domain.n || (!span_eq(domain, SPAN("*")) && !wire_domain(domain, name)))
		return rule_wrong(e, text);
	d->n_rules++;
	r->domain = mem_strdup(name);
	r->limits = mem_copy(rest);
	if (!r->domain || !r->limits)
		return err_nomem(e, "rate limits");
	for (uint32_t i = 0; i + 1 < d->n_rules; i++)
		if (strcmp(d->rules[i].domain, r->domain) == 0)
			return err_set(e, ERR_INPUT, "the domain '%s' has two rates; several limits are joined by commas", r->domain);
	if (throttle_new(&probe, r->limits, e) < 0)
		return -1;
	r->spacing_ns = throttle_spacing_ns(probe);
	r->window_ns = throttle_window_ms(probe) * NS_PER_MS;
	throttle_free(&probe);
	return 0;
}

int domain_rates_new(struct domain_rates **out, const char *const *rules, uint32_t n, struct err *e)
{
	struct domain_rates *d = mem_new(sizeof *d);
	struct rng rng;

	if (!d)
		return err_nomem(e, "rate limits");
	pthread_mutex_init(&d->lock, NULL);
	rng_seed(&rng, (uint64_t)clock_mono_ns(), (uint64_t)(uintptr_t)d);
	d->key = (struct hash_key){ rng_next(&rng), rng_next(&rng) };
	d->size = TABLE_FIRST;
	d->table = mem_array(d->size, sizeof *d->table);
	d->rules = mem_array(n ? n : 1, sizeof *d->rules);
	if (!d->table || !d->rules) {
		err_nomem(e, "rate limits");
		goto fail;
	}
	if (n > DOMAIN_RULES_MAX) {
		err_set(e, ERR_INPUT, "more than %d rates of domains", DOMAIN_RULES_MAX);
		goto fail;
	}
	for (uint32_t i = 0; i < n; i++)
		if (read_rule(d, rules[i], e) < 0)
			goto fail;
	*out = d;
	return 0;
fail:
	domain_rates_free(&d);
	return -1;
}

static void forget(struct domain *m)
{
	throttle_free(&m->throttle);
	mem_free(m->name);
	*m = (struct domain){ .name = NULL };
}

void domain_rates_free(struct domain_rates **out)
{
	struct domain_rates *d = *out;

	if (!d)
		return;
	for (uint32_t i = 0; d->table && i < d->size; i++)
		if (d->table[i].name)
			forget(&d->table[i]);
	for (uint32_t i = 0; d->rules && i < d->n_rules; i++) {
		mem_free(d->rules[i].domain);
		mem_free(d->rules[i].limits);
	}
	mem_free(d->table);
	mem_free(d->rules);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
	*out = NULL;
}

int64_t domain_rates_window_ms(const struct domain_rates *d)
{
	int64_t most = 0;

	for (uint32_t i = 0; i < d->n_rules; i++)
		if (d->rules[i].window_ns > most)
			most = d->rules[i].window_ns;
	return most / NS_PER_MS;
}

/* ---- the table ---- */

static const struct rule *rule_of(const struct domain_rates *d, const char *name)
{
	const struct rule *others = NULL;

	for (uint32_t i = 0; i < d->n_rules; i++) {
		if (strcmp(d->rules[i].domain, name) == 0)
			return &d->rules[i];
		if (strcmp(d->rules[i].domain, "*") == 0)
			others = &d->rules[i];
	}
	return others;
}

/* Its place, or the free one where it belongs. */
static struct domain *place_of(const struct domain_rates *d, struct domain *table, uint32_t size, const char *name)
{
	uint32_t at = (uint32_t)hash_span(d->key, span_str(name)) & (size - 1);

	while (table[at].name && strcmp(table[at].name, name) != 0)
		at = (at + 1) & (size - 1);
	return &table[at];
}

static bool is_stale(const struct domain *m, int64_t now_ns)
{
	return m->tail_ns < now_ns && now_ns - m->seen_ns > m->rule->window_ns;
}

/* Until `more` have room, too. */
static int grow_for(struct domain_rates *d, uint32_t more, int64_t now_ns)
{
	uint32_t live = 0, size = TABLE_FIRST;
	struct domain *table;

	for (uint32_t i = 0; i < d->size; i++)
		live += d->table[i].name && !is_stale(&d->table[i], now_ns);
	while (size < 4 * (live + more))
		size *= 2;
	table = mem_array(size, sizeof *table);
	if (!table)
		return -1;
	for (uint32_t i = 0; i < d->size; i++) {
		if (!d->table[i].name)
			continue;
		if (is_stale(&d->table[i], now_ns))
			forget(&d->table[i]);
		else
			*place_of(d, table, size, d->table[i].name) = d->table[i];
	}
	mem_free(d->table);
	d->table = table;
	d->size = size;
	d->used = live;
	return 0;
}

bool domain_of_address(struct span address, char out[DOMAIN_SIZE])
{
	size_t at = address.n, n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	address = span_skip(address, at);
	n = span_find(address, '>');
	if (n > address.n)
		n = address.n;
	while (n > 0 && (address.p[n - 1] == ' ' || address.p[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= DOMAIN_SIZE)
		return false;
	if (!utf8_ascii(span_sub(address, 0, n)))
		return wire_domain(span_sub(address, 0, n), out);
	memcpy(out, address.p, n);
	out[n] = '\0';
	lower(out);
	return true;
}

/* 1 and *out; 0 no rule holds for it; -1 no memory. With the lock held. */
static int meet(struct domain_rates *d, struct span address, int64_t now_ns, struct domain **out)
{
	char name[DOMAIN_SIZE];
	const struct rule *rule;
	struct domain *m;
	struct err ignored;

	if (!domain_of_address(address, name))
		return 0;
	rule = rule_of(d, name);
	if (!rule)
		return 0;
	m = place_of(d, d->table, d->size, name);
	if (!m->name) {
		if (2 * (d->used + 1) > d->size) {
			if (grow_for(d, 1, now_ns) < 0)
				return -1;
			m = place_of(d, d->table, d->size, name);
		}
		m->rule = rule;
		m->name = mem_strdup(name);
		if (!m->name || throttle_new(&m->throttle, rule->limits, &ignored) < 0) {
			mem_free(m->name);
			*m = (struct domain){ .name = NULL };
			return -1;
		}
		d->used++;
	}
	m->seen_ns = now_ns;
	*out = m;
	return 1;
}

/* ---- places ---- */

/* The domains of all paths, each once. How many, or -1. There is room for all beforehand: while places in the table
 * are remembered it may not grow. */
static int meet_all(struct domain_rates *d, const struct span *paths, uint32_t n, int64_t now_ns,
		    struct domain *out[AT_ONCE_MAX])
{
	int count = 0;

	if (2 * (d->used + n) > d->size && grow_for(d, n, now_ns) < 0)
		return -1;
	for (uint32_t i = 0; i < n && count < AT_ONCE_MAX; i++) {
		struct domain *m = NULL;
		int rc;
		bool known = false;

		rc = meet(d, paths[i], now_ns, &m);
		if (rc < 0)
			return -1;
		for (int k = 0; k < count; k++)
			known |= out[k] == m;
		if (rc > 0 && !known)
			out[count++] = m;
	}
	return count;
}

int64_t domain_rates_take(struct domain_rates *d, const struct span *paths, uint32_t n, int64_t now_ns)
{
	struct domain *met[AT_ONCE_MAX];
	int64_t wait_ns = 0;
	int count;

	pthread_mutex_lock(&d->lock);
	count = meet_all(d, paths, n, now_ns, met);
	for (int i = 0; i < count; i++) {
		int64_t w = throttle_wait(met[i]->throttle, now_ns);

		if (w > wait_ns)
			wait_ns = w;
	}
	for (int i = 0; i < count && wait_ns == 0; i++)
		throttle_take(met[i]->throttle, now_ns);
	pthread_mutex_unlock(&d->lock);
	return count < 0 ? -1 : wait_ns;
}

void domain_rates_used(struct domain_rates *d, const struct span *paths, uint32_t n, int64_t taken_ns, int64_t now_ns)
{
	struct domain *met[AT_ONCE_MAX];
	int count;

	pthread_mutex_lock(&d->lock);
	count = meet_all(d, paths, n, now_ns, met); /* mostly they are all there */
	for (int i = 0; i < count; i++)
		throttle_used(met[i]->throttle, &taken_ns, 1, now_ns);
	pthread_mutex_unlock(&d->lock);
}

int64_t domain_rates_queue(struct domain_rates *d, struct span address, int64_t now_ns)
{
	struct domain *m;
	int64_t turn_ns = now_ns;

	pthread_mutex_lock(&d->lock);
	if (meet(d, address, now_ns, &m) > 0) {
		turn_ns = now_ns + throttle_wait(m->throttle, now_ns);
		if (m->tail_ns > turn_ns)
			turn_ns = m->tail_ns;
		m->tail_ns = turn_ns + m->rule->spacing_ns;
	}
	pthread_mutex_unlock(&d->lock);
	return turn_ns - now_ns;
}

void domain_rates_remember(struct domain_rates *d, struct span path, int64_t age_ms, int64_t now_ns)
{
	struct domain *m;

	pthread_mutex_lock(&d->lock);
	if (meet(d, path, now_ns, &m) > 0)
		throttle_remember(m->throttle, &age_ms, 1, now_ns);
	pthread_mutex_unlock(&d->lock);
}
