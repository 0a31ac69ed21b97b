/* Every call that the journal's promise rests on fails once while a campaign runs, in each way it can;
 * then the disk stays full until the run has stopped; then the results file cannot be written. The
 * run tells, sends nothing that it cannot record, and the next one finishes the campaign. */
#include <errno.h>

#include "tests/fault/fault_books.h"

enum { N_ERRORS = 5, PATIENCE_S = 25, SLOW_MS = 5000 };

enum { SHORT_WRITE = -1 }; /* else an errno */

/* Set before threads start; the counters are theirs. */
static struct journal_io real;
static int error;
static atomic_long left;       /* calls until the one that fails; the one that finds 0 */
static atomic_bool full;       /* every write fails */
static atomic_bool stays_full;       /* once a write failed, all do until the run stops */
static const char *only;       /* writes to this file alone; NULL: any */

static bool is_meant(int fd)
{
	struct stat a, b;

	return !only || (fstat(fd, &a) == 0 && stat(only, &b) == 0 && a.st_ino == b.st_ino);
}

static ssize_t failing_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (!is_meant(fd))
		return real.pwrite(fd, p, n, at);
	if (!atomic_load(&full) && atomic_fetch_sub(&left, 1) != 0)
		return real.pwrite(fd, p, n, at);
	if (stays_full)
		atomic_store(&full, true);
	if (error == SHORT_WRITE)
		return real.pwrite(fd, p, n > 1 ? n / 2 : n, at);
	errno = error;
	return -1;
}

static int failing_sync(int fd)
{
	(void)fd;
	if (only || stays_full || atomic_fetch_sub(&left, 1) != 0)
		return 0;
	errno = error == SHORT_WRITE ? EIO : error;
	return -1;
}

/* What a failed write left stays there, as on a disk that is going to die. */
static int failing_ftruncate(int fd, off_t size)
{
	(void)fd;
	(void)size;
	errno = EIO;
	return -1;
}

static void break_at(long n, int how, bool cut_fails)
{
	real = (journal_io_reset(), journal_io);
	journal_io.pwrite = failing_pwrite;
	journal_io.fdatasync = journal_io.fsync = failing_sync;
	if (cut_fails)
		journal_io.ftruncate = failing_ftruncate;
	atomic_store(&left, n);
	atomic_store(&full, false);
	error = how;
	stays_full = false;
	only = NULL;
}

static void mend(void)
{
	journal_io_reset();
	journal_io.fdatasync = journal_io.fsync = place_no_sync;
	atomic_store(&full, false);
}

/* Goes on with the campaign on a sound disk: it must come to its end, and all must add up. */
static void finish(const struct place *p, struct server *server, const char *when)
{
	struct outcome o;
	struct books b;

	if (place_run(p, true, &o) < 0)
		fail_msg("%s: the resume: %s", when, o.e.text);
	if (o.result.end != CAMPAIGN_COMPLETE)
		fail_msg("%s: the resume: %s", when, o.e.text);
	books_read(p, server, &b);
	books_are_honest(&b, when);
	books_agree(&b, when);
	books_are_closed(&b, server != NULL, when);
}

static void begin(const struct place *p, struct server *server)
{
	place_empty(p);
	if (server)
		server_forget(server);
}

/* The books after a run with a fault, and what it said. */
static void judge(const struct place *p, struct server *server, const struct outcome *o, const char *when)
{
	struct books b;

	if (o->e.kind != ERR_NONE && !o->e.text[0])
		fail_msg("%s: it failed and did not say why", when);
	if (o->e.kind == ERR_NONE && (o->reached != AT_END || o->result.end != CAMPAIGN_COMPLETE))
		fail_msg("%s: it stopped and did not say why", when);
	if (o->result.elapsed_ms > SLOW_MS)
		fail_msg("%s: it took %d ms to stop", when, (int)o->result.elapsed_ms);
	books_read(p, server, &b);
	books_are_honest(&b, when);
	if (o->reached == AT_END)
		books_agree(&b, when);
	if (error == EINTR && (o->reached != AT_END || o->result.end != CAMPAIGN_COMPLETE || books_in_doubt(&b)))
		fail_msg("%s: an interrupted call is no failure: %s", when, o->e.text);
}

/* False: the campaign makes no more than n calls. */
static bool one_fails(const struct place *p, struct server *server, long n, int how, bool cut_fails)
{
	struct outcome o;
	char when[256];

	snprintf(when, sizeof when, "%s, call %ld fails, error %d, %s", p->url, n, how,
		 cut_fails ? "nothing is cut back" : "cut back");
	begin(p, server);
	place_watch(when, PATIENCE_S);
	break_at(n, how, cut_fails);
	place_run(p, false, &o);
	bool fired = atomic_load(&left) < 0;

	mend();
	judge(p, server, &o, when);
	finish(p, server, when);
	alarm(0);
	return fired;
}

static void each_call_fails(const char *url, struct server *server)
{
	static const int errors[N_ERRORS] = { ENOSPC, EIO, SHORT_WRITE, EINTR, EDQUOT };
	bool all = getenv("LONG") != NULL;
	struct place p;

	place_set_up(&p);
	place_job(&p, url);
	p.job.sync_ms = server ? CAMPAIGN_SYNC_DEFAULT_MS : CAMPAIGN_SYNC_EACH;
	for (unsigned i = 0; i < 2 * N_ERRORS; i++) {
		/* Without LONG some calls fail, in one way each, other ones for their neighbours. */
		long n = all ? 0 : 2 * i + i % 2, step = all ? 1 : (server ? 6 : 4) * N_ERRORS;

		while (one_fails(&p, server, n, errors[i / 2], i % 2))
			n += step;
	}
	place_tear_down(&p);
}

static void calls_with_maildir(void **state)
{
	(void)state;
	each_call_fails("maildir:", NULL);
}

static struct server relay;

static void calls_with_a_relay(void **state)
{
	char url[96];

	(void)state;
	server_start(&relay, false);
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", relay.port);
	each_call_fails(url, &relay);
	server_stop(&relay);
}

static void room_again(void *ctx, const struct campaign_progress *now)
{
	(void)ctx;
	if (now->stopping) {
		stays_full = false;
		atomic_store(&full, false);
	}
}

/* The disk is full from some write on, until the run has noticed: mails in hand are then finished. */
static void full_disk(void **state)
{
	struct outcome o;
	struct place p;
	char when[128], url[96];
	long n = 0;

	(void)state;
	server_start(&relay, false);
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", relay.port);
	place_set_up(&p);
	place_job(&p, url);
	p.job.on_progress = room_again;
	do {
		snprintf(when, sizeof when, "the disk is full from write %ld on", n);
		begin(&p, &relay);
		place_watch(when, PATIENCE_S);
		break_at(n, ENOSPC, false);
		stays_full = true;
		place_run(&p, false, &o);
		bool fired = atomic_load(&left) < 0;

		mend();
		judge(&p, &relay, &o, when);
		finish(&p, &relay, when);
		alarm(0);
		n = fired ? n + (getenv("LONG") ? 1 : 3) : -1;
	} while (n >= 0);
	place_tear_down(&p);
	server_stop(&relay);
}

static int failing_rename(const char *from, const char *to)
{
	(void)from;
	(void)to;
	errno = EIO;
	return -1;
}

/* The results file takes nothing, once, and the run waits; or for the whole run, and the run stops, to
 * be gone on with. At the end the file is written anew. */
static void results_take_nothing(void **state)
{
	static const int errors[] = { ENOSPC, EIO, SHORT_WRITE };
	struct outcome o;
	struct place p;
	struct books b;

	(void)state;
	place_set_up(&p);
	place_job(&p, "maildir:");
	for (unsigned i = 0; i < 6; i++) {
		place_empty(&p);
		break_at(0, errors[i / 2], false);
		only = p.results;
		stays_full = i % 2;
		p.job.on_log_error = i % 2 ? LOG_ERROR_STOP : LOG_ERROR_WAIT;
		place_watch("the results file takes nothing", PATIENCE_S);
		if (place_run(&p, false, &o) < 0 || (!stays_full && o.result.end != CAMPAIGN_COMPLETE))
			fail_msg("results, error %d: %s", errors[i / 2], o.e.text);
		assert_true(atomic_load(&left) < 0);
		mend();
		if (o.result.end == CAMPAIGN_BROKEN && (place_run(&p, true, &o) < 0 || o.result.end != CAMPAIGN_COMPLETE))
			fail_msg("results, error %d, resumed: %s", errors[i / 2], o.e.text);
		books_read(&p, NULL, &b);
		books_are_honest(&b, "results");
		books_agree(&b, "results");
		books_are_closed(&b, false, "results");
	}
	place_tear_down(&p);
}

/* Written anew, and not put in its place: told, and mended by the next run. */
static void results_stay_old(void **state)
{
	struct outcome o;
	struct place p;

	(void)state;
	place_set_up(&p);
	place_job(&p, "null:");
	p.job.limit = 3;
	assert_int_equal(place_run(&p, false, &o), 0);
	place_watch("the results file is not replaced", PATIENCE_S);
	journal_io.rename = failing_rename;
	assert_int_equal(place_run(&p, true, &o), -1);
	assert_true(o.reached == AT_RUN && o.e.kind == ERR_SYS && strstr(o.e.text, "replace"));
	assert_int_equal(o.result.begun_this_run, 0);
	journal_io.rename = rename;
	assert_int_equal(place_run(&p, true, &o), 0);
	place_tear_down(&p);
}

static void no_folder_for_the_results(void **state)
{
	struct outcome o;
	char nowhere[96];
	struct place p;

	(void)state;
	place_set_up(&p);
	place_job(&p, "maildir:");
	snprintf(nowhere, sizeof nowhere, "%s/nowhere/r.csv", p.folder);
	p.job.results = nowhere;
	assert_int_equal(place_run(&p, false, &o), -1);
	assert_true(o.e.kind == ERR_SYS && strstr(o.e.text, nowhere));
	assert_int_equal(o.result.begun_this_run, 0);
	place_tear_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_with_maildir),
		cmocka_unit_test(calls_with_a_relay),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(results_take_nothing),
		cmocka_unit_test(results_stay_old),
		cmocka_unit_test(no_folder_for_the_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
