/* relay_token.c - the command runs in a thread of its own: it may ask a server far away, and the poll
 * loop goes on with sessions that are logged in.
 *
 *  1. lock guards everything; nothing is called while it is held but to start the thread.
 *  2. Between two runs of the command a login succeeded with the token of the first: a relay that refuses
 *     whatever it is given does not make the command run for ever.
 *  3. holders counts owner and thread; at 0 all is wiped and freed.
 * Held by tests/system/test_oauth.py. */
#include "transport/relay/relay_token.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "transport/relay/relay_policy.h"
#include "transport/relay/relay_secret.h"

struct relay_token {
	pthread_mutex_t lock;
	unsigned holders;
	char *command;
	struct relay_secret secret;
	unsigned serial; /* of secret, from 1 */
	bool busy, failed;
	bool unproved; /* got anew, and nobody has logged in with it yet */
	struct err why; /* when failed */
};

static void let_go(struct relay_token *t)
{
	unsigned left;

	pthread_mutex_lock(&t->lock);
	left = --t->holders;
	pthread_mutex_unlock(&t->lock);
	if (left > 0)
		return;
	pthread_mutex_destroy(&t->lock);
	relay_secret_release(&t->secret);
	mem_free(t->command);
	mem_free(t);
}

int relay_token_new(struct relay_token **out, const char *command, struct err *e)
{
	struct relay_token *t = mem_new(sizeof *t);

	if (!t)
		return err_nomem(e, "for a token");
	pthread_mutex_init(&t->lock, NULL);
	t->holders = t->serial = 1;
	t->command = mem_strdup(command);
	if (!t->command) {
		err_nomem(e, "for a token");
		goto fail;
	}
	if (relay_secret_command(command, "token", RELAY_COMMAND_MS, &t->secret, e) < 0)
		goto fail;
	*out = t;
	return 0;
fail:
	let_go(t);
	return -1;
}

void relay_token_free(struct relay_token **t)
{
	if (*t)
		let_go(*t);
	*t = NULL;
}

char *relay_token_copy(struct relay_token *t, size_t *n, unsigned *serial)
{
	char *copy;

	pthread_mutex_lock(&t->lock);
	*n = t->secret.n;
	*serial = t->serial;
	copy = mem_hidden_new(t->secret.n + 1);
	if (copy)
		memcpy(copy, t->secret.p, t->secret.n);
	pthread_mutex_unlock(&t->lock);
	return copy;
}

static void *get_another(void *arg)
{
	struct relay_token *t = arg;
	struct relay_secret fresh = { 0 };
	struct err e = { 0 };
	int rc = relay_secret_command(t->command, "token", RELAY_COMMAND_MS, &fresh, &e);

	pthread_mutex_lock(&t->lock);
	if (rc == 0) {
		relay_secret_release(&t->secret);
		t->secret = fresh;
		t->serial++;
	} else {
		t->why = e;
		t->failed = true;
	}
	t->busy = false;
	pthread_mutex_unlock(&t->lock);
	let_go(t);
	return NULL;
}

/* With the lock held. Signals stay with the threads that expect them. */
static int start_thread(struct relay_token *t)
{
	pthread_t thread;
	sigset_t all, before;
	int rc;

	t->busy = t->unproved = true;
	t->holders++;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, get_another, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return pthread_detach(thread);
	t->busy = false;
	t->holders--;
	return -1;
}

int relay_token_refused(struct relay_token *t, unsigned serial, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	if (t->failed) {
		*e = t->why;
		rc = -1;
	} else if (!t->busy && serial == t->serial) {
		rc = t->unproved ? -1 : start_thread(t);
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void relay_token_accepted(struct relay_token *t, unsigned serial)
{
	pthread_mutex_lock(&t->lock);
	if (serial == t->serial)
		t->unproved = false;
	pthread_mutex_unlock(&t->lock);
}

bool relay_token_is_busy(struct relay_token *t)
{
	bool busy;

	pthread_mutex_lock(&t->lock);
	busy = t->busy;
	pthread_mutex_unlock(&t->lock);
	return busy;
}

bool relay_token_has_failed(struct relay_token *t, struct err *e)
{
	bool failed;

	pthread_mutex_lock(&t->lock);
	failed = t->failed;
	if (failed)
		*e = t->why;
	pthread_mutex_unlock(&t->lock);
	return failed;
}
