/* Every line of the table of states in engine/results/README.md, written down as runs of events
 * and the state that stands afterwards. */
#include "tests/unit/results_fixture.h"

#include "engine/results/journal_parts.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/results_log.h"

/* Events, one letter each, of row 1 (r: of its recipient 0, of 2 with R):
 *   C claim row 1, synced        c claim without sync
 *   I intent                     S sent  F refused  K skipped  D deferred  U in doubt (a RESULT)
 *   + the next attempt           w the other worker's segment from here on
 *   2 events are for recipient 1 from here on (the row has two)   1 back to recipient 0
 *   ! killed, and resumed by another run   * power cut, and resumed
 *   G refusals of this run and before are pardoned   g those of the runs before
 *   X killed, for good   P power cut   E clean end */
static const struct events {
	const char *name, *what;
	enum row_state state;
	unsigned attempts;
	unsigned hold, resend; /* recipients settled, as bits */
} cases[] = {
	{ "never claimed", "X", ROW_TO_DO, 0, 0, 0 },
	{ "claimed, killed", "CX", ROW_TO_DO, 0, 0, 0 },
	{ "claimed, clean end", "CE", ROW_TO_DO, 0, 0, 0 },
	{ "claimed, power cut", "CP", ROW_IN_DOUBT, 0, ~0u, 0 },
	{ "clean end before the power cut", "CEP", ROW_TO_DO, 0, 0, 0 },
	{ "skipped", "CKX", ROW_SKIPPED, 1, 1, 1 },
	{ "sent", "CISX", ROW_SENT, 1, 1, 1 },
	{ "sent, power cut after the sync", "CISP", ROW_SENT, 1, 1, 1 },
	{ "refused", "CIFX", ROW_REFUSED, 1, 1, 1 },
	{ "refused before content", "CFX", ROW_REFUSED, 1, 1, 1 },
	{ "deferred", "CIDX", ROW_DEFERRED, 1, 0, 0 },
	{ "intent, killed", "CIX", ROW_IN_DOUBT, 1, 1, 0 },
	{ "intent, power cut", "CIP", ROW_IN_DOUBT, 1, 1, 0 },
	{ "intent, clean end", "CIE", ROW_IN_DOUBT, 1, 1, 0 },
	{ "the line broke after the end of data", "CIUX", ROW_IN_DOUBT, 1, 1, 0 },
	{ "deferred, tried again, killed", "CIDC+IX", ROW_IN_DOUBT, 2, 1, 0 },
	{ "deferred, tried again, sent", "CIDC+ISX", ROW_SENT, 2, 1, 1 },
	{ "deferred, claimed again, killed", "CIDCX", ROW_DEFERRED, 1, 0, 0 },
	{ "deferred, claimed again, power cut", "CIDCP", ROW_IN_DOUBT, 1, 1, 0 },
	{ "deferred, waiting, power cut", "CIDP", ROW_DEFERRED, 1, 0, 0 },
	{ "deferred twice, power cut", "CIDC+IDP", ROW_DEFERRED, 2, 0, 0 },
	{ "second attempt by another worker", "CIDCw+ISX", ROW_SENT, 2, 1, 1 },
	{ "second attempt by a worker read first", "wCIDCw+ISX", ROW_SENT, 2, 1, 1 },
	{ "second attempt of another worker cut off", "wCIDCw+IX", ROW_IN_DOUBT, 2, 1, 0 },
	{ "deferred, next run's intent", "CID!C+IX", ROW_IN_DOUBT, 2, 1, 0 },
	{ "deferred, next run's intent counted anew", "CID!CIX", ROW_IN_DOUBT, 1, 1, 0 },
	{ "deferred, next run sent", "CID!C+ISX", ROW_SENT, 2, 1, 1 },
	{ "in doubt, resent", "CI!C+ISX", ROW_SENT, 2, 1, 1 },
	{ "in doubt, resent, counted anew", "CI!CISX", ROW_SENT, 1, 1, 1 },
	{ "in doubt, resent, refused", "CI!C+IFX", ROW_REFUSED, 2, 1, 1 },
	{ "in doubt, resent, deferred", "CI!C+IDX", ROW_DEFERRED, 2, 0, 0 },
	{ "in doubt, resent, killed again", "CI!C+IX", ROW_IN_DOUBT, 2, 1, 0 },
	{ "in doubt, held", "CI!X", ROW_IN_DOUBT, 1, 1, 0 },
	{ "in doubt by power, resent", "C*CISX", ROW_SENT, 1, 1, 1 },
	{ "in doubt by power, resent and deferred", "C*CIDX", ROW_DEFERRED, 1, 0, 0 },
	{ "in doubt by power, held", "C*X", ROW_IN_DOUBT, 0, ~0u, 0 },
	{ "in doubt by power, claimed again and killed", "C*CX", ROW_IN_DOUBT, 0, ~0u, 0 },
	{ "killed first, power cut in the next run", "CIS!P", ROW_SENT, 1, 1, 1 },
	{ "to do, then claimed in a run with a power cut", "C!CP", ROW_IN_DOUBT, 0, ~0u, 0 },
	{ "sent, and in a range that is claimed again", "CIS!CP", ROW_SENT, 1, 1, 1 },
	{ "refused, pardoned", "CIFGX", ROW_DEFERRED, 1, 0, 0 },
	{ "refused after the pardon of its run", "GCIFX", ROW_DEFERRED, 1, 0, 0 },
	{ "refused in the run after the pardon", "G!CIFX", ROW_REFUSED, 1, 1, 1 },
	{ "refused, pardoned by the next run", "CIF!gX", ROW_DEFERRED, 1, 0, 0 },
	{ "refused again in the run that pardoned", "CIF!gC+IFX", ROW_REFUSED, 2, 1, 1 },
	{ "pardoned, tried again, sent", "CIFG!C+ISX", ROW_SENT, 2, 1, 1 },
	{ "pardoned, claimed again, power cut", "CIFG!CP", ROW_IN_DOUBT, 1, 1, 0 },
	{ "sent, and others pardoned", "CISGX", ROW_SENT, 1, 1, 1 },
	{ "two: sent, and refused and pardoned", "2CIF1ISGX", ROW_DEFERRED, 1, 1, 1 },
	{ "two: first sent, second sent", "2CIS1ISX", ROW_SENT, 1, 3, 3 },
	{ "two: first sent, second never begun", "21CISX", ROW_DEFERRED, 1, 1, 1 },
	{ "two: first refused, second in flight", "2CIF1IX", ROW_IN_DOUBT, 1, 3, 2 },
	{ "two: one deferred", "2CIS1IDX", ROW_DEFERRED, 1, 2, 2 },
	{ "two: refused and sent", "2CIF1ISX", ROW_REFUSED, 1, 3, 3 },
	{ "two: skipped and sent", "2CIK1ISX", ROW_SKIPPED, 1, 3, 3 },
	{ "two: first sent, second lost with the power", "21CISP", ROW_IN_DOUBT, 1, 3, 1 },
	{ "two: both in doubt, both resent", "2CI1I!2C+IS1ISX", ROW_SENT, 2, 3, 3 },
};

struct play {
	struct fixture *f;
	struct journal *journal;
	struct journal_segment *segments[2];
	unsigned worker, run, boots;
	uint32_t attempt, of, index;
};

static char boot_name[32];

static void start(struct play *p, bool power_cut)
{
	if (power_cut)
		snprintf(boot_name, sizeof boot_name, "boot-%u", ++p->boots);
	journal_io.boot = boot_name;
	p->journal = fixture_open(p->f, p->run++ > 0);
	for (unsigned i = 0; i < 2; i++)
		p->segments[i] = fixture_segment(p->f, p->journal, i);
}

/* A killed process: what was flushed stays, nothing is closed in order. */
static void kill_run(struct play *p)
{
	if (!p->journal)
		return;
	atomic_store(&p->journal->unsettled, true);
	for (unsigned i = 0; i < 2; i++)
		journal_segment_close(&p->segments[i]);
	journal_close(&p->journal);
}

static void end_run(struct play *p)
{
	for (unsigned i = 0; i < 2; i++)
		journal_segment_close(&p->segments[i]);
	journal_close(&p->journal);
}

static void cut_power(struct play *p)
{
	kill_run(p);
	snprintf(boot_name, sizeof boot_name, "boot-%u", ++p->boots);
}

static void result(struct play *p, enum verdict_kind kind)
{
	struct journal_segment *s = p->segments[p->worker];

	assert_int_equal(fixture_result(s, 1, p->attempt, p->of, p->index, kind), 0);
	assert_int_equal(journal_flush(s, NULL), 0);
}

static void play_event(struct play *p, char c)
{
	switch (c) {
	case 'C':
		assert_int_equal(fixture_claim(p->journal, 1, true), 0);
		break;
	case 'I':
		assert_int_equal(fixture_intent(p->segments[p->worker], 1, p->attempt, p->of, p->index), 0);
		assert_int_equal(journal_flush(p->segments[p->worker], NULL), 0);
		break;
	case 'S': result(p, VERDICT_SENT); break;
	case 'F': result(p, VERDICT_REFUSED); break;
	case 'K': result(p, VERDICT_SKIPPED); break;
	case 'D': result(p, VERDICT_DEFERRED); break;
	case 'U': result(p, VERDICT_IN_DOUBT); break;
	case '+': p->attempt++; break;
	case 'w': p->worker = !p->worker; break;
	case '2': p->of = 2; p->index = 1; break;
	case '1': p->index = 0; break;
	case 'G':
	case 'g': assert_int_equal(journal_pardon(p->journal, "550", c == 'g', NULL), 0); break;
	case 'X': kill_run(p); break;
	case 'P': cut_power(p); break;
	case 'E': end_run(p); break;
	case '!':
		kill_run(p);
		start(p, false);
		break;
	case '*':
		cut_power(p);
		start(p, false);
		break;
	default: fail_msg("unknown event %c", c);
	}
}

/* Of the row, or of one that it stands with; of one in doubt by its claim alone no line is known. */
static void check_line(const struct journal_result *r)
{
	const struct row_member *others = fixture_others(1);
	bool first = r->row == 1;

	assert_true(first || (fixture_groups && (r->row == others[0].number || r->row == others[1].number)));
	if (r->line == 0)
		return;
	assert_int_equal(r->line, first ? 2 : r->row == others[0].number ? others[0].line : others[1].line);
	assert_true(r->of_group == !first && r->message_id.n > 0);
}

/* Every recipient is counted once, and those that were not sent to are listed, by row. */
static void check_accounts(struct fixture *f, struct ledger *l, const struct events *c)
{
	struct ledger_counts n;
	struct ledger_cursor at = { 0 };
	struct journal_result r;
	struct verdict v;
	uint64_t listed = 0, in_doubt = 0;
	struct buf content;
	size_t lines = 0;

	ledger_counts(l, &n);
	while (ledger_next_failed(l, &at, &r, &v, &f->e) == 1) {
		check_line(&r);
		listed++;
		in_doubt += v.kind == VERDICT_IN_DOUBT;
	}
	if (listed != n.skipped + n.refused + n.deferred + n.in_doubt || in_doubt != n.in_doubt)
		fail_msg("%s: %d listed, %d in doubt of %d", c->name, (int)listed, (int)in_doubt, (int)n.in_doubt);
	assert_int_equal(results_write(f->results, RESULTS_CSV, l, &f->e), 0);
	content = fixture_content(f, NULL);
	for (size_t i = 0; i < content.n; i++)
		lines += content.p[i] == '\n';
	if (lines != 1 + listed + n.sent)
		fail_msg("%s: %d lines, %d recipients", c->name, (int)lines, (int)(listed + n.sent));
	buf_release(&content);
}

static void check(struct fixture *f, const struct events *c)
{
	struct play p = { .f = f, .attempt = 1, .of = 1 };
	uint64_t hold[2], resend[2];
	uint32_t attempts;
	struct ledger *l;

	fixture_empty(f);
	start(&p, true);
	for (const char *at = c->what; *at; at++)
		play_event(&p, *at);
	l = fixture_ledger(f);
	if (ledger_row(l, 1) != c->state)
		fail_msg("%s (%s): state %d, expected %d", c->name, c->what, ledger_row(l, 1), c->state);
	ledger_settled(l, 1, true, hold, &attempts);
	if ((unsigned)hold[0] != c->hold || attempts != c->attempts)
		fail_msg("%s (%s): with hold %x after %u attempts", c->name, c->what, (unsigned)hold[0], attempts);
	ledger_settled(l, 1, false, resend, &attempts);
	if ((unsigned)resend[0] != c->resend)
		fail_msg("%s (%s): with resend %x", c->name, c->what, (unsigned)resend[0]);
	assert_int_equal(ledger_row(l, 2), ROW_TO_DO);
	for (int i = 0; i < FIXTURE_OTHERS; i++) {
		uint64_t row = fixture_others(1)[i].number;

		assert_int_equal(ledger_row(l, row), fixture_groups ? c->state : ROW_TO_DO);
		ledger_settled(l, row, true, resend, &attempts);
		if (fixture_groups && ((unsigned)resend[0] != c->hold || attempts != c->attempts))
			fail_msg("%s (%s): row %d of the group is not like the first", c->name, c->what, (int)row);
	}
	check_accounts(f, l, c);
	ledger_free(&l);
}

static void states(void **state)
{
	fixture_groups = false;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(*state, &cases[i]);
}

/* Whatever happened to the first row of a group happened to the others. */
static void states_of_groups(void **state)
{
	fixture_groups = true;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(*state, &cases[i]);
	fixture_groups = false;
}

/* Who was sent to, or may have been, apart from those who were left out. */
static void recipients_that_were_begun(void **state)
{
	static const struct {
		const char *what;
		bool first, second, anybody, first_skipped, second_skipped;
	} of[] = {
		{ "CX", false, false, false, false, false },
		{ "CISX", true, true, true, false, false }, /* one for all, as in a rehearsal */
		{ "CKX", false, false, false, false, false },
		{ "CIX", true, true, true, false, false },
		{ "CP", true, true, true, false, false },
		{ "2CK1ISX", true, false, true, false, true },
		{ "2CIS1KX", false, true, true, true, false },
		{ "2CK1KX", false, false, false, true, true },
		{ "2CKX", false, false, false, false, true },
		{ "2CK1IDX", true, false, true, false, true },
	};

	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		struct play p = { .f = *state, .attempt = 1, .of = 1 };
		struct ledger *l;

		fixture_empty(*state);
		start(&p, true);
		for (const char *at = of[i].what; *at; at++)
			play_event(&p, *at);
		l = fixture_ledger(*state);
		if (ledger_recipient_begun(l, 1, 0) != of[i].first || ledger_recipient_begun(l, 1, 1) != of[i].second ||
		    ledger_recipient_begun(l, 1, UINT32_MAX) != of[i].anybody)
			fail_msg("%s: begun", of[i].what);
		if (ledger_recipient_skipped(l, 1, 0) != of[i].first_skipped ||
		    ledger_recipient_skipped(l, 1, 1) != of[i].second_skipped)
			fail_msg("%s: skipped", of[i].what);
		ledger_free(&l);
	}
}

static void clean_end_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct play p = { .f = f, .attempt = 1, .of = 1 };
	struct ledger *l;

	start(&p, true);
	for (const char *at = "CISE"; *at; at++)
		play_event(&p, *at);
	cut_power(&p);
	journal_io.boot = boot_name;
	l = fixture_ledger(f);
	assert_int_equal(ledger_row(l, 1), ROW_SENT);
	ledger_free(&l);
	start(&p, false);
	assert_false(journal_power_was_lost(p.journal));
	assert_int_equal(journal_run(p.journal), 2);
	cut_power(&p);
	start(&p, false);
	assert_true(journal_power_was_lost(p.journal));
	kill_run(&p);
}

/* Many rows of every kind in three segments: the table and the windows of failed ones. */
static void many(void **state)
{
	enum { ROWS = 20000 };
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s[3];
	struct ledger *l;
	struct ledger_cursor at = { 0 };
	struct journal_result r;
	struct verdict v;
	uint64_t last = 0, sent = 0, listed = 0;

	for (unsigned i = 0; i < 3; i++)
		s[i] = fixture_segment(f, j, i);
	for (uint64_t row = ROWS; row > 0; row--) {
		struct journal_segment *to = s[row % 3];

		fixture_intent(to, row, 1, 1, 0);
		if (row % 7 == 0)
			fixture_result(to, row, 1, 1, 0, VERDICT_DEFERRED);
		if (row % 7 == 0 && row % 2)
			continue;
		if (row % 7 == 0) {
			fixture_intent(s[(row + 1) % 3], row, 2, 1, 0);
			fixture_result(s[(row + 1) % 3], row, 2, 1, 0, VERDICT_REFUSED);
			continue;
		}
		if (row % 11)
			fixture_result(to, row, 1, 1, 0, row % 5 ? VERDICT_SENT : VERDICT_SKIPPED);
	}
	for (unsigned i = 0; i < 3; i++)
		journal_segment_close(&s[i]);
	journal_close(&j);
	l = fixture_ledger(f);
	for (uint64_t row = 1; row <= ROWS; row++) {
		enum row_state want = row % 7 == 0   ? row % 2 ? ROW_DEFERRED : ROW_REFUSED
				      : row % 11 == 0 ? ROW_IN_DOUBT
				      : row % 5 == 0  ? ROW_SKIPPED
						      : ROW_SENT;

		assert_int_equal(ledger_row(l, row), want);
		sent += want == ROW_SENT;
	}
	for (int pass = 0; pass < 2; pass++, last = listed = 0, at.at = 0) {
		while (ledger_next_failed(l, &at, &r, &v, &f->e) == 1) {
			assert_true(r.row > last);
			assert_int_equal(r.line, r.row + 1);
			assert_true(r.recipient.address.n > 4 && r.message_id.n > 4);
			last = r.row;
			listed++;
		}
		assert_int_equal(listed, ROWS - sent);
	}
	ledger_free(&l);
}

static void begin_times(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *a = fixture_segment(f, j, 0), *b = fixture_segment(f, j, 1);
	struct ledger *l;
	int64_t got[8];

	for (int64_t t = 1000; t < 1010; t += 2) { /* b has begins; its intents are not counted again */
		journal_begin(b, t);
		fixture_intent(b, 1, 1, 1, 0);
	}
	journal_begin(a, 1005);
	journal_segment_close(&a);
	journal_segment_close(&b);
	journal_close(&j);
	l = fixture_ledger(f);
	assert_int_equal(ledger_begins(l, 0, got, 8), 6);
	assert_int_equal(got[0], 1000);
	assert_int_equal(got[5], 1008);
	assert_int_equal(ledger_begins(l, 1005, got, 8), 3);
	assert_int_equal(got[0], 1005);
	assert_int_equal(ledger_begins(l, 0, got, 2), 2);
	assert_int_equal(got[0], 1006);
	assert_int_equal(got[1], 1008);
	ledger_free(&l);
}

static void newest_begins_are_kept(void **state)
{
	enum { KEPT = 1 << 16 };
	struct begin_times b = { .keep = KEPT }, none = { 0 };
	uint64_t x = 1;

	(void)state;
	for (int i = 0; i < 5 * KEPT / 2; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		assert_int_equal(begins_add(&b, (int64_t)(i < KEPT ? x >> 40 : (x >> 40) + (1 << 25))), 0);
	}
	begins_sort(&b);
	assert_int_equal(b.n, KEPT);
	for (size_t i = 0; i < b.n; i++)
		assert_true(b.times[i] >= 1 << 25 && (i == 0 || b.times[i - 1] <= b.times[i]));
	mem_free(b.times);
	assert_int_equal(begins_add(&none, 5), 0);
	begins_sort(&none);
	assert_int_equal(none.n, 0);
	assert_null(none.times);
}

static void table_removes(void **state)
{
	struct ledger_table t = { 0 };

	(void)state;
	for (uint64_t k = 1; k < 5000; k++) {
		assert_non_null(ledger_table_put(&t, k));
		if (k > 40)
			ledger_table_remove(&t, k - 40);
		for (uint64_t i = k > 39 ? k - 39 : 1; i <= k; i++)
			assert_non_null(ledger_table_find(&t, i));
		assert_int_equal(t.n, k > 40 ? 40 : k);
	}
	ledger_table_release(&t);
}

static void no_campaign(void **state)
{
	struct fixture *f = *state;
	struct ledger *l;

	assert_int_equal(ledger_load(&l, f->results, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_INPUT);
}

static void load_survives_no_memory(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct ledger *l = NULL;
	int rc;

	for (uint64_t row = 1; row < 200; row++) {
		fixture_intent(s, row, 1, 1, 0);
		fixture_result(s, row, 1, 1, 0, row % 3 ? VERDICT_SENT : VERDICT_DEFERRED);
	}
	journal_segment_close(&s);
	journal_close(&j);
	for (long n = 0; n < 200; n++) {
		mem_fail_after(n);
		rc = ledger_load(&l, f->results, &f->e);
		mem_fail_after(-1);
		if (rc == 0)
			break;
		assert_int_equal(f->e.kind, ERR_NOMEM);
		assert_null(l);
	}
	assert_int_equal(ledger_row(l, 3), ROW_DEFERRED);
	ledger_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(states), FIXTURE_TEST(states_of_groups), FIXTURE_TEST(recipients_that_were_begun),
		FIXTURE_TEST(clean_end_loses_nothing),
		FIXTURE_TEST(many),
		FIXTURE_TEST(begin_times),
		FIXTURE_TEST(newest_begins_are_kept),
		FIXTURE_TEST(table_removes),
		FIXTURE_TEST(no_campaign),
		FIXTURE_TEST(load_survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
