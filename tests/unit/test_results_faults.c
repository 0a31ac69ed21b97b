/* Every call to the operating system that writes the journal fails once, in each way it can; and
 * every allocation. What was told to be written must be there, what was not must not be, and
 * nothing is ever lost or torn. */
#include "tests/unit/results_fixture.h"

#include <errno.h>

#include "engine/results/journal_parts.h"

enum { ROWS = 12 };

static struct journal_io real;
static long fail_at;   /* count down; the call that finds 0 fails */
static long calls;
static int fail_errno; /* 0: a short write, then ENOSPC; -1: a short write, and it goes on */
static bool cut_fails, full;

static bool fails_now(void)
{
	calls++;
	return fail_at-- == 0;
}

static ssize_t failing_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (full) {
		errno = ENOSPC;
		return -1;
	}
	if (!fails_now())
		return real.pwrite(fd, p, n, at);
	if (fail_errno <= 0) {
		full = fail_errno == 0;
		return n > 1 ? real.pwrite(fd, p, n / 2, at) : -1;
	}
	errno = fail_errno;
	return -1;
}

static int failing_sync(int fd)
{
	(void)fd;
	if (!fails_now())
		return 0;
	errno = fail_errno > 0 ? fail_errno : EIO;
	return -1;
}

static int failing_ftruncate(int fd, off_t size)
{
	if (cut_fails) {
		errno = EIO;
		return -1;
	}
	return real.ftruncate(fd, size);
}

static void break_at(long n, int error)
{
	journal_io_reset();
	real = journal_io;
	journal_io.pwrite = failing_pwrite;
	journal_io.fdatasync = journal_io.fsync = failing_sync;
	journal_io.ftruncate = failing_ftruncate;
	fail_at = n;
	fail_errno = error;
	calls = 0;
	full = false;
}

struct told { /* what the calls said */
	bool open, intent[ROWS + 1], result[ROWS + 1], claimed[ROWS + 1], broken;
};

/* A flush that fails is tried again once the disk has room again, as a run does. */
static bool flush(struct journal_segment *s, struct told *t)
{
	struct err e;

	for (int tries = 0; tries < 3; tries++) {
		if (journal_flush(s, &e) == 0)
			return true;
		assert_true(e.kind == ERR_SYS && e.text[0]);
		full = false;
	}
	t->broken = true;
	return false;
}

static void campaign(struct fixture *f, struct told *t)
{
	struct journal_header h = fixture_header();
	struct journal *j;
	struct journal_segment *s = NULL;
	struct err e = { 0 };

	*t = (struct told){ 0 };
	if (journal_open(&j, f->results, true, &h, &e) < 0)
		return;
	if (journal_segment_open(&s, j, 0, &e) == 0) {
		t->open = true;
		for (uint64_t row = 1; row <= ROWS && !t->broken; row++) {
			t->claimed[row] = journal_claim(j, row, row, true, &e) == 0;
			full = false;
			if (!t->claimed[row])
				continue;
			fixture_intent(s, row, 1, 1, 0);
			t->intent[row] = flush(s, t);
			if (!t->intent[row])
				break;
			fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
			t->result[row] = flush(s, t);
			if (row % 4 == 0 && journal_sync(s, &e) < 0)
				t->broken = true;
		}
	}
	full = false;
	journal_segment_close(&s);
	journal_close(&j);
}

static void check_told(struct fixture *f, const struct told *t, long n, int error)
{
	struct journal_header h;
	struct ledger *l;
	int there = journal_peek(f->results, &h, &f->e);

	if (there < 0)
		fail_msg("call %ld, error %d: %s", n, error, f->e.text);
	if (!there) {
		assert_false(t->open);
		return;
	}
	if (ledger_load(&l, f->results, &f->e) < 0)
		fail_msg("call %ld, error %d: %s", n, error, f->e.text);
	for (uint64_t row = 1; row <= ROWS; row++) {
		enum row_state is = ledger_row(l, row);

		if ((t->result[row] && is != ROW_SENT) || (t->intent[row] && is == ROW_TO_DO) ||
		    (!t->claimed[row] && is != ROW_TO_DO))
			fail_msg("call %ld, error %d: row %d is %d", n, error, (int)row, is);
	}
	ledger_free(&l);
}

static void every_call_fails_once(void **state)
{
	static const int errors[] = { 0, -1, ENOSPC, EIO, EINTR, EDQUOT };
	struct fixture *f = *state;
	struct told t;

	for (int cut = 0; cut < 2; cut++) {
		for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
			for (long n = 0;; n++) {
				cut_fails = cut;
				fixture_empty(f);
				break_at(n, errors[i]);
				campaign(f, &t);
				cut_fails = false;
				journal_io_reset();
				check_told(f, &t, n, errors[i]);
				if (fail_at >= 0)
					break; /* it never came to that call */
			}
			for (uint64_t row = 1; row <= ROWS; row++)
				assert_true(t.result[row]);
			assert_true(calls > 40);
		}
	}
}

static void no_space_is_told(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct stat before, after;
	char path[256];
	size_t pending;

	snprintf(path, sizeof path, "%s/run-0001-worker-000", f->journal);
	assert_int_equal(stat(path, &before), 0);
	fixture_intent(s, 1, 1, 1, 0);
	pending = journal_pending(s);
	break_at(0, 0);
	assert_int_equal(journal_flush(s, &f->e), -1);
	assert_non_null(strstr(f->e.text, "No space left"));
	assert_int_equal(f->e.sys_errno, ENOSPC);
	assert_true(journal_pending(s) >= pending);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	full = false;
	assert_int_equal(journal_flush(s, &f->e), 0);
	assert_int_equal(journal_pending(s), 0);
	journal_segment_close(&s);
	journal_close(&j);
}

static void a_failed_sync_is_final(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);

	assert_int_equal(journal_sync(s, &f->e), 0); /* nothing was flushed since: no call */
	fixture_intent(s, 1, 1, 1, 0);
	assert_int_equal(journal_flush(s, &f->e), 0);
	break_at(0, EIO);
	assert_int_equal(journal_sync(s, &f->e), -1);
	assert_int_equal(journal_sync(s, &f->e), -1);
	fixture_intent(s, 2, 1, 1, 0);
	assert_int_equal(journal_flush(s, &f->e), -1);
	journal_io_reset();
	journal_segment_close(&s);
	break_at(0, EIO);
	fail_at = 1; /* the write goes well, the sync does not */
	assert_int_equal(journal_claim(j, 1, 1, true, &f->e), -1);
	journal_io_reset();
	assert_int_equal(journal_claim(j, 2, 2, true, &f->e), -1);
	journal_close(&j);
	j = fixture_open(f, true); /* no END was written */
	assert_int_equal(j->log.runs[0].ended, false);
	journal_close(&j);
}

static void no_memory(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header();

	for (long n = 0; n < 300; n++) {
		struct journal *j = NULL;
		struct journal_segment *s = NULL;
		int rc;

		fixture_empty(f);
		mem_fail_after(n);
		rc = journal_open(&j, f->results, true, &h, &f->e);
		if (rc == 0)
			rc = journal_segment_open(&s, j, 0, &f->e);
		if (rc == 0)
			rc = fixture_intent(s, 1, 1, 1, 0);
		mem_fail_after(-1);
		if (rc < 0 && f->e.kind != ERR_NOMEM)
			fail_msg("allocation %ld: %s", n, f->e.text);
		journal_segment_close(&s);
		journal_close(&j);
		if (rc == 0)
			return;
	}
	fail();
}

/* Without memory an append leaves the segment as it was, and the next one can succeed. */
static void append_without_memory(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	uint64_t row = 0;
	size_t before;
	struct ledger *l;

	mem_fail_from(0);
	do
		before = journal_pending(s);
	while (fixture_intent(s, ++row, 1, 1, 0) == 0);
	assert_int_equal(journal_pending(s), before);
	mem_fail_after(-1);
	assert_int_equal(fixture_intent(s, row, 1, 1, 0), 0);
	journal_segment_close(&s);
	journal_close(&j);
	l = fixture_ledger(f);
	for (uint64_t i = 1; i <= row; i++)
		assert_int_equal(ledger_row(l, i), ROW_IN_DOUBT);
	assert_int_equal(ledger_row(l, row + 1), ROW_TO_DO);
	ledger_free(&l);
}

static void steady_state_allocates_nothing(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	uint64_t before = mem_count();

	for (uint64_t row = 1; row <= 5000; row++) {
		journal_begin(s, 1790000000000);
		fixture_intent(s, row, 1, 1, 0);
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
		if (row % 100 == 0)
			assert_int_equal(journal_flush(s, &f->e), 0);
	}
	assert_int_equal(mem_count(), before);
	journal_segment_close(&s);
	journal_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_call_fails_once),
		FIXTURE_TEST(no_space_is_told),
		FIXTURE_TEST(a_failed_sync_is_final),
		FIXTURE_TEST(no_memory),
		FIXTURE_TEST(append_without_memory),
		FIXTURE_TEST(steady_state_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
