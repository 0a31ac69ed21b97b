/* Four workers over thousands of rows, stopped once or twice at any moment from another thread, and
 * gone on with until everyone is done. For MODE=tsan above all.
 *
 * SEED=N repeats the moments of a run that failed, as far as the machine allows. */
#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/base/rng.h"
#include "tests/fault/fault_books.h"

enum { MANY = 2000, STOPS = 10, STOP_WITHIN_US = 50000, PATIENCE_S = 50, HELD_MS = 1000 };

struct stopper {
	struct campaign *campaign;
	unsigned first_us, second_us; /* second_us 0: one stop is all */
};

static struct rng chance;
static unsigned long seed;

static void *stop_later(void *arg)
{
	struct stopper *s = arg;

	usleep(s->first_us);
	campaign_stop(s->campaign);
	if (s->second_us) {
		usleep(s->second_us);
		campaign_stop(s->campaign);
	}
	return NULL;
}

static void long_list(const struct place *p)
{
	FILE *f = fopen(p->list, "we");

	assert_non_null(f);
	fputs("email,n,name,cc\n", f);
	for (unsigned n = 1; n <= MANY; n++)
		fprintf(f, "user%u@example.com,%u,Name %u,\n", n, n, n);
	assert_int_equal(fclose(f), 0);
}

/* One run, stopped after that time; 0: not stopped, or not a second time. */
static enum campaign_end run_once(const struct place *p, bool resume, unsigned first_us, unsigned second_us,
				  struct campaign_result *result)
{
	struct campaign_job job = p->job;
	struct finding_sink sink = { .report = NULL };
	struct stopper stopper = { .first_us = first_us, .second_us = second_us };
	struct campaign *c;
	struct report report;
	pthread_t thread;
	struct err e = { 0 };

	job.resume = resume;
	assert_int_equal(report_init(&report), 0);
	if (campaign_open(&c, &job, &sink, &e) < 0 || (!resume && campaign_preflight(c, &report, &e) < 0))
		fail_msg("seed %lu: %s", seed, e.text);
	stopper.campaign = c;
	if (first_us)
		assert_int_equal(pthread_create(&thread, NULL, stop_later, &stopper), 0);
	if (campaign_run(c, result, &e) < 0)
		fail_msg("seed %lu: %s", seed, e.text);
	if (first_us)
		pthread_join(thread, NULL);
	campaign_free(&c);
	report_release(&report);
	return result->end;
}

struct fates { /* by row */
	unsigned mails[MANY + 1];
	bool doubted[MANY + 1]; /* in doubt after some run */
};

static void count_mails(const char *folder, struct fates *f)
{
	struct dirent *d;
	char path[512], line[512];
	DIR *dir = opendir(folder);
	unsigned row;

	memset(f->mails, 0, sizeof f->mails);
	while (dir && (d = readdir(dir))) {
		FILE *mail;

		if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, d->d_name) >= sizeof path ||
		    d->d_name[0] == '.' || !(mail = fopen(path, "re")))
			continue;
		while (fgets(line, sizeof line, mail))
			if (sscanf(line, "X-Row: %u", &row) == 1 && row <= MANY)
				f->mails[row]++;
		fclose(mail);
	}
	if (dir)
		closedir(dir);
}

/* The journal and the other side agree on everyone. */
static void compare(const struct place *p, struct fates *f, const struct campaign_result *result)
{
	bool files = strcmp(p->url, "null:") != 0;
	struct ledger *l = NULL;
	struct err e = { 0 };
	uint64_t sent = 0, doubt = 0;
	char folder[128];

	if (ledger_load(&l, p->results, &e) < 0)
		fail_msg("seed %lu: %s", seed, e.text);
	snprintf(folder, sizeof folder, "%s/new", p->out);
	if (files)
		count_mails(folder, f);
	for (unsigned row = 1; row <= MANY; row++) {
		enum row_state is = ledger_row(l, row);

		sent += is == ROW_SENT;
		doubt += is == ROW_IN_DOUBT;
		f->doubted[row] |= is == ROW_IN_DOUBT;
		if (is != ROW_SENT && is != ROW_IN_DOUBT && is != ROW_TO_DO)
			fail_msg("seed %lu: row %u: %s", seed, row, books_word(is));
		if (files && ((is == ROW_SENT && f->mails[row] == 0) || (is == ROW_TO_DO && f->mails[row] > 0) ||
			      (f->mails[row] > 1 && !f->doubted[row])))
			fail_msg("seed %lu: row %u: %s, %u mails", seed, row, books_word(is), f->mails[row]);
	}
	ledger_free(&l);
	assert_int_equal(sent, result->counts.sent);
	assert_int_equal(doubt, result->counts.in_doubt);
	if (result->end == CAMPAIGN_COMPLETE)
		assert_int_equal(sent + doubt, MANY);
}

/* Lines of the results file: one for each that the counts name. */
static void compare_results(const struct place *p, const struct campaign_result *result)
{
	FILE *f = fopen(p->results, "re");
	uint64_t lines = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	assert_int_equal(lines, 1 + result->counts.sent + result->counts.in_doubt);
}

static void stopped_until_complete(const char *url, enum campaign_in_doubt in_doubt, unsigned rounds)
{
	static struct fates f;
	struct campaign_result result;
	struct place p;

	place_set_up(&p);
	long_list(&p);
	place_job(&p, url);
	p.job.threads = 4;
	p.job.delivery.connections = 8;
	p.job.in_doubt = in_doubt;
	p.job.sync_ms = 20;
	place_watch(url, PATIENCE_S);
	for (unsigned i = 0; i < rounds; i++) {
		place_empty(&p);
		memset(&f, 0, sizeof f);
		for (unsigned runs = 0;; runs++) {
			/* Later and later, so that each place of a run has its chance. */
			unsigned first = 1 + (unsigned)rng_below(&chance, STOP_WITHIN_US * (runs + 1));
			unsigned second = rng_below(&chance, 2) ? 1 + (unsigned)rng_below(&chance, 10000) : 0;

			run_once(&p, runs > 0, runs < STOPS ? first : 0, second, &result);
			compare(&p, &f, &result);
			compare_results(&p, &result);
			if (result.end == CAMPAIGN_COMPLETE)
				break;
			assert_int_equal(result.end, CAMPAIGN_INTERRUPTED);
			assert_true(runs < STOPS);
		}
		if (in_doubt == IN_DOUBT_RESEND)
			assert_int_equal(result.counts.in_doubt, 0);
	}
	place_tear_down(&p);
}

static void to_null(void **state)
{
	(void)state;
	stopped_until_complete("null:", IN_DOUBT_HOLD, 3);
}

static void to_maildir(void **state)
{
	(void)state;
	stopped_until_complete("maildir:", IN_DOUBT_HOLD, 1);
}

static void to_maildir_again(void **state)
{
	(void)state;
	stopped_until_complete("maildir:", IN_DOUBT_RESEND, 1);
}

struct held { /* a campaign whose relay does not answer the end of a message for HELD_MS */
	struct server server;
	struct place place;
	pthread_t thread;
};

static void *let_go_later(void *arg)
{
	struct server *v = arg;

	usleep(HELD_MS * 1000);
	atomic_store(&v->hold, false);
	return NULL;
}

static void hold(struct held *h)
{
	char url[96];

	server_start(&h->server, false);
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", h->server.port);
	place_set_up(&h->place);
	place_job(&h->place, url);
	atomic_store(&h->server.hold, true);
	place_watch(url, PATIENCE_S);
	assert_int_equal(pthread_create(&h->thread, NULL, let_go_later, &h->server), 0);
}

static void let_go(struct held *h)
{
	place_tear_down(&h->place);
	server_stop(&h->server);
}

static int64_t processor_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* After a stop the workers wait for the last replies, and do nothing else. */
static void draining_rests(void **state)
{
	static struct held h;
	struct campaign_result result;
	struct books b;
	int64_t before_ms = processor_ms();

	(void)state;
	hold(&h);
	run_once(&h.place, false, 100000, 0, &result);
	pthread_join(h.thread, NULL);
	if (processor_ms() - before_ms > HELD_MS / 3)
		fail_msg("%d ms of processor time for waiting", (int)(processor_ms() - before_ms));
	assert_int_equal(result.end, CAMPAIGN_INTERRUPTED);
	assert_int_equal(result.counts.in_doubt, 0);
	assert_in_range(result.counts.sent, 1, 6); /* two mails a connection, one of them to three */
	books_read(&h.place, &h.server, &b);
	books_are_honest(&b, "after one stop");
	let_go(&h);
}

/* After a second one nobody waits, and what is under way is in doubt: one mail a connection. */
static void second_stop_leaves_doubt(void **state)
{
	static struct held h;
	struct campaign_result result;
	struct books b;

	(void)state;
	hold(&h);
	run_once(&h.place, false, 100000, 50000, &result);
	assert_true(result.elapsed_ms < HELD_MS - 50);
	assert_int_equal(result.end, CAMPAIGN_INTERRUPTED);
	assert_in_range(result.counts.in_doubt, 1, 2);
	pthread_join(h.thread, NULL);
	assert_int_equal(run_once(&h.place, true, 0, 0, &result), CAMPAIGN_COMPLETE);
	assert_in_range(result.counts.in_doubt, 1, 2);
	books_read(&h.place, &h.server, &b);
	books_are_honest(&b, "after two stops");
	books_agree(&b, "after two stops");
	books_are_closed(&b, true, "after two stops");
	let_go(&h);
}

static void stop_at_the_end(void *ctx, const struct campaign_progress *now)
{
	if (now->totals.records < MAILS + RECIPIENTS)
		return;
	usleep(300000); /* the feeder knows it by then */
	campaign_stop(*(struct campaign **)ctx);
}

/* A stop when everyone has been served changes nothing. */
static void too_late_to_stop(void **state)
{
	struct finding_sink sink = { .report = NULL };
	struct campaign_result result;
	struct campaign *c;
	struct place p;
	struct err e = { 0 };

	(void)state;
	place_set_up(&p);
	place_job(&p, "null:");
	p.job.on_progress = stop_at_the_end;
	p.job.progress_ctx = &c;
	p.job.limit = ROWS;
	place_watch("a late stop", PATIENCE_S);
	assert_int_equal(campaign_open(&c, &p.job, &sink, &e), 0);
	assert_int_equal(campaign_run(c, &result, &e), 0);
	campaign_free(&c);
	assert_int_equal(result.end, CAMPAIGN_COMPLETE);
	place_tear_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_null),
		cmocka_unit_test(to_maildir),
		cmocka_unit_test(to_maildir_again),
		cmocka_unit_test(draining_rests),
		cmocka_unit_test(second_stop_leaves_doubt),
		cmocka_unit_test(too_late_to_stop),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoul(given, NULL, 10) : (unsigned long)clock_mono_ns();
	rng_seed(&chance, seed, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
