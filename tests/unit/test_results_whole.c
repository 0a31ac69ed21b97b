/* The end of a run without a second reading: what the followed log says then is what a ledger would. */
#include "tests/unit/results_fixture.h"

#include "engine/base/rng.h"
#include "engine/results/results_log.h"

enum { SEGMENTS = 2, ROWS = 6, STEPS = 20, CAMPAIGNS = 150 };

/* The ledger that the log makes, or NULL. */
static struct ledger *quick_ledger(struct results_log *log, unsigned n)
{
	struct ledger *l = NULL;
	struct err e;

	if (!results_log_needs_rewrite(log) && results_log_ledger(log, n, &l, &e) < 0)
		fail_msg("results_log_ledger: %s", e.text);
	return l;
}

static bool is_quick(struct results_log *log, unsigned n, uint64_t *sent)
{
	struct ledger *l = quick_ledger(log, n);
	struct ledger_counts c = { 0 };
	bool quick = l != NULL;

	if (l)
		ledger_counts(l, &c);
	*sent = c.sent;
	ledger_free(&l);
	return quick;
}

/* One run with one segment, and the log that follows it. */
struct followed {
	struct fixture *f;
	struct journal *j;
	struct journal_segment *s;
	struct results_log *log;
	struct ledger *before;
};

static struct followed follow(struct fixture *f, bool resume)
{
	struct followed r = { .f = f, .before = resume ? fixture_ledger(f) : NULL };

	r.j = fixture_open(f, resume);
	r.s = fixture_segment(f, r.j, 0);
	assert_int_equal(results_log_open(&r.log, f->results, RESULTS_CSV, journal_run(r.j), r.before, &f->e), 0);
	return r;
}

static void end(struct followed *r)
{
	results_log_close(&r->log);
	ledger_free(&r->before);
	journal_segment_close(&r->s);
	journal_close(&r->j);
}

static int poll_once(struct followed *r)
{
	struct results_totals t;

	return results_log_poll(r->log, &t, &r->f->e);
}

/* What was written reaches the file and is read; whether it could end there, and if so with how many sent to. */
static bool ends_quickly(struct followed *r, uint64_t sent)
{
	uint64_t n;

	journal_flush(r->s, &r->f->e);
	poll_once(r);
	if (!is_quick(r->log, 1, &n))
		return false;
	assert_int_equal(n, sent);
	return true;
}

static void a_log_that_has_read_all(void **state)
{
	struct followed r = follow(*state, false);
	uint64_t sent;

	assert_true(ends_quickly(&r, 0));
	assert_false(is_quick(r.log, 2, &sent)); /* a segment is missing */
	fixture_intent(r.s, 1, 1, 1, 0);
	journal_flush(r.s, &r.f->e);
	assert_false(is_quick(r.log, 1, &sent)); /* not read */
	assert_false(ends_quickly(&r, 0));       /* no verdict */
	fixture_result(r.s, 1, 1, 1, 0, VERDICT_SENT);
	assert_true(ends_quickly(&r, 1));
	fixture_result(r.s, 2, 1, 1, 0, VERDICT_SKIPPED);
	assert_true(ends_quickly(&r, 1));
	end(&r);
}

static void a_verdict_without_its_intent(void **state)
{
	struct followed r = follow(*state, false);

	fixture_intent(r.s, 1, 1, 1, 0);
	fixture_result(r.s, 1, 1, 1, 0, VERDICT_SENT);
	assert_true(ends_quickly(&r, 1));
	fixture_result(r.s, 1, 1, 1, 0, VERDICT_SENT);
	assert_false(ends_quickly(&r, 1));
	end(&r);
}

/* More than are remembered; and what an earlier run left is not what this one read. */
static void too_many_failed(void **state)
{
	struct followed r = follow(*state, false);

	for (uint64_t row = 1; row <= 64 << 10; row++)
		fixture_result(r.s, row, 1, 1, 0, VERDICT_REFUSED);
	assert_true(ends_quickly(&r, 0));
	fixture_result(r.s, (64 << 10) + 1, 1, 1, 0, VERDICT_REFUSED);
	assert_false(ends_quickly(&r, 0));
	end(&r);
	r = follow(*state, true);
	assert_false(ends_quickly(&r, 0));
	end(&r);
}

static void a_segment_cut_or_torn(void **state)
{
	struct followed r = follow(*state, false);
	struct buf whole;
	uint64_t sent;

	fixture_intent(r.s, 1, 1, 1, 0);
	fixture_result(r.s, 1, 1, 1, 0, VERDICT_SENT);
	assert_true(ends_quickly(&r, 1));
	whole = fixture_content(r.f, "run-0001-worker-000");
	fixture_put(r.f, "run-0001-worker-000", span_of(whole.p, whole.n - 1));
	assert_false(is_quick(r.log, 1, &sent));
	buf_add(&whole, SPAN("\x01"));
	fixture_put(r.f, "run-0001-worker-000", buf_span(&whole));
	assert_false(ends_quickly(&r, 1));
	buf_release(&whole);
	end(&r);
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
		fixture_intent(at, row, ++attempts[row][index], of, index);
		if (rng_below(rng, 8))
			fixture_result(at, row, attempts[row][index], of, index, kind);
		break;
	case 1:
		if (kind != VERDICT_SENT) /* before any content */
			fixture_result(at, row, ++attempts[row][index], of, index, kind);
		break;
	case 2:
		assert_int_equal(journal_flush(at, &f->e), 0);
		break;
	case 3:
		if (rng_below(rng, 4) == 0)
			mem_fail_after((long)rng_below(rng, 4));
		results_log_poll(log, &t, &f->e); /* may fail, and is tried again */
		mem_fail_after(-1);
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

static void same_failed(struct ledger *a, struct ledger *b)
{
	struct journal_result x, y;
	struct verdict v, w;
	struct err e;

	for (int twice = 0; twice < 2; twice++) {
		struct ledger_cursor at_a = { 0 }, at_b = { 0 };
		int rc;

		do {
			rc = ledger_next_failed(a, &at_a, &x, &v, &e);
			assert_int_equal(ledger_next_failed(b, &at_b, &y, &w, &e), rc);
			if (rc > 0) {
				assert_true(x.row == y.row && x.line == y.line && x.of == y.of && x.of_group == y.of_group);
				assert_true(x.recipient.index == y.recipient.index && span_eq(x.recipient.address, y.recipient.address));
				assert_true(v.kind == w.kind && x.attempt == y.attempt && x.time_ms == y.time_ms);
			}
		} while (rc > 0);
		assert_int_equal(rc, 0);
	}
}

static void same_counts(struct ledger *a, struct ledger *b)
{
	struct ledger_counts x, y;

	ledger_counts(a, &x);
	ledger_counts(b, &y);
	assert_true(x.sent == y.sent && x.skipped == y.skipped && x.refused == y.refused && x.deferred == y.deferred);
	assert_true(x.in_doubt == y.in_doubt);
}

/* One run of a campaign; true when it ended without a second reading, and a ledger says the same. */
static bool run(struct fixture *f, struct rng *rng, bool resume, bool odd)
{
	struct ledger *before = resume ? fixture_ledger(f) : NULL, *quick, *now;
	struct journal *j = fixture_open(f, resume);
	struct journal_segment *s[SEGMENTS] = { fixture_segment(f, j, 0), fixture_segment(f, j, 1) };
	struct results_log *log;
	struct results_totals t;
	bool was_quick;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, journal_run(j), before, &f->e), 0);
	for (uint64_t row = 1; row <= 3; row++)
		sent_once(f, rng, s[rng_below(rng, SEGMENTS)], 1000 * (1 + (uint64_t)resume) + row);
	for (uint64_t i = rng_below(rng, STEPS); odd && i > 0; i--)
		one_step(f, rng, s, log);
	for (int i = 0; i < SEGMENTS; i++)
		journal_flush(s[i], &f->e);
	results_log_poll(log, &t, &f->e);
	quick = quick_ledger(log, SEGMENTS);
	results_log_close(&log);
	ledger_free(&before);
	for (int i = 0; i < SEGMENTS; i++)
		journal_segment_close(&s[i]);
	journal_close(&j);
	was_quick = quick != NULL;
	if (was_quick) {
		now = fixture_ledger(f);
		same_counts(quick, now);
		same_failed(quick, now);
		assert_true(same_lines(f, now));
		ledger_free(&now);
		ledger_free(&quick);
	}
	return was_quick;
}

/* Memory runs out between two rows of a group: its record is read again, and the first ones are counted twice. */
static void counted_again(void **state)
{
	struct fixture *f = *state;

	for (long n = 0; n < 20; n++) {
		struct followed r = follow(f, false);
		struct ledger *quick, *now;

		fixture_groups = true;
		for (uint64_t row = 1; row <= 16; row++)
			fixture_result(r.s, row, 1, 1, 0, VERDICT_REFUSED);
		fixture_groups = false;
		journal_flush(r.s, &f->e);
		mem_fail_after(n);
		poll_once(&r);
		mem_fail_after(-1);
		assert_int_equal(poll_once(&r), 0);
		quick = quick_ledger(r.log, 1);
		now = fixture_ledger(f);
		if (quick)
			same_counts(quick, now);
		ledger_free(&quick);
		ledger_free(&now);
		end(&r);
		fixture_empty(f);
	}
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
		FIXTURE_TEST(too_many_failed),
		FIXTURE_TEST(a_segment_cut_or_torn),
		FIXTURE_TEST(counted_again),
		FIXTURE_TEST(as_a_ledger_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
