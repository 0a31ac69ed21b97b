/* Records as bytes and back: of every size, and from bytes that nobody wrote. And a segment that
 * one thread writes while another one syncs it. */
#include "tests/unit/results_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/rng.h"
#include "engine/results/journal_fields.h"
#include "engine/results/journal_parts.h"
#include "engine/results/ledger_parts.h"

static char many_bytes[5000];

static void results(void **state)
{
	static const struct {
		size_t address, id, relay;
	} sizes[] = { { 0, 0, 0 }, { 1, 1, 1 }, { 254, 200, 100 }, { 400, 998, 255 }, { 401, 999, 256 }, { 5000, 5000, 5000 } };
	struct buf b;

	(void)state;
	memset(many_bytes, 'x', sizeof many_bytes);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct verdict v = { .kind = VERDICT_REFUSED, .scope = SCOPE_RELAY, .code = 599, .enhanced = { 5, 999, 999 },
				     .stage = "end of data" }, got_verdict;
		struct journal_result r = { .row = UINT64_MAX - 5, .line = 3, .attempt = UINT32_MAX, .time_ms = INT64_MIN,
					    .of = 128, .recipient = { 127, { many_bytes, sizes[i].address } },
					    .message_id = { many_bytes, sizes[i].id }, .relay = { many_bytes, sizes[i].relay },
					    .verdict = &v }, got;
		char stage[RECORD_STAGE_SIZE];
		struct record_mark mark;
		struct record record;
		int64_t time_ms;

		memset(v.text, 'y', sizeof v.text - 1);
		memset(v.queue_id, 'z', sizeof v.queue_id - 1);
		buf_reset(&b);
		assert_int_equal(record_put_result(&b, 77, &r, UINT64_MAX), 0);
		for (size_t n = 0; n < b.n; n++)
			assert_int_equal(record_take((struct span){ b.p, n }, &record), 0);
		assert_int_equal(record_take(buf_span(&b), &record), 1);
		assert_int_equal(record.sequence, 77);
		assert_int_equal(record_size(&record), b.n);
		assert_int_equal(record_get_mark(&record, &mark), 0);
		assert_true(mark.row == r.row && mark.claims == UINT64_MAX);
		assert_true(record_get_time(&mark, &time_ms) == 0 && time_ms == INT64_MIN);
		assert_int_equal(record_get_result(&record, &got, &got_verdict, stage), 0);
		assert_true(got.row == r.row && got.line == 3 && got.attempt == UINT32_MAX && got.time_ms == INT64_MIN);
		assert_int_equal(got.recipient.index, 127);
		assert_int_equal(got.recipient.address.n, sizes[i].address < 400 ? sizes[i].address : 400);
		assert_int_equal(got.message_id.n, sizes[i].id < 998 ? sizes[i].id : 998);
		assert_int_equal(got.relay.n, sizes[i].relay < 255 ? sizes[i].relay : 255);
		assert_string_equal(got_verdict.text, v.text);
		assert_string_equal(got_verdict.queue_id, v.queue_id);
		assert_string_equal(got_verdict.stage, "end of data");
		assert_true(got_verdict.kind == v.kind && got_verdict.scope == v.scope && got_verdict.code == 599);
		assert_int_equal(got_verdict.enhanced[2], 999);
	}
	buf_release(&b);
}

static void intent_of_many(void **state)
{
	struct journal_recipient to[JOURNAL_RECIPIENTS_MAX], got_to[JOURNAL_RECIPIENTS_MAX];
	struct journal_intent i = { .row = 1, .line = UINT64_MAX, .attempt = 1, .of = 128, .n_recipients = 128,
				    .time_ms = INT64_MAX, .recipients = to, .message_id = SPAN("<x>") }, got;
	struct record record;
	struct buf b;

	(void)state;
	memset(many_bytes, 'x', sizeof many_bytes);
	for (uint32_t k = 0; k < 128; k++)
		to[k] = (struct journal_recipient){ 127 - k, { many_bytes, 5000 } };
	buf_init(&b, 1 << 20);
	assert_int_equal(record_put_intent(&b, 0, &i), 0);
	assert_int_equal(record_take(buf_span(&b), &record), 1);
	assert_int_equal(record_get_intent(&record, &got, got_to), 0);
	assert_true(got.n_recipients == 128 && got.line == UINT64_MAX && got.time_ms == INT64_MAX);
	for (uint32_t k = 0; k < 128; k++)
		assert_true(got_to[k].index == 127 - k && got_to[k].address.n == 400);
	buf_release(&b);
}

/* The largest group with the most recipients fits into a record, and every row of it comes back. */
static void groups(void **state)
{
	static struct row_member others[ROW_GROUP_MAX];
	static const uint32_t counts[] = { 1, 2, ROW_GROUP_MAX };
	struct journal_recipient to[JOURNAL_RECIPIENTS_MAX], got_to[JOURNAL_RECIPIENTS_MAX];
	struct verdict v = { .kind = VERDICT_SENT };
	struct journal_intent i = { .row = 7, .line = 9, .attempt = 1, .of = 128, .n_recipients = 128, .recipients = to,
				    .message_id = { many_bytes, 998 }, .others = others }, got;
	struct journal_result r = { .row = 7, .line = 9, .of = 1, .verdict = &v, .others = others }, got_result;
	char stage[RECORD_STAGE_SIZE];
	struct buf b;

	(void)state;
	memset(many_bytes, 'x', sizeof many_bytes);
	for (uint32_t k = 0; k < 128; k++)
		to[k] = (struct journal_recipient){ k, { many_bytes, 400 } };
	for (uint32_t k = 0; k < ROW_GROUP_MAX; k++)
		others[k] = (struct row_member){ 8 + (uint64_t)k * k * 60000, k % 3 ? 9 : UINT64_C(1) << 40 };
	buf_init(&b, 1 << 20);
	for (size_t c = 0; c < 6; c++) {
		struct record record;
		struct record_rows rows = { .now.number = 0 };
		uint32_t n = 0;

		i.n_others = r.n_others = counts[c / 2];
		buf_reset(&b);
		assert_int_equal(c % 2 ? record_put_intent(&b, 0, &i) : record_put_result(&b, 0, &r, 5), 0);
		assert_int_equal(record_take(buf_span(&b), &record), 1);
		assert_int_equal(record.type, c % 2 ? RECORD_INTENT : RECORD_RESULT);
		assert_int_equal(record_size(&record), b.n);
		if (c % 2)
			assert_int_equal(record_get_intent(&record, &got, got_to), 0);
		else
			assert_int_equal(record_get_result(&record, &got_result, &v, stage), 0);
		for (rows.rest = record.others; record_next_row(&rows, 7); n++) {
			assert_int_equal(rows.now.number, n ? others[n - 1].number : 7);
			assert_int_equal(record_line_of(&record, 7, 9, rows.now.number), n ? others[n - 1].line : 9);
		}
		assert_int_equal(n, 1 + i.n_others);
	}
	buf_release(&b);
}

static void ranges(void **state)
{
	static struct journal_range in[JOURNAL_RANGES_MAX];
	struct record_claim claim;
	struct journal_range range;
	struct record record;
	struct buf b;

	(void)state;
	for (uint32_t k = 0; k < JOURNAL_RANGES_MAX; k++) /* up and down */
		in[k] = (struct journal_range){ 1 + (k * UINT64_C(7919)) % 2003, 1 + (k * UINT64_C(7919)) % 2003 + k % 3 };
	in[10].last = LEDGER_ROWS_MAX;
	buf_init(&b, 1 << 20);
	for (uint32_t n = 1; n <= JOURNAL_RANGES_MAX; n = n == 1 ? 2 : n == 2 ? JOURNAL_RANGES_MAX : n + 1) {
		uint32_t k = 1;

		buf_reset(&b);
		assert_int_equal(record_put_claim(&b, 0, in, n, 77), 0);
		assert_int_equal(record_take(buf_span(&b), &record), 1);
		assert_int_equal(record_get_claim(&record, &claim), 0);
		assert_true(claim.first == in[0].first && claim.last == in[0].last && claim.synced == 77);
		assert_int_equal(claim.highest, n > 10 ? LEDGER_ROWS_MAX : n > 1 && in[1].last > in[0].last ? in[1].last : in[0].last);
		range = (struct journal_range){ claim.first, claim.last };
		for (; record_next_range(&claim.more, &range) == 1; k++)
			assert_true(range.first == in[k].first && range.last == in[k].last);
		assert_int_equal(k, n);
	}
	record.body.n--; /* cut in the middle of one */
	assert_int_equal(record_get_claim(&record, &claim), -1);
	buf_release(&b);
}

/* Bodies of random bytes, right behind which no byte may be read. */
static void random_bodies(void **state)
{
	static const enum record_type types[] = { RECORD_CAMPAIGN, RECORD_RUN, RECORD_CLAIM, RECORD_LIST, RECORD_END,
						  RECORD_SEGMENT, RECORD_BEGIN, RECORD_INTENT, RECORD_RESULT,
						  RECORD_SYNCED, RECORD_GROUP, RECORD_GONE, RECORD_SEGMENTS, (enum record_type)99 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3, 4);
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)rng_below(&rng, 60);
		char *p = mem_new(n);
		struct record r = { .type = types[rng_below(&rng, sizeof types / sizeof *types)], .body = { p, n } };
		struct journal_recipient to[JOURNAL_RECIPIENTS_MAX];
		struct journal_header header;
		struct journal_intent intent;
		struct journal_result result;
		struct journal_gone gone;
		struct record_segment segment;
		struct record_claim claim;
		struct record_mark mark;
		struct record_run run;
		struct verdict v;
		char stage[RECORD_STAGE_SIZE];
		unsigned char list[32];
		struct span more;
		uint64_t bytes;
		unsigned ended;

		for (size_t k = 0; k < n; k++)
			p[k] = (char)(rng_below(&rng, 4) ? rng_below(&rng, 8) : rng_next(&rng));
		record_get_campaign(&r, &header);
		record_get_run(&r, &run);
		record_get_claim(&r, &claim);
		record_get_list(&r, list);
		if (record_get_lengths(&r, &ended, &more) == 0)
			while (record_next_length(&more, &ended, &bytes) == 1)
				;
		record_get_segment(&r, &segment);
		if (record_get_mark(&r, &mark) == 0 && r.type != RECORD_BEGIN)
			assert_true(mark.row > 0 && mark.indexes.n <= JOURNAL_RECIPIENTS_MAX);
		if (record_get_intent(&r, &intent, to) == 0)
			assert_true(intent.n_recipients <= JOURNAL_RECIPIENTS_MAX);
		if (record_get_result(&r, &result, &v, stage) == 0)
			assert_true(v.kind <= VERDICT_SKIPPED && v.scope <= SCOPE_RELAY);
		if (record_get_gone(&r, &gone, &result, &v, stage) == 0)
			assert_true(v.kind <= VERDICT_SKIPPED && result.row > 0);
		record_synced(&r);
		if (r.type == RECORD_GROUP && record_open_group(&r) == 0) {
			struct record_rows rows = { .rest = r.others };
			uint32_t seen = 0;

			while (record_next_row(&rows, 1))
				seen++;
			assert_true(seen > 1 && seen <= ROW_GROUP_MAX + 1);
		}
		record_take(r.body, &r);
		mem_free(p);
	}
}

static atomic_bool stop_syncing;

static void *sync_on(void *arg)
{
	struct err e;

	while (!atomic_load(&stop_syncing))
		if (journal_sync(arg, &e) < 0)
			return arg;
	return NULL;
}

static void synced_by_another_thread(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct ledger *l;
	pthread_t thread;
	void *failed;

	atomic_store(&stop_syncing, false);
	assert_int_equal(pthread_create(&thread, NULL, sync_on, s), 0);
	for (uint64_t row = 1; row <= 20000; row++) {
		if (row % 50 == 1)
			assert_int_equal(journal_claim(j, row, row + 49, false, &f->e), 0);
		fixture_intent(s, row, 1, 1, 0);
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
		if (row % 3 == 0)
			assert_int_equal(journal_flush(s, &f->e), 0);
	}
	atomic_store(&stop_syncing, true);
	pthread_join(thread, &failed);
	assert_null(failed);
	journal_segment_close(&s);
	journal_close(&j);
	l = fixture_ledger(f);
	for (uint64_t row = 1; row <= 20000; row++)
		assert_int_equal(ledger_row(l, row), ROW_SENT);
	ledger_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(intent_of_many),
		cmocka_unit_test(groups),
		cmocka_unit_test(ranges),
		cmocka_unit_test(random_bodies),
		FIXTURE_TEST(synced_by_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
