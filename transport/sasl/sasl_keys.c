/* sasl_keys.c - one thread that works off what was asked for, in that order.
 *
 *  1. lock guards everything but what stands in a key before it was asked for; nothing slow is done while
 *     it is held.
 *  2. A key that is dropped is freed at once, but for the one that is being worked on: the thread frees that.
 *  3. Every octet that comes of the password is wiped.
 * Held by tests/unit/test_sasl_login.c. */
#include "transport/sasl/sasl_keys.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "engine/base/mem.h"
#include "transport/sasl/sasl_mech.h"

enum { KEPT = 4 };

struct sasl_key {
	struct sasl_keys *home;
	struct sasl_key *after; /* in the queue */
	struct span password;
	bool sha256;
	unsigned rounds;
	size_t salt_n;
	char salt[SASL_SALT_MAX];
	enum { KEY_WAITS, KEY_IN_WORK, KEY_IS_THERE, KEY_FAILED } state;
	bool dropped;
	char hex[SASL_KEY_HEX + 1];
};

struct sasl_keys {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	pthread_t thread;
	bool has_thread, ending;
	struct sasl_key *first, *last; /* queue */
	struct sasl_key *kept[KEPT];   /* results, ours alone; the oldest makes room */
	unsigned next;
	unsigned made; /* keys that were worked out */
};

int sasl_keys_new(struct sasl_keys **out, struct err *e)
{
	struct sasl_keys *k = mem_new(sizeof *k);

	*out = k;
	if (!k)
		return err_nomem(e, "a login");
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->asked, NULL);
	return 0;
}

static void free_key(struct sasl_key *key)
{
	if (key)
		mem_free_secret(key, sizeof *key);
}

void sasl_keys_free(struct sasl_keys **out)
{
	struct sasl_keys *k = *out;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->ending = true;
	pthread_cond_signal(&k->asked);
	pthread_mutex_unlock(&k->lock);
	if (k->has_thread)
		pthread_join(k->thread, NULL);
	for (int i = 0; i < KEPT; i++)
		free_key(k->kept[i]);
	pthread_cond_destroy(&k->asked);
	pthread_mutex_destroy(&k->lock);
	mem_free(k);
	*out = NULL;
}

unsigned sasl_keys_made(struct sasl_keys *k)
{
	unsigned made;

	pthread_mutex_lock(&k->lock);
	made = k->made;
	pthread_mutex_unlock(&k->lock);
	return made;
}

/* ---- the thread ---- */

static bool is_same(const struct sasl_key *a, const struct sasl_key *b)
{
	return a->sha256 == b->sha256 && a->rounds == b->rounds &&
	       span_eq(span_of(a->salt, a->salt_n), span_of(b->salt, b->salt_n));
}

static bool was_kept(struct sasl_keys *k, struct sasl_key *key)
{
	for (int i = 0; i < KEPT; i++)
		if (k->kept[i] && is_same(k->kept[i], key)) {
			memcpy(key->hex, k->kept[i]->hex, sizeof key->hex);
			return true;
		}
	return false;
}

static void keep(struct sasl_keys *k, const struct sasl_key *key)
{
	struct sasl_key *copy = mem_new(sizeof *copy);

	if (!copy)
		return; /* it is worked out again */
	*copy = *key;
	free_key(k->kept[k->next]);
	k->kept[k->next] = copy;
	k->next = (k->next + 1) % KEPT;
}

/* With the lock held, but for the work itself. */
static void work_out(struct sasl_keys *k, struct sasl_key *key)
{
	int rc = 0;

	key->state = KEY_IN_WORK;
	if (!was_kept(k, key)) {
		pthread_mutex_unlock(&k->lock);
		rc = sasl_gnu_salt(key->password, key->sha256, span_of(key->salt, key->salt_n), key->rounds, key->hex);
		pthread_mutex_lock(&k->lock);
		k->made++;
		if (rc == 0)
			keep(k, key);
	}
	key->state = rc == 0 ? KEY_IS_THERE : KEY_FAILED;
	if (key->dropped)
		free_key(key);
}

static void *work(void *arg)
{
	struct sasl_keys *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->ending) {
		struct sasl_key *key = k->first;

		if (!key) {
			pthread_cond_wait(&k->asked, &k->lock);
			continue;
		}
		k->first = key->after;
		work_out(k, key);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* With the lock held. Signals stay with the threads that expect them. */
static bool has_thread(struct sasl_keys *k)
{
	sigset_t all, before;

	if (k->has_thread)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	k->has_thread = pthread_create(&k->thread, NULL, work, k) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return k->has_thread;
}

/* ---- who asks ---- */

struct sasl_key *sasl_key_ask(struct sasl_keys *k, struct span password, bool sha256, struct span salt,
			      unsigned rounds)
{
	struct sasl_key *key = salt.n > 0 && salt.n <= SASL_SALT_MAX ? mem_new(sizeof *key) : NULL;

	if (!key)
		return NULL;
	key->home = k;
	key->password = password;
	key->sha256 = sha256;
	key->rounds = rounds;
	key->salt_n = salt.n;
	memcpy(key->salt, salt.p, salt.n);
	pthread_mutex_lock(&k->lock);
	if (was_kept(k, key)) {
		key->state = KEY_IS_THERE;
	} else if (has_thread(k)) {
		if (k->first)
			k->last->after = key;
		else
			k->first = key;
		k->last = key;
		pthread_cond_signal(&k->asked);
	} else {
		free_key(key);
		key = NULL;
	}
	pthread_mutex_unlock(&k->lock);
	return key;
}

int sasl_key_get(struct sasl_key *key, char hex[SASL_KEY_HEX + 1])
{
	int rc = 0;

	pthread_mutex_lock(&key->home->lock);
	if (key->state == KEY_IS_THERE) {
		memcpy(hex, key->hex, sizeof key->hex);
		rc = 1;
	} else if (key->state == KEY_FAILED) {
		rc = -1;
	}
	pthread_mutex_unlock(&key->home->lock);
	return rc;
}

static void leave_queue(struct sasl_keys *k, const struct sasl_key *key)
{
	struct sasl_key *before = NULL, *at = k->first;

	for (; at && at != key; at = at->after)
		before = at;
	if (!at)
		return;
	if (before)
		before->after = at->after;
	else
		k->first = at->after;
	if (k->last == at)
		k->last = before;
}

void sasl_key_drop(struct sasl_key **out)
{
	struct sasl_key *key = *out;
	struct sasl_keys *k;

	if (!key)
		return;
	k = key->home;
	pthread_mutex_lock(&k->lock);
	leave_queue(k, key);
	if (key->state == KEY_IN_WORK)
		key->dropped = true;
	else
		free_key(key);
	pthread_mutex_unlock(&k->lock);
	*out = NULL;
}
