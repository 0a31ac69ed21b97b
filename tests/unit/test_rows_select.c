/* Which rows take part. */
#include "tests/unit/rows_fixture.h"

#include "engine/rows/select.h"

static const struct select_case {
	const char *ranges;
	uint64_t limit;
	const char *taken, *text; /* of rows 1..12; "-" where asking ended */
} cases[] = {
	{ NULL, 0, "1 2 3 4 5 6 7 8 9 10 11 12 ", "" },
	{ NULL, 3, "1 2 3 -", "limit=3\n" },
	{ "1-", 0, "1 2 3 4 5 6 7 8 9 10 11 12 ", "" },
	{ "1-", 2, "1 2 -", "limit=2\n" },
	{ "3", 0, "3 -", "rows=3\n" },
	{ "3-5,9", 0, "3 4 5 9 -", "rows=3-5,9\n" },
	{ " 9 , 3 - 5 ", 0, "3 4 5 9 -", "rows=3-5,9\n" },
	{ "10-", 0, "10 11 12 ", "rows=10-\n" },
	{ "2-4,3-6,7", 0, "2 3 4 5 6 7 -", "rows=2-7\n" },
	{ "5,5,5", 0, "5 -", "rows=5\n" },
	{ "2-9,4-5", 0, "2 3 4 5 6 7 8 9 -", "rows=2-9\n" },
	{ "8-,2", 0, "2 8 9 10 11 12 ", "rows=2,8-\n" },
	{ "8-,9-,10", 0, "8 9 10 11 12 ", "rows=8-\n" },
	{ "2,4,6,8", 3, "2 4 6 -", "rows=2,4,6,8\nlimit=3\n" },
	{ "18446744073709551615", 0, "", "rows=18446744073709551615-\n" },
};

static enum select_answer ask(struct selection *s, uint64_t number)
{
	struct row row = { .number = number };

	return selection_wants(s, &row, NULL, NULL);
}

static int make(struct selection **s, const char *rows, uint64_t limit, struct err *e)
{
	struct selection_options o = { .rows = rows, .limit = limit, .address_column = -1 };

	return selection_new(s, &o, e);
}

static void take(struct selection *s, struct buf *out)
{
	buf_reset(out);
	for (uint64_t row = 1; row <= 12; row++) {
		enum select_answer wants = ask(s, row);

		if (wants == SELECT_YES)
			buf_addf(out, "%d ", (int)row);
		if (wants == SELECT_END) {
			buf_add_char(out, '-');
			assert_int_equal(ask(s, row + 1), SELECT_END);
			return;
		}
	}
}

static void rows_that_take_part(void **state)
{
	struct selection *s;
	struct buf got;
	struct err e;

	(void)state;
	buf_init(&got, 1000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (make(&s, cases[i].ranges, cases[i].limit, &e) < 0)
			fail_msg("%s: %s", cases[i].ranges, e.text);
		assert_string_equal(selection_text(s), cases[i].text);
		for (int pass = 0; pass < 2; pass++) {
			take(s, &got);
			assert_string_equal(buf_str(&got), cases[i].taken);
			selection_rewind(s);
		}
		selection_free(&s);
		assert_null(s);
	}
	buf_release(&got);
}

static void refused(void **state)
{
	static const char *const bad[] = { "", ",", "1,", "0", "0-3", "5-3", "a", "1-b", "-", "-3", "1--2", "1 2",
					   "99999999999999999999", "3-9,x", "1,,2" };
	struct selection *s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (make(&s, bad[i], 0, &e) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_non_null(strstr(e.hint, "3-9,14,20-"));
		assert_null(s);
	}
}

/* The text must fit a field of the journal whatever the ranges are, and still tell them apart. */
static void long_choices(void **state)
{
	struct selection *a, *b;
	struct buf text;
	struct err e;

	(void)state;
	buf_init(&text, 100000);
	for (int i = 1; i < 4000; i += 2)
		buf_addf(&text, "%d,", i);
	buf_add_str(&text, "9000");
	assert_int_equal(make(&a, buf_str(&text), 7, &e), 0);
	text.p[text.n - 1] = '1';
	assert_int_equal(make(&b, buf_str(&text), 7, &e), 0);
	assert_true(strlen(selection_text(a)) < 1000);
	assert_string_not_equal(selection_text(a), selection_text(b));
	assert_non_null(strstr(selection_text(a), "limit=7\n"));
	selection_free(&a);
	selection_free(&b);
	buf_release(&text);
}

/* ---- addresses, shares, samples: a list of 1,000 addresses in a file ---- */

static void fill(unsigned n)
{
	struct buf list;

	buf_init(&list, 1 << 20);
	buf_add_str(&list, "email,n\n");
	for (unsigned i = 1; i <= n; i++)
		buf_addf(&list, "User%u@x.example,%u\n", i, i);
	list_put(buf_span(&list));
	buf_release(&list);
}

/* Numbers of the rows that take part, ascending; how many. */
static unsigned chosen(struct selection_options o, uint64_t *out)
{
	struct row_block *b;
	struct selection *s;
	struct rows *r;
	struct err e = { 0 };
	unsigned n = 0;

	assert_int_equal(list_open(&r, &e), 0);
	assert_int_equal(row_block_new(&b, 100), 0);
	if (selection_new(&s, &o, &e) < 0 || selection_prepare(s, r, &e) < 0)
		fail_msg("%s", e.text);
	while (rows_read(r, b, 100, &e) == 1) {
		for (uint32_t i = 0; i < b->n; i++)
			if (selection_wants(s, &b->rows[i], &b->memory, &e) == SELECT_YES) {
				if (o.where)
					assert_int_equal(b->rows[i].problem.n > 0, b->rows[i].number % 7 == 0);
				out[n++] = b->rows[i].number;
			}
		row_block_reset(b);
	}
	selection_free(&s);
	row_block_free(&b);
	rows_close(&r);
	return n;
}

static void samples(void **state)
{
	uint64_t ten[1000], again[1000], twenty[1000];
	unsigned found = 0, low = 0;

	(void)state;
	fill(1000);
	assert_int_equal(chosen((struct selection_options){ .sample = 10, .address_column = 0 }, ten), 10);
	assert_int_equal(chosen((struct selection_options){ .sample = 10, .address_column = 0 }, again), 10);
	assert_memory_equal(ten, again, 10 * sizeof *ten);
	assert_int_equal(chosen((struct selection_options){ .sample = 20, .address_column = 0 }, twenty), 20);
	for (unsigned i = 0; i < 10; i++)
		for (unsigned k = 0; k < 20; k++)
			found += ten[i] == twenty[k];
	assert_int_equal(found, 10); /* the larger one has the smaller one in it */
	assert_int_equal(chosen((struct selection_options){ .sample = 2000, .address_column = 0 }, ten), 1000);
	assert_int_equal(chosen((struct selection_options){ .sample = 200, .rows = "501-", .address_column = 0 }, ten), 200);
	for (unsigned i = 0; i < 200; i++)
		low += ten[i] <= 750;
	assert_true(ten[0] > 500 && low > 60 && low < 140); /* from everywhere */
	assert_int_equal(chosen((struct selection_options){ .sample = 50, .skip = 990, .limit = 5, .address_column = 0 }, ten), 5);
	assert_true(ten[0] > 990);
}

static void shares(void **state)
{
	uint64_t rows[1000];
	unsigned seen[1001] = { 0 };

	(void)state;
	fill(1000);
	for (int i = 1; i <= 3; i++) {
		char text[8];
		unsigned n;

		snprintf(text, sizeof text, "%d/3", i);
		n = chosen((struct selection_options){ .shard = text, .address_column = 0 }, rows);
		assert_true(n > 250 && n < 420);
		for (unsigned k = 0; k < n; k++)
			seen[rows[k]]++;
	}
	for (unsigned i = 1; i <= 1000; i++)
		assert_int_equal(seen[i], 1);
	/* Rows of one address meet, however it is written. */
	list_put(SPAN("email\nann@x.example\n ANN@x.example\nAnn Lee <ann@X.EXAMPLE>\nmailto:ann@x.example\n"));
	for (int i = 1; i <= 5; i++) {
		char text[8];
		unsigned n;

		snprintf(text, sizeof text, "%d/5", i);
		n = chosen((struct selection_options){ .shard = text, .address_column = 0 }, rows);
		assert_true(n == 0 || n == 4);
	}
}

static void addresses(void **state)
{
	uint64_t rows[1000];

	(void)state;
	fill(20);
	assert_int_equal(chosen((struct selection_options){ .only = "user7@X.example", .address_column = 0 }, rows), 1);
	assert_int_equal(rows[0], 7);
	assert_int_equal(chosen((struct selection_options){ .only = "@x.example", .address_column = 0 }, rows), 20);
	assert_int_equal(chosen((struct selection_options){ .only = "@y.example", .address_column = 0 }, rows), 0);
}

/* The condition: even numbers; nobody can tell of the sevens, nor of one anything. */
static int even(void *ctx, const struct row *row, struct err *e)
{
	uint64_t broken = *(const uint64_t *)ctx;

	if (row->number == broken)
		return err_nomem(e, "the condition");
	return row->number % 7 == 0 ? err_set(e, ERR_INPUT, "row %d", (int)row->number) : row->number % 2 == 0;
}

static void nobody_can_tell(void **state)
{
	uint64_t rows[1000], never = 0, broken = 14;
	struct selection_options o = { .where = even, .where_ctx = &never, .address_column = 0 };
	struct row row = { .number = 14 };
	struct arena memory;
	struct selection *s;
	struct err e = { 0 };

	(void)state;
	fill(30);
	assert_int_equal(chosen(o, rows), 17); /* 7 and 21 take part too */
	assert_int_equal(rows[3], 7);
	o.limit = 4;
	assert_int_equal(chosen(o, rows), 4);
	assert_int_equal(rows[3], 7);
	o.sample = 17;
	o.limit = 0;
	assert_int_equal(chosen(o, rows), 17);

	arena_init(&memory, 1000, 10000);
	o.sample = 0;
	assert_int_equal(selection_new(&s, &o, &e), 0);
	assert_int_equal(selection_wants(s, &row, &memory, &e), SELECT_YES);
	assert_true(span_eq(row.problem, SPAN("row 14")));
	row.problem = SPAN("another");
	assert_int_equal(selection_wants(s, &row, &memory, &e), SELECT_YES);
	assert_true(span_eq(row.problem, SPAN("another"))); /* the first one stays */
	selection_free(&s);
	o.where_ctx = &broken;
	assert_int_equal(selection_new(&s, &o, &e), 0);
	assert_int_equal(selection_wants(s, &row, &memory, &e), SELECT_BROKEN);
	assert_int_equal(e.kind, ERR_NOMEM);
	selection_free(&s);
	arena_release(&memory);
}

static const struct wrong_choice {
	struct selection_options o;
	const char *says;
} wrong[] = {
	{ { .shard = "3/2", .address_column = 0 }, "'3/2' is no share" },
	{ { .shard = "0/2", .address_column = 0 }, "is no share" },
	{ { .shard = "1", .address_column = 0 }, "is no share" },
	{ { .shard = "1/2", .address_column = -1 }, "--shard wants to know which column" },
	{ { .only = "a@b", .address_column = -1 }, "--only wants to know which column" },
	{ { .only = "/no/such/file", .address_column = 0 }, "/no/such/file" },
	{ { .only = "a b@c@d", .address_column = 0 }, "is no address" },
};

static void wrong_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct selection *s;
		struct err e = { 0 };

		assert_int_equal(selection_new(&s, &wrong[i].o, &e), -1);
		assert_null(s);
		if (!strstr(e.text, wrong[i].says))
			fail_msg("%s", e.text);
	}
}

/* A resume may choose more, not others. */
static void wider(void **state)
{
	static const struct {
		const char *was, *now;
		bool ok;
	} pairs[] = {
		{ "", "", true }, { "rows=3-9\n", "", true }, { "rows=3-9,20-30\n", "rows=1-40\n", true },
		{ "rows=3-9,20-30\n", "rows=3-9,21-30\n", false }, { "", "rows=3\n", false },
		{ "rows=5-\n", "rows=4-\n", true }, { "rows=5-\n", "rows=4-100\n", false },
		{ "limit=5\n", "limit=6\n", true }, { "limit=5\n", "", true }, { "limit=5\n", "limit=4\n", false },
		{ "", "limit=4\n", false }, { "skip=3\n", "", true }, { "skip=3\n", "skip=4\n", false },
		{ "sample=3\n", "sample=30\n", true }, { "", "sample=30\n", false },
		{ "where=a\n", "where=a\n", true }, { "where=a\n", "where=b\n", false }, { "", "where=b\n", false },
		{ "rows=1-3\nwhere=a\nlimit=2\n", "rows=1-4\nwhere=a\nlimit=3\n", true },
		/* groups have the rows that they had */
		{ "group-by=c\n", "group-by=c\n", true }, { "group-by=c\n", "", false }, { "", "group-by=c\n", false },
		{ "group-by=c\n", "group-by=d\n", false }, { "group-by=c\n", "group-addresses=c\n", false },
		{ "group-addresses=c\nlimit=2\n", "group-addresses=c\n", true },
		{ "group-by=c\nlimit=2\nskip=3\nshard=1/2\n", "group-by=c\nlimit=3\n", true },
		{ "group-by=c\nrows=1-3\n", "group-by=c\nrows=1-3\n", true },
		{ "group-by=c\nrows=1-3\n", "group-by=c\nrows=1-4\n", false },
		{ "group-by=c\nwhere=a\n", "group-by=c\n", false }, { "group-by=c\nonly=a@b\n", "group-by=c\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct err e;

		if ((selection_widens(pairs[i].was, pairs[i].now, &e) == 0) != pairs[i].ok)
			fail_msg("'%s' to '%s'", pairs[i].was, pairs[i].now);
	}
}

static void survives_no_memory(void **state)
{
	struct selection *s = NULL;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = make(&s, "3-9,14", 5, &e);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0);
	mem_fail_after(-1);
	assert_true(n > 2);
	selection_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_take_part),
		cmocka_unit_test(refused),
		cmocka_unit_test(long_choices),
		cmocka_unit_test(wrong_choices),
		cmocka_unit_test(wider),
		LIST_TEST(samples),
		LIST_TEST(shares),
		LIST_TEST(addresses),
		LIST_TEST(nobody_can_tell),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
