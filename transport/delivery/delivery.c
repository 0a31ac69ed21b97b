/* delivery.c - the front door: finds the kind that a URL asks for, and passes on. */
#include "transport/delivery/delivery.h"

#include <stdio.h>

#include "transport/delivery/delivery_kind.h"
#include "transport/relay/relay.h"

static int unknown_scheme(const char *url, struct err *e)
{
	err_set(e, ERR_INPUT, "it is not known how to deliver to '%.80s'", url);
	return err_hint(e, "smtp://, smtps:// and lmtp:// name relays, pipe:COMMAND a program; eml:DIR, mbox:FILE, maildir:DIR and null: write "
			   "to files or nowhere");
}

int delivery_plan_open(struct delivery_plan **out, const struct delivery_options *opt, struct err *e)
{
	unsigned relays = 0, files = 0, pipes = 0;

	for (uint32_t i = 0; i < opt->n_relays; i++) {
		if (relay_url_is_ours(opt->relays[i].url))
			relays++;
		else if (delivery_file_is_ours(opt->relays[i].url))
			files++;
		else if (delivery_pipe_is_ours(opt->relays[i].url))
			pipes++;
		else
			return unknown_scheme(opt->relays[i].url, e);
	}
	if (relays + files + pipes == 0) {
		err_set(e, ERR_INPUT, "no relay is given");
		return err_hint(e, "for example --relay smtp://ann@smtp.example.com, or --relay maildir:out to rehearse");
	}
	if (files > 0 && relays + files + pipes > 1) {
		err_set(e, ERR_INPUT, "a delivery to files cannot be combined with another relay");
		return err_hint(e, "name one of them only");
	}
	if (pipes > 0 && relays + files + pipes > 1)
		return err_set(e, ERR_INPUT, "a delivery to a program cannot be combined with another relay");
	if (pipes > 0)
		return delivery_pipe_plan(out, opt, e);
	return relays ? delivery_smtp_plan(out, opt, e) : delivery_file_plan(out, opt, e);
}

void delivery_plan_free(struct delivery_plan **p)
{
	if (*p)
		(*p)->ops->free(*p);
	*p = NULL;
}

bool delivery_plan_is_rehearsal(const struct delivery_plan *p)
{
	return p->ops->rehearsal;
}

void delivery_plan_describe(const struct delivery_plan *p, char *out, size_t out_size)
{
	p->ops->describe(p, out, out_size);
}

void delivery_plan_class(const struct delivery_plan *p, char *out, size_t out_size)
{
	p->ops->destination(p, out, out_size);
}

unsigned delivery_plan_connections(const struct delivery_plan *p)
{
	return p->connections;
}

int delivery_plan_probe(const struct delivery_plan *p, struct err *e)
{
	return p->ops->probe(p, e);
}

int delivery_open(struct delivery **out, const struct delivery_plan *p, unsigned index, unsigned n_workers,
		  int wake_fd, struct err *e)
{
	return p->ops->open(out, p, index, n_workers, wake_fd, e);
}

void delivery_close(struct delivery **d)
{
	if (*d)
		(*d)->ops->close(*d);
	*d = NULL;
}

unsigned delivery_wants(const struct delivery *d)
{
	return d->ops->wants(d);
}

void delivery_wake(struct delivery *d)
{
	if (d->ops->wake)
		d->ops->wake(d);
}

unsigned delivery_tickets(const struct delivery *d)
{
	return d->ops->tickets(d);
}

int delivery_offer(struct delivery *d, const struct mail *m)
{
	return d->ops->offer(d, m);
}

void delivery_grant(struct delivery *d, uint32_t ticket)
{
	d->ops->grant(d, ticket);
}

void delivery_push(struct delivery *d)
{
	d->ops->push(d);
}

int delivery_wait(struct delivery *d, int64_t max_ms, struct err *e)
{
	return d->ops->wait(d, max_ms, e);
}

int delivery_event(struct delivery *d, struct delivery_event *out)
{
	return d->ops->event(d, out);
}

void delivery_finish(struct delivery *d)
{
	d->ops->finish(d);
}

void delivery_abort(struct delivery *d)
{
	d->ops->abort(d);
}

unsigned delivery_in_hand(const struct delivery *d)
{
	return d->ops->in_hand(d);
}

unsigned delivery_open_links(const struct delivery *d)
{
	return d->ops->open_links(d);
}
