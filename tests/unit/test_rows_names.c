/* The columns of a list in JSON: the members of all its objects. */
#include "tests/unit/rows_fixture.h"

#include "engine/base/arena.h"
#include "engine/model/finding.h"
#include "engine/rows/json.h"
#include "engine/rows/json_names.h"

enum { TEXT_MAX = 64 << 20, LATE = 1500 };

static void open_list(struct rows **out)
{
	struct err e = { 0 };

	if (list_open(out, &e) < 0)
		fail_msg("%s", e.text);
}

static void assert_columns(const char *list, const char *wanted)
{
	char got[200];
	size_t n = 0;
	struct rows *r;

	list_put(span_str(list));
	open_list(&r);
	for (uint32_t i = 0; i < rows_columns(r)->n; i++)
		n += (size_t)snprintf(got + n, sizeof got - n, "[%.*s]", SPAN_ARG(rows_columns(r)->names[i]));
	assert_string_equal(got, wanted);
	assert_true(rows_columns(r)->objects && !rows_columns(r)->open);
	rows_close(&r);
}

static void columns(void **state)
{
	(void)state;
	assert_columns("{\"a\":1,\"b\":{\"c\":2}}\n{\"b\":[{\"d\":1},\"e\"],\"f\":\"g\"}\n", "[a][b][f]");
	assert_columns("[{\"a\":1},{\"a\":1,\"b\":null},{},{\"c\":\"\",\"a\":2}]", "[a][b][c]");
	/* as they are, spelt in any way */
	assert_columns("{\" a\":1,\"A\":1,\"\\u0061\":2}\n{\"\\u00e9\\\"\":1,\"\xc3\xa9\":1,\"a\" :2 }\n",
		       "[ a][A][a][\xc3\xa9\"][\xc3\xa9]");
	/* what only rows have that cannot be read, is no column */
	assert_columns("{\"a\":1}\n{\"b\":1\n[{\"c\":1}]\n{\"d\":1,\"d\":2}\n\"e\"\n{\"\":1,\" \":2,\"f\":3}\n", "[a][f]");
}

static void members_that_come_late(void **state)
{
	struct row_block *b;
	struct buf text;
	struct err e = { 0 };
	struct rows *r;

	(void)state;
	buf_init(&text, TEXT_MAX);
	for (int i = 1; i <= LATE; i++)
		buf_addf(&text, "{\"a\":%d}\n", i);
	buf_add_str(&text, "{\"late\":7,\"a\":8}\n");
	list_put(buf_span(&text));
	buf_release(&text);
	open_list(&r);
	assert_int_equal(columns_find(rows_columns(r), SPAN("late")), 1);
	assert_int_equal(row_block_new(&b, LATE + 1), 0);
	while (b->n < LATE + 1)
		assert_int_equal(rows_read(r, b, LATE + 1, &e), 1);
	assert_int_equal(b->rows[0].n_cells, 2);
	assert_int_equal(b->rows[0].cells[1].n, 0);
	assert_true(span_eq(b->rows[LATE].cells[0], SPAN("8")) && span_eq(b->rows[LATE].cells[1], SPAN("7")));
	row_block_free(&b);
	rows_close(&r);
}

static void hear(struct finding_sink *self, const struct finding *f)
{
	(void)self;
	assert_non_null(strstr(f->text, "more than 16384 different names"));
}

/* n names, then a row with one more. */
static void many(int n, bool open)
{
	struct finding_sink sink = { .report = hear };
	struct buf text;
	struct rows *r;

	buf_init(&text, TEXT_MAX);
	for (int i = 0; i < n; i++)
		buf_addf(&text, "%c\"%x\":%d", i ? ',' : '{', i * 7919, i);
	buf_add_str(&text, "}\n{\"0\":1,\"one\":2}\n");
	list_put(buf_span(&text));
	buf_release(&text);
	open_list(&r);
	rows_tell(r, &sink);
	assert_int_equal(rows_columns(r)->n, ROW_COLUMNS_MAX);
	assert_true(rows_columns(r)->open == open && (sink.warnings == 1) == open);
	assert_true(rows_columns(r)->objects);
	rows_close(&r);
}

static void too_many(void **state)
{
	(void)state;
	many(ROW_COLUMNS_MAX - 1, false);
	many(ROW_COLUMNS_MAX, true);
}

static void too_long(void **state)
{
	struct rows *r;
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	buf_add_str(&text, "{\"a\":1}\n{\"");
	for (int i = 0; i < JSON_NAMES_BYTES_MAX; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\":1}\n");
	list_put(buf_span(&text));
	buf_release(&text);
	open_list(&r);
	assert_true(rows_columns(r)->n == 1 && rows_columns(r)->open);
	rows_close(&r);
}

/* An object that is covered has no name that is not known; the same text again is covered. */
static void covering(void **state)
{
	static const struct {
		const char *text;
		bool covered;
	} cases[] = {
		{ "{}", true }, { "{\"a\":1}", true }, { "{ \"b\" : \"x\" , \"a\" : 2 }", true }, { "{\"c\":1}", false },
		{ "{\"a\":{\"c\":1}}", true }, { "{\"a\":[{\"c\":1},\"c\"],\"b\":1}", true }, { "{\"a\":\"c\",\"c\":\"a\"}", false },
		{ "{\"a\":\"x\\\\\",\"c\":1}", false }, { "{\"a\":\"\\\",\\\"c\",\"b\":\"{[\"}", true }, { "{\"\\u0061\":1}", false },
		{ "{\"\":1}", false }, { "{\"a\":1,\"", false }, { "{\"", false }, { "", true }, { "]}{\"c\":1}", true },
	};
	struct json_names names = { 0 };
	struct arena a;
	struct value v;
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 1000, 1 << 20);
	assert_false(json_names_cover(&names, SPAN("{\"a\":1}")));
	assert_int_equal(json_parse(SPAN("{\"a\":1,\"b\":2}"), "d", &a, &v, &e), 0);
	assert_int_equal(json_names_add(&names, &a, v, &e), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (json_names_cover(&names, span_str(cases[i].text)) != cases[i].covered)
			fail_msg("%s", cases[i].text);
	assert_int_equal(json_names_find(&names, SPAN("b"), 0), 1);
	assert_int_equal(json_names_find(&names, SPAN("b"), 1), 1);
	assert_int_equal(json_names_find(&names, SPAN("c"), 77), -1);
	arena_release(&a);
}

/* The row keeps what is in it, for the file of failed rows. */
static void nul(void **state)
{
	static const struct {
		const char *object, *problem;
	} cases[] = {
		{ "{\"a\":\"x\\u0000y\"}", "the value of 'a' has a NUL character (\\u0000)" },
		{ "{\"b\":1,\"a\":[1,{\"c\":\"\\u0000\"}]}", "the value of 'a' has a NUL character (\\u0000)" },
		{ "{\"a\":\"\\\\u0000\"}", "" },
		{ "{\"a\":\"x\"}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct row_block *b;
		struct err e = { 0 };
		struct rows *r;

		list_put(span_str(cases[i].object));
		open_list(&r);
		assert_int_equal(row_block_new(&b, 1), 0);
		assert_int_equal(rows_read(r, b, 1, &e), 1);
		assert_true(span_eq(b->rows[0].problem, span_str(cases[i].problem)));
		assert_int_equal(b->rows[0].object.kind, VALUE_OBJECT);
		row_block_free(&b);
		rows_close(&r);
	}
}

static void survives_no_memory(void **state)
{
	struct rows *r = NULL;
	struct buf text;
	long n = 0;
	int rc;

	(void)state;
	buf_init(&text, TEXT_MAX);
	for (int i = 0; i < 100; i++)
		buf_addf(&text, "{\"email\":\"a@x.example\",\"m%d\":%d}\n", i, i);
	list_put(buf_span(&text));
	buf_release(&text);
	do {
		struct err e = { 0 };

		mem_fail_after(n++);
		rc = list_open(&r, &e);
		mem_fail_after(-1);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
		rows_close(&r);
	} while (rc < 0 && n < 2000);
	assert_true(n > 20 && n < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(columns),
		LIST_TEST(members_that_come_late),
		LIST_TEST(too_many),
		LIST_TEST(too_long),
		cmocka_unit_test(covering),
		LIST_TEST(nul),
		LIST_TEST(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
