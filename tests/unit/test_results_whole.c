/* The end of a run without a second reading: what the followed log says then is what a ledger would. */
#include "tests/unit/results_fixture.h"

#include "engine/base/rng.h"
#include "engine/results/results_log.h"

enum { SEGMENTS = 2, ROWS = 6, STEPS = 20, CAMPAIGNS = 150 };

static bool is_quick(struct results_log *log, unsigned n, uint64_t *sent)
{
	return results_log_all_sent(log, n, sent) && !results_log_needs_rewrite(log);
}

static void a_log_that_has_read_all(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;
	uint64_t sent;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	results_log_poll(log, &t, &f->e);
	assert_true(is_quick(log, 1, &sent) && sent == 0);
	assert_false(is_quick(log, 2, &sent)); /* a segment is missing */
	fixture_intent(s, 1, 1, 1, 0);
	journal_flush(s, &f->e);
	assert_false(is_quick(log, 1, &sent)); /* not read */
	results_log_poll(log, &t, &f->e);
	assert_false(is_quick(log, 1, &sent)); /* no verdict */
	fixture_result(s, 1, 1, 1, 0, VERDICT_SENT);
	journal_flush(s, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_true(is_quick(log, 1, &sent) && sent == 1);
	fixture_result(s, 2, 1, 1, 0, VERDICT_SKIPPED);
	journal_flush(s, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_false(is_quick(log, 1, &sent));
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
}

static void a_verdict_without_its_intent(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;
	uint64_t sent;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	fixture_intent(s, 1, 1, 1, 0);
	for (int twice = 0; twice < 2; twice++) {
		fixture_result(s, 1, 1, 1, 0, VERDICT_SENT);
		journal_flush(s, &f->e);
		results_log_poll(log, &t, &f->e);
		assert_int_equal(is_quick(log, 1, &sent), twice == 0);
	}
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
}

static void a_segment_cut_or_torn(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;
	struct buf whole;
	uint64_t sent;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	fixture_intent(s, 1, 1, 1, 0);
	fixture_result(s, 1, 1, 1, 0, VERDICT_SENT);
	journal_flush(s, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_true(is_quick(log, 1, &sent));
	whole = fixture_content(f, "run-0001-worker-000");
	fixture_put(f, "run-0001-worker-000", span_of(whole.p, whole.n - 1));
	assert_false(is_quick(log, 1, &sent));
	buf_add(&whole, SPAN("\x01"));
	fixture_put(f, "run-0001-worker-000", buf_span(&whole));
	results_log_poll(log, &t, &f->e);
	assert_false(is_quick(log, 1, &sent));
	buf_release(&whole);
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
}

/* Attempts on record of each recipient: the next one has a number of its own. */
static uint32_t attempts[ROWS + 1][2];

/* Records as workers may leave them, in any order: mostly of mails that went. */
static void one_step(struct fixture *f, struct rng *rng, struct journal_segment **s, struct results_log *log)
{
	struct journal_segment *at = s[rng_below(rng, SEGMENTS)];
	uint64_t row = 1 + rng_below(rng, ROWS);
	uint32_t of = 1 + (uint32_t)(row % 3 == 0), index = (uint32_t)rng_below(rng, of);
	enum verdict_kind kind = rng_below(rng, 8) ? VERDICT_SENT : (enum verdict_kind)rng_below(rng, VERDICT_SKIPPED + 1);
	struct results_totals t;

	switch (rng_below(rng, 5)) {
	case 0:
		fixture_intent(at, row, attempts[row][index] + 1, of, index);
		if (rng_below(rng, 8))
			fixture_result(at, row, ++attempts[row][index], of, index, kind);
		break;
	case 1:
		if (kind != VERDICT_SENT) /* before any content */
			fixture_result(at, row, ++attempts[row][index], of, index, kind);
		break;
	case 2:
		assert_int_equal(journal_flush(at, &f->e), 0);
		break;
	case 3:
		results_log_poll(log, &t, &f->e);
		break;
	default:
		break;
	}
}

static void sent_once(struct fixture *f, struct rng *rng, struct journal_segment *s, uint64_t row)
{
	fixture_intent(s, row, 1, 1, 0);
	if (rng_below(rng, 4) == 0)
		journal_flush(s, &f->e);
	fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
}

static bool same_lines(struct fixture *f, struct ledger *l)
{
	struct buf live = fixture_content(f, NULL), anew;
	bool same;

	assert_int_equal(results_write(f->results, RESULTS_CSV, l, &f->e), 0);
	anew = fixture_content(f, NULL);
	same = live.n == anew.n; /* in another order, when there are two segments */
	for (const char *line = anew.p, *end = anew.p + anew.n, *next; same && line < end; line = next) {
		next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
		same = span_search(buf_span(&live), span_of(line, (size_t)(next - line))) < live.n;
	}
	buf_release(&live);
	buf_release(&anew);
	return same;
}

/* One run of a campaign; true when it ended without a second reading, and a ledger says the same. */
static bool run(struct fixture *f, struct rng *rng, bool resume, bool odd)
{
	struct ledger *before = resume ? fixture_ledger(f) : NULL;
	struct journal *j = fixture_open(f, resume);
	struct journal_segment *s[SEGMENTS] = { fixture_segment(f, j, 0), fixture_segment(f, j, 1) };
	struct results_log *log;
	struct results_totals t;
	struct ledger_counts c;
	uint64_t sent;
	bool quick;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, journal_run(j), before, &f->e), 0);
	for (uint64_t row = 1; row <= 3; row++)
		sent_once(f, rng, s[rng_below(rng, SEGMENTS)], 1000 * (1 + (uint64_t)resume) + row);
	for (uint64_t i = rng_below(rng, STEPS); odd && i > 0; i--)
		one_step(f, rng, s, log);
	for (int i = 0; i < SEGMENTS; i++)
		journal_flush(s[i], &f->e);
	results_log_poll(log, &t, &f->e);
	quick = is_quick(log, SEGMENTS, &sent);
	results_log_close(&log);
	ledger_free(&before);
	for (int i = 0; i < SEGMENTS; i++)
		journal_segment_close(&s[i]);
	journal_close(&j);
	if (quick) {
		before = fixture_ledger(f);
		ledger_counts(before, &c);
		assert_true(c.sent == sent && c.skipped + c.refused + c.deferred + c.in_doubt == 0);
		assert_true(same_lines(f, before));
		ledger_free(&before);
	}
	return quick;
}

static void as_a_ledger_says(void **state)
{
	struct fixture *f = *state;
	unsigned quick = 0;
	struct rng rng;

	rng_seed(&rng, 11, 12);
	for (int i = 0; i < CAMPAIGNS; i++) {
		memset(attempts, 0, sizeof attempts);
		fixture_groups = rng_below(&rng, 4) == 0;
		quick += run(f, &rng, false, rng_below(&rng, 2));
		quick += run(f, &rng, true, rng_below(&rng, 2));
		fixture_empty(f);
	}
	fixture_groups = false;
	assert_in_range(quick, CAMPAIGNS / 2, 2 * CAMPAIGNS - 20); /* both ways to end were taken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_log_that_has_read_all),
		FIXTURE_TEST(a_verdict_without_its_intent),
		FIXTURE_TEST(a_segment_cut_or_torn),
		FIXTURE_TEST(as_a_ledger_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
