/* loop.h - a thread with a poll loop and the connections it owns.
 *
 * Connections are dealt out by the accepting thread through an inbox; from then on nobody else touches
 * them. A round is: read what came, write the record, let the replies leave. */
#ifndef TESTS_FAKE_LOOP_H
#define TESTS_FAKE_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/fake/config.h"
#include "tests/fake/record.h"
#include "tests/fake/timers.h"

struct conn;
struct greylist;

enum { LOOP_READ_BYTES = 256 * 1024, LOOP_CARRY_BYTES = 32 * 1024 };

struct arrival {
	int fd;
	uint64_t number;
	enum protocol protocol;
	bool too_many; /* more than --max-connections: turned away */
};

struct loop {
	const struct config *cfg;
	struct greylist *greylist;
	struct record record;
	struct timers timers;
	struct moment now; /* of the round */
	int64_t armed_ns;  /* what the timer descriptor is set to */
	int epoll_fd, timer_fd, wake_fd;
	char *buffer;      /* LOOP_CARRY_BYTES + LOOP_READ_BYTES, for whoever reads */
	struct conn *all, *dirty, *dead;
	pthread_t thread;
	_Atomic bool stop;

	pthread_mutex_t lock; /* guards the inbox */
	struct arrival *inbox;
	size_t n_inbox, cap_inbox;
};

void loop_start(struct loop *l, const struct config *cfg, struct greylist *g, struct record_files *files);
/* Any thread. */
void loop_give(struct loop *l, struct arrival a);
void loop_stop(struct loop *l); /* and waits for its end; the record is flushed */

#endif
