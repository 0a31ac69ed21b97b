/* policy.c - the greylist is a hash table that all threads share; it only grows. */
#include "tests/fake/policy.h"

#include <pthread.h>
#include <stdlib.h>

struct seen {
	uint64_t hash;
	int64_t first_ns;
	struct seen *next;
	size_t n;
	char address[];
};

struct greylist {
	pthread_mutex_t lock; /* guards all below */
	struct seen **slots;
	size_t n, cap; /* cap is a power of two */
};

struct greylist *greylist_new(void)
{
	struct greylist *g = need(sizeof *g);

	pthread_mutex_init(&g->lock, NULL);
	g->cap = 1024;
	g->slots = need(g->cap * sizeof(struct seen *));
	return g;
}

void greylist_free(struct greylist **g)
{
	for (size_t i = 0; i < (*g)->cap; i++)
		for (struct seen *s = (*g)->slots[i], *next; s; s = next) {
			next = s->next;
			free(s);
		}
	free((*g)->slots);
	pthread_mutex_destroy(&(*g)->lock);
	free(*g);
	*g = NULL;
}

static uint64_t hash(struct text t)
{
	uint64_t h = 0xcbf29ce484222325U;

	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)t.p[i]) * 0x100000001b3U;
	return h ^ h >> 29;
}

static void grow(struct greylist *g)
{
	size_t cap = g->cap * 2;
	struct seen **slots = need(cap * sizeof(struct seen *));

	for (size_t i = 0; i < g->cap; i++)
		for (struct seen *s = g->slots[i], *next; s; s = next) {
			next = s->next;
			s->next = slots[s->hash & (cap - 1)];
			slots[s->hash & (cap - 1)] = s;
		}
	free(g->slots);
	g->slots = slots;
	g->cap = cap;
}

/* When the address was first seen; now when it never was. */
static int64_t first_seen(struct greylist *g, struct text address, int64_t now_ns, bool *is_new)
{
	uint64_t h = hash(address);
	struct seen *s = g->slots[h & (g->cap - 1)];

	while (s && !(s->hash == h && text_eq(text_of(s->address, s->n), address)))
		s = s->next;
	*is_new = !s;
	if (s)
		return s->first_ns;
	if (g->n++ > g->cap)
		grow(g);
	s = need(sizeof *s + address.n);
	s->hash = h;
	s->first_ns = now_ns;
	s->n = address.n;
	memcpy(s->address, address.p, address.n);
	s->next = g->slots[h & (g->cap - 1)];
	g->slots[h & (g->cap - 1)] = s;
	return now_ns;
}

const char *policy_refusal(const struct config *cfg, struct greylist *g, struct text rcpt, int64_t now_ns)
{
	bool is_new;
	int64_t first;

	for (const struct refusal *r = cfg->refusals; r; r = r->next)
		if (text_matches(rcpt, &r->address))
			return r->reply;
	if (!cfg->greylist)
		return NULL;
	pthread_mutex_lock(&g->lock);
	first = first_seen(g, rcpt, now_ns, &is_new);
	pthread_mutex_unlock(&g->lock);
	return is_new || now_ns - first < cfg->greylist_ns ? "451 4.7.1 Greylisted, come back later" : NULL;
}
