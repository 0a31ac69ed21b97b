/* campaign_run.c - starts feeder, workers and recorder, and waits for them.
 *
 * Order of the end: workers end (all replies read, or the drain is over), the recorder reads what
 * they wrote, and the books are closed (campaign_end.c). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/queue.h"
#include "engine/results/rekey.h"
#include "engine/results/results_log.h"
#include "engine/rows/rows.h"
#include "engine/rows/seen.h"
#include "engine/rows/select.h"
#include "engine/run/backoff.h"
#include "engine/run/campaign_private.h"
#include "engine/run/control.h"
#include "engine/run/feeder.h"
#include "engine/run/keyed.h"
#include "engine/run/recorder.h"
#include "engine/run/domain_rate.h"
#include "engine/base/throttle.h"
#include "engine/run/worker.h"
#include "templates/letter/letter.h"

static void put_option(struct journal_identity *id, const char *name, const char *value)
{
	size_t n = strlen(id->options);

	if (value)
		snprintf(id->options + n, sizeof id->options - n, "%s=%s\n", name, value);
}

static void put_date(struct journal_identity *id, int64_t date_ms)
{
	char date[CLOCK_RFC3339_SIZE];

	if (date_ms < 0)
		return;
	clock_rfc3339(date_ms, date);
	put_option(id, "date", date);
}

/* Read in another way, the same list has other rows. */
static void put_ways(struct journal_identity *id, const struct rows_ways *w)
{
	put_option(id, "encoding", w->encoding);
	put_option(id, "delimiter", w->delimiter);
	put_option(id, "sheet", w->sheet);
	put_option(id, "columns", w->names);
}

static void make_identity(struct campaign *c)
{
	struct journal_identity *id = &c->header.identity;

	snprintf(c->recorded_choice, sizeof c->recorded_choice, "%s", id->selection);
	memset(id, 0, sizeof *id);
	letter_digest(c->letter, id->letter);
	id->list_known = c->list_known;
	memcpy(id->list, c->list_digest, sizeof id->list);
	id->list_size = c->list_size;
	/* A list from standard input is a new file each time: only its hash can tell. */
	id->list_mtime_ns = strcmp(c->job->list, "-") == 0 ? 0 : c->list_mtime_ns;
	delivery_plan_class(c->plan, id->destination, sizeof id->destination);
	put_option(id, "redirect-to", c->job->redirect_to);
	put_option(id, "envelope-from", c->job->envelope_from);
	put_option(id, "address-column", c->job->address_column);
	put_ways(id, &c->job->list_ways);
	put_date(id, c->job->date_ms);
	/* A resume's choice was compared already: it may be wider, and is noted then. */
	snprintf(id->selection, sizeof id->selection, "%s", c->ledger ? c->recorded_choice : selection_text(c->selection));
}

/* The begin times of earlier runs count: a window does not end with a process. */
static int remember_begins(struct campaign *c, struct err *e)
{
	int64_t now_ms = clock_wall_ms();
	size_t max, n;
	int64_t *at;

	if (!c->throttle || !c->ledger)
		return 0;
	max = throttle_memory(c->throttle);
	at = mem_array(max, sizeof *at);
	if (!at)
		return err_nomem(e, "rate limits");
	n = ledger_begins(c->ledger, now_ms - throttle_window_ms(c->throttle), at, max);
	for (size_t i = 0; i < n; i++)
		at[i] = now_ms - at[i];
	throttle_remember(c->throttle, at, n, clock_mono_ns());
	mem_free(at);
	return 0;
}

static void init_run(struct run *r, struct campaign *c)
{
	unsigned connections = delivery_plan_connections(c->plan);

	*r = (struct run){
		.campaign = c,
		.opened = c,
		.job = c->job,
		.letter = c->letter,
		.plan = c->plan,
		.list = c->list,
		.selection = c->selection,
		.journal = NULL,
		.domains = c->domains,
		.breaker = c->breaker,
		.redirect = c->redirect,
		.address_column = c->address_column,
		.list_known = c->list_known,
		.rows_expected = c->selected,
		.connections = connections,
		.stop = &c->stop,
		.end = CAMPAIGN_COMPLETE,
	};
	memcpy(r->list_digest, c->list_digest, sizeof r->list_digest);
	atomic_init(&r->throttle, c->throttle);
	pthread_mutex_init(&r->lock, NULL);
	r->n_workers = campaign_threads(c->job);
	if (r->n_workers > connections)
		r->n_workers = connections;
}

static int make_threads(struct run *r, struct feeder **feeder, struct err *e)
{
	r->ledger = r->campaign->ledger;
	if (r->job->retry_for_ms >= BACKOFF_LEAST_MS && !r->redirect.n &&
	    backoff_new(&r->backoff, r->job->retry_for_ms, e) < 0)
		return -1;
	r->workers = mem_array(r->n_workers, sizeof(struct worker *));
	r->segments = mem_array(r->n_workers, sizeof(struct journal_segment *));
	if (!r->workers || !r->segments)
		return err_nomem(e, "the workers");
	for (unsigned i = 0; i < r->n_workers; i++)
		if (journal_segment_open(&r->segments[i], r->journal, i, e) < 0)
			return -1;
	for (unsigned i = 0; i < r->n_workers; i++)
		if (worker_new(&r->workers[i], r, i, e) < 0)
			return -1;
	return feeder_new(feeder, r, e);
}

/* Threads that were started are always joined. */
static int go(struct run *r, struct feeder *feeder, struct recorder *recorder, struct err *e)
{
	pthread_t feeder_thread, recorder_thread, control_thread, threads[RUN_THREADS_MAX];
	struct control control;
	unsigned started = 0;
	bool fed, recorded, listens;

	control_open(&control, r);
	listens = pthread_create(&control_thread, NULL, control_main, &control) == 0;

	recorded = pthread_create(&recorder_thread, NULL, recorder_main, recorder) == 0;
	fed = recorded && pthread_create(&feeder_thread, NULL, feeder_main, feeder) == 0;
	while (fed && started < r->n_workers &&
	       pthread_create(&threads[started], NULL, worker_main, r->workers[started]) == 0)
		started++;
	if (started < r->n_workers)
		atomic_store(r->stop, RUN_NOW);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (fed)
		pthread_join(feeder_thread, NULL);
	atomic_store(&r->workers_gone, true);
	queue_close(recorder->over);
	if (recorded)
		pthread_join(recorder_thread, NULL);
	control_end(&control);
	if (listens)
		pthread_join(control_thread, NULL);
	control_close(&control);
	return started == r->n_workers ? 0 : err_set(e, ERR_NOMEM, "no thread for a worker");
}

static void release_run(struct run *r, struct feeder **feeder)
{
	void *item;

	for (unsigned i = 0; i < r->n_workers && r->workers; i++)
		worker_free(&r->workers[i]);
	while (r->home && queue_pop(r->home, &item, 0) == 1)
		;
	feeder_free(feeder);
	queue_free(&r->home);
	for (unsigned i = 0; i < r->n_workers && r->segments; i++)
		journal_segment_close(&r->segments[i]);
	mem_free(r->workers);
	mem_free(r->segments);
	backoff_free(&r->backoff);
	pthread_mutex_destroy(&r->lock);
}

static int note_choice(struct campaign *c, struct journal *j, struct err *e)
{
	const char *now = selection_text(c->selection);

	return !c->ledger || strcmp(c->recorded_choice, now) == 0 ? 0 : journal_note_choice(j, now, e);
}

/* What other processes did between the opening and the lock counts: it is read again now that
 * nobody else can write. */
struct try { int64_t time_ms; char *address; };

struct tries {
	struct try *all;
	size_t n, capacity;
	bool no_memory;
};

static void keep_try(void *ctx, struct span address, int64_t time_ms)
{
	struct tries *t = ctx;

	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 1024;
		struct try *all = mem_grow(t->all, capacity * sizeof *all);

		t->no_memory |= !all;
		if (!all)
			return;
		t->all = all;
		t->capacity = capacity;
	}
	t->all[t->n] = (struct try){ time_ms, mem_copy(address) };
	t->no_memory |= !t->all[t->n].address;
	t->n += t->all[t->n].address != NULL;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = ((const struct try *)a)->time_ms, y = ((const struct try *)b)->time_ms;

	return (x > y) - (x < y);
}

/* The same for the recipients' domains; a domain's times must be told in their order. */
static int remember_domains(struct campaign *c, struct err *e)
{
	int64_t now_ms = clock_wall_ms(), now_ns = clock_mono_ns();
	struct tries t = { .all = NULL };
	struct ledger_tries tries = { .now_ms = now_ms, .tried = keep_try, .ctx = &t };
	int rc;

	if (!c->domains || !c->ledger)
		return 0;
	tries.since_ms = now_ms - domain_rates_window_ms(c->domains);
	rc = ledger_each_try(c->ledger, &tries, e);
	if (rc == 0 && t.no_memory)
		rc = err_nomem(e, "rate limits");
	if (t.n > 0)
		qsort(t.all, t.n, sizeof *t.all, by_time);
	for (size_t i = 0; i < t.n; i++) {
		if (rc == 0)
			domain_rates_remember(c->domains, span_str(t.all[i].address), now_ms - t.all[i].time_ms, now_ns);
		mem_free(t.all[i].address);
	}
	mem_free(t.all);
	return rc;
}

static int renumber(struct campaign *c, struct journal *j, struct err *e)
{
	struct rekey k = { .begin = keyed_begin, .find = keyed_find, .tell = keyed_tell, .was_told = keyed_was_told,
			   .ctx = c->keyed, .by_row = keyed_by_row(c->keyed) };
	struct ledger *old;
	int rc;

	if (ledger_load(&old, c->job->results, e) < 0)
		return -1;
	rc = journal_rekey(j, old, &k, &c->header.identity, e);
	ledger_free(&old);
	return rc;
}

static int look_again(struct campaign *c, struct journal *j, struct err *e)
{
	if (journal_run(j) == 1)
		return 0;
	if (c->job->retry_refused && journal_pardon(j, c->job->retry_refused, true, e) < 0)
		return -1;
	if (!c->ledger) {
		err_set(e, ERR_CONFLICT, "'%s' was begun by another process just now", c->job->results);
		return err_hint(e, "call it again: --resume goes on with what is left");
	}
	ledger_free(&c->ledger);
	if (c->keyed && renumber(c, j, e) < 0)
		return -1;
	return ledger_load_begins(&c->ledger, c->job->results, c->throttle ? throttle_memory(c->throttle) : 0, e);
}

static int open_journal(struct run *r, struct campaign *c, struct err *e)
{
	if (c->keyed)
		return journal_open_edited(&r->journal, c->job->results, &c->header, c->job->accept_changes, e);
	if (c->job->resume && c->job->accept_changes)
		return journal_open_changed(&r->journal, c->job->results, &c->header, e);
	return journal_open(&r->journal, c->job->results, c->job->resume, &c->header, e);
}

static void say_power_was_lost(const struct campaign *c, const struct journal *j)
{
	struct ledger_counts counts = { 0 };

	if (c->ledger)
		ledger_counts(c->ledger, &counts);
	if (journal_power_was_lost(j) && counts.in_doubt > 0)
		log_line(LOG_NOTE, "lettershop: the machine went down during an earlier run: of %llu recipient%s nobody knows "
			 "whether they were sent to", (unsigned long long)counts.in_doubt, counts.in_doubt == 1 ? "" : "s");
}

/* When there was no preflight. The first of some identical rows is sent, so earlier rows are all that matters,
 * and the first message need not wait for the list's end; unless an earlier run may have begun a later one of
 * them, or rows that differ count by their address. */
static int look_for_duplicates(struct campaign *c, struct err *e)
{
	if (c->duplicates)
		return 0;
	if (c->ledger || c->job->duplicates == DUPLICATES_SKIP)
		return campaign_survey(c, e);
	seen_free(&c->seen);
	return seen_new(&c->seen, SEEN_PLACES, e);
}

int campaign_run(struct campaign *c, struct campaign_result *out, struct err *e)
{
	struct run r;
	struct feeder *feeder = NULL;
	struct recorder recorder = { .run = &r };
	int64_t begun_ms = clock_mono_ms();
	int rc = -1;

	*out = (struct campaign_result){ .end = CAMPAIGN_BROKEN };
	if (c->ledger) /* what stands when this run does not even begin */
		ledger_counts(c->ledger, &out->counts);
	if (look_for_duplicates(c, e) < 0)
		return -1;
	make_identity(c);
	init_run(&r, c);
	if (open_journal(&r, c, e) == 0 && look_again(c, r.journal, e) == 0 && note_choice(c, r.journal, e) == 0 &&
	    (c->selected == 0 || journal_note_rows(r.journal, c->selected, e) == 0) &&
	    remember_begins(c, e) == 0 && remember_domains(c, e) == 0 && make_threads(&r, &feeder, e) == 0 &&
	    queue_new(&recorder.over, 1, e) == 0 &&
	    results_log_open(&recorder.log, c->job->results, c->job->log_format, journal_run(r.journal), c->ledger,
			     e) == 0) {
		say_power_was_lost(c, r.journal);
		rc = go(&r, feeder, &recorder, e);
		if (rc == 0)
			rc = campaign_end(c, &r, &recorder.log, out, e);
	}
	release_run(&r, &feeder);
	results_log_close(&recorder.log);
	queue_free(&recorder.over);
	journal_close(&r.journal);
	out->elapsed_ms = clock_mono_ms() - begun_ms;
	return rc;
}
