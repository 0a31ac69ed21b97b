/* worker.c - one turn of the loop: wait, settle, begin, record, push.
 *
 * Invariants (tests/unit/test_run_worker.c, tests/system/test_torture.py):
 *  1. Content of a mail is granted only after its intent was flushed to the journal, in the same
 *     turn and before anything is pushed.
 *  2. A verdict is flushed before any later content is pushed, so a kill leaves at most the mails
 *     in doubt whose end of data was pushed in the last turn or before and not answered.
 *  3. A row that was begun is settled, deferred, or (after a stop) left to do: never dropped.
 *  4. A block goes home exactly once, when none of its rows is in hand and all were begun.
 *  5. This thread blocks in delivery_wait() and nowhere else (but for syncs with --sync each). */
#include "engine/run/worker.h"

#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/queue.h"
#include "engine/base/rng.h"
#include "engine/results/journal.h"
#include "engine/run/campaign_private.h"
#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/run/throttle.h"
#include "engine/run/work.h"
#include "templates/letter/letter.h"

enum {
	SLOT_CHUNK = 16 << 10,
	LOST_MAX = 5,          /* sessions that break under one row before it has to wait like a deferred one */
	JOURNAL_RETRY_MS = 200
};

/* What follows for the row when its mail is given back. */
enum slot_next {
	NEXT_NOTHING, /* settled */
	NEXT_AT_ONCE, /* its session broke */
	NEXT_REST,    /* at once: some were too many for one transaction */
	NEXT_WAIT     /* deferred */
};

/* A mail in hand. Its index is the mail's ticket. */
struct slot {
	struct mail mail;
	struct arena arena; /* the mail's bytes */
	struct work *work;  /* NULL: the slot is free */
	uint32_t item;
	uint32_t of;        /* recipients the row's mail has in all */
	uint32_t *which;    /* index of each recipient in the row's mail; NULL: they are the same */
	bool recorded;      /* the journal has something of this attempt */
	bool settled;       /* a recipient needs nothing more, since this attempt */
	enum slot_next next;
	int64_t time_ms;    /* the mail's recorded time */
};

struct row_ref {
	struct work *work;
	uint32_t item;
};

struct worker {
	struct run *run;
	unsigned index;
	struct queue *inbox;
	struct delivery *delivery;
	struct letter_desk *desk;
	struct journal_segment *segment;
	struct rng rng;
	struct work_note want;

	struct slot *slots;
	uint32_t n_slots;
	uint32_t *free_slots;
	uint32_t n_free;
	struct row_ref *again; /* rows to begin anew at once: their session broke. A ring */
	uint32_t again_at, n_again;
	uint32_t *granted;     /* tickets whose intent is appended and not flushed */
	uint32_t n_granted;

	struct work *first, *last; /* blocks that wait to be begun, in order */
	bool inbox_closed;
	bool all_down;
	bool journal_stuck;
	int64_t throttle_due_ns;   /* no place in the rate limit before this; 0: none asked */
	int64_t drain_until_ms;    /* 0: not stopping */
	struct arena scratch;      /* for message ids of rows that never became a mail */
};

static int make_slots(struct worker *w, struct err *e)
{
	w->n_slots = delivery_tickets(w->delivery);
	w->slots = mem_array(w->n_slots, sizeof *w->slots);
	w->free_slots = mem_array(w->n_slots, sizeof *w->free_slots);
	w->again = mem_array(w->n_slots, sizeof *w->again);
	w->granted = mem_array(w->n_slots, sizeof *w->granted);
	if (!w->slots || !w->free_slots || !w->again || !w->granted)
		return err_nomem(e, "a worker");
	for (uint32_t i = 0; i < w->n_slots; i++) {
		arena_init(&w->slots[i].arena, SLOT_CHUNK, SIZE_MAX / 2);
		w->free_slots[w->n_free++] = w->n_slots - 1 - i;
	}
	return 0;
}

int worker_new(struct worker **out, struct run *run, unsigned index, struct err *e)
{
	struct worker *w = mem_new(sizeof *w);

	if (!w)
		return err_nomem(e, "a worker");
	w->run = run;
	w->index = index;
	w->want = (struct work_note){ .kind = NOTE_WANT, .worker = index };
	w->segment = run->segments[index];
	arena_init(&w->scratch, SLOT_CHUNK, SIZE_MAX / 2);
	rng_seed(&w->rng, (uint64_t)clock_mono_ns(), index);
	if (queue_new(&w->inbox, RUN_UNSTARTED_BLOCKS + 1, e) < 0 ||
	    delivery_open(&w->delivery, run->plan, index, run->n_workers, queue_fd(w->inbox), e) < 0 ||
	    letter_desk_new(&w->desk, run->letter, e) < 0 || make_slots(w, e) < 0) {
		worker_free(&w);
		return -1;
	}
	*out = w;
	return 0;
}

void worker_free(struct worker **out)
{
	struct worker *w = *out;

	if (!w)
		return;
	if (w->delivery)
		delivery_close(&w->delivery);
	letter_desk_free(&w->desk);
	for (uint32_t i = 0; i < w->n_slots && w->slots; i++)
		arena_release(&w->slots[i].arena);
	mem_free(w->slots);
	mem_free(w->free_slots);
	mem_free(w->again);
	mem_free(w->granted);
	arena_release(&w->scratch);
	queue_free(&w->inbox);
	mem_free(w);
	*out = NULL;
}

struct queue *worker_inbox(struct worker *w)
{
	return w->inbox;
}

unsigned worker_rows_in_hand(const struct worker *w)
{
	return 2 * w->n_slots; /* in slots, and in the ring of those to begin anew */
}

/* ---- blocks ---- */

static void tell_feeder(struct worker *w, struct work_note *note)
{
	MUST(queue_try_push(w->run->home, note) == 1); /* it has room for everything there is */
}

static void take_blocks(struct worker *w)
{
	void *item;
	int rc;

	while ((rc = queue_pop(w->inbox, &item, 0)) == 1) {
		struct work *work = item;

		work->after = NULL;
		if (w->last)
			w->last->after = work;
		else
			w->first = work;
		w->last = work;
	}
	if (rc < 0 && !w->inbox_closed) {
		w->inbox_closed = true;
		queue_hush(w->inbox);
	}
}

static void maybe_home(struct worker *w, struct work *work)
{
	if (work->next == work->rows->n && work->open == 0)
		tell_feeder(w, &work->note);
}

static bool has_row(const struct worker *w)
{
	return w->n_again > 0 || w->first;
}

/* The next row to begin. There must be one. */
static struct row_ref next_row(struct worker *w)
{
	if (w->n_again > 0) {
		struct row_ref ref = w->again[w->again_at];

		w->again_at = (w->again_at + 1) % w->n_slots;
		w->n_again--;
		return ref;
	}
	struct work *work = w->first;
	struct row_ref ref = { work, work->next++ };

	work->open++;
	work->items[ref.item].outcome = WORK_OPEN;
	if (work->next == work->rows->n) {
		w->first = work->after;
		if (!w->first)
			w->last = NULL;
		tell_feeder(w, &w->want);
	}
	return ref;
}

static void begin_again(struct worker *w, struct row_ref ref)
{
	MUST(w->n_again < w->n_slots);
	w->again[(w->again_at + w->n_again++) % w->n_slots] = ref;
}

static void end_row(struct worker *w, struct row_ref ref, enum work_outcome outcome)
{
	ref.work->items[ref.item].outcome = outcome;
	ref.work->open--;
	maybe_home(w, ref.work);
}

/* Deferred, or in doubt and to be sent again: waits its time, unless it has waited enough. */
static void wait_or_end(struct worker *w, struct row_ref ref)
{
	struct work_item *item = &ref.work->items[ref.item];
	int64_t since = clock_mono_ms() - item->first_try_ms;

	item->again_ms = retry_wait_ms(item->deferred, since, w->run->job->retry_for_ms, &w->rng);
	end_row(w, ref, item->again_ms < 0 ? WORK_SETTLED : WORK_AGAIN);
}

/* ---- settling ---- */

static void record(struct worker *w, const struct journal_result *result)
{
	struct err e;

	if (journal_result(w->segment, result, &e) < 0)
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
}

static uint32_t original_index(const struct slot *s, uint32_t recipient)
{
	return s->which ? s->which[recipient] : recipient;
}

/* What a verdict means for the row; the largest of its recipients' counts. */
static enum slot_next what_next(const struct worker *w, const struct work_item *item, const struct verdict *v)
{
	if (v->kind == VERDICT_IN_DOUBT)
		return w->run->job->in_doubt == IN_DOUBT_RESEND ? NEXT_WAIT : NEXT_NOTHING;
	if (v->kind != VERDICT_DEFERRED)
		return NEXT_NOTHING;
	if (v->not_tried)
		return NEXT_REST;
	/* The session, or a relay that was never reached, and not a word about this mail. */
	if (v->scope == SCOPE_SESSION || (v->scope == SCOPE_RELAY && v->code == 0))
		return item->lost < LOST_MAX ? NEXT_AT_ONCE : NEXT_WAIT;
	return NEXT_WAIT;
}

static void settle(struct worker *w, struct slot *s, const struct delivery_event *ev)
{
	const struct verdict *v = &ev->verdict;
	struct work_item *item = &s->work->items[s->item];
	enum slot_next next = what_next(w, item, v);

	MUST(v->recipient < s->mail.n_recipients);
	if ((v->kind == VERDICT_SENT || v->code) && atomic_load_explicit(&w->run->paused, memory_order_relaxed))
		run_pause(w->run, NULL); /* it moves */
	if (next > s->next)
		s->next = next;
	if (next == NEXT_AT_ONCE && !s->recorded)
		return; /* nothing was said about this row: no record */
	const struct row *row = &s->work->rows->rows[s->item];
	struct journal_result result = {
		.row = row->number,
		.line = row->line,
		.attempt = item->attempts + 1,
		.time_ms = clock_wall_ms(),
		.message_id = s->mail.message_id,
		.of = s->of,
		.recipient = { original_index(s, v->recipient), s->mail.recipients[v->recipient] },
		.relay = span_str(ev->relay),
		.verdict = v,
	};

	record(w, &result);
	s->recorded = true;
	if (next != NEXT_NOTHING)
		return;
	s->settled = true;
	work_settle(item, result.recipient.index);
}

static void give_back(struct worker *w, uint32_t ticket)
{
	struct slot *s = &w->slots[ticket];
	struct row_ref ref = { s->work, s->item };
	struct work_item *item = &s->work->items[s->item];
	enum slot_next next = s->next;

	if (next == NEXT_REST && !s->settled)
		next = NEXT_WAIT; /* else it could go round for ever */
	arena_reset(&s->arena);
	s->work = NULL;
	w->free_slots[w->n_free++] = ticket;
	item->attempts += s->recorded;
	item->lost += next == NEXT_AT_ONCE;
	item->deferred += next == NEXT_WAIT;
	item->again_ms = 0;
	if (next == NEXT_NOTHING)
		end_row(w, ref, WORK_SETTLED);
	else if (next == NEXT_WAIT)
		wait_or_end(w, ref);
	else if (s->recorded)
		end_row(w, ref, WORK_AGAIN); /* through the feeder: another try wants another claim */
	else
		begin_again(w, ref);
}

static void record_intent(struct worker *w, uint32_t ticket)
{
	struct slot *s = &w->slots[ticket];
	const struct row *row = &s->work->rows->rows[s->item];
	struct journal_recipient recipients[JOURNAL_RECIPIENTS_MAX];
	struct err e;

	for (uint32_t i = 0; i < s->mail.n_recipients; i++)
		recipients[i] = (struct journal_recipient){ original_index(s, i), s->mail.recipients[i] };
	struct journal_intent intent = {
		.row = row->number,
		.line = row->line,
		.attempt = s->work->items[s->item].attempts + 1,
		.time_ms = s->time_ms,
		.message_id = s->mail.message_id,
		.of = s->of,
		.n_recipients = s->mail.n_recipients,
		.recipients = recipients,
	};

	if (journal_intent(w->segment, &intent, &e) < 0) {
		run_trouble(w->run, CAMPAIGN_BROKEN, &e); /* it is never granted: nothing leaves */
		return;
	}
	s->recorded = true;
	w->granted[w->n_granted++] = ticket;
}

static void take_events(struct worker *w)
{
	struct delivery_event ev;

	while (delivery_event(w->delivery, &ev)) {
		switch (ev.kind) {
		case DELIVERY_INTENT:
			record_intent(w, ev.ticket);
			break;
		case DELIVERY_VERDICT:
			settle(w, &w->slots[ev.ticket], &ev);
			break;
		case DELIVERY_DONE:
			give_back(w, ev.ticket);
			break;
		case DELIVERY_PAUSE:
			run_pause(w->run, &ev.error);
			break;
		case DELIVERY_DOWN:
			run_relay_down(w->run, ev.relay, &ev.error);
			break;
		case DELIVERY_ALL_DOWN:
			w->all_down = true;
			run_trouble(w->run, CAMPAIGN_RELAYS_DOWN, &ev.error);
			break;
		}
	}
}

/* ---- beginning ---- */

static void skip_row(struct worker *w, struct row_ref ref, const struct err *why)
{
	const struct run *run = w->run;
	const struct row *row = &ref.work->rows->rows[ref.item];
	struct verdict v = { .kind = VERDICT_SKIPPED, .scope = SCOPE_MAIL, .stage = "render" };
	struct journal_result result = {
		.row = row->number, .line = row->line, .attempt = 0, .time_ms = clock_wall_ms(), .of = 1, .verdict = &v,
	};

	if (run->job->bad_rows == BAD_ROWS_STOP) {
		struct err e;

		campaign_row_error(run->job, row, why, &e);
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		end_row(w, ref, WORK_NOT_BEGUN);
		return;
	}
	verdict_say(&v, "cannot be rendered: %s", why->text);
	if (run->address_column >= 0 && (uint32_t)run->address_column < row->n_cells)
		result.recipient.address = span_trim(row->cells[run->address_column]);
	record(w, &result);
	end_row(w, ref, WORK_SETTLED);
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

static bool any_settled(const struct work_item *item)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < WORK_SETTLED_WORDS; i++)
		bits |= item->settled[i];
	return bits != 0;
}

static int write_mail(struct worker *w, struct slot *s, struct err *e)
{
	const struct run *run = w->run;
	const struct row *row = &s->work->rows->rows[s->item];
	struct work_item *item = &s->work->items[s->item];

	if (row->problem.n)
		return err_set(e, ERR_INPUT, "%.*s", SPAN_ARG(row->problem));
	s->time_ms = run->job->date_ms >= 0 ? run->job->date_ms : clock_wall_ms();
	if (letter_write(run->letter, w->desk, &s->arena, row, s->time_ms, &s->mail, e) < 0)
		return -1;
	if (run->redirect.n) {
		s->mail.recipients = &run->redirect;
		s->mail.n_recipients = 1;
	}
	s->of = s->mail.n_recipients;
	if (campaign_too_many(&s->mail, e))
		return -1;
	if (any_settled(item) && leave_out_settled(s, item) < 0)
		return err_nomem(e, "a message");
	return 0;
}

/* 1 a mail was begun, 0 the row needs no mail, -1 no session took it after all: it is next again. */
static int begin_row(struct worker *w, struct row_ref ref)
{
	uint32_t ticket = w->free_slots[w->n_free - 1];
	struct slot *s = &w->slots[ticket];
	struct work_item *item = &ref.work->items[ref.item];
	struct err e = { 0 };

	s->work = ref.work;
	s->item = ref.item;
	s->which = NULL;
	s->recorded = s->settled = false;
	s->next = NEXT_NOTHING;
	if (write_mail(w, s, &e) < 0) {
		arena_reset(&s->arena);
		s->work = NULL;
		if (e.kind == ERR_INPUT) {
			skip_row(w, ref, &e);
		} else {
			run_trouble(w->run, CAMPAIGN_BROKEN, &e);
			end_row(w, ref, WORK_NOT_BEGUN);
		}
		return 0;
	}
	if (s->mail.n_recipients == 0) { /* an earlier run settled them all */
		arena_reset(&s->arena);
		s->work = NULL;
		end_row(w, ref, WORK_SETTLED);
		return 0;
	}
	if (item->first_try_ms == 0)
		item->first_try_ms = clock_mono_ms();
	s->mail.ticket = ticket;
	if (delivery_offer(w->delivery, &s->mail) == 0) {
		arena_reset(&s->arena);
		s->work = NULL;
		begin_again(w, ref);
		return -1;
	}
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
	if (journal_begin(w->segment, clock_wall_ms()) < 0) {
		struct err e;

		err_nomem(&e, "the journal");
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		return false;
	}
	return true;
}

static void begin_rows(struct worker *w)
{
	unsigned wants = delivery_wants(w->delivery);
	uint64_t begun = 0;

	w->throttle_due_ns = 0;
	while (wants > 0 && w->n_free > 0 && has_row(w) && take_place(w)) {
		int rc = begin_row(w, next_row(w));

		if (rc < 0)
			break;
		begun += (uint64_t)rc;
		wants = delivery_wants(w->delivery);
	}
	if (w->run->throttle && wants == 0 && has_row(w))
		delivery_wake(w->delivery); /* a place is taken only when its mail can leave at once */
	if (begun == 0)
		return;
	uint64_t before = atomic_fetch_add_explicit(&w->run->begun, begun, memory_order_relaxed);

	if (before < RUN_STEADY_AFTER && before + begun >= RUN_STEADY_AFTER) {
		atomic_store_explicit(&w->run->steady_after, before + begun, memory_order_relaxed);
		atomic_store_explicit(&w->run->allocations_at_steady, mem_count(), memory_order_relaxed);
	}
}

/* ---- the turn ---- */

/* Flushes what this turn recorded. While that fails nothing is granted and nothing is pushed. */
static bool write_journal(struct worker *w)
{
	struct err e;

	if (journal_flush(w->segment, &e) < 0 ||
	    (w->run->job->sync_ms == CAMPAIGN_SYNC_EACH && journal_sync(w->segment, &e) < 0)) {
		w->journal_stuck = true;
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		return false;
	}
	w->journal_stuck = false;
	for (uint32_t i = 0; i < w->n_granted; i++)
		delivery_grant(w->delivery, w->granted[i]);
	w->n_granted = 0;
	return true;
}

static int64_t wait_ms(const struct worker *w)
{
	int64_t ms = RUN_IDLE_MS;

	if (w->journal_stuck)
		return JOURNAL_RETRY_MS;
	if (w->throttle_due_ns) {
		int64_t due = (w->throttle_due_ns - clock_mono_ns() + 999999) / 1000000;

		if (due < ms)
			ms = due < 0 ? 0 : due;
	}
	return ms;
}

/* True when this worker has nothing more to do, or may not go on. */
static bool is_over(struct worker *w)
{
	enum run_stop stop = run_stopping(w->run);

	if (stop == RUN_NOW || (w->journal_stuck && journal_is_broken(w->segment)))
		return true; /* in the second case no reply could be recorded any more */
	if (stop == RUN_DRAIN) {
		int64_t now = clock_mono_ms();

		if (w->drain_until_ms == 0) {
			w->drain_until_ms = now + RUN_DRAIN_MS;
			delivery_finish(w->delivery); /* what waits for a connection comes back */
		}
		return delivery_in_hand(w->delivery) == 0 || now >= w->drain_until_ms;
	}
	return w->inbox_closed && !has_row(w) && delivery_in_hand(w->delivery) == 0;
}

static void turn(struct worker *w)
{
	struct err e;

	take_events(w);
	take_blocks(w);
	if (run_stopping(w->run) == RUN_GO && !w->all_down && !w->journal_stuck)
		begin_rows(w);
	take_events(w);
	if (write_journal(w))
		delivery_push(w->delivery);
	if (!is_over(w) && delivery_wait(w->delivery, wait_ms(w), &e) < 0)
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
}

/* Every reply was read; the sessions say goodbye. */
static void say_goodbye(struct worker *w)
{
	int64_t until = clock_mono_ms() + RUN_DRAIN_MS / 3;
	struct err e;

	delivery_finish(w->delivery);
	while (delivery_open_links(w->delivery) > 0 && run_stopping(w->run) != RUN_NOW && clock_mono_ms() < until) {
		take_events(w);
		delivery_push(w->delivery);
		if (delivery_wait(w->delivery, RUN_IDLE_MS, &e) < 0)
			break;
	}
	take_events(w);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (!is_over(w))
		turn(w);
	if (delivery_in_hand(w->delivery) > 0)
		delivery_abort(w->delivery); /* each mail gets its verdict: in doubt only what was out whole */
	take_events(w);
	if (write_journal(w) && run_stopping(w->run) != RUN_NOW)
		say_goodbye(w);
	write_journal(w);
	return NULL;
}
