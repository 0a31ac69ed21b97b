/* worker.c - one turn of the loop: wait, settle, begin, record, push.
 *
 * Invariants (tests/fault, tests/system/test_torture.py, test_promises.py):
 *  1. Content of a mail is granted only after its intent was flushed to the journal, in the same
 *     turn and before anything is pushed.
 *  2. A verdict is flushed before any later content is pushed, so a kill leaves at most the mails
 *     in doubt whose end of data was pushed in the last turn or before and not answered.
 *  3. A row that was begun is settled, deferred, or (after a stop) left to do: never dropped.
 *  4. A block goes home exactly once, when none of its rows is in hand and all were begun.
 *  5. This thread waits in delivery_wait() and nowhere else (but for syncs with --sync each). */
#include "engine/run/worker.h"

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/queue.h"
#include "engine/base/throttle.h"
#include "engine/run/domain_rate.h"
#include "engine/run/retry.h"
#include "engine/run/worker_parts.h"
#include "templates/letter/letter.h"

enum { SLOT_CHUNK = 16 << 10, JOURNAL_RETRY_MS = 200 };

static int make_slots(struct worker *w, struct err *e)
{
	w->n_slots = delivery_tickets(w->delivery);
	w->slots = mem_array(w->n_slots, sizeof *w->slots);
	w->free_slots = mem_array(w->n_slots, sizeof *w->free_slots);
	w->again = mem_array(w->n_slots, sizeof *w->again);
	w->granted = mem_array(w->n_slots, sizeof *w->granted);
	w->placed = mem_array(w->n_slots + 1, sizeof *w->placed);
	w->begun = mem_array(w->n_slots, sizeof *w->begun);
	if (!w->slots || !w->free_slots || !w->again || !w->granted || !w->placed || !w->begun)
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
	mem_free(w->placed);
	mem_free(w->begun);
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

void worker_look_at_clocks(struct worker *w)
{
	w->now_ms = clock_mono_ms();
	w->wall_ms = clock_wall_ms();
}

void worker_take_blocks(struct worker *w)
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

bool worker_has_row(const struct worker *w)
{
	return w->n_again > 0 || w->first;
}

struct row_ref worker_peek_row(const struct worker *w)
{
	return w->n_again > 0 ? w->again[w->again_at] : (struct row_ref){ w->first, w->first->next };
}

struct row_ref worker_next_row(struct worker *w)
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

void worker_begin_again(struct worker *w, struct row_ref ref)
{
	MUST(w->n_again < w->n_slots);
	w->again[(w->again_at + w->n_again++) % w->n_slots] = ref;
}

void worker_end_row(struct worker *w, struct row_ref ref, enum work_outcome outcome)
{
	ref.work->items[ref.item].outcome = outcome;
	ref.work->open--;
	maybe_home(w, ref.work);
}

/* Deferred, or in doubt and to be sent again: waits its time, unless it has waited enough. */
void worker_wait_or_end(struct worker *w, struct row_ref ref)
{
	struct work_item *item = &ref.work->items[ref.item];
	int64_t since = item->first_try_ms ? clock_mono_ms() - item->first_try_ms : 0;

	item->again_ms = retry_wait_ms(item->deferred, since, w->run->job->retry_for_ms, &w->rng);
	if (item->again_ms < 0)
		atomic_fetch_add_explicit(&w->run->not_accepted, 1, memory_order_relaxed);
	worker_end_row(w, ref, item->again_ms < 0 ? WORK_SETTLED : WORK_AGAIN);
}

/* ---- the turn ---- */

/* Flushes what this turn recorded. While that fails nothing is granted and nothing is pushed. */
static bool write_journal(struct worker *w)
{
	struct err e;

	if (journal_flush(w->segment, &e) < 0 ||
	    (w->run->job->sync_ms == CAMPAIGN_SYNC_EACH && journal_sync(w->segment, &e) < 0)) {
		w->journal_stuck = true;
		if (!run_log_waits(w->run, journal_is_broken(w->segment), &e))
			run_trouble(w->run, CAMPAIGN_BROKEN, &e);
		return false;
	}
	if (w->journal_stuck)
		run_log_works(w->run);
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
	if (w->more_to_begin)
		return 0;
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
			w->drain_until_ms = now + run_drain_ms(w->run);
			delivery_finish(w->delivery); /* what waits for a connection comes back */
		}
		return delivery_in_hand(w->delivery) == 0 || now >= w->drain_until_ms;
	}
	return w->inbox_closed && !worker_has_row(w) && delivery_in_hand(w->delivery) == 0;
}

/* The windows of a rate limit run from the moment in which MAIL was written. */
static void push(struct worker *w)
{
	struct throttle *t = w->run->throttle;

	delivery_push(w->delivery);
	if (t && w->n_placed > 0)
		throttle_used(t, w->placed, w->n_placed, clock_mono_ns());
	w->n_placed = 0;
	for (uint32_t i = 0; i < w->n_begun; i++) {
		const struct slot *s = &w->slots[w->begun[i]];

		if (s->work) /* it may be settled without a word to the server */
			domain_rates_used(w->run->domains, s->mail.recipients, s->mail.n_recipients, s->domain_ns,
					  clock_mono_ns());
	}
	w->n_begun = 0;
}

static void turn(struct worker *w)
{
	struct err e;

	worker_take_events(w);
	worker_take_blocks(w);
	w->more_to_begin = false;
	w->throttle_due_ns = 0; /* who may begin nothing waits for no place */
	if (run_stopping(w->run) == RUN_GO && !w->all_down && !w->journal_stuck && atomic_load(&w->run->held) == 0)
		worker_begin_rows(w);
	worker_take_events(w);
	/* A full disk holds back what was not granted; what was goes on, its intent is on file. */
	if (write_journal(w) || !journal_is_broken(w->segment))
		push(w);
	if (!is_over(w) && delivery_wait(w->delivery, wait_ms(w), &e) < 0)
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
}

/* Every reply was read; the sessions say goodbye. */
static void say_goodbye(struct worker *w)
{
	int64_t until = clock_mono_ms() + run_drain_ms(w->run) / 3;
	struct err e;

	delivery_finish(w->delivery);
	while (delivery_open_links(w->delivery) > 0 && run_stopping(w->run) != RUN_NOW && clock_mono_ms() < until) {
		worker_take_events(w);
		delivery_push(w->delivery); /* closes what was answered: there may be nothing left to wait for */
		if (delivery_open_links(w->delivery) > 0 && delivery_wait(w->delivery, RUN_IDLE_MS, &e) < 0)
			break;
	}
	worker_take_events(w);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (!is_over(w))
		turn(w);
	if (delivery_in_hand(w->delivery) > 0)
		delivery_abort(w->delivery); /* each mail gets its verdict: in doubt only what was out whole */
	worker_take_events(w);
	if (write_journal(w) && run_stopping(w->run) != RUN_NOW)
		say_goodbye(w);
	write_journal(w);
	return NULL;
}
