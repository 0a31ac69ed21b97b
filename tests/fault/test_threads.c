/* Four workers over thousands of rows, stopped once or twice at any moment from another thread, and
 * gone on with until everyone is done. For MODE=tsan above all.
 *
 * SEED=N repeats the moments of a run that failed, as far as the machine allows. */
#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/base/rng.h"
#include "tests/fault/fault_books.h"

enum { MANY = 2000, RUNS_MAX = 200, STOP_WITHIN_US = 60000, PATIENCE_S = 50, HELD_MS = 600 };

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

/* One run, stopped at some moment when `stops`. */
static enum campaign_end run_once(const struct place *p, bool resume, bool stops, struct campaign_result *result)
{
	struct campaign_job job = p->job;
	struct finding_sink sink = { .report = NULL };
	struct stopper stopper = { .first_us = (unsigned)rng_below(&chance, STOP_WITHIN_US) };
	struct campaign *c;
	struct report report;
	pthread_t thread;
	struct err e = { 0 };

	job.resume = resume;
	assert_int_equal(report_init(&report), 0);
	if (campaign_open(&c, &job, &sink, &e) < 0 || (!resume && campaign_preflight(c, &report, &e) < 0))
		fail_msg("seed %lu: %s", seed, e.text);
	if (rng_below(&chance, 2))
		stopper.second_us = (unsigned)rng_below(&chance, STOP_WITHIN_US / 4) + 1;
	stopper.campaign = c;
	if (stops)
		assert_int_equal(pthread_create(&thread, NULL, stop_later, &stopper), 0);
	if (campaign_run(c, result, &e) < 0)
		fail_msg("seed %lu: %s", seed, e.text);
	if (stops)
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
		unsigned runs = 0;

		place_empty(&p);
		memset(&f, 0, sizeof f);
		while (run_once(&p, runs > 0, runs < RUNS_MAX, &result) != CAMPAIGN_COMPLETE) {
			assert_int_equal(result.end, CAMPAIGN_INTERRUPTED);
			compare(&p, &f, &result);
			compare_results(&p, &result);
			runs++;
		}
		compare(&p, &f, &result);
		compare_results(&p, &result);
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

static void *let_go_later(void *arg)
{
	struct server *v = arg;

	usleep(HELD_MS * 1000);
	atomic_store(&v->hold, false);
	return NULL;
}

/* After a stop the workers wait for the last replies, and do nothing else. */
static void draining_rests(void **state)
{
	static struct server v;
	struct campaign_result result;
	struct timespec used;
	struct place p;
	pthread_t thread;
	char url[96];
	int64_t cpu_ms;

	(void)state;
	server_start(&v, false);
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", v.port);
	place_set_up(&p);
	place_job(&p, url);
	atomic_store(&v.hold, true);
	place_watch(url, PATIENCE_S);
	assert_int_equal(pthread_create(&thread, NULL, let_go_later, &v), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	cpu_ms = -(used.tv_sec * 1000 + used.tv_nsec / 1000000);
	run_once(&p, false, true, &result);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	cpu_ms += used.tv_sec * 1000 + used.tv_nsec / 1000000;
	pthread_join(thread, NULL);
	if (cpu_ms > HELD_MS / 2)
		fail_msg("%d ms of processor time for waiting", (int)cpu_ms);
	place_tear_down(&p);
	server_stop(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_null),
		cmocka_unit_test(to_maildir),
		cmocka_unit_test(to_maildir_again),
		cmocka_unit_test(draining_rests),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoul(given, NULL, 10) : (unsigned long)clock_mono_ns();
	rng_seed(&chance, seed, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
