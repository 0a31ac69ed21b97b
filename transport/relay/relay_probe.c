/* relay_probe.c - asking a relay without sending mail: a pool of one connection that is finished as
 * soon as it is ready. What stops it is the sentence that a run would give. */
#include "transport/relay/relay.h"

#include "transport/relay/relay_parts.h"

/* 0 go on, -1 with e: not to be used. */
static int look_at_events(struct relay_pool *p, struct err *e)
{
	struct relay_event ev;

	while (relay_pool_event(p, &ev))
		if (ev.error) {
			if (e)
				*e = *ev.error;
			return -1;
		}
	return 0;
}

static int talk(struct relay_pool *p, struct err *e)
{
	for (;;) {
		if (look_at_events(p, e) < 0)
			return -1;
		if (relay_pool_was_ready(p))
			relay_pool_finish(p);
		if (relay_pool_was_ready(p) && relay_pool_open_links(p) == 0)
			return 0;
		relay_pool_push(p);
		if (relay_pool_wait(p, -1, e) < 0)
			return -1;
	}
}

int relay_probe(const struct relay *r, struct err *e)
{
	const struct relay_pool_options opt = {
		.relays = &r, .n_relays = 1, .connections = 1, .wake_fd = -1, .trace_fd = -1
	};
	struct relay_pool *p = NULL;
	int rc;

	if (relay_pool_new(&p, &opt, e) < 0)
		return -1;
	rc = talk(p, e);
	relay_pool_free(&p);
	return rc;
}
