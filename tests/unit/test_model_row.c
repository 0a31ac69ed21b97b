/* Rows: blocks, columns by name, members of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "engine/base/mem.h"
#include "engine/model/row.h"

static const struct span names[] = {
	{ "email", 5 }, { "First Name", 10 }, { "plan", 4 }, { "Plan", 4 }, { "city", 4 }, { "Valid\nuntil", 11 },
};
static const struct columns columns = { .n = sizeof names / sizeof *names, .names = names };

static void columns_are_found(void **state)
{
	static const struct {
		const char *name;
		int index;
	} cases[] = {
		{ "email", 0 },     { "Email", 0 },       { " E-mail", -1 }, { "e mail", 0 },
		{ "firstname", 1 }, { "FIRST  NAME", 1 }, { "First Name", 1 }, { "first_name", -1 },
		{ "plan", 2 },      { "Plan", 3 },        { "PLAN", -1 },      { "", -1 },
		{ "validuntil", 5 }, { "Valid until", 5 }, { "cit", -1 },      { "cityy", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(columns_find(&columns, span_str(cases[i].name)), cases[i].index);
}

static void case_and_spaces_of_all_scripts(void **state)
{
	static const struct span headers[] = { SPAN("ÄRZTE"), SPAN("姓　名"), SPAN("Имя\xc2\xa0 Отчество"), SPAN("ΟΔΟΣ"), SPAN("a\xff"), SPAN("straße") };
	static const struct columns all = { .n = sizeof headers / sizeof *headers, .names = headers };
	static const struct {
		const char *name;
		int index;
	} cases[] = {
		{ "ärzte", 0 }, { "Ärzte", 0 }, { "arzte", -1 }, { "姓名", 1 }, { "姓 名", 1 }, { "имя отчество", 2 }, { "ИМЯОТЧЕСТВО", 2 },
		{ "οδοσ", 3 }, { "A\xff", 4 }, { "a\xfe", -1 }, { "a", -1 }, { "STRAßE", 5 }, { "strasse", -1 }, { " ", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(columns_find(&all, span_str(cases[i].name)), cases[i].index);
}

static void near_columns_are_proposed(void **state)
{
	static const struct {
		const char *name, *nearest;
	} cases[] = {
		{ "emial", "email" },    { "mail", "email" }, { "first_name", "First Name" },
		{ "FIRSTNAME", "First Name" }, { "plna", "plan" },  { "cty", "city" },
		{ "zip", "" },           { "quantity", "" },  { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_true(span_eq(columns_nearest(&columns, span_str(cases[i].name)), span_str(cases[i].nearest)));
}

static void columns_are_described(void **state)
{
	static const struct span first[] = { { "a@b.example", 11 }, { "Ann", 3 } }, with_gap[] = { { "a", 1 }, { "", 0 }, { "c", 1 } };
	static const struct columns no_header = { .n = 2, .names = first }, gap = { .n = 3, .names = with_gap },
		cover = { .n = 3, .names = with_gap, .form = "XLSX, sheet 'Cover' of 3", .sheets = "'Cover', 'Data'" };
	char text[300], little[104];

	(void)state;
	columns_describe(&columns, text, sizeof text);
	assert_string_equal(text, "the list has 'email', 'First Name', 'plan', 'Plan', 'city', 'Valid\nuntil'");
	columns_describe(&columns, little, sizeof little);
	assert_string_equal(little, "the list has 'email', 'First Name' and 4 more");
	columns_describe(&no_header, text, sizeof text);
	assert_non_null(strstr(text, "--no-header --columns"));
	columns_describe(&gap, text, sizeof text);
	assert_string_equal(text, "the list has 'a', 'c'");
	columns_describe(&cover, text, sizeof text);
	assert_string_equal(text, "the list (XLSX, sheet 'Cover' of 3) has 'a', 'c'; "
				  "--sheet NAME takes another: 'Cover', 'Data'");
	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, 'x', sizeof text);
		columns_describe(&cover, text, size);
		assert_true(strlen(text) < size && text[size] == 'x');
	}
	assert_int_equal(columns_find(&gap, SPAN("")), -1); /* a column without a name is nobody's */
	assert_int_equal(columns_find(&gap, SPAN(" ")), -1);
	assert_int_equal(columns_nearest(&gap, SPAN("x")).n, 1);
}

static void blocks_are_reused(void **state)
{
	struct row_block *b;

	(void)state;
	assert_int_equal(row_block_new(&b, 10), 0);
	assert_int_equal(b->capacity, 10);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(b->n, 0);
		assert_int_equal(b->first, 0);
		b->rows[9].number = 5;
		assert_non_null(arena_take(&b->memory, ROW_BYTES_MAX)); /* the largest row fits */
		b->n = 10;
		b->first = 1;
		b->last = 10;
		row_block_reset(b);
	}
	row_block_free(&b);
	assert_null(b);
	row_block_free(&b);
	for (long n = 0; n < 2; n++) {
		mem_fail_after(n);
		assert_int_equal(row_block_new(&b, 10), -1);
		mem_fail_after(-1);
		assert_null(b);
	}
}

static void members(void **state)
{
	const struct member items[] = {
		{ { "a", 1 }, value_int(1) },
		{ { "b", 1 }, value_text(SPAN("x")) },
		{ { "a", 1 }, value_int(2) },
	};
	struct value object = { .kind = VALUE_OBJECT, .n = 3, .members = items };

	(void)state;
	assert_int_equal(value_member(object, SPAN("a")).i, 1);
	assert_true(span_eq(value_span(value_member(object, SPAN("b"))), SPAN("x")));
	assert_int_equal(value_member(object, SPAN("c")).kind, VALUE_NIL);
	assert_int_equal(value_member(value_int(3), SPAN("a")).kind, VALUE_NIL);
	assert_int_equal(sizeof(struct value), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_found),
		cmocka_unit_test(case_and_spaces_of_all_scripts),
		cmocka_unit_test(near_columns_are_proposed),
		cmocka_unit_test(columns_are_described),
		cmocka_unit_test(blocks_are_reused),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
