/* breaker.c - a sliding window over all verdicts, without remembering them.
 *
 * Verdicts are numbered. Of each class the numbers of its newest `most` refusals are kept, in a ring:
 * when the oldest of these is less than a window ago, `most` of the last window were of that class.
 *
 *  1. What was sent costs one addition; only a refusal takes the lock.
 *  2. It trips once, at the first moment when the share is reached: a window need not be full, because
 *     what is still to come cannot take refusals away from it.
 * Held by tests/unit/test_run_breaker.c. */
#include "engine/run/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

struct watched {
	char class[REFUSAL_CLASS_SIZE];
	uint64_t *at;      /* ring of `most` numbers */
	uint32_t used, next;
	uint64_t newest;
};

struct breaker {
	uint32_t window, most;
	atomic_uint_fast64_t taken; /* verdicts so far */
	pthread_mutex_t lock;       /* guards what follows */
	bool tripped;
	uint32_t n_watched;
	struct watched watched[BREAKER_CLASSES_MAX];
};

int breaker_parse(const char *text, struct breaker_limit *out, struct err *e)
{
	struct span rest = span_str(text), share = span_trim(span_cut(&rest, '/'));
	unsigned long long percent, window = BREAKER_WINDOW_DEFAULT;

	if (span_eq(share, SPAN("off")) && !rest.p) {
		*out = (struct breaker_limit){ 0 };
		return 0;
	}
	if (!span_ends(share, SPAN("%")) || span_number(span_sub(share, 0, share.n - 1), 100, &percent) < 0 ||
	    percent == 0 || (rest.p && span_number(span_trim(rest), BREAKER_WINDOW_MAX, &window) < 0) ||
	    window < BREAKER_WINDOW_MIN) {
		err_set(e, ERR_INPUT, "'%s' is no share of refusals to stop after", text);
		return err_hint(e, "write 20%%/200: stop when 20 of 100 are refused alike, seen over 200 (%d to %d); or off",
				BREAKER_WINDOW_MIN, BREAKER_WINDOW_MAX);
	}
	*out = (struct breaker_limit){ (unsigned)percent, (uint32_t)window };
	return 0;
}

int breaker_new(struct breaker **out, struct breaker_limit limit, struct err *e)
{
	struct breaker *b;

	*out = NULL;
	if (limit.percent == 0)
		return 0;
	b = mem_new(sizeof *b);
	if (!b)
		return err_nomem(e, "counting refusals");
	pthread_mutex_init(&b->lock, NULL);
	b->window = limit.window;
	b->most = (uint32_t)(((uint64_t)limit.window * limit.percent + 99) / 100);
	for (int i = 0; i < BREAKER_CLASSES_MAX; i++) {
		b->watched[i].at = mem_array(b->most, sizeof *b->watched[i].at);
		if (!b->watched[i].at) {
			breaker_free(&b);
			return err_nomem(e, "counting refusals");
		}
	}
	*out = b;
	return 0;
}

void breaker_free(struct breaker **b)
{
	if (!*b)
		return;
	for (int i = 0; i < BREAKER_CLASSES_MAX; i++)
		mem_free((*b)->watched[i].at);
	pthread_mutex_destroy(&(*b)->lock);
	mem_free(*b);
	*b = NULL;
}

uint32_t breaker_window(const struct breaker *b)
{
	return b->window;
}

static struct watched *watch(struct breaker *b, const char *class)
{
	struct watched *w = &b->watched[0];

	for (uint32_t i = 0; i < b->n_watched; i++) {
		if (strcmp(b->watched[i].class, class) == 0)
			return &b->watched[i];
		if (b->watched[i].newest < w->newest)
			w = &b->watched[i];
	}
	if (b->n_watched < BREAKER_CLASSES_MAX)
		w = &b->watched[b->n_watched++];
	snprintf(w->class, sizeof w->class, "%s", class);
	w->used = w->next = 0;
	return w;
}

/* How many of the last window are of it. */
static uint32_t count(const struct breaker *b, const struct watched *w)
{
	uint32_t n = 0;

	while (n < w->used && w->newest - w->at[(w->next + b->most - 1 - n) % b->most] < b->window)
		n++;
	return n;
}

bool breaker_take(struct breaker *b, const struct verdict *v, char class[REFUSAL_CLASS_SIZE], uint32_t *n)
{
	uint64_t number;
	struct watched *w;
	bool trips;

	if (!b)
		return false;
	number = atomic_fetch_add_explicit(&b->taken, 1, memory_order_relaxed) + 1;
	if (v->kind != VERDICT_REFUSED)
		return false;
	refusal_class(v, class);
	pthread_mutex_lock(&b->lock);
	w = watch(b, class);
	w->at[w->next] = number;
	w->next = (w->next + 1) % b->most;
	if (w->used < b->most)
		w->used++;
	if (number > w->newest)
		w->newest = number;
	*n = count(b, w);
	trips = *n == b->most && !b->tripped;
	b->tripped |= trips;
	pthread_mutex_unlock(&b->lock);
	return trips;
}
