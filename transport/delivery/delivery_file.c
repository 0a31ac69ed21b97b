/* delivery_file.c - delivery into files: takes mails in batches of 64 and has a sink write them.
 *
 * The same steps as with a relay, so that a rehearsal goes through the same code of the worker:
 *
 *     offered -> INTENT told -> granted -> (push) written -> VERDICT told for each -> DONE told
 *         +-----------+------------+----- abort ---------------^
 *
 * Invariants, held by tests/unit/test_delivery_file.c:
 *  1. A ticket is in exactly one of these steps; rings keep them in order of arrival.
 *  2. Nothing is allocated after delivery_open().
 *  3. A sink whose lock is held by another program is asked again every LOCK_AGAIN_MS, and the mails
 *     wait; after LOCK_PATIENCE_MS they are deferred.
 *  4. After an abort nothing is written, and what was not written is deferred. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "transport/delivery/delivery_kind.h"
#include "transport/delivery/delivery_sink.h"

enum { LOCK_AGAIN_MS = 50, LOCK_PATIENCE_MS = 60 * 1000 };

struct file_plan {
	struct delivery_plan base;
	struct sink *sink;
	char *name;
};

struct ring {
	uint8_t at, n;
	uint8_t tickets[SINK_BATCH];
};

struct file_delivery {
	struct delivery base;
	const struct file_plan *plan;
	int wake_fd;
	unsigned in_hand;
	bool finishing, aborted;
	int64_t locked_since_ms, again_ms; /* 0: not locked out */
	uint32_t next_recipient;           /* of the first settled mail */
	struct ring asking, settled;       /* INTENT is to be told; VERDICT and DONE are */
	unsigned n_granted;
	uint8_t granted[SINK_BATCH];
	const struct mail *mails[SINK_BATCH];         /* by ticket */
	struct sink_mail batch[SINK_BATCH];           /* by place in granted */
	struct {
		enum verdict_kind kind;
		enum verdict_scope scope;
		char words[SINK_WORDS];
	} outcome[SINK_BATCH]; /* by ticket */
	bool is_settled[SINK_BATCH]; /* by ticket: it is in the ring `settled` */
	char buffer[SINK_BUFFER_BYTES];
};

static struct file_delivery *of(struct delivery *d)
{
	return (struct file_delivery *)d;
}

static const struct file_delivery *of_const(const struct delivery *d)
{
	return (const struct file_delivery *)d;
}

static void ring_add(struct ring *r, uint32_t ticket)
{
	MUST(r->n < SINK_BATCH);
	r->tickets[(r->at + r->n++) % SINK_BATCH] = (uint8_t)ticket;
}

static uint32_t ring_first(const struct ring *r)
{
	return r->tickets[r->at];
}

static void ring_drop(struct ring *r)
{
	r->at = (uint8_t)((r->at + 1) % SINK_BATCH);
	r->n--;
}

/* ---- mails ---- */

static unsigned file_wants(const struct delivery *d)
{
	return of_const(d)->finishing ? 0 : SINK_BATCH - of_const(d)->in_hand;
}

static unsigned file_tickets(const struct delivery *d)
{
	(void)d;
	return SINK_BATCH;
}

static int file_offer(struct delivery *d, const struct mail *m)
{
	struct file_delivery *f = of(d);

	if (file_wants(d) == 0)
		return 0;
	MUST(m->ticket < SINK_BATCH && !f->mails[m->ticket]);
	f->mails[m->ticket] = m;
	f->in_hand++;
	ring_add(&f->asking, m->ticket);
	return 1;
}

static void file_grant(struct delivery *d, uint32_t ticket)
{
	struct file_delivery *f = of(d);

	if (f->aborted)
		return;
	MUST(ticket < SINK_BATCH && f->mails[ticket] && f->n_granted < SINK_BATCH);
	f->granted[f->n_granted++] = (uint8_t)ticket;
}

static void settle(struct file_delivery *f, uint32_t ticket, enum verdict_kind kind, enum verdict_scope scope,
		   const char *words)
{
	size_t n = strlen(words);

	MUST(n < SINK_WORDS);
	f->outcome[ticket].kind = kind;
	f->outcome[ticket].scope = scope;
	memcpy(f->outcome[ticket].words, words, n + 1);
	f->is_settled[ticket] = true;
	ring_add(&f->settled, ticket);
}

static void settle_granted(struct file_delivery *f)
{
	for (unsigned i = 0; i < f->n_granted; i++)
		settle(f, f->granted[i], f->batch[i].kind, SCOPE_MAIL, f->batch[i].words);
	f->n_granted = 0;
}

/* True when the batch must wait for the lock. */
static bool locked_out(struct file_delivery *f, int rc)
{
	int64_t now_ms = clock_mono_ms();

	if (rc == 0) {
		f->locked_since_ms = f->again_ms = 0;
		return false;
	}
	if (f->locked_since_ms == 0)
		f->locked_since_ms = now_ms;
	if (now_ms - f->locked_since_ms < LOCK_PATIENCE_MS) {
		f->again_ms = now_ms + LOCK_AGAIN_MS;
		return true;
	}
	errno = EWOULDBLOCK;
	sink_all_failed(f->batch, f->n_granted, "another program keeps the mailbox locked");
	f->locked_since_ms = f->again_ms = 0;
	return false;
}

static void file_push(struct delivery *d)
{
	struct file_delivery *f = of(d);
	struct sink *sink = f->plan->sink;

	if (f->n_granted == 0)
		return;
	if (f->again_ms > 0 && clock_mono_ms() < f->again_ms)
		return;
	for (unsigned i = 0; i < f->n_granted; i++) {
		f->batch[i].mail = f->mails[f->granted[i]];
		f->batch[i].kind = VERDICT_SENT;
		f->batch[i].words[0] = '\0';
	}
	if (sink->ops->write && locked_out(f, sink->ops->write(sink, f->batch, f->n_granted, f->buffer)))
		return;
	settle_granted(f);
}

/* ---- events ---- */

static void fill_verdict(struct file_delivery *f, uint32_t ticket, struct verdict *v)
{
	v->kind = f->outcome[ticket].kind;
	v->scope = f->outcome[ticket].scope;
	v->recipient = f->next_recipient;
	v->code = 0;
	v->enhanced[0] = v->enhanced[1] = v->enhanced[2] = 0;
	v->stage = "write";
	v->not_tried = v->account = false;
	v->queue_id[0] = '\0';
	v->text[0] = '\0';
	if (f->outcome[ticket].words[0])
		verdict_say(v, "%s", f->outcome[ticket].words);
}

static int file_event(struct delivery *d, struct delivery_event *out)
{
	struct file_delivery *f = of(d);

	out->relay = f->plan->name;
	if (f->asking.n > 0) {
		out->kind = DELIVERY_INTENT;
		out->ticket = ring_first(&f->asking);
		ring_drop(&f->asking);
		return 1;
	}
	if (f->settled.n == 0)
		return 0;
	out->ticket = ring_first(&f->settled);
	if (f->next_recipient < f->mails[out->ticket]->n_recipients) {
		out->kind = DELIVERY_VERDICT;
		fill_verdict(f, out->ticket, &out->verdict);
		f->next_recipient++;
		return 1;
	}
	out->kind = DELIVERY_DONE;
	ring_drop(&f->settled);
	f->mails[out->ticket] = NULL;
	f->is_settled[out->ticket] = false;
	f->next_recipient = 0;
	f->in_hand--;
	return 1;
}

/* ---- waiting ---- */

static int64_t wait_ms(const struct file_delivery *f, int64_t max_ms)
{
	int64_t left;

	if (f->asking.n > 0 || f->settled.n > 0 || (f->n_granted > 0 && f->again_ms == 0))
		return 0;
	if (f->again_ms == 0)
		return max_ms;
	left = f->again_ms - clock_mono_ms();
	if (left < 0)
		left = 0;
	return max_ms >= 0 && max_ms < left ? max_ms : left;
}

static int file_wait(struct delivery *d, int64_t max_ms, struct err *e)
{
	struct file_delivery *f = of(d);
	struct pollfd p = { .fd = f->wake_fd, .events = POLLIN };
	int64_t ms = wait_ms(f, max_ms);
	int rc = poll(&p, 1, ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms);

	if (rc < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for the queue");
	return rc > 0;
}

static void file_finish(struct delivery *d)
{
	of(d)->finishing = true;
}

/* What is written stays as it is; nothing else was begun. */
static void file_abort(struct delivery *d)
{
	struct file_delivery *f = of(d);

	f->finishing = f->aborted = true;
	f->asking.n = 0;
	f->n_granted = 0;
	f->locked_since_ms = f->again_ms = 0;
	for (uint32_t ticket = 0; ticket < SINK_BATCH; ticket++)
		if (f->mails[ticket] && !f->is_settled[ticket])
			settle(f, ticket, VERDICT_DEFERRED, SCOPE_SESSION, "stopped");
}

static unsigned file_in_hand(const struct delivery *d)
{
	return of_const(d)->in_hand;
}

static unsigned file_open_links(const struct delivery *d)
{
	(void)d;
	return 0;
}

static void file_close(struct delivery *d)
{
	mem_free(of(d));
}

static const struct delivery_ops ops = {
	.close = file_close,
	.wants = file_wants,
	.tickets = file_tickets,
	.offer = file_offer,
	.grant = file_grant,
	.push = file_push,
	.wait = file_wait,
	.event = file_event,
	.finish = file_finish,
	.abort = file_abort,
	.in_hand = file_in_hand,
	.open_links = file_open_links,
};

/* ---- the plan ---- */

static int plan_open(struct delivery **out, const struct delivery_plan *p, unsigned index, unsigned n_workers,
		     int wake_fd, struct err *e)
{
	struct file_delivery *f = mem_new(sizeof *f);

	(void)index;
	(void)n_workers;
	if (!f)
		return err_nomem(e, "for a delivery");
	f->base.ops = &ops;
	f->plan = (const struct file_plan *)p;
	f->wake_fd = wake_fd;
	*out = &f->base;
	return 0;
}

static void plan_free(struct delivery_plan *base)
{
	struct file_plan *p = (struct file_plan *)base;

	if (p->sink)
		p->sink->ops->free(p->sink);
	mem_free(p->name);
	mem_free(p);
}

static void plan_words(const struct delivery_plan *base, char *out, size_t out_size)
{
	const struct sink *s = ((const struct file_plan *)base)->sink;

	snprintf(out, out_size, "%.*s%s", SPAN_ARG(s->ops->scheme), s->path);
}

static int plan_probe(const struct delivery_plan *p, struct err *e)
{
	(void)p; /* opening the plan has tried what there is to try */
	(void)e;
	return 0;
}

static const struct delivery_plan_ops plan_ops = {
	.rehearsal = true,
	.free = plan_free,
	.describe = plan_words,
	.destination = plan_words,
	.probe = plan_probe,
	.open = plan_open,
};

static const struct sink_ops *ops_for(const char *url)
{
	static const struct sink_ops *const all[] = { &sink_eml, &sink_mbox, &sink_maildir, &sink_null, NULL };

	for (size_t i = 0; all[i]; i++)
		if (span_case_begins(span_str(url), all[i]->scheme))
			return all[i];
	return NULL;
}

bool delivery_file_is_ours(const char *url)
{
	return ops_for(url) != NULL;
}

/* Takes "?sync=on|off" off the end of the path; without it *sync stays. */
static int take_sync(struct span *path, bool *sync, struct err *e)
{
	size_t at = span_search(*path, SPAN("?sync="));
	struct span value = span_skip(*path, at + 6);

	if (at == path->n)
		return 0;
	*path = span_sub(*path, 0, at);
	*sync = span_eq(value, SPAN("on"));
	if (*sync || span_eq(value, SPAN("off")))
		return 0;
	return err_set(e, ERR_INPUT, "?sync=%.*s is not known: it may be on or off", SPAN_ARG(value));
}

static int open_sink(struct file_plan *p, const char *url, struct err *e)
{
	const struct sink_ops *kind = ops_for(url);
	struct span path = span_skip(span_str(url), kind->scheme.n);
	char *copy;
	bool sync = kind->sync_by_default;
	int rc;

	if (take_sync(&path, &sync, e) < 0)
		return -1;
	if (kind->has_path && path.n == 0) {
		err_set(e, ERR_INPUT, "'%s' needs a path", url);
		return err_hint(e, "for example %.*sout", SPAN_ARG(kind->scheme));
	}
	if (!kind->has_path && path.n > 0)
		return err_set(e, ERR_INPUT, "'%s' has a path that nothing is done with", url);
	copy = mem_copy(path);
	if (!copy)
		return err_nomem(e, "for a path");
	rc = kind->open(&p->sink, copy, sync, e);
	mem_free(copy);
	return rc;
}

static int set_name(struct file_plan *p, const struct delivery_relay *r, struct err *e)
{
	struct span scheme = p->sink->ops->scheme;

	p->name = r->name ? mem_strdup(r->name) : mem_copy(span_sub(scheme, 0, scheme.n - 1));
	return p->name ? 0 : err_nomem(e, "for a name");
}

int delivery_file_plan(struct delivery_plan **out, const struct delivery_options *opt, struct err *e)
{
	struct file_plan *p = mem_new(sizeof *p);

	if (!p)
		return err_nomem(e, "for a delivery");
	p->base.ops = &plan_ops;
	p->base.connections = opt->connections ? opt->connections : 1;
	if (open_sink(p, opt->relays[0].url, e) < 0 || set_name(p, &opt->relays[0], e) < 0) {
		plan_free(&p->base);
		return -1;
	}
	*out = &p->base;
	return 0;
}

/* ---- for the sinks ---- */

int sink_folder(const char *path, char out[PATH_MAX], struct err *e)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the folder '%s'", path);
	if (stat(path, &st) < 0)
		return err_sys(e, "cannot look at the folder '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, "'%s' is no folder", path);
	if (access(path, W_OK | X_OK) < 0)
		return err_sys(e, "cannot write into the folder '%s'", path);
	return realpath(path, out) ? 0 : err_sys(e, "cannot follow the path '%s'", path);
}

void sink_failed(struct sink_mail *m, const char *what)
{
	m->kind = VERDICT_DEFERRED;
	snprintf(m->words, sizeof m->words, "%s: %s", what, strerror(errno));
}

void sink_all_failed(struct sink_mail *mails, unsigned n, const char *what)
{
	int error = errno;

	for (unsigned i = 0; i < n; i++) {
		errno = error;
		sink_failed(&mails[i], what);
	}
}
