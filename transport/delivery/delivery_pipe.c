/* delivery_pipe.c - delivery to a program of this machine, as /usr/sbin/sendmail is one: a process for each
 * mail (delivery_process.h), as many at once as there are connections.
 *
 *     offered -> INTENT told -> granted -> (push) started -> content written -> ended -> VERDICTs, DONE told
 *        ASKING                 WAITING    WRITING           FED                 SETTLED
 *
 * Held by tests/system/test_pipe.py. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/delivery/delivery_kind.h"
#include "transport/delivery/delivery_process.h"
#include "transport/relay/relay_command.h"

enum { PATIENCE_MS = 10 * 60 * 1000 }; /* with one process, as with a relay's end of data */

struct pipe_plan {
	struct delivery_plan base;
	char *name, *text;
	char *words[RELAY_COMMAND_WORDS_MAX + 1];
	int n_words;
	int64_t patience_ms;
};

struct pipe_delivery {
	struct delivery base;
	const struct pipe_plan *plan;
	int wake_fd;
	bool finishing;
	unsigned n_jobs, in_hand;
	struct pipe_job *jobs;
	struct pollfd *fds; /* 1 + 3 a job */
};

static struct pipe_delivery *of(struct delivery *d)
{
	return (struct pipe_delivery *)d;
}

static const struct pipe_delivery *of_const(const struct delivery *d)
{
	return (const struct pipe_delivery *)d;
}

/* ---- the interface ---- */

static unsigned pipe_wants(const struct delivery *d)
{
	const struct pipe_delivery *p = of_const(d);

	return p->finishing ? 0 : p->n_jobs - p->in_hand;
}

static unsigned pipe_tickets(const struct delivery *d)
{
	return of_const(d)->n_jobs;
}

static int pipe_offer(struct delivery *d, const struct mail *m)
{
	struct pipe_delivery *p = of(d);
	struct pipe_job *j;

	if (pipe_wants(d) == 0)
		return 0;
	MUST(m->ticket < p->n_jobs);
	j = &p->jobs[m->ticket];
	MUST(j->step == PIPE_FREE);
	j->step = PIPE_ASKING;
	j->mail = m;
	j->piece = j->told = 0;
	j->offset = j->chunk_at = j->chunk_n = j->said_n = 0;
	j->cut = j->timed_out = false;
	p->in_hand++;
	return 1;
}

/* Asked for by the event that told the intent: PIPE_ASKING became PIPE_WAITING then, with until_ms as the mark. */
static void pipe_grant(struct delivery *d, uint32_t ticket)
{
	struct pipe_delivery *p = of(d);

	if (ticket < p->n_jobs && p->jobs[ticket].step == PIPE_WAITING)
		p->jobs[ticket].until_ms = 0;
}

static void pipe_push(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct pipe_job *j = &p->jobs[i];

		if (j->step == PIPE_WAITING && j->until_ms == 0)
			pipe_job_start(j, p->plan->words, p->plan->n_words, p->plan->patience_ms);
		if (j->step == PIPE_WRITING)
			pipe_job_write(j);
	}
}

static int pipe_event(struct delivery *d, struct delivery_event *out)
{
	struct pipe_delivery *p = of(d);

	out->relay = p->plan->name;
	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct pipe_job *j = &p->jobs[i];

		out->ticket = i;
		if (j->step == PIPE_ASKING) {
			j->step = PIPE_WAITING;
			j->until_ms = INT64_MAX; /* not granted */
			out->kind = DELIVERY_INTENT;
			return 1;
		}
		if (j->step != PIPE_SETTLED)
			continue;
		if (j->told < j->mail->n_recipients) {
			out->kind = DELIVERY_VERDICT;
			out->verdict = j->verdict;
			out->verdict.recipient = j->told++;
			return 1;
		}
		out->kind = DELIVERY_DONE;
		j->step = PIPE_FREE;
		j->mail = NULL;
		p->in_hand--;
		return 1;
	}
	return 0;
}

static unsigned collect_fds(struct pipe_delivery *p, int64_t *until_ms)
{
	unsigned n = 0;

	p->fds[n++] = (struct pollfd){ .fd = p->wake_fd, .events = POLLIN };
	for (unsigned i = 0; i < p->n_jobs; i++) {
		const struct pipe_job *j = &p->jobs[i];

		if (j->step == PIPE_ASKING || j->step == PIPE_SETTLED || (j->step == PIPE_WAITING && j->until_ms == 0))
			*until_ms = 0;
		if (!pipe_job_runs(j))
			continue;
		p->fds[n++] = (struct pollfd){ .fd = j->end_fd, .events = POLLIN };
		if (j->in_fd >= 0)
			p->fds[n++] = (struct pollfd){ .fd = j->in_fd, .events = POLLOUT };
		if (j->out_fd >= 0)
			p->fds[n++] = (struct pollfd){ .fd = j->out_fd, .events = POLLIN };
		if (j->until_ms < *until_ms)
			*until_ms = j->until_ms;
	}
	return n;
}

static int pipe_wait(struct delivery *d, int64_t max_ms, struct err *e)
{
	struct pipe_delivery *p = of(d);
	int64_t until_ms = INT64_MAX, now_ms = clock_mono_ms(), ms = max_ms;
	unsigned n = collect_fds(p, &until_ms);
	int rc;

	if (until_ms != INT64_MAX && (ms < 0 || until_ms - now_ms < ms))
		ms = until_ms > now_ms ? until_ms - now_ms : 0;
	rc = poll(p->fds, n, ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms);
	if (rc < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for programs");
	now_ms = clock_mono_ms();
	for (unsigned i = 0; i < p->n_jobs; i++)
		if (pipe_job_runs(&p->jobs[i]))
			pipe_job_go_on(&p->jobs[i], now_ms);
	return rc > 0 && (p->fds[0].revents & POLLIN);
}

static void pipe_finish(struct delivery *d)
{
	of(d)->finishing = true;
}

static void pipe_abort(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	p->finishing = true;
	for (unsigned i = 0; i < p->n_jobs; i++) {
		struct pipe_job *j = &p->jobs[i];

		if (pipe_job_runs(j))
			pipe_job_look(j); /* it may have said already */
		if (pipe_job_runs(j)) {
			pipe_job_kill(j);
			pipe_job_settle(j, j->step == PIPE_FED && !j->cut ? VERDICT_IN_DOUBT : VERDICT_DEFERRED, SCOPE_SESSION, "stopped");
		} else if (j->step == PIPE_ASKING || j->step == PIPE_WAITING) {
			pipe_job_settle(j, VERDICT_DEFERRED, SCOPE_SESSION, "stopped");
		}
	}
}

static unsigned pipe_in_hand(const struct delivery *d)
{
	return of_const(d)->in_hand;
}

static unsigned pipe_open_links(const struct delivery *d)
{
	(void)d;
	return 0;
}

static void pipe_close(struct delivery *d)
{
	struct pipe_delivery *p = of(d);

	for (unsigned i = 0; p->jobs && i < p->n_jobs; i++)
		if (pipe_job_runs(&p->jobs[i]))
			pipe_job_kill(&p->jobs[i]);
	mem_free(p->jobs);
	mem_free(p->fds);
	mem_free(p);
}

static const struct delivery_ops ops = {
	.close = pipe_close,
	.wants = pipe_wants,
	.tickets = pipe_tickets,
	.offer = pipe_offer,
	.grant = pipe_grant,
	.push = pipe_push,
	.wait = pipe_wait,
	.event = pipe_event,
	.finish = pipe_finish,
	.abort = pipe_abort,
	.in_hand = pipe_in_hand,
	.open_links = pipe_open_links,
};

/* ---- the plan ---- */

static int plan_open(struct delivery **out, const struct delivery_plan *base, unsigned index, unsigned n_workers,
		     int wake_fd, struct err *e)
{
	const struct pipe_plan *plan = (const struct pipe_plan *)base;
	unsigned share = plan->base.connections / n_workers + (index < plan->base.connections % n_workers);
	struct pipe_delivery *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for a delivery");
	p->base.ops = &ops;
	p->plan = plan;
	p->wake_fd = wake_fd;
	p->n_jobs = share ? share : 1;
	p->jobs = mem_array(p->n_jobs, sizeof *p->jobs);
	p->fds = mem_array(1 + 3 * (size_t)p->n_jobs, sizeof *p->fds);
	if (!p->jobs || !p->fds) {
		pipe_close(&p->base);
		return err_nomem(e, "for a delivery");
	}
	for (unsigned i = 0; i < p->n_jobs; i++)
		p->jobs[i].in_fd = p->jobs[i].out_fd = p->jobs[i].end_fd = -1;
	*out = &p->base;
	return 0;
}

static void plan_free(struct delivery_plan *base)
{
	struct pipe_plan *p = (struct pipe_plan *)base;

	mem_free(p->name);
	mem_free(p->text);
	mem_free(p);
}

static void plan_describe(const struct delivery_plan *base, char *out, size_t out_size)
{
	const struct pipe_plan *p = (const struct pipe_plan *)base;

	snprintf(out, out_size, "the program %s", p->words[0]);
}

/* As with relays: a campaign may go on through another way. */
static void plan_class(const struct delivery_plan *base, char *out, size_t out_size)
{
	(void)base;
	snprintf(out, out_size, "smtp");
}

static int plan_probe(const struct delivery_plan *p, struct err *e)
{
	(void)p;
	(void)e;
	return 0;
}

static const struct delivery_plan_ops plan_ops = {
	.rehearsal = false,
	.free = plan_free,
	.describe = plan_describe,
	.destination = plan_class,
	.probe = plan_probe,
	.open = plan_open,
};

bool delivery_pipe_is_ours(const char *url)
{
	return span_case_begins(span_str(url), SPAN("pipe:"));
}

int delivery_pipe_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e)
{
	const struct delivery_relay *r = &opt->relays[0];
	struct pipe_plan *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for a delivery");
	p->base.ops = &plan_ops;
	p->base.connections = opt->connections ? opt->connections : 1;
	p->patience_ms = opt->timeout_ms > 0 ? opt->timeout_ms : PATIENCE_MS;
	p->name = mem_strdup(r->name ? r->name : "pipe");
	p->text = mem_strdup(r->url + 5);
	if (!p->name || !p->text) {
		plan_free(&p->base);
		return err_nomem(e, "for a delivery");
	}
	p->n_words = relay_command_split(p->text, p->words, "pipe:", e);
	if (p->n_words < 0 || relay_command_find(p->words[0], e) < 0) {
		plan_free(&p->base);
		return err_hint(e, "for example --relay 'pipe:/usr/sbin/sendmail -i'");
	}
	*out = &p->base;
	return 0;
}
