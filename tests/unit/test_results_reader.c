/* Torn tails, damage, and tails that a power cut took: a segment cut at every byte, and with every
 * byte changed. */
#include "tests/unit/results_fixture.h"

#include "engine/results/journal_parts.h"
#include "engine/results/journal_reader.h"

#define SEGMENT "run-0001-worker-000"

enum { ROWS = 6 };

/* Where the records of a segment end: [0] its first, [2 * row - 1] the row's INTENT, [2 * row] its
 * RESULT; and what its last SYNCED record says. */
struct ends {
	size_t at[2 * ROWS + 1], synced;
	unsigned records;
};

static void find_ends(struct fixture *f, struct ends *ends)
{
	struct journal_reader r;
	struct record record;
	char path[256];
	size_t n = 0;

	*ends = (struct ends){ 0 };
	snprintf(path, sizeof path, "%s/%s", f->journal, SEGMENT);
	assert_int_equal(journal_reader_open(&r, path, &f->e), 0);
	while (journal_reader_next(&r, &record, &f->e) == 1) {
		ends->records++;
		if (record.type == RECORD_SYNCED)
			ends->synced = (size_t)record_synced(&record);
		else
			ends->at[n++] = (size_t)journal_reader_end(&r);
	}
	assert_int_equal(n, 2 * ROWS + 1);
	journal_reader_close(&r);
}

/* A segment: rows 1..ROWS sent, each record flushed; a sync behind row 3. */
static struct buf make(struct fixture *f, struct ends *ends, bool clean)
{
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);

	assert_int_equal(journal_claim(j, 1, ROWS, true, &f->e), 0);
	for (uint64_t row = 1; row <= ROWS; row++) {
		fixture_intent(s, row, 1, 1, 0);
		assert_int_equal(journal_flush(s, &f->e), 0);
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
		assert_int_equal(journal_flush(s, &f->e), 0);
		if (row == 3)
			assert_int_equal(journal_sync(s, &f->e), 0);
	}
	if (!clean)
		atomic_store(&j->unsettled, true);
	journal_segment_close(&s);
	journal_close(&j);
	find_ends(f, ends);
	return fixture_content(f, SEGMENT);
}

/* What the ledger must say when the first `kept` bytes are all there is. */
static void check_cut(struct fixture *f, const struct ends *ends, size_t kept)
{
	struct ledger *l = fixture_ledger(f);

	for (uint64_t row = 1; row <= ROWS; row++) {
		enum row_state want = kept >= ends->at[2 * row]       ? ROW_SENT
				      : kept >= ends->at[2 * row - 1] ? ROW_IN_DOUBT
							      : ROW_TO_DO;

		if (ledger_row(l, row) != want)
			fail_msg("cut at %zu: row %d is %d, not %d", kept, (int)row, ledger_row(l, row), want);
	}
	ledger_free(&l);
}

static size_t before_segments(const struct buf *campaign)
{
	struct record r = { .type = RECORD_CAMPAIGN };
	size_t at = JOURNAL_MAGIC_SIZE;

	while (record_take((struct span){ campaign->p + at, campaign->n - at }, &r) == 1 && r.type != RECORD_SEGMENTS)
		at += record_size(&r);
	assert_int_equal(r.type, RECORD_SEGMENTS);
	return at;
}

static void every_cut(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole = make(f, &ends, false), campaign = fixture_content(f, "campaign");

	for (size_t kept = 0; kept <= whole.n; kept++) {
		/* Killed while its first record was written: `campaign` does not name it so far, only RUN is there. */
		if (kept < ends.at[0])
			fixture_put(f, "campaign", (struct span){ campaign.p, before_segments(&campaign) });
		else
			fixture_put(f, "campaign", buf_span(&campaign));
		fixture_put(f, SEGMENT, (struct span){ whole.p, kept });
		check_cut(f, &ends, kept);
	}
	buf_release(&campaign);
	buf_release(&whole);
}

/* Nobody guesses: whatever byte is changed in a file that no power cut can explain, reading stops. */
static void every_byte_changed(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole = make(f, &ends, false);

	for (size_t at = 0; at < whole.n; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct ledger *l;

			whole.p[at] ^= (char)(1 << bit);
			fixture_put(f, SEGMENT, buf_span(&whole));
			if (ledger_load(&l, f->results, &f->e) == 0)
				fail_msg("bit %d of byte %zu changed and not seen", bit, at);
			assert_int_equal(f->e.kind, ERR_CONFLICT);
			if (at >= JOURNAL_MAGIC_SIZE)
				assert_non_null(strstr(f->e.text, "damaged at byte"));
			whole.p[at] ^= (char)(1 << bit);
		}
	}
	buf_release(&whole);
}

static void a_record_is_missing(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole = make(f, &ends, false);
	struct ledger *l;

	memmove(whole.p + ends.at[1], whole.p + ends.at[2], whole.n - ends.at[2]);
	fixture_put(f, SEGMENT, (struct span){ whole.p, whole.n - (ends.at[2] - ends.at[1]) });
	assert_int_equal(ledger_load(&l, f->results, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	buf_release(&whole);
}

/* A power cut: pieces of 512 bytes behind the last sync read as zeros, others are there. What was
 * synced is kept, everything else claimed is in doubt, and zeros in what was synced are damage. */
static void power_cut(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole, torn;

	journal_io.boot = "before";
	whole = make(f, &ends, false);
	journal_io.boot = "after";
	buf_init(&torn, 1 << 20);
	for (size_t from = 0; from < whole.n; from += 16) {
		size_t n = whole.n - from < 64 ? whole.n - from : 64;
		struct ledger *l;
		int rc;

		buf_reset(&torn);
		buf_add(&torn, buf_span(&whole));
		memset(torn.p + from, 0, n);
		fixture_put(f, SEGMENT, buf_span(&torn));
		rc = ledger_load(&l, f->results, &f->e);
		if (rc < 0) {
			if (from >= ends.synced)
				fail_msg("zeros at %zu are what a power cut leaves: %s", from, f->e.text);
			continue;
		}
		/* Whatever vouches for the synced part may have been lost itself. */
		for (uint64_t row = 1; row <= ROWS; row++)
			if (from >= ends.at[2 * row])
				assert_int_equal(ledger_row(l, row), ROW_SENT);
			else
				assert_int_equal(ledger_row(l, row), ROW_IN_DOUBT);
		if (from < ends.synced && from + n <= ends.synced)
			fail_msg("zeros at %zu were synced, and taken for a lost tail", from);
		ledger_free(&l);
	}
	buf_release(&torn);
	buf_release(&whole);
}

/* After a clean end everything was on disk: zeros are damage even after a power cut. */
static void power_cut_after_clean_end(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct ledger *l;
	struct buf whole;

	journal_io.boot = "before";
	whole = make(f, &ends, true);
	journal_io.boot = "after";
	memset(whole.p + ends.at[2 * ROWS] - 20, 0, 8);
	fixture_put(f, SEGMENT, buf_span(&whole));
	assert_int_equal(ledger_load(&l, f->results, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	buf_release(&whole);
}

/* The campaign file the same: a torn claim is as good as none, and is cut off at the resume. Cut before
 * its RUN it is no new campaign, because a segment says that there was one. */
static void campaign_cut(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf segment = make(f, &ends, false), whole = fixture_content(f, "campaign");
	struct journal_header header;
	bool was_there = false;

	for (size_t kept = 0; kept <= whole.n; kept++) {
		int there;

		fixture_put(f, "campaign", (struct span){ whole.p, kept });
		there = journal_peek(f->results, &header, &f->e);
		if (there == 0 || (there < 0 && (was_there || !strstr(f->e.text, "is lost or damaged"))))
			fail_msg("cut at %zu: %s", kept, there ? f->e.text : "no campaign");
		was_there = there > 0;
		if (was_there) {
			struct journal *j = fixture_open(f, true);
			struct journal *again;

			assert_int_equal(journal_run(j), 2);
			assert_int_equal(journal_claim(j, 7, 9, true, &f->e), 0);
			journal_close(&j);
			again = fixture_open(f, true);
			assert_int_equal(journal_run(again), 3);
			journal_close(&again);
		}
	}
	for (size_t at = 0; at < whole.n; at++) {
		whole.p[at] ^= 0x20;
		fixture_put(f, "campaign", buf_span(&whole));
		assert_int_equal(journal_peek(f->results, &header, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_CONFLICT);
		whole.p[at] ^= 0x20;
	}
	buf_release(&whole);
	buf_release(&segment);
}

/* A file that grows is read on: the same records whatever was there at each call. */
static void growing(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole = make(f, &ends, false);
	struct journal_reader r;
	struct record record;
	char path[256];
	unsigned got = 0;
	FILE *file;

	fixture_put(f, SEGMENT, (struct span){ 0 });
	snprintf(path, sizeof path, "%s/%s", f->journal, SEGMENT);
	assert_int_equal(journal_reader_open(&r, path, &f->e), 0);
	file = fopen(path, "ae");
	for (size_t i = 0; i < whole.n; i++) {
		fputc(whole.p[i], file);
		fflush(file);
		while (journal_reader_next(&r, &record, &f->e) == 1)
			got++;
	}
	fclose(file);
	assert_int_equal(got, ends.records);
	assert_int_equal(journal_reader_end(&r), whole.n);
	journal_reader_close(&r);
	buf_release(&whole);
}

/* Runs are counted from 1: a file of run 0 is nobody's, whatever is in it. */
static void of_no_run(void **state)
{
	struct fixture *f = *state;
	struct ends ends;
	struct buf whole = make(f, &ends, false);

	fixture_put(f, "run-0000-worker-000", buf_span(&whole));
	check_cut(f, &ends, whole.n);
	buf_release(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_cut),
		FIXTURE_TEST(every_byte_changed),
		FIXTURE_TEST(a_record_is_missing),
		FIXTURE_TEST(power_cut),
		FIXTURE_TEST(power_cut_after_clean_end),
		FIXTURE_TEST(campaign_cut),
		FIXTURE_TEST(growing),
		FIXTURE_TEST(of_no_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
