/* Rows with one key become one: returning keys, any size, every form of list; problems; no memory. */
#include "tests/unit/rows_fixture.h"

#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/rows/json.h"

enum { TEXT_MAX = 64 << 20 };

static int group_by(struct rows **out, struct rows **list, const char *column, const char *address, bool addresses,
		    struct err *e)
{
	struct rows_grouping how = { .addresses = addresses };

	*out = NULL;
	if (list_open(list, e) < 0)
		return -1;
	how.column = columns_find(rows_columns(*list), span_str(column));
	how.address_column = address ? columns_find(rows_columns(*list), span_str(address)) : -1;
	assert_true(how.column >= 0);
	return rows_group(out, *list, &how, e);
}

static void put_value(struct buf *out, struct value v)
{
	if (v.kind == VALUE_OBJECT)
		for (uint32_t i = 0; i < v.n; i++) {
			buf_add_char(out, i ? ',' : ' ');
			if (v.members[i].value.kind == VALUE_CELL)
				buf_add(out, value_span(v.members[i].value));
			else
				json_write(v.members[i].value, out);
		}
	else
		buf_add_str(out, " -");
}

/* "1/2+3/4 a,b a,c" for each group, and " !problem@line"; the first row's cells are among them. */
static void put_group(struct buf *out, const struct row *row)
{
	assert_non_null(row->group);
	assert_int_equal(row->group->rows.n, row_count(row));
	buf_addf(out, "%d/%d", (int)row->number, (int)row->line);
	for (uint32_t i = 0; i < row->group->n_others; i++)
		buf_addf(out, "+%d/%d", (int)row->group->others[i].number, (int)row->group->others[i].line);
	for (uint32_t i = 0; i < row->group->rows.n; i++)
		put_value(out, row->group->rows.items[i]);
	if (row->problem.n)
		buf_addf(out, " !%.*s@%d", SPAN_ARG(row->problem), (int)row->group->problem_line);
	buf_add_char(out, '|');
}

static int read_groups(struct rows *r, uint32_t max, struct buf *out, struct err *e)
{
	struct row_block *b;
	int rc;

	if (row_block_new(&b, max) < 0)
		return err_nomem(e, "a block");
	while ((rc = rows_read(r, b, max, e)) > 0) {
		for (uint32_t i = 0; i < b->n; i++)
			put_group(out, &b->rows[i]);
		row_block_reset(b);
	}
	row_block_free(&b);
	return rc;
}

static void assert_groups(struct rows *r, const char *wanted)
{
	for (uint32_t max = 1; max <= 64; max *= 8) {
		struct err e = { 0 };
		struct buf got;

		buf_init(&got, TEXT_MAX);
		assert_int_equal(rows_rewind(r, &e), 0);
		assert_int_equal(read_groups(r, max, &got, &e), 0);
		assert_string_equal(buf_str(&got), wanted);
		buf_release(&got);
	}
}

static const struct good_case {
	const char *list, *column, *address, *wanted;
	bool addresses;
} good[] = {
	/* a key that returns, and one that does not; keys are exact but for spaces around them */
	{ "c,i\n1,a\n2,b\n1,c\n 1 ,d\n", "c", NULL, "1/2+3/4+4/5 1,a 1,c  1 ,d|2/3 2,b|", false },
	{ "c,i\n1,a\n1,b\n2,c\n2,d\n", "c", NULL, "1/2+2/3 1,a 1,b|3/4+4/5 2,c 2,d|", false },
	{ "c,i\nA,a\na,b\n", "c", NULL, "1/2 A,a|2/3 a,b|", false },
	{ "c,i\n1,\"a\nb\"\n2,b\n1,c\n", "c", NULL, "1/2+3/5 1,a\nb 1,c|2/4 2,b|", false },
	{ "c,i\n", "c", NULL, "", false },
	/* no key: alone, and no mail */
	{ "c,i\n,a\n1,b\n ,c\n", "c", NULL,
	  "1/2 ,a !no value in the column 'c', by which rows are grouped@2|2/3 1,b|"
	  "3/4  ,c !no value in the column 'c', by which rows are grouped@4|", false },
	/* a bad row spoils its group, and is named */
	{ "c,i\n1,a\n2,x\n1,b,c\n1,d,e,f\n", "c", NULL,
	  "1/2+3/4+4/5 1,a 1,b 1,d !line 4, of the group that begins in line 2: 3 cells, the header has 2@4|2/3 2,x|", false },
	{ "c,i\n1,a,z\n1,b\n", "c", NULL, "1/2+2/3 1,a 1,b !3 cells, the header has 2@2|", false },
	/* addresses: without case, as on the wire */
	{ "email,i\na@x.example,1\nb@x.example,2\n\"Ann <A@X.example>\",3\n,4\n,5\nno,6\nNO,7\n", "email", NULL,
	  "1/2+3/4 a@x.example,1 Ann <A@X.example>,3|2/3 b@x.example,2|4/5 ,4|5/6 ,5|6/7+7/8 no,6 NO,7|", true },
	/* two addresses in one group; none is no other one */
	{ "c,e\n1,a@x\n1,\n1, A@X \n1,b@x\n2,a@x\n", "c", "e",
	  "1/2+2/3+3/4+4/5 1,a@x 1, 1, A@X  1,b@x !line 5, of the group that begins in line 2: its address is b@x, and that "
	  "of line 2 is a@x@5|5/6 2,a@x|", false },
	{ "{\"c\": 1, \"l\": [1, 2.50]}\n{\"c\": 2, \"l\": {\"x\": null}}\n{\"l\": \"\\u00e4\\\"\", \"c\": \"1\"}\n", "c", NULL,
	  "1/1+3/3 1,[1,2.5] \"\xc3\xa4\\\"\",\"1\"|2/2 2,{\"x\":null}|", false },
};

static void grouped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct err e = { 0 };
		struct rows *list, *r;

		list_put(span_str(good[i].list));
		if (group_by(&r, &list, good[i].column, good[i].address, good[i].addresses, &e) < 0)
			fail_msg("%d: %s", (int)i, e.text);
		assert_true(rows_columns(r)->grouped && !rows_columns(list)->grouped);
		assert_groups(r, good[i].wanted);
		rows_close(&r);
		rows_close(&list);
	}
}

static void a_column_rows(void **state)
{
	static const char *const lists[] = { "c,Rows\n1,2\n", "{\"c\": 1}\n{\"c\": 1, \"rows\": 3}\n" };
	struct rows *list, *r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct err e = { 0 };

		list_put(span_str(lists[i]));
		assert_int_equal(group_by(&r, &list, "c", NULL, false, &e), -1);
		assert_null(r);
		assert_true(e.kind == ERR_INPUT && strstr(e.text, "has a column '") && strstr(e.hint, "another name"));
		assert_int_equal(strstr(e.hint, "header") == NULL, rows_columns(list)->objects);
		rows_close(&list);
	}
}

/* Beyond the names that can be columns. */
static void a_late_member_rows(void **state)
{
	struct err e = { 0 };
	struct rows *list, *r;
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	buf_add_str(&text, "{\"c\": 3");
	for (int i = 1; i < ROW_COLUMNS_MAX; i++)
		buf_addf(&text, ", \"m%d\": %d", i, i);
	buf_add_str(&text, "}\n");
	for (int i = 1; i < 1000; i++)
		buf_addf(&text, "{\"c\": %d}\n", i % 10);
	buf_add_str(&text, "{\"c\": 3, \"rows\": 1}\n[1]\n");
	list_put(buf_span(&text));
	assert_int_equal(group_by(&r, &list, "c", NULL, false, &e), 0);
	buf_reset(&text);
	assert_int_equal(read_groups(r, 20, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), "line 1001, of the group that begins in line 1: it has a member 'rows'"));
	assert_non_null(strstr(buf_str(&text), "1002/1002 - !not an object"));
	rows_close(&r);
	rows_close(&list);
	buf_release(&text);
}

static unsigned long long number_in(struct span s)
{
	unsigned long long n = 0;

	assert_int_equal(span_number(s, UINT32_MAX, &n), 0);
	return n;
}

/* Which row belongs to whom in a large list of few or many keys, beside a count in memory. */
static void many(uint32_t rows, uint32_t keys, uint32_t cell)
{
	uint32_t *first = mem_array(keys, sizeof *first), *seen = mem_array(keys, sizeof *seen);
	struct row_block *b;
	struct rows *list, *r;
	struct err e = { 0 };
	struct buf text;
	struct rng rng;
	uint64_t before = 0, total = 0;

	rng_seed(&rng, rows, keys);
	buf_init(&text, TEXT_MAX);
	buf_add_str(&text, "k,n,x\n");
	for (uint32_t i = 1; i <= rows; i++) {
		uint32_t k = (uint32_t)rng_below(&rng, keys);

		if (first[k] == 0)
			first[k] = i;
		buf_addf(&text, "%u,%u,%0*d\n", k, i, (int)cell, 0);
	}
	list_put(buf_span(&text));
	buf_release(&text);
	assert_int_equal(group_by(&r, &list, "k", NULL, false, &e), 0);
	assert_int_equal(row_block_new(&b, 50), 0);
	while (rows_read(r, b, 50, &e) == 1) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct row *row = &b->rows[i];
			uint32_t k = (uint32_t)number_in(row->cells[0]);

			assert_true(row->number > before && row->number == first[k] && row->problem.n == 0);
			before = row->number;
			for (uint32_t x = 0; x < row->group->rows.n; x++) {
				const struct member *m = row->group->rows.items[x].members;
				uint64_t number = x ? row->group->others[x - 1].number : row->number;

				assert_int_equal(number_in(value_span(m[0].value)), k);
				assert_int_equal(number_in(value_span(m[1].value)), number);
				assert_true(number > seen[k]);
				seen[k] = (uint32_t)number;
				total++;
			}
		}
		row_block_reset(b);
	}
	assert_int_equal(total, rows);
	row_block_free(&b);
	rows_close(&r);
	rows_close(&list);
	mem_free(first);
	mem_free(seen);
}

static void large(void **state)
{
	(void)state;
	many(1000, 1000, 1);
	many(5000, 7, 3);
	many(200000, 60000, 1); /* several shelves, and sorts that spill */
}

static void places(void **state)
{
	struct rows *list, *r, *other;
	struct row_place place[3];
	struct row_block *b;
	struct err e = { 0 };
	struct buf got;

	(void)state;
	list_put(SPAN("c,i\n1,a\n2,b\n1,c\n3,d\n"));
	assert_int_equal(group_by(&r, &list, "c", NULL, false, &e), 0);
	assert_int_equal(rows_share(&other, r, &e), 0);
	assert_int_equal(row_block_new(&b, 8), 0);
	assert_int_equal(rows_read(r, b, 8, &e), 1);
	for (uint32_t i = 0; i < 3; i++)
		place[2 - i] = (struct row_place){ b->rows[i].number, b->rows[i].line, b->rows[i].offset };
	row_block_reset(b);
	assert_int_equal(rows_fetch(other, place, 3, b, &e), 0);
	buf_init(&got, TEXT_MAX);
	for (uint32_t i = 0; i < b->n; i++)
		put_group(&got, &b->rows[i]);
	assert_string_equal(buf_str(&got), "4/5 3,d|2/3 2,b|1/2+3/4 1,a 1,c|");
	buf_release(&got);
	row_block_free(&b);
	rows_close(&other);
	rows_close(&r);
	rows_close(&list);
}

/* One key has more rows than a message can: pieces, in order, each of which says so. */
static void too_many(void **state)
{
	uint64_t before = 0, rows = 0;
	uint32_t bad = 0;
	struct rows *list, *r;
	struct row_block *b;
	struct err e = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	buf_add_str(&text, "k,n\n");
	for (int i = 1; i <= 2 * ROW_GROUP_MAX + 10; i++)
		buf_addf(&text, "1,%d\n%d,%d\n", i, i < 900 ? 2 : i, i);
	for (int i = 0; i < ROW_GROUP_MAX; i++)
		buf_addf(&text, "just,%d\n", i);
	list_put(buf_span(&text));
	buf_release(&text);
	assert_int_equal(group_by(&r, &list, "k", NULL, false, &e), 0);
	assert_int_equal(row_block_new(&b, 100), 0);
	while (rows_read(r, b, 100, &e) == 1) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct row *row = &b->rows[i];

			assert_true(row->number > before && row->cells[1].n > 0);
			before = row->number;
			rows += row_count(row);
			assert_true(row->group->n_others <= ROW_GROUP_MAX);
			if (!row->problem.n)
				continue;
			assert_true(span_eq(row->cells[0], SPAN("1")));
			assert_true(span_begins(row->problem, SPAN("more than 1000 rows")));
			bad++;
		}
		row_block_reset(b);
	}
	assert_int_equal(rows, 4 * ROW_GROUP_MAX + 20 + ROW_GROUP_MAX);
	assert_int_equal(bad, 3);
	row_block_free(&b);
	rows_close(&r);
	rows_close(&list);
}

static void too_many_bytes(void **state)
{
	struct rows *list, *r;
	struct row_block *b;
	struct err e = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	buf_add_str(&text, "k,n\n");
	for (int i = 0; i < 20; i++)
		buf_addf(&text, "1,%0*d\n2,x\n", 1000000, i);
	list_put(buf_span(&text));
	buf_release(&text);
	assert_int_equal(group_by(&r, &list, "k", NULL, false, &e), 0);
	assert_int_equal(row_block_new(&b, 100), 0);
	assert_int_equal(rows_read(r, b, 100, &e), 1);
	assert_true(b->n == 1 && row_count(&b->rows[0]) == 20 && b->rows[0].problem.n > 0);
	assert_int_equal(rows_read(r, b, 99, &e), 1);
	assert_true(b->n == 2 && row_count(&b->rows[1]) == 20 && b->rows[1].problem.n == 0);
	row_block_free(&b);
	rows_close(&r);
	rows_close(&list);
}

static void problems_are_whole_characters(void **state)
{
	struct rows *list, *r;
	struct row_block *b;
	struct err e = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	for (int cut = 0; cut < 4; cut++) {
		buf_reset(&text);
		buf_add_str(&text, "k,email\n1,x\n1,");
		for (int i = 0; i < 200; i++)
			buf_add_str(&text, i < cut ? "a" : "\xe2\x82\xac");
		list_put(buf_span(&text));
		assert_int_equal(group_by(&r, &list, "k", "email", false, &e), 0);
		assert_int_equal(row_block_new(&b, 4), 0);
		assert_int_equal(rows_read(r, b, 4, &e), 1);
		assert_true(b->rows[0].problem.n > 100 && utf8_valid(b->rows[0].problem));
		row_block_free(&b);
		rows_close(&r);
		rows_close(&list);
	}
	buf_release(&text);
}

static int only_odd(void *ctx, struct row *row, struct arena *memory, struct err *e)
{
	(void)memory;
	(void)e;
	++*(int *)ctx;
	return row->number % 2 != 0;
}

static int broken(void *ctx, struct row *row, struct arena *memory, struct err *e)
{
	(void)memory;
	(void)ctx;
	return row->number < 3 ? 1 : err_set(e, ERR_INPUT, "cannot be told");
}

/* Of a row that takes part, when its group is made. */
static int last_is_bad(void *ctx, struct row *row, struct arena *memory, struct err *e)
{
	int ok = 1;

	(void)ctx;
	(void)e;
	assert_true(row->number % 2 != 0);
	if (row->number == 5)
		row->problem = arena_copy(memory, SPAN("nobody can tell"), &ok);
	return ok ? 0 : -1;
}

static void chosen_rows(void **state)
{
	int asked = 0;
	struct rows_grouping how = { .column = 0, .address_column = -1, .wants = only_odd, .ctx = &asked };
	struct rows *list, *r;
	struct row_block *b;
	struct err e = { 0 };

	(void)state;
	list_put(SPAN("c,i\n1,a\n2,b\n2,c\n1,d\n1,e\n"));
	assert_int_equal(list_open(&list, &e), 0);
	assert_int_equal(rows_group(&r, list, &how, &e), 0);
	assert_groups(r, "1/2+5/6 1,a 1,e|3/4 2,c|");
	assert_int_equal(rows_left_out(r), 2);
	assert_int_equal(asked, 5);
	rows_close(&r);
	how.judge = last_is_bad;
	assert_int_equal(rows_group(&r, list, &how, &e), 0);
	assert_int_equal(row_block_new(&b, 4), 0);
	assert_int_equal(rows_read(r, b, 4, &e), 1);
	assert_int_equal(b->rows[0].group->problem_line, 6);
	assert_true(span_search(b->rows[0].problem, SPAN("nobody can tell")) < b->rows[0].problem.n);
	assert_int_equal(b->rows[1].problem.n, 0);
	row_block_free(&b);
	rows_close(&r);
	how.judge = NULL;
	how.wants = broken;
	assert_int_equal(rows_group(&r, list, &how, &e), -1);
	assert_string_equal(e.text, "cannot be told");
	rows_close(&list);
}

static void the_list_as_it_is(void **state)
{
	unsigned char plain[32], digest[32];
	uint64_t size[2];
	int64_t mtime[2];
	struct rows *list, *r;
	struct err e = { 0 };
	struct buf got;

	(void)state;
	list_put(SPAN("c,i\n1,a\n2,b\n1,c\n"));
	assert_int_equal(group_by(&r, &list, "c", NULL, false, &e), 0);
	rows_want_digest(list);
	rows_want_digest(r);
	buf_init(&got, TEXT_MAX);
	assert_int_equal(list_read(list, 8, 8, &got, &e), 0);
	assert_int_equal(list_read(r, 8, 8, &got, &e), 0);
	assert_true(rows_digest(list, plain) && rows_digest(r, digest));
	assert_memory_equal(plain, digest, 32);
	assert_int_equal(rows_stamp(list, &size[0], &mtime[0], &e), 0);
	assert_int_equal(rows_stamp(r, &size[1], &mtime[1], &e), 0);
	assert_true(size[0] == size[1] && mtime[0] == mtime[1]);
	assert_non_null(strstr(rows_form(r), "CSV, comma, UTF-8, grouped by 'c'"));
	buf_release(&got);
	rows_close(&r);
	rows_close(&list);
}

/* Each allocation fails once: an error, or the same groups. */
static void no_memory(void **state)
{
	static const char *const lists[] = { "c,e\n1,a@x\n2,b@x\n1,c@x,y\n,d\n", "{\"c\": 1}\n{\"c\": 2}\n{\"c\": 1, \"d\": [1, \"x\"]}\n" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		bool ended = false;

		list_put(span_str(lists[i]));
		for (long fail = 0; !ended; fail++) {
			struct rows *list = NULL, *r = NULL;
			struct err e = { 0 };
			struct buf got;

			assert_true(fail < 2000);
			buf_init(&got, TEXT_MAX);
			mem_fail_after(fail);
			if (group_by(&r, &list, "c", i ? NULL : "e", false, &e) == 0 && read_groups(r, 4, &got, &e) == 0) {
				mem_fail_after(-1);
				if (!got.failed) {
					assert_true(i ? strstr(buf_str(&got), "1/1+3/3") != NULL : strstr(buf_str(&got), "1/2+3/4") != NULL);
					ended = true;
				}
			} else {
				mem_fail_after(-1);
				if (e.kind != ERR_NOMEM)
					fail_msg("%d %ld: %d %s", (int)i, fail, (int)e.kind, e.text);
			}
			rows_close(&r);
			rows_close(&list);
			buf_release(&got);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(grouped),     LIST_TEST(a_column_rows),  LIST_TEST(a_late_member_rows), LIST_TEST(large),
		LIST_TEST(places),      LIST_TEST(too_many),       LIST_TEST(too_many_bytes),     LIST_TEST(chosen_rows),
		LIST_TEST(the_list_as_it_is), LIST_TEST(problems_are_whole_characters), LIST_TEST(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
