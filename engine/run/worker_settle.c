/* worker_settle.c - what the delivery tells: verdicts, intents, mails given back.
 *
 *  1. A verdict is recorded before its row is called settled; a row of which nothing was said, and
 *     nothing is on record, is begun again without a trace.
 *  2. A try that left something in the journal has a number of its own, and the next one goes
 *     through the feeder, because it wants a claim of its own. */
#include "engine/base/log.h"
#include "engine/base/must.h"
#include "engine/run/backoff.h"
#include "engine/run/breaker.h"
#include "engine/run/worker_parts.h"

enum {
	LOST_MAX = 5,         /* sessions that break under one row before it has to wait like a deferred one */
	ELSEWHERE_MS = 100,   /* wait for a relay that has no room now, doubled with each try */
	ELSEWHERE_DOUBLED = 4,
	LONG_PAUSE_MS = 60000 /* worth a line of its own */
};

void worker_record(struct worker *w, const struct journal_result *result)
{
	struct err e;

	if (journal_result(w->segment, result, &e) < 0)
		run_trouble(w->run, CAMPAIGN_BROKEN, &e);
}

static uint32_t original_index(const struct slot *s, uint32_t recipient)
{
	return s->which ? s->which[recipient] : recipient;
}

/* At once a few times, then now and then as long as its time runs: a relay that is slow, or that other workers
 * have, takes it in the end. */
static enum slot_next next_elsewhere(const struct worker *w, const struct work_item *item)
{
	if (item->lost < LOST_MAX)
		return NEXT_AT_ONCE;
	return w->now_ms - item->first_try_ms < w->run->job->retry_for_ms ? NEXT_ELSEWHERE : NEXT_WAIT;
}

/* What a verdict means for the row; the largest of its recipients' counts. */
static enum slot_next what_next(const struct worker *w, const struct work_item *item, const struct verdict *v)
{
	if (v->kind == VERDICT_IN_DOUBT)
		return w->run->job->in_doubt == IN_DOUBT_RESEND ? NEXT_WAIT : NEXT_NOTHING;
	if (v->kind != VERDICT_DEFERRED)
		return NEXT_NOTHING;
	if (v->not_tried && v->scope == SCOPE_SESSION)
		return next_elsewhere(w, item);
	if (v->not_tried)
		return NEXT_REST;
	/* The session, or a relay that was never reached, and not a word about this mail. */
	if (v->scope == SCOPE_SESSION || (v->scope == SCOPE_RELAY && v->code == 0))
		return item->lost < LOST_MAX ? NEXT_AT_ONCE : NEXT_WAIT;
	return NEXT_WAIT;
}

/* Counts, and stops the run when too many are refused alike. */
static void look_out(struct worker *w, const struct verdict *v)
{
	char class[REFUSAL_CLASS_SIZE];
	uint32_t count;

	if (v->kind == VERDICT_REFUSED || v->kind == VERDICT_IN_DOUBT)
		atomic_fetch_add_explicit(&w->run->not_accepted, 1, memory_order_relaxed);
	if (breaker_take(w->run->breaker, v, class, &count))
		run_refused(w->run, class, count, v);
}

/* One whom an earlier attempt may have reached stays in doubt when this one is put off: another run
 * asks again before it sends. */
static const struct verdict *stays_in_doubt(const struct verdict *v, struct verdict *now)
{
	*now = *v;
	now->kind = VERDICT_IN_DOUBT;
	verdict_say(now, "may have arrived before; this time: %s", v->text);
	return now;
}

static void settle(struct worker *w, struct slot *s, const struct delivery_event *ev)
{
	const struct verdict *v = &ev->verdict;
	struct verdict doubtful;
	struct work_item *item = &s->work->items[s->item];
	enum slot_next next = what_next(w, item, v);

	MUST(v->recipient < s->mail.n_recipients);
	look_out(w, v);
	backoff_told(w->run->backoff, s->mail.recipients[v->recipient], v, w->now_ms);
	if ((v->kind == VERDICT_SENT || (v->code && v->scope < SCOPE_SESSION)) &&
	    atomic_load_explicit(&w->run->paused, memory_order_relaxed))
		run_pause(w->run, NULL); /* it moves */
	if (next > s->next)
		s->next = next;
	if ((next == NEXT_AT_ONCE || next == NEXT_ELSEWHERE) && !s->recorded)
		return; /* nothing was said about this row: no record */
	const struct row *row = &s->work->rows->rows[s->item];
	struct journal_result result = {
		.row = row->number,
		.line = row->line,
		.attempt = item->attempts + 1,
		.time_ms = w->wall_ms,
		.message_id = s->mail.message_id,
		.of = s->of,
		.recipient = { original_index(s, v->recipient), s->mail.recipients[v->recipient] },
		.relay = span_str(ev->relay),
		.verdict = v,
		.n_others = row->group ? row->group->n_others : 0, .others = row->group ? row->group->others : NULL,
	};

	if (v->account)
		item->first_try_ms = 0; /* --retry-for begins anew: this wait may take a day */
	if (v->kind == VERDICT_IN_DOUBT)
		item->doubt[result.recipient.index / 64] |= UINT64_C(1) << result.recipient.index % 64;
	if (v->kind == VERDICT_DEFERRED && work_is_in_doubt(item, result.recipient.index))
		result.verdict = stays_in_doubt(v, &doubtful);
	worker_record(w, &result);
	s->recorded = true;
	if (next != NEXT_NOTHING)
		return;
	s->settled = true;
	work_settle(item, result.recipient.index);
}

static int64_t elsewhere_ms(uint32_t lost)
{
	uint32_t doubled = lost > LOST_MAX ? lost - LOST_MAX : 0;

	return (int64_t)ELSEWHERE_MS << (doubled < ELSEWHERE_DOUBLED ? doubled : ELSEWHERE_DOUBLED);
}

/* A ticket that comes home and is lent again within the turn waits for the intent of its own mail. */
static void forget_grant(struct worker *w, uint32_t ticket)
{
	for (uint32_t i = 0; i < w->n_granted; i++)
		if (w->granted[i] == ticket) {
			w->granted[i] = w->granted[--w->n_granted];
			return;
		}
}

static void give_back(struct worker *w, uint32_t ticket)
{
	struct slot *s = &w->slots[ticket];
	struct row_ref ref = { s->work, s->item };
	struct work_item *item = &s->work->items[s->item];
	enum slot_next next = s->next;

	if (next == NEXT_REST && !s->settled)
		next = NEXT_WAIT; /* else it could go round for ever */
	forget_grant(w, ticket);
	arena_reset(&s->arena);
	s->work = NULL;
	w->free_slots[w->n_free++] = ticket;
	item->attempts += s->recorded;
	item->again_ms = next == NEXT_ELSEWHERE ? elsewhere_ms(item->lost) : 0;
	item->lost += next == NEXT_AT_ONCE || next == NEXT_ELSEWHERE;
	item->deferred += next == NEXT_WAIT;
	if (next == NEXT_NOTHING)
		worker_end_row(w, ref, WORK_SETTLED);
	else if (next == NEXT_WAIT)
		worker_wait_or_end(w, ref);
	else if (s->recorded || next == NEXT_ELSEWHERE)
		worker_end_row(w, ref, WORK_AGAIN); /* through the feeder: another try wants another claim */
	else
		worker_begin_again(w, ref);
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
		.n_others = row->group ? row->group->n_others : 0, .others = row->group ? row->group->others : NULL,
	};

	if (journal_intent(w->segment, &intent, &e) < 0) {
		run_trouble(w->run, CAMPAIGN_BROKEN, &e); /* it is never granted: nothing leaves */
		return;
	}
	s->recorded = true;
	w->granted[w->n_granted++] = ticket;
}

void worker_take_events(struct worker *w)
{
	struct delivery_event ev;

	worker_look_at_clocks(w);
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
			if (ev.pause_ms >= LONG_PAUSE_MS)
				log_line(LOG_WARNING, "relay %s: %s", ev.relay, ev.error.text);
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
