/* Segments that are gone or were cut short: whatever said how long they were, nothing reads on without them. */
#include "tests/unit/results_fixture.h"

#include <errno.h>

#include "engine/results/journal_campaign.h"
#include "engine/results/ledger_attempt.h"
#include "engine/results/rekey.h"
#include "engine/results/tally.h"

enum { ROWS = 6 };

#define FIRST "run-0001-worker-000"
#define SECOND "run-0001-worker-001"

static void send_rows(struct fixture *f, struct journal_segment *s, uint64_t first)
{
	for (uint64_t row = first; row < first + ROWS; row++) {
		fixture_intent(s, row, 1, 1, 0);
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
	}
	assert_int_equal(journal_flush(s, &f->e), 0);
}

/* The process of the newest run is gone without an END. */
static void kill_now(struct fixture *f, struct journal **j)
{
	struct buf campaign = fixture_content(f, "campaign");

	journal_close(j);
	fixture_put(f, "campaign", buf_span(&campaign));
	buf_release(&campaign);
}

static void run(struct fixture *f, uint64_t first, bool ends)
{
	struct journal *j = fixture_open(f, first > 1);
	struct journal_segment *s[2] = { fixture_segment(f, j, 0), fixture_segment(f, j, 1) };

	assert_int_equal(journal_claim(j, first, first + 2 * ROWS - 1, true, &f->e), 0);
	send_rows(f, s[0], first);
	send_rows(f, s[1], first + ROWS);
	journal_segment_close(&s[0]);
	journal_segment_close(&s[1]);
	if (ends)
		journal_close(&j);
	else
		kill_now(f, &j);
}

/* Every way in says so: the ledger, what a run asks first, status, show, and the run itself. */
static void nothing_goes_on(struct fixture *f, const char *file, const char *words)
{
	struct journal_header h = fixture_header();
	struct ledger_attempt attempt;
	struct journal *j = NULL;
	struct ledger *l = NULL;
	struct tally t;

	for (int way = 0; way < 5; way++) {
		int rc = way == 0   ? ledger_load(&l, f->results, &f->e)
			 : way == 1 ? journal_peek(f->results, &h, &f->e)
			 : way == 2 ? tally_read(&t, f->results, 1790000000000, &f->e)
			 : way == 3 ? ledger_find_attempt(f->results, 1, &attempt, &f->e)
				    : journal_open(&j, f->results, true, &h, &f->e);

		if (rc != -1)
			fail_msg("%s, way %d: went on", file, way);
		assert_int_equal(f->e.kind, ERR_CONFLICT);
		if (!strstr(f->e.text, file) || !strstr(f->e.text, words))
			fail_msg("way %d, wanted '%s': %s", way, words, f->e.text);
		assert_non_null(strstr(f->e.hint, "bring it back from a copy"));
	}
}

static void remove_one(struct fixture *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->journal, name);
	assert_int_equal(unlink(path), 0);
}

static void all_are_sent(struct fixture *f, uint64_t rows)
{
	struct ledger *l = fixture_ledger(f);

	for (uint64_t row = 1; row <= rows; row++)
		assert_int_equal(ledger_row(l, row), ROW_SENT);
	ledger_free(&l);
}

/* At every length that is too short, the empty file too; and with the file back, it goes on. */
static void no_cut_goes_on(struct fixture *f, const char *name, uint64_t rows)
{
	struct buf whole = fixture_content(f, name);
	char words[128];

	all_are_sent(f, rows);
	for (size_t kept = 0; kept < whole.n; kept += kept + 7 < whole.n ? 7 : 1) {
		fixture_put(f, name, (struct span){ whole.p, kept });
		snprintf(words, sizeof words, "damaged at byte %zu: it ends there, and %zu bytes", kept, whole.n);
		nothing_goes_on(f, name, words);
	}
	remove_one(f, name);
	nothing_goes_on(f, name, "is lost");
	fixture_put(f, name, buf_span(&whole));
	buf_release(&whole);
	all_are_sent(f, rows);
}

static void after_an_orderly_end(void **state)
{
	struct fixture *f = *state;

	run(f, 1, true);
	no_cut_goes_on(f, FIRST, 2 * ROWS);
	no_cut_goes_on(f, SECOND, 2 * ROWS);
	run(f, 1 + 2 * ROWS, true);
	no_cut_goes_on(f, FIRST, 4 * ROWS);
	no_cut_goes_on(f, "run-0002-worker-001", 4 * ROWS);
}

/* The run after a killed one vouches for what it found. */
static void after_a_later_run(void **state)
{
	struct fixture *f = *state;

	run(f, 1, false);
	run(f, 1 + 2 * ROWS, false);
	no_cut_goes_on(f, FIRST, 4 * ROWS);
	no_cut_goes_on(f, SECOND, 4 * ROWS);
}

/* It was named when it was there, so it is lost; how long it was nobody knows, but for its front. */
static void of_a_killed_run(void **state)
{
	struct fixture *f = *state;
	struct buf whole, campaign;

	run(f, 1, false);
	whole = fixture_content(f, SECOND);
	remove_one(f, SECOND);
	nothing_goes_on(f, SECOND, "is lost");
	fixture_put(f, SECOND, (struct span){ whole.p, 20 });
	nothing_goes_on(f, SECOND, "damaged at byte 20");
	fixture_put(f, SECOND, (struct span){ whole.p, whole.n - 3 });
	all_are_sent(f, 2 * ROWS - 1);

	/* Killed before the second worker had made its own: it is not missed. */
	fixture_empty(f);
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);

	campaign = fixture_content(f, "campaign");
	journal_segment_close(&s);
	s = fixture_segment(f, j, 1);
	journal_segment_close(&s);
	journal_close(&j);
	fixture_put(f, "campaign", buf_span(&campaign)); /* a second file that is not named changes nothing */
	all_are_sent(f, 0);
	remove_one(f, SECOND);
	all_are_sent(f, 0);
	buf_release(&campaign);
	buf_release(&whole);
}

/* What an earlier version wrote: no SEGMENTS, and an END that says only the run. It is read as ever, and the next
 * run vouches for what it found. */
static void of_an_earlier_version(void **state)
{
	struct fixture *f = *state;
	struct buf old, now;
	struct record r;
	uint32_t sequence = 0;

	run(f, 1, true);
	now = fixture_content(f, "campaign");
	buf_init(&old, 1 << 16);
	assert_int_equal(buf_add_str(&old, JOURNAL_MAGIC), 0);
	for (size_t at = JOURNAL_MAGIC_SIZE; at < now.n; at += record_size(&r)) {
		struct record_run run_note;
		struct journal_header h;

		assert_int_equal(record_take((struct span){ now.p + at, now.n - at }, &r), 1);
		if (r.type == RECORD_CAMPAIGN && record_get_campaign(&r, &h) == 0)
			assert_int_equal(record_put_campaign(&old, sequence++, &h), 0);
		else if (r.type == RECORD_RUN && record_get_run(&r, &run_note) == 0)
			assert_int_equal(record_put_run(&old, sequence++, &run_note), 0);
		else if (r.type == RECORD_END)
			assert_int_equal(record_put_lengths(&old, sequence++, RECORD_END, 1, NULL, 0), 0);
	}
	assert_int_equal(sequence, 3);
	fixture_put(f, "campaign", buf_span(&old));
	all_are_sent(f, 2 * ROWS);
	run(f, 1 + 2 * ROWS, false);
	no_cut_goes_on(f, FIRST, 4 * ROWS);
	buf_release(&old);
	buf_release(&now);
}

/* The file of an edited list is vouched for before the list counts. */
static void begin_again(void *ctx)
{
	(void)ctx;
}

static bool same_row(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line)
{
	(void)ctx;
	*row = who->row;
	*line = who->row + 1;
	return true;
}

static int tell(void *ctx, struct span address)
{
	(void)ctx;
	(void)address;
	return 0;
}

static bool was_told(void *ctx, struct span address)
{
	(void)ctx;
	(void)address;
	return true;
}

static void of_an_edited_list(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header();
	struct rekey k = { .begin = begin_again, .find = same_row, .tell = tell, .was_told = was_told };
	struct journal *j;
	struct ledger *l;

	run(f, 1, true);
	l = fixture_ledger(f);
	assert_int_equal(journal_open_edited(&j, f->results, &h, false, &f->e), 0);
	assert_int_equal(journal_rekey(j, l, &k, &h.identity, &f->e), 0);
	ledger_free(&l);
	kill_now(f, &j);
	no_cut_goes_on(f, "run-0002-worker-999", 2 * ROWS);
}

/* `campaign` ends before the run that wrote a segment: a resume does not begin that run once more. */
static void of_a_run_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header();
	struct buf campaign, whole;
	struct journal *j;

	run(f, 1, true);
	campaign = fixture_content(f, "campaign");
	run(f, 1 + 2 * ROWS, true);
	whole = fixture_content(f, "campaign");
	fixture_put(f, "campaign", buf_span(&campaign));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(journal_open(&j, f->results, true, &h, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_CONFLICT);
		assert_non_null(strstr(f->e.text, "ends before run 2, which wrote"));
	}
	fixture_put(f, "campaign", buf_span(&whole));
	all_are_sent(f, 4 * ROWS);
	buf_release(&campaign);
	buf_release(&whole);
}

static int failing_sync(int fd)
{
	(void)fd;
	errno = EIO;
	return -1;
}

/* Whatever is asked of a file after its sync failed says why it failed, and what to do. */
static void a_failed_sync_is_said_in_full(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);

	send_rows(f, s, 1);
	journal_io.fdatasync = failing_sync;
	assert_int_equal(journal_sync(s, NULL), -1);
	assert_int_equal(journal_claim(j, 1, 2, true, NULL), -1);
	journal_io.fdatasync = fixture_sync;
	for (int way = 0; way < 2; way++) {
		assert_int_equal(way ? journal_sync(s, &f->e) : journal_claim(j, 3, 4, true, &f->e), -1);
		assert_non_null(strstr(f->e.text, way ? FIRST "' could not be" : "campaign' could not be"));
		assert_non_null(strstr(f->e.text, "before: Input/output error"));
		assert_non_null(strstr(f->e.hint, "look after the disk"));
		assert_int_equal(f->e.sys_errno, EIO);
	}
	journal_segment_close(&s);
	journal_close(&j);
}

/* Many, in any order, some of them more than once. */
static void lists(void **state)
{
	struct segment_lengths l = { 0 };
	struct segment_name name;

	(void)state;
	assert_int_equal(segment_lengths_of(&l, (struct segment_name){ 1, 0 }), 0);
	segment_lengths_sort(&l);
	for (unsigned i = 0; i < 300; i++) {
		name = (struct segment_name){ 1 + i * 7 % 3, i * 7 % 50 };
		assert_int_equal(segment_lengths_add(&l, name, 100 + i), 0);
	}
	segment_lengths_sort(&l);
	assert_int_equal(l.n, 150);
	for (unsigned i = 150; i < 300; i++) /* each comes twice, and the later one says more */
		assert_int_equal(segment_lengths_of(&l, (struct segment_name){ 1 + i * 7 % 3, i * 7 % 50 }), 100 + i);
	assert_int_equal(segment_lengths_of(&l, (struct segment_name){ 4, 0 }), 0);
	assert_int_equal(segment_lengths_add(&l, (struct segment_name){ 9, 9 }, 5), 0);
	segment_lengths_sort(&l);
	assert_int_equal(segment_lengths_of(&l, (struct segment_name){ 9, 9 }), 5);
	segment_lengths_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(after_an_orderly_end),
		FIXTURE_TEST(after_a_later_run),
		FIXTURE_TEST(of_a_killed_run),
		FIXTURE_TEST(of_an_earlier_version),
		FIXTURE_TEST(of_an_edited_list),
		FIXTURE_TEST(of_a_run_that_is_gone),
		FIXTURE_TEST(a_failed_sync_is_said_in_full),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
