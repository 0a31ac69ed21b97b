/* The results file: lines in both formats, following segments, writing anew, failing writes. */
#include "tests/unit/results_fixture.h"

#include <errno.h>

#include "engine/results/results_line.h"
#include "engine/results/results_log.h"

static const struct line_case {
	const char *name, *address, *text, *csv, *jsonl;
} lines[] = {
	{ "plain", "a@example.com", "2.0.0 ok",
	  "5,6,a@example.com,sent,250,2.0.0,2.0.0 ok,Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n",
	  "{\"row\":5,\"line\":6,\"recipient\":\"a@example.com\",\"status\":\"sent\",\"code\":250,"
	  "\"enhanced\":\"2.0.0\",\"reply\":\"2.0.0 ok\",\"queue_id\":\"Q1\",\"relay\":\"mx\",\"attempts\":2,"
	  "\"time\":\"2026-11-23T05:40:08.123Z\",\"message_id\":\"<i@d>\"}\n" },
	{ "comma", "a@b", "one, two", "5,6,a@b,sent,250,2.0.0,\"one, two\",Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n",
	  NULL },
	{ "quote", "a@b", "say \"ok\"",
	  "5,6,a@b,sent,250,2.0.0,\"say \"\"ok\"\"\",Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "only a quote", "a@b", "\"", "5,6,a@b,sent,250,2.0.0,\"\"\"\",Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "line end", "a@b", "x\ny", "5,6,a@b,sent,250,2.0.0,\"x\ny\",Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "formula", "=cmd|x@b", "@SUM(1)",
	  "5,6,'=cmd|x@b,sent,250,2.0.0,'@SUM(1),Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n",
	  "{\"row\":5,\"line\":6,\"recipient\":\"=cmd|x@b\",\"status\":\"sent\",\"code\":250,"
	  "\"enhanced\":\"2.0.0\",\"reply\":\"@SUM(1)\",\"queue_id\":\"Q1\",\"relay\":\"mx\",\"attempts\":2,"
	  "\"time\":\"2026-11-23T05:40:08.123Z\",\"message_id\":\"<i@d>\"}\n" },
	{ "formula in quotes", "+1@b", "-1,\"2\"",
	  "5,6,'+1@b,sent,250,2.0.0,\"'-1,\"\"2\"\"\",Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "tab and full width", "\tx@b", "\xef\xbc\x9d" "1",
	  "5,6,'\tx@b,sent,250,2.0.0,'\xef\xbc\x9d" "1,Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "nearly full width", "\xef\xbc\x9e" "1", "\xef",
	  "5,6,\xef\xbc\x9e" "1,sent,250,2.0.0,\xef,Q1,mx,2,2026-11-23T05:40:08.123Z,<i@d>\r\n", NULL },
	{ "controls and no UTF-8", "a\\b\x01\"@c", "\xff\n", NULL,
	  "{\"row\":5,\"line\":6,\"recipient\":\"a\\\\b\\u0001\\\"@c\",\"status\":\"sent\",\"code\":250,"
	  "\"enhanced\":\"2.0.0\",\"reply\":\"\xef\xbf\xbd\\u000a\",\"queue_id\":\"Q1\",\"relay\":\"mx\",\"attempts\":2,"
	  "\"time\":\"2026-11-23T05:40:08.123Z\",\"message_id\":\"<i@d>\"}\n" },
};

static void check_line(const struct line_case *c, const struct results_writer *w, const char *expected)
{
	struct verdict v = { .kind = VERDICT_SENT, .code = 250, .enhanced = { 2, 0, 0 }, .queue_id = "Q1" };
	struct journal_result r = { .row = 5, .line = 6, .attempt = 2, .time_ms = 1795412408123, .of = 1,
				    .message_id = SPAN("<i@d>"), .relay = SPAN("mx"), .verdict = &v };
	struct buf out;

	if (!expected)
		return;
	snprintf(v.text, sizeof v.text, "%s", c->text);
	r.recipient.address = span_str(c->address);
	buf_init(&out, 4096);
	assert_int_equal(w->line(&out, &r), 0);
	if (strcmp(buf_str(&out), expected) != 0)
		fail_msg("%s:\n%s%s", c->name, buf_str(&out), expected);
	buf_release(&out);
}

static void both_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		check_line(&lines[i], &results_csv, lines[i].csv);
		check_line(&lines[i], &results_jsonl, lines[i].jsonl);
	}
}

/* What the cell of that message id must look like. */
static void expect_cell(struct span id, char *out, size_t size)
{
	bool quotes = memchr(id.p, '"', id.n) || memchr(id.p, ',', id.n) || memchr(id.p, '\n', id.n) ||
		      memchr(id.p, '\r', id.n) || id.p[0] == ' ' || id.p[id.n - 1] == ' ';
	size_t n = (size_t)snprintf(out, size, "9,,,sent,,,,,,,,%s%s", quotes ? "\"" : "",
				    memchr("=+-@\t\r\n", id.p[0], 7) ? "'" : "");

	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i];

		if (c == '"')
			out[n++] = '"';
		out[n++] = (char)((c < 32 && c != '\t' && c != '\n') || c == 127 ? '?' : c);
	}
	snprintf(out + n, size - n, "%s\r\n", quotes ? "\"" : "");
}

/* Cells are looked at many octets at a time. */
static void any_octet_anywhere_in_a_cell(void **state)
{
	struct verdict v = { .kind = VERDICT_SENT };
	struct journal_result r = { .row = 9, .verdict = &v };
	char *id = NULL, expected[200];
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t n = 1; n <= 50; n++)
		for (size_t at = 0; at < n; at++)
			for (int octet = 1; octet < 256; octet++) {
				id = realloc(id, n); /* exactly so many: a sanitizer sees what is read behind them */
				assert_non_null(id);
				memset(id, 'x', n);
				id[at] = (char)octet;
				r.message_id = span_of(id, n);
				expect_cell(r.message_id, expected, sizeof expected);
				buf_reset(&out);
				assert_int_equal(results_csv.line(&out, &r), 0);
				assert_string_equal(buf_str(&out), expected);
			}
	free(id);
	buf_release(&out);
}

static void numbers_of_any_length(void **state)
{
	struct verdict v = { .kind = VERDICT_SENT };
	struct journal_result r = { .verdict = &v };
	char expected[100];
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (uint64_t power = 1, step = 0; step < 20; power *= 10, step++)
		for (uint64_t k = 0; k < 12; k++) {
			r.row = power * (k % 10) + k / 10 - (k == 1);
			r.line = UINT64_MAX - r.row;
			r.attempt = (uint32_t)r.row;
			snprintf(expected, sizeof expected, "%.0llu,%llu,,sent,,,,,,%.0u,,\r\n", (unsigned long long)r.row,
				 (unsigned long long)r.line, r.attempt);
			buf_reset(&out);
			assert_int_equal(results_csv.line(&out, &r), 0);
			assert_string_equal(buf_str(&out), expected);
		}
	buf_release(&out);
}

static void unknown_things(void **state)
{
	struct verdict v = { .kind = VERDICT_IN_DOUBT };
	struct journal_result r = { .row = 9, .verdict = &v };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	results_csv.line(&out, &r);
	assert_string_equal(buf_str(&out), "9,,,in_doubt,,,,,,,,\r\n");
	buf_reset(&out);
	results_jsonl.line(&out, &r);
	assert_string_equal(buf_str(&out), "{\"row\":9,\"line\":null,\"recipient\":null,\"status\":\"in_doubt\","
			    "\"code\":null,\"enhanced\":null,\"reply\":null,\"queue_id\":null,\"relay\":null,"
			    "\"attempts\":null,\"time\":null,\"message_id\":null}\n");
	buf_release(&out);
}

static size_t count_lines(struct fixture *f)
{
	struct buf b = fixture_content(f, NULL);
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == '\n';
	buf_release(&b);
	return n;
}

static void followed_live(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *a = fixture_segment(f, j, 0), *b;
	struct results_log *log;
	struct results_totals t;
	struct stat st;
	struct ledger *l;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	assert_int_equal(stat(f->results, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(results_log_poll(log, &t, &f->e), 0);
	assert_int_equal(count_lines(f), 1);
	fixture_intent(a, 1, 1, 1, 0);
	fixture_result(a, 1, 1, 1, 0, VERDICT_SENT);
	results_log_poll(log, &t, &f->e);
	assert_int_equal(t.sent, 0); /* not flushed: not in the journal, not in the results */
	journal_flush(a, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_int_equal(t.sent, 1);
	assert_int_equal(count_lines(f), 2);
	assert_false(results_log_needs_rewrite(log));

	b = fixture_segment(f, j, 1); /* a worker that comes later */
	fixture_intent(b, 2, 1, 1, 0);
	journal_flush(b, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_true(results_log_needs_rewrite(log)); /* in flight: it would be in doubt */
	fixture_result(b, 2, 1, 1, 0, VERDICT_REFUSED);
	journal_flush(b, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_false(results_log_needs_rewrite(log));
	assert_int_equal(t.refused, 1);
	fixture_intent(a, 3, 1, 1, 0);
	fixture_result(a, 3, 1, 1, 0, VERDICT_DEFERRED);
	fixture_intent(b, 3, 2, 1, 0);
	fixture_result(b, 3, 2, 1, 0, VERDICT_SENT);
	journal_flush(b, &f->e);
	results_log_poll(log, &t, &f->e); /* the second attempt is read first */
	journal_flush(a, &f->e);
	results_log_poll(log, &t, &f->e);
	assert_int_equal(t.sent, 2);
	assert_int_equal(t.deferred, 0);
	assert_int_equal(t.records, 4);
	assert_int_equal(count_lines(f), 5);
	assert_true(results_log_needs_rewrite(log));
	results_log_close(&log);
	journal_segment_close(&a);
	journal_segment_close(&b);
	journal_close(&j);

	l = fixture_ledger(f);
	assert_int_equal(results_write(f->results, RESULTS_CSV, l, &f->e), 0);
	assert_int_equal(count_lines(f), 4); /* one a recipient */
	j = fixture_open(f, true);
	a = fixture_segment(f, j, 0);
	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, journal_run(j), l, &f->e), 0);
	fixture_intent(a, 4, 1, 1, 0);
	fixture_result(a, 4, 1, 1, 0, VERDICT_SKIPPED);
	journal_flush(a, &f->e);
	assert_int_equal(results_log_poll(log, &t, &f->e), 0);
	assert_int_equal(t.sent, 2);
	assert_int_equal(t.skipped, 1);
	assert_int_equal(t.records, 1);
	assert_int_equal(count_lines(f), 5);
	results_log_close(&log);
	ledger_free(&l);
	journal_segment_close(&a);
	journal_close(&j);
}

static void totals_over_a_resume(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;
	struct ledger_counts counts;
	struct ledger *l;

	for (uint64_t row = 1; row <= 9; row++) {
		fixture_intent(s, row, 1, 1, 0);
		if (row > 3)
			fixture_result(s, row, 1, 1, 0, row > 6 ? VERDICT_SENT : VERDICT_DEFERRED);
	}
	journal_segment_close(&s);
	journal_close(&j);
	l = fixture_ledger(f);
	j = fixture_open(f, true);
	s = fixture_segment(f, j, 0);
	assert_int_equal(results_log_open(&log, f->results, RESULTS_JSONL, 2, l, &f->e), 0);
	for (uint64_t row = 2; row <= 5; row++) {
		fixture_intent(s, row, 2, 1, 0);
		fixture_result(s, row, 2, 1, 0, VERDICT_SENT);
	}
	journal_flush(s, &f->e);
	assert_int_equal(results_log_poll(log, &t, &f->e), 0);
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
	ledger_free(&l);
	l = fixture_ledger(f);
	ledger_counts(l, &counts);
	assert_int_equal(t.sent, counts.sent);
	assert_int_equal(t.deferred, counts.deferred);
	assert_int_equal(t.in_doubt, counts.in_doubt);
	assert_int_equal(counts.sent, 7);
	assert_int_equal(counts.deferred, 1);
	assert_int_equal(counts.in_doubt, 1);
	ledger_free(&l);
}

static long writes_until_full;

static ssize_t filling_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (writes_until_full-- > 0)
		return pwrite(fd, p, n / 3 + 1, at); /* never all at once */
	errno = ENOSPC;
	return -1;
}

static void full_disk(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	for (uint64_t row = 1; row <= 5000; row++)
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
	journal_flush(s, &f->e);
	for (int i = 0; i < 8; i++) {
		journal_io.pwrite = filling_pwrite;
		writes_until_full = i;
		assert_int_equal(results_log_poll(log, &t, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_SYS);
	}
	journal_io.pwrite = pwrite;
	assert_int_equal(results_log_poll(log, &t, &f->e), 0);
	assert_int_equal(t.sent, 5000);
	assert_int_equal(count_lines(f), 5001);
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
}

static void poll_without_memory(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	struct results_log *log;
	struct results_totals t;
	long n = 0;
	int rc;

	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), 0);
	for (uint64_t row = 1; row <= 300; row++) {
		fixture_intent(s, row, 1, 1, 0);
		fixture_result(s, row, 1, 1, 0, row % 2 ? VERDICT_SENT : VERDICT_DEFERRED);
	}
	journal_flush(s, &f->e);
	do {
		mem_fail_after(n++);
		rc = results_log_poll(log, &t, &f->e);
	} while (rc < 0);
	mem_fail_after(-1);
	assert_int_equal(t.sent, 150);
	assert_int_equal(t.deferred, 150);
	assert_int_equal(count_lines(f), 301);
	assert_int_equal(results_log_poll(log, &t, &f->e), 0);
	results_log_close(&log);
	journal_segment_close(&s);
	journal_close(&j);
}

static void file_of_somebody_else(void **state)
{
	struct fixture *f = *state;
	struct results_log *log;
	FILE *file = fopen(f->results, "we");

	fclose(file);
	assert_int_equal(results_log_open(&log, f->results, RESULTS_CSV, 1, NULL, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	assert_null(log);
}

static void side_paths(void **state)
{
	static const struct {
		const char *path, *word, *expected;
	} cases[] = {
		{ "results.csv", "failed", "results.failed.csv" },
		{ "out/r.csv", "in-doubt", "out/r.in-doubt.csv" },
		{ "a.b/results", "failed", "a.b/results.failed.csv" },
		{ ".hidden", "failed", ".hidden.failed.csv" },
		{ "x.y.jsonl", "failed", "x.y.failed.csv" },
		{ "2026.11", "failed", "2026.11.failed.csv" },
		{ "r.txt", "in-doubt", "r.txt.in-doubt.csv" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(results_side_path(cases[i].path, cases[i].word, "csv", out, sizeof out), 0);
		assert_string_equal(out, cases[i].expected);
	}
	assert_int_equal(results_side_path("r.csv", "failed", "jsonl", out, sizeof out), 0);
	assert_string_equal(out, "r.failed.jsonl");
	assert_int_equal(results_side_path("results.csv", "failed", "csv", out, 10), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_formats),
		cmocka_unit_test(any_octet_anywhere_in_a_cell),
		cmocka_unit_test(numbers_of_any_length),
		cmocka_unit_test(unknown_things),
		FIXTURE_TEST(followed_live),
		FIXTURE_TEST(totals_over_a_resume),
		FIXTURE_TEST(full_disk),
		FIXTURE_TEST(poll_without_memory),
		FIXTURE_TEST(file_of_somebody_else),
		cmocka_unit_test(side_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
