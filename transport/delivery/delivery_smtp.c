/* delivery_smtp.c - delivery through relays: shares the connections out over workers, and passes on
 * what transport/relay does. */
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "transport/delivery/delivery_kind.h"
#include "transport/relay/relay.h"

struct smtp_plan {
	struct delivery_plan base;
	struct relay **relays; /* n of them */
	uint32_t n;
	int trace_fd;
	const char *trouble_path;
	bool paced;
};

struct smtp_delivery {
	struct delivery base;
	struct relay_pool *pool;
};

static const struct smtp_plan *plan_of(const struct delivery_plan *p)
{
	return (const struct smtp_plan *)p;
}

static struct relay_pool *pool_of(const struct delivery *d)
{
	return ((const struct smtp_delivery *)d)->pool;
}

/* ---- one worker's delivery ---- */

static void smtp_close(struct delivery *d)
{
	struct smtp_delivery *s = (struct smtp_delivery *)d;

	relay_pool_free(&s->pool);
	mem_free(s);
}

static unsigned smtp_wants(const struct delivery *d)
{
	return relay_pool_wants(pool_of(d));
}

static void smtp_wake(struct delivery *d)
{
	relay_pool_wake(pool_of(d));
}

static unsigned smtp_tickets(const struct delivery *d)
{
	return relay_pool_tickets(pool_of(d));
}

static int smtp_offer(struct delivery *d, const struct mail *m)
{
	return relay_pool_offer(pool_of(d), m);
}

static void smtp_grant(struct delivery *d, uint32_t ticket)
{
	relay_pool_grant(pool_of(d), ticket);
}

static void smtp_push(struct delivery *d)
{
	relay_pool_push(pool_of(d));
}

static int smtp_wait(struct delivery *d, int64_t max_ms, struct err *e)
{
	return relay_pool_wait(pool_of(d), max_ms, e);
}

static int smtp_event(struct delivery *d, struct delivery_event *out)
{
	static const enum delivery_event_kind kinds[] = {
		[RELAY_INTENT] = DELIVERY_INTENT, [RELAY_VERDICT] = DELIVERY_VERDICT,
		[RELAY_DONE] = DELIVERY_DONE,     [RELAY_PAUSE] = DELIVERY_PAUSE,
		[RELAY_DOWN] = DELIVERY_DOWN,     [RELAY_ALL_DOWN] = DELIVERY_ALL_DOWN,
	};
	struct relay_event ev;

	if (!relay_pool_event(pool_of(d), &ev))
		return 0;
	out->kind = kinds[ev.kind];
	out->ticket = ev.ticket;
	out->relay = ev.relay;
	out->pause_ms = ev.pause_ms;
	if (ev.verdict)
		verdict_copy(&out->verdict, ev.verdict);
	if (ev.error)
		out->error = *ev.error;
	return 1;
}

static void smtp_finish(struct delivery *d)
{
	relay_pool_finish(pool_of(d));
}

static void smtp_abort(struct delivery *d)
{
	relay_pool_abort(pool_of(d));
}

static unsigned smtp_in_hand(const struct delivery *d)
{
	return relay_pool_in_hand(pool_of(d));
}

static unsigned smtp_open_links(const struct delivery *d)
{
	return relay_pool_open_links(pool_of(d));
}

static const struct delivery_ops ops = {
	.close = smtp_close,
	.wants = smtp_wants,
	.wake = smtp_wake,
	.tickets = smtp_tickets,
	.offer = smtp_offer,
	.grant = smtp_grant,
	.push = smtp_push,
	.wait = smtp_wait,
	.event = smtp_event,
	.finish = smtp_finish,
	.abort = smtp_abort,
	.in_hand = smtp_in_hand,
	.open_links = smtp_open_links,
};

/* ---- the plan ---- */

/* Connection k of all belongs to worker k % n_workers; each has one at least. */
static unsigned share_of(const struct smtp_plan *p, unsigned index, unsigned n_workers)
{
	unsigned share = p->base.connections / n_workers + (index < p->base.connections % n_workers);

	return share ? share : 1;
}

static int plan_open(struct delivery **out, const struct delivery_plan *base, unsigned index, unsigned n_workers,
		     int wake_fd, struct err *e)
{
	const struct smtp_plan *p = plan_of(base);
	const struct relay_pool_options opt = {
		.relays = (const struct relay *const *)p->relays,
		.n_relays = p->n,
		.connections = share_of(p, index, n_workers),
		.first = index,
		.wake_fd = wake_fd,
		.trace_fd = p->trace_fd,
		.trouble_path = p->trouble_path,
		.paced = p->paced,
	};
	struct smtp_delivery *d = mem_new(sizeof *d);

	if (!d)
		return err_nomem(e, "for a delivery");
	d->base.ops = &ops;
	if (relay_pool_new(&d->pool, &opt, e) < 0) {
		mem_free(d);
		return -1;
	}
	*out = &d->base;
	return 0;
}

static void plan_free(struct delivery_plan *base)
{
	struct smtp_plan *p = (struct smtp_plan *)base;

	for (uint32_t i = 0; p->relays && i < p->n; i++)
		relay_free(&p->relays[i]);
	mem_free(p->relays);
	mem_free(p);
}

static void plan_describe(const struct delivery_plan *base, char *out, size_t out_size)
{
	const struct smtp_plan *p = plan_of(base);
	size_t n = 0;

	if (out_size == 0)
		return;
	out[0] = '\0';
	for (uint32_t i = 0; i < p->n && n + 3 < out_size; i++) {
		if (i > 0)
			n += (size_t)snprintf(out + n, out_size - n, ", ");
		relay_describe(p->relays[i], out + n, out_size - n);
		n += strlen(out + n);
	}
}

/* One class for all relays and for LMTP, so that a campaign may go on through another one. */
static void plan_class(const struct delivery_plan *base, char *out, size_t out_size)
{
	(void)base;
	snprintf(out, out_size, "smtp");
}

static int plan_probe(const struct delivery_plan *base, struct err *e)
{
	return relay_probe(plan_of(base)->relays[0], e);
}

static const struct delivery_plan_ops plan_ops = {
	.rehearsal = false,
	.free = plan_free,
	.describe = plan_describe,
	.destination = plan_class,
	.probe = plan_probe,
	.open = plan_open,
};

static int open_relay(struct relay **out, const struct delivery_options *opt, uint32_t i, struct err *e)
{
	const struct delivery_relay *r = &opt->relays[i];
	const struct relay_options relay = {
		.name = r->name,
		.url = r->url,
		.password_command = r->password_command,
		.password_file = r->password_file,
		.password_env = r->password_env,
		.token_command = r->token_command,
		.ask_password = r->ask_password,
		.helo = opt->helo,
		.source_address = opt->source_address,
		.timeouts = opt->timeouts,
		.messages_per_connection = opt->messages_per_connection,
		.window = opt->window,
		.lockstep = opt->lockstep,
		.timeout_ms = opt->timeout_ms,
		.dsn_notify = opt->dsn_notify,
		.dsn_ret = opt->dsn_ret,
		.mail_options = opt->mail_options,
		.rcpt_options = opt->rcpt_options,
		.requiretls = opt->requiretls,
	};

	return relay_open(out, &relay, e);
}

/* No more than all relays together bear: a worker whose connections others have would only wait. */
static void cap_connections(struct smtp_plan *p)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		unsigned own = relay_connections_max(p->relays[i]);

		if (own == 0 || sum + own >= p->base.connections)
			return;
		sum += own;
	}
	p->base.connections = sum;
}

int delivery_smtp_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e)
{
	struct smtp_plan *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for relays");
	p->base.ops = &plan_ops;
	p->base.connections = opt->connections ? opt->connections : 1;
	p->trace_fd = opt->trace_fd;
	p->trouble_path = opt->trouble_path;
	p->paced = opt->paced;
	p->relays = mem_array(opt->n_relays, sizeof(struct relay *));
	if (!p->relays) {
		err_nomem(e, "for relays");
		goto fail;
	}
	p->n = opt->n_relays;
	for (uint32_t i = 0; i < p->n; i++)
		if (open_relay(&p->relays[i], opt, i, e) < 0)
			goto fail;
	cap_connections(p);
	*out = &p->base;
	return 0;
fail:
	plan_free(&p->base);
	return -1;
}
