/* An edited list: rows find their new numbers, and those who are gone stay known until they come back. */
#include "tests/unit/results_fixture.h"

#include "engine/results/ledger_parts.h"
#include "engine/results/rekey.h"
#include "engine/results/results_log.h"

/* The new list: its row n is the old row at[n - 1]; gone ones are known by the number in their address. */
struct list {
	const unsigned *at;
	unsigned n;
	uint64_t taken;
	unsigned told;
};

static void begin(void *ctx)
{
	((struct list *)ctx)->taken = 0;
}

static bool find(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line)
{
	struct list *l = ctx;
	unsigned was = 0;

	assert_int_equal(sscanf(who->address.p, "user%u.", &was), 1);
	if (who->row == 0) {
		assert_int_equal(who->column, 77);
		assert_true(who->key[0] == was && who->key[1] == UINT64_MAX - was);
	}
	who->column = 77;
	who->key[0] = was;
	who->key[1] = UINT64_MAX - was;
	for (unsigned i = 0; i < l->n; i++) {
		if (l->at[i] != was || l->taken >> i & 1)
			continue;
		l->taken |= UINT64_C(1) << i;
		*row = i + 1;
		*line = i + 10;
		return true;
	}
	return false;
}

static int tell(void *ctx, struct span address)
{
	((struct list *)ctx)->told += address.n > 0;
	return 0;
}

static bool was_told(void *ctx, struct span address)
{
	(void)address;
	return ((struct list *)ctx)->told > 0;
}

static struct journal_header edited(unsigned size)
{
	struct journal_header h = fixture_header();

	h.identity.list_size = size;
	return h;
}

/* As if the process had died just before the newest record that makes a renumbering count. */
static void cut_off_rekeyed(struct fixture *f)
{
	struct buf b = fixture_content(f, "campaign");
	size_t at = JOURNAL_MAGIC_SIZE, rekeyed = 0;
	struct record r;

	for (; record_take(span_skip(buf_span(&b), at), &r) == 1; at += r.size)
		if (r.type == RECORD_REKEYED)
			rekeyed = at;
	assert_true(rekeyed > 0);
	fixture_put(f, "campaign", span_sub(buf_span(&b), 0, rekeyed));
	buf_release(&b);
}

/* Goes on with a list of these rows; whole: to the record that makes it count. */
static void edit(struct fixture *f, const unsigned *at, unsigned n, bool whole)
{
	static unsigned size = 5000;
	struct journal_header h = edited(size++);
	struct list list = { .at = at, .n = n };
	struct rekey k = { begin, find, tell, was_told, &list, true };
	struct ledger *old = fixture_ledger(f);
	struct journal *j;

	if (journal_open_edited(&j, f->results, &h, false, &f->e) < 0)
		fail_msg("journal_open_edited: %s", f->e.text);
	if (journal_rekey(j, old, &k, &h.identity, &f->e) < 0)
		fail_msg("journal_rekey: %s", f->e.text);
	ledger_free(&old);
	journal_close(&j);
	if (!whole)
		cut_off_rekeyed(f);
}

static void check_row(struct fixture *f, uint64_t row, enum row_state state)
{
	struct ledger *l = fixture_ledger(f);

	if (ledger_row(l, row) != state)
		fail_msg("row %llu is %d, not %d", (unsigned long long)row, (int)ledger_row(l, row), (int)state);
	ledger_free(&l);
}

static uint64_t gone_of(struct fixture *f, enum verdict_kind kind)
{
	struct ledger_counts counts;
	struct ledger *l = fixture_ledger(f);

	ledger_counts(l, &counts);
	ledger_free(&l);
	return counts.gone[kind];
}

/* Rows 1 sent, 2 refused, 3 deferred, 4 in doubt, 5 skipped, 6 two recipients: sent and refused. */
static void send_some(struct fixture *f)
{
	static const enum verdict_kind kinds[] = { VERDICT_SENT, VERDICT_REFUSED, VERDICT_DEFERRED, VERDICT_IN_DOUBT, VERDICT_SKIPPED };
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);

	assert_int_equal(journal_claim(j, 1, 6, true, &f->e), 0);
	for (unsigned row = 1; row <= 5; row++) {
		if (kinds[row - 1] != VERDICT_SKIPPED)
			fixture_intent(s, row, 1, 1, 0);
		if (kinds[row - 1] != VERDICT_IN_DOUBT)
			fixture_result(s, row, 1, 1, 0, kinds[row - 1]);
	}
	fixture_result(s, 6, 1, 2, 0, VERDICT_SENT);
	fixture_result(s, 6, 1, 2, 1, VERDICT_REFUSED);
	assert_int_equal(journal_flush(s, &f->e), 0);
	journal_segment_close(&s);
	journal_close(&j);
}

static void there_and_back(void **state)
{
	static const unsigned none[] = { 90 }, all[] = { 6, 5, 4, 3, 2, 1 };
	static const enum row_state states[] = { ROW_REFUSED, ROW_SKIPPED, ROW_IN_DOUBT, ROW_DEFERRED, ROW_REFUSED, ROW_SENT };
	struct fixture *f = *state;

	send_some(f);
	for (int times = 0; times < 3; times++) { /* each renumbering takes them along */
		edit(f, none, 1, true);
		check_row(f, 1, ROW_TO_DO);
		assert_true(gone_of(f, VERDICT_SENT) == 2 && gone_of(f, VERDICT_REFUSED) == 2 && gone_of(f, VERDICT_DEFERRED) == 1);
		assert_true(gone_of(f, VERDICT_IN_DOUBT) == 1 && gone_of(f, VERDICT_SKIPPED) == 1);
	}
	edit(f, all, 6, true);
	for (unsigned row = 1; row <= 6; row++)
		check_row(f, row, states[row - 1]);
	assert_true(gone_of(f, VERDICT_SENT) == 0 && gone_of(f, VERDICT_REFUSED) == 0);
}

/* A renumbering that never counted leaves those who were gone as they were. */
static void cut_off(void **state)
{
	static const unsigned rest[] = { 3, 2 }, all[] = { 1, 2, 3, 4, 5, 6 };
	struct fixture *f = *state;

	send_some(f);
	edit(f, rest, 2, true);
	assert_int_equal(gone_of(f, VERDICT_SENT), 2);
	edit(f, all, 6, false);
	assert_int_equal(gone_of(f, VERDICT_SENT), 2);
	check_row(f, 1, ROW_DEFERRED);
	check_row(f, 2, ROW_REFUSED);
	edit(f, all, 6, true);
	assert_int_equal(gone_of(f, VERDICT_SENT), 0);
	check_row(f, 1, ROW_SENT);
	check_row(f, 2, ROW_REFUSED);
	check_row(f, 3, ROW_DEFERRED);
}

/* One row of the list for two that are alike: the one that was sent to has it, wherever it stood. */
static bool find_any(void *ctx, struct rekey_who *who, uint64_t *row, uint64_t *line)
{
	struct list *l = ctx;

	(void)who;
	*row = *line = 1;
	return !l->taken++;
}

/* What stands for that row once an edit leaves only it, after this was recorded. */
static enum row_state of_the_one_left(struct fixture *f, void (*record)(struct journal_segment *), struct rekey_counts *counts)
{
	struct list list = { .n = 1 };
	struct rekey k = { begin, find_any, tell, was_told, &list, true };
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct ledger *old, *now;
	enum row_state state;

	record(s);
	assert_int_equal(journal_flush(s, &f->e), 0);
	journal_segment_close(&s);
	journal_close(&j);
	old = fixture_ledger(f);
	assert_int_equal(ledger_rekey(&now, old, &k, counts, &f->e), 0);
	state = ledger_row(now, 1);
	ledger_free(&now);
	ledger_free(&old);
	fixture_empty(f);
	return state;
}

static void one_skipped_one_sent(struct journal_segment *s)
{
	fixture_result(s, 1, 0, 1, 0, VERDICT_SKIPPED);
	fixture_result(s, 2, 1, 1, 0, VERDICT_SENT);
}

static void skipped_ones_come_last(void **state)
{
	struct rekey_counts counts;

	assert_int_equal(of_the_one_left(*state, one_skipped_one_sent, &counts), ROW_SENT);
	assert_true(counts.kept == 1 && counts.gone == 1 && counts.n_named == 1);
	assert_string_equal(counts.named[0], "user1.0@example.com");
}

static void a_duplicate(struct journal_segment *s)
{
	struct verdict v = { .kind = VERDICT_SKIPPED, .scope = SCOPE_MAIL, .stage = "duplicate", .text = "duplicate of line 2" };
	struct journal_result r = { .row = 2, .line = 3, .of = 1, .time_ms = 1, .recipient.address = SPAN("User1.0@example.com"),
				    .verdict = &v };

	assert_int_equal(journal_result(s, &r, NULL), 0);
}

static void a_duplicate_of_one_sent(struct journal_segment *s)
{
	a_duplicate(s);
	fixture_result(s, 1, 1, 1, 0, VERDICT_SENT);
}

/* Row 2 is a duplicate of row 1, and an edit leaves one of them: which was sent to, if any, must not be forgotten,
 * and if none was, the one that is left is still to do. */
static void duplicate_of_one_that_was_not_sent(void **state)
{
	struct rekey_counts counts;

	assert_int_equal(of_the_one_left(*state, a_duplicate, &counts), ROW_TO_DO);
	assert_true(counts.kept == 0 && counts.gone == 0);
	assert_int_equal(of_the_one_left(*state, a_duplicate_of_one_sent, &counts), ROW_SENT);
	assert_true(counts.kept == 1 && counts.gone == 1);
}

static void pardoned(void **state)
{
	static const unsigned none[] = { 90 }, all[] = { 1, 2, 3, 4, 5, 6 };
	struct fixture *f = *state;
	struct journal *j;

	send_some(f);
	edit(f, none, 1, true);
	struct journal_header h = edited(4999);

	j = NULL;
	assert_int_equal(journal_open_edited(&j, f->results, &h, false, &f->e), 0);
	assert_int_equal(journal_pardon(j, "550", true, &f->e), 0);
	journal_close(&j);
	assert_true(gone_of(f, VERDICT_REFUSED) == 0 && gone_of(f, VERDICT_DEFERRED) == 3);
	edit(f, all, 6, true);
	check_row(f, 2, ROW_DEFERRED);
}

static void lines_without_a_row(void **state)
{
	static const unsigned rest[] = { 2 };
	struct fixture *f = *state;

	send_some(f);
	edit(f, rest, 1, true);
	for (int format = 0; format < 2; format++) {
		struct ledger *l = fixture_ledger(f);
		struct buf b;

		assert_int_equal(results_write(f->results, format ? RESULTS_JSONL : RESULTS_CSV, l, &f->e), 0);
		b = fixture_content(f, NULL);
		assert_true(span_search(buf_span(&b), format ? SPAN("{\"row\":null,\"line\":null,\"recipient\":\"user1.0@example.com\",")
							     : SPAN("\r\n,,user1.0@example.com,sent,")) < b.n);
		assert_true(span_search(buf_span(&b), format ? SPAN("{\"row\":1,\"line\":10,\"recipient\":\"user2.0@example.com\",")
							     : SPAN("\r\n1,10,user2.0@example.com,refused,")) < b.n);
		buf_release(&b);
		ledger_free(&l);
	}
}

static void tried(void *ctx, struct span address, int64_t time_ms)
{
	(void)time_ms;
	*(unsigned *)ctx += span_eq(address, SPAN("user1.0@example.com"));
}

/* Limits of a domain hold for those who are gone, too. */
static void tries(void **state)
{
	static const unsigned none[] = { 90 };
	struct fixture *f = *state;
	unsigned n = 0;
	struct ledger_tries t = { .tried = tried, .ctx = &n };
	struct ledger *l;

	send_some(f);
	edit(f, none, 1, true);
	l = fixture_ledger(f);
	assert_int_equal(ledger_each_try(l, &t, &f->e), 0);
	assert_int_equal(n, 1);
	ledger_free(&l);
}

static void no_memory(void **state)
{
	static const unsigned none[] = { 90 };
	struct fixture *f = *state;
	struct list list = { .at = none, .n = 1 };
	struct rekey k = { begin, find, tell, was_told, &list, true };
	struct rekey_counts counts;
	int rc = -1;

	send_some(f);
	edit(f, none, 1, true);
	for (long n = 0; rc < 0 && n < 1000; n++) {
		struct ledger *l = NULL, *now = NULL;

		f->e.kind = ERR_NONE;
		mem_fail_after(n);
		rc = ledger_load(&l, f->results, &f->e);
		if (rc == 0)
			rc = ledger_rekey(&now, l, &k, &counts, &f->e);
		if (rc == 0)
			rc = results_write(f->results, RESULTS_CSV, l, &f->e);
		mem_fail_after(-1);
		assert_int_equal(f->e.kind, rc < 0 ? ERR_NOMEM : ERR_NONE);
		ledger_free(&now);
		ledger_free(&l);
	}
	assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(there_and_back),
		FIXTURE_TEST(cut_off),
		FIXTURE_TEST(skipped_ones_come_last),
		FIXTURE_TEST(duplicate_of_one_that_was_not_sent),
		FIXTURE_TEST(pardoned),
		FIXTURE_TEST(lines_without_a_row),
		FIXTURE_TEST(tries),
		FIXTURE_TEST(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
