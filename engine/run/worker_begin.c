/* worker_begin.c - rows become mails in the moment a session wants one.
 *
 *  1. A place in the rate limit is taken only when there is a row and a session for it.
 *  2. A row that cannot be a mail is recorded as skipped, or stops the run: it is never dropped. */
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/run/backoff.h"
#include "engine/run/campaign_private.h"
#include "engine/run/domain_rate.h"
#include "engine/base/throttle.h"
#include "engine/run/worker_parts.h"
#include "templates/letter/letter.h"

/* Then they are written: a relay has something to do while more are rendered, and its replies do not all come
 * together. As few as cost no more in calls than they gain. */
enum { BEGIN_AT_ONCE = 64 };

/* The row as a whole gets that verdict, before it was a mail. */
static void settle_row(struct worker *w, struct row_ref ref, const struct verdict *v)
{
	const struct row *row = &ref.work->rows->rows[ref.item];
	int column = w->run->address_column;
	struct journal_result result = {
		.row = row->number, .line = row->line, .attempt = 0, .time_ms = w->wall_ms, .of = 1, .verdict = v,
		.n_others = row->group ? row->group->n_others : 0, .others = row->group ? row->group->others : NULL,
	};

	if (column >= 0 && (uint32_t)column < row->n_cells)
		result.recipient.address = span_trim(row->cells[column]);
	worker_record(w, &result);
	worker_end_row(w, ref, WORK_SETTLED);
}

static void skip_row(struct worker *w, struct row_ref ref, const struct err *why)
{
	const struct run *run = w->run;
	const struct row *row = &ref.work->rows->rows[ref.item];
	struct verdict v = { .kind = VERDICT_SKIPPED, .scope = SCOPE_MAIL, .stage = "render" };

	if (run->job->bad_rows == BAD_ROWS_STOP) {
		struct err e;

		campaign_row_error(run->job, row, why, &e);
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		worker_end_row(w, ref, WORK_NOT_BEGUN);
		return;
	}
	verdict_say(&v, "cannot be rendered: %s", why->text);
	settle_row(w, ref, &v);
}

#define CONNECT_AHEAD_NS 2000000000LL /* greeting, TLS and login take so long at most, mostly */

/* Rows that are settled without a mail take no place in a rate limit. True: one was. */
static bool pass_over(struct worker *w)
{
	struct row_ref ref = worker_peek_row(w);
	uint64_t line = ref.work->items[ref.item].duplicate_of;

	if (line == 0)
		return false;

	struct verdict v = { .kind = VERDICT_SKIPPED, .scope = SCOPE_MAIL, .stage = "duplicate" };

	verdict_say(&v, "duplicate of line %llu", (unsigned long long)line);
	settle_row(w, worker_next_row(w), &v);
	return true;
}

/* Leaves out the recipients that an earlier attempt settled. -1: no memory. */
static int leave_out_settled(struct slot *s, const struct work_item *item)
{
	struct span *to = arena_array(&s->arena, s->of, sizeof *to);
	uint32_t n = 0;

	s->which = arena_array(&s->arena, s->of, sizeof *s->which);
	if (!to || !s->which)
		return -1;
	for (uint32_t i = 0; i < s->of; i++)
		if (!work_is_settled(item, i)) {
			to[n] = s->mail.recipients[i];
			s->which[n++] = i;
		}
	s->mail.recipients = to;
	s->mail.n_recipients = n;
	return 0;
}

/* That recipient of the row's whole mail gets nothing, and it is on record why. */
static void leave_out(struct worker *w, const struct slot *s, struct work_item *item, uint32_t recipient,
		      struct verdict *v)
{
	const struct row *row = &s->work->rows->rows[s->item];

	v->recipient = recipient;
	struct journal_result result = {
		.row = row->number, .line = row->line, .attempt = item->attempts + 1,
		.time_ms = w->wall_ms, .message_id = s->mail.message_id, .of = s->mail.n_recipients,
		.recipient = { recipient, s->mail.recipients[recipient] }, .verdict = v,
		.n_others = row->group ? row->group->n_others : 0, .others = row->group ? row->group->others : NULL,
	};

	worker_record(w, &result);
	work_settle(item, recipient);
}

/* The last look before MAIL: who is to get nothing is settled here. */
static void leave_out_suppressed(struct worker *w, const struct slot *s, struct work_item *item)
{
	struct verdict v;

	for (uint32_t i = 0; i < s->mail.n_recipients; i++)
		if (!work_is_settled(item, i) && campaign_suppressed(w->run->campaign, s->mail.recipients[i], &v))
			leave_out(w, s, item, i, &v);
}

/* Those of the row's addresses whom other rows mail. */
static void leave_out_duplicates(struct worker *w, const struct slot *s, struct work_item *item)
{
	for (uint32_t i = 0; i < item->n_copies; i++) {
		const struct duplicate *copy = &s->work->copies[item->copies + i];
		uint32_t recipient = s->mail.own + copy->which;
		struct verdict v = { .kind = VERDICT_SKIPPED, .scope = SCOPE_RECIPIENT, .stage = "duplicate" };

		if (copy->which >= s->mail.n_own || work_is_settled(item, recipient))
			continue;
		verdict_say(&v, "duplicate of line %llu", (unsigned long long)copy->line);
		leave_out(w, s, item, recipient, &v);
	}
}

/* A run to one address only: the row is left out when all whom it names are. */
static bool all_suppressed(const struct worker *w, const struct mail *m, struct verdict *v)
{
	for (uint32_t i = 0; i < m->n_recipients; i++)
		if (!campaign_suppressed(w->run->campaign, m->recipients[i], v))
			return false;
	return true;
}

static bool any_settled(const struct work_item *item)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < WORK_SETTLED_WORDS; i++)
		bits |= item->settled[i];
	return bits != 0;
}

/* The mail with those recipients who are still to get it. *left_out: set when the row as a whole is
 * not wanted; there are none then. */
static int write_mail(struct worker *w, struct slot *s, struct verdict *left_out, struct err *e)
{
	const struct run *run = w->run;
	const struct row *row = &s->work->rows->rows[s->item];
	struct work_item *item = &s->work->items[s->item];

	if (row->problem.n)
		return campaign_row_problem(row, e);
	s->time_ms = run->job->date_ms >= 0 ? run->job->date_ms : w->wall_ms;
	if (letter_write(run->letter, w->desk, &s->arena, row, s->time_ms, &s->mail, e) < 0)
		return -1;
	if (campaign_too_many(&s->mail, e))
		return -1;
	if (run->campaign->suppress && !run->redirect.n) {
		leave_out_suppressed(w, s, item);
	} else if (run->campaign->suppress && all_suppressed(w, &s->mail, left_out)) {
		s->mail.n_recipients = 0;
		return 0;
	}
	if (!run->redirect.n)
		leave_out_duplicates(w, s, item);
	if (run->redirect.n) {
		s->mail.recipients = &run->redirect;
		s->mail.n_recipients = 1;
	}
	s->of = s->mail.n_recipients;
	if (any_settled(item) && leave_out_settled(s, item) < 0)
		return err_nomem(e, "a message");
	return 0;
}

/* Lets go of a mail that is not begun after all. */
static void drop_mail(struct slot *s)
{
	arena_reset(&s->arena);
	s->work = NULL;
}

/* Milliseconds until a domain of this mail may be asked again; 0 now; -1 the row has waited enough. */
static int64_t wait_for_backoff(const struct run *run, const struct slot *s, struct work_item *item, int64_t now_ms)
{
	int64_t most = 0;

	if (!run->backoff)
		return 0;
	for (uint32_t i = 0; i < s->mail.n_recipients; i++) {
		int64_t wait_ms = backoff_ask(run->backoff, s->mail.recipients[i], item->first_try_ms ? item->first_try_ms : now_ms,
					      now_ms);

		if (wait_ms < 0)
			return -1;
		if (wait_ms > most)
			most = wait_ms;
	}
	return most;
}

/* Deferred, as its domain defers all others. What an earlier try left on record says as much. */
static void give_up(struct worker *w, struct slot *s, struct row_ref ref)
{
	const struct row *row = &ref.work->rows->rows[ref.item];
	const struct work_item *item = &ref.work->items[ref.item];
	struct verdict v;

	for (uint32_t i = 0; i < s->mail.n_recipients && item->attempts == 0; i++) {
		backoff_verdict(w->run->backoff, s->mail.recipients[i], &v);
		struct journal_result result = {
			.row = row->number, .line = row->line, .time_ms = w->wall_ms, .message_id = s->mail.message_id,
			.of = s->of, .recipient = { s->which ? s->which[i] : i, s->mail.recipients[i] }, .verdict = &v,
			.n_others = row->group ? row->group->n_others : 0, .others = row->group ? row->group->others : NULL,
		};

		worker_record(w, &result);
	}
	atomic_fetch_add_explicit(&w->run->not_accepted, 1, memory_order_relaxed);
	drop_mail(s);
	worker_end_row(w, ref, WORK_SETTLED);
}

/* True when a domain of this mail has no place now, or is left alone for a while. Its row comes again by way of
 * the feeder, and this worker goes on with the next one. */
static bool waits_for_domain(struct worker *w, struct slot *s, struct row_ref ref)
{
	struct work_item *item = &ref.work->items[ref.item];
	int64_t wait_ms = wait_for_backoff(w->run, s, item, w->now_ms), wait_ns = 0;
	struct err e;

	if (wait_ms < 0) {
		give_up(w, s, ref);
		return true;
	}
	if (wait_ms > 0 && item->first_try_ms == 0)
		item->first_try_ms = w->now_ms; /* its time runs from here */
	if (wait_ms == 0 && w->run->domains) {
		s->domain_ns = clock_mono_ns();
		wait_ns = domain_rates_take(w->run->domains, s->mail.recipients, s->mail.n_recipients, s->domain_ns);
	}
	if (wait_ms == 0 && wait_ns == 0)
		return false;
	if (wait_ns < 0) {
		err_nomem(&e, "rate limits");
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
	}
	drop_mail(s);
	item->again_ms = wait_ns > 0 ? (wait_ns + 999999) / 1000000 : wait_ms;
	worker_end_row(w, ref, wait_ns < 0 ? WORK_NOT_BEGUN : WORK_AGAIN);
	return true;
}

static void tell_backoff(const struct worker *w, const struct mail *m)
{
	for (uint32_t i = 0; i < m->n_recipients; i++)
		backoff_began(w->run->backoff, m->recipients[i], w->now_ms);
}

/* 1 a mail was begun, 0 the row needs no mail, -1 no session took it after all: it is next again. */
static int begin_row(struct worker *w, struct row_ref ref)
{
	uint32_t ticket = w->free_slots[w->n_free - 1];
	struct slot *s = &w->slots[ticket];
	struct work_item *item = &ref.work->items[ref.item];
	struct verdict left_out; /* both are large, and mostly nobody reads them: not cleared */
	struct err e;

	left_out.stage = NULL;
	s->work = ref.work;
	s->item = ref.item;
	s->which = NULL;
	s->recorded = s->settled = false;
	s->next = NEXT_NOTHING;
	if (write_mail(w, s, &left_out, &e) < 0) {
		drop_mail(s);
		if (e.kind == ERR_INPUT) {
			skip_row(w, ref, &e);
		} else {
			run_trouble(w->run, CAMPAIGN_BROKEN, &e);
			worker_end_row(w, ref, WORK_NOT_BEGUN);
		}
		return 0;
	}
	if (s->mail.n_recipients == 0) { /* an earlier run settled them all, or they are to get nothing */
		drop_mail(s);
		if (left_out.stage)
			settle_row(w, ref, &left_out);
		else
			worker_end_row(w, ref, WORK_SETTLED);
		return 0;
	}
	if (waits_for_domain(w, s, ref))
		return 0;
	if (item->first_try_ms == 0)
		item->first_try_ms = w->now_ms;
	s->mail.ticket = ticket;
	if (delivery_offer(w->delivery, &s->mail) == 0) {
		drop_mail(s);
		worker_begin_again(w, ref);
		return -1;
	}
	if (w->run->backoff)
		tell_backoff(w, &s->mail);
	if (w->run->domains)
		w->begun[w->n_begun++] = ticket;
	w->n_free--;
	return 1;
}

/* True when a mail may begin now as far as the rate is concerned; its place is then taken. */
static bool take_place(struct worker *w)
{
	struct throttle *t = w->run->throttle;
	int64_t now_ns, wait_ns;

	if (!t)
		return true;
	now_ns = clock_mono_ns();
	wait_ns = throttle_take(t, now_ns);
	w->throttle_due_ns = wait_ns ? now_ns + wait_ns : 0;
	if (wait_ns)
		return false;
	w->placed[w->n_placed++] = now_ns;
	if (journal_begin(w->segment, clock_wall_ms()) < 0) {
		struct err e;

		err_nomem(&e, "the journal");
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		return false;
	}
	return true;
}

/* The next place comes so late that a connection which is made for it now would stand idle, and be given up
 * and made again until then. */
static bool place_is_far(const struct worker *w)
{
	struct throttle *t = w->run->throttle;

	return t && throttle_wait(t, clock_mono_ns()) > CONNECT_AHEAD_NS;
}

void worker_begin_rows(struct worker *w)
{
	unsigned wants = delivery_wants(w->delivery);
	bool placed = false; /* a place was taken, and its row was no mail or waits for its domain */
	uint64_t begun = 0, taken = 0;

	worker_look_at_clocks(w);
	while (wants > 0 && w->n_free > 0 && worker_has_row(w)) {
		int rc;

		w->more_to_begin = begun == BEGIN_AT_ONCE;
		if (w->more_to_begin)
			break;

		taken++;
		if (pass_over(w))
			continue;
		if (!placed && (w->n_placed > w->n_slots || !take_place(w)))
			break;
		rc = begin_row(w, worker_next_row(w));
		placed = rc == 0;
		if (rc < 0)
			break;
		begun += (uint64_t)rc;
		wants = delivery_wants(w->delivery);
	}
	if (wants == 0 && worker_has_row(w) && !place_is_far(w))
		delivery_wake(w->delivery); /* a place is taken only when its mail can leave at once */
	if (taken > 0)
		atomic_fetch_add_explicit(&w->run->taken, taken, memory_order_relaxed);
	if (begun == 0)
		return;
	uint64_t before = atomic_fetch_add_explicit(&w->run->begun, begun, memory_order_relaxed);

	if (before < RUN_STEADY_AFTER && before + begun >= RUN_STEADY_AFTER) {
		atomic_store_explicit(&w->run->steady_after, before + begun, memory_order_relaxed);
		atomic_store_explicit(&w->run->allocations_at_steady, mem_count(), memory_order_relaxed);
	}
}
