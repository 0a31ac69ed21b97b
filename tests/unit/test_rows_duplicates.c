/* Which row is the duplicate of which; the order in which rows are shown does not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/rows/duplicates.h"

enum { ROWS_MAX = 8 };

struct shown {
	const char *address, *cell;
	int begun;
};

/* Row n stands in line n + 1. dup: for each row the line that it is a duplicate of, or '-'. */
static const struct duplicates_test {
	const char *name;
	struct shown rows[ROWS_MAX];
	const char *stop, *skip, *send;
	unsigned cases; /* with stop */
	const char *lines; /* of the first case */
} tests_of[] = {
	{ "none", { { "a@x", "1", 0 }, { "b@x", "1", 0 } }, "--", "--", "--", 0, "" },
	{ "identical", { { "a@x", "1", 0 }, { "b@x", "1", 0 }, { "a@x", "1", 0 }, { "a@x", "1", 0 } },
	  "--22", "--22", "--22", 0, "" },
	{ "two invoices", { { "a@x", "1", 0 }, { "b@x", "9", 0 }, { "A@X", "2", 0 } }, "---", "--2", "---", 1, "2,4" },
	{ "both", { { "a@x", "1", 0 }, { "a@x", "2", 0 }, { "a@x", "1", 0 }, { "a@x", "2", 0 } },
	  "--23", "-222", "--23", 1, "2,3" },
	{ "sent before", { { "a@x", "1", 0 }, { "a@x", "1", 1 }, { "a@x", "1", 0 } }, "3-3", "3-3", "3-3", 0, "" },
	{ "sent before, other row", { { "a@x", "1", 0 }, { "a@x", "2", 1 } }, "--", "3-", "--", 1, "2,3" },
	{ "no address", { { "", "1", 0 }, { "", "2", 0 }, { "", "1", 0 } }, "--2", "--2", "--2", 0, "" },
	{ "six rows", { { "a@x", "1", 0 }, { "a@x", "2", 0 }, { "a@x", "3", 0 }, { "a@x", "4", 0 },
			{ "a@x", "5", 0 }, { "a@x", "6", 0 } }, "------", "-22222", "------", 1, "2,3,4,5,6" },
};

static struct row row_of(const struct shown *s, struct span *cell, uint64_t number)
{
	*cell = span_str(s->cell);
	return (struct row){ .number = number, .line = number + 1, .n_cells = 1, .cells = cell };
}

static void show(struct duplicates *d, const struct duplicates_test *t, unsigned at)
{
	struct duplicates_row seen;
	struct span cell;
	struct row row = row_of(&t->rows[at], &cell, at + 1);
	struct err e;

	duplicates_see(d, &row, span_str(t->rows[at].address), &seen);
	seen.size = 100;
	seen.begun = (uint32_t)t->rows[at].begun;
	assert_int_equal(duplicates_add(d, &seen, 1, &e), 0);
}

static void check_found(const struct duplicates_test *t, enum duplicates_rule rule,
			const struct duplicates_found *found)
{
	char lines[100] = "";

	assert_int_equal(found->cases, rule == DUPLICATES_STOP ? t->cases : 0);
	assert_int_equal(found->n_first, found->cases);
	for (uint32_t i = 0; found->n_first && i < found->first[0].n_places; i++)
		snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s%d", i ? "," : "",
			 (int)found->first[0].places[i].line);
	if (rule == DUPLICATES_STOP)
		assert_string_equal(lines, t->lines);
}

static void try(const struct duplicates_test *t, enum duplicates_rule rule, const char *want, bool backwards)
{
	struct duplicates *d;
	struct duplicates_found found;
	unsigned n = (unsigned)strlen(want), skipped = 0;
	char got[ROWS_MAX + 1] = "";
	struct err e;

	assert_int_equal(duplicates_new(&d, rule, &e), 0);
	for (unsigned i = 0; i < n; i++)
		show(d, t, backwards ? n - 1 - i : i);
	assert_int_equal(duplicates_find(d, &found, &e), 0);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(duplicates_rewind(d, &e), 0);
		for (unsigned i = 0; i < n; i++) {
			struct duplicates_answer a;

			assert_int_equal(duplicates_of(d, i + 1, &a, &e), 0);
			got[i] = a.n ? (char)('0' + a.each[0].line) : '-';
		}
		if (strcmp(got, want) != 0)
			fail_msg("%s, rule %d: %s, not %s", t->name, (int)rule, got, want);
	}
	for (unsigned i = 0; i < n; i++)
		skipped += want[i] != '-' && !t->rows[i].begun;
	assert_int_equal(found.skipped, skipped);
	assert_int_equal(found.skipped_bytes, 100 * skipped);
	check_found(t, rule, &found);
	duplicates_free(&d);
}

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof tests_of / sizeof *tests_of; i++)
		for (int backwards = 0; backwards < 2; backwards++) {
			try(&tests_of[i], DUPLICATES_STOP, tests_of[i].stop, backwards);
			try(&tests_of[i], DUPLICATES_SKIP, tests_of[i].skip, backwards);
			try(&tests_of[i], DUPLICATES_SEND, tests_of[i].send, backwards);
		}
}

/* ---- rows with several addresses ---- */

/* addresses: a letter each; a capital one was sent to by an earlier run, one in brackets is not shown. dup: for each
 * row its addresses' lines, '-' for those that it mails itself; rows are parted by spaces. */
static const struct several {
	const char *addresses[ROWS_MAX], *cells, *stop, *skip, *send;
	unsigned cases, skipped, addresses_skipped, left_out; /* the last three with skip */
} severals[] = {
	{ { "ab", "cd" }, "12", "-- --", "-- --", "-- --", 0, 0, 0, 0 },
	{ { "ab", "ab" }, "11", "-- 22", "-- 22", "-- 22", 0, 1, 2, 0 },
	{ { "ab", "ba" }, "12", "-- --", "-- 22", "-- --", 2, 1, 2, 0 },
	{ { "b", "cb" }, "12", "- --", "- -2", "- --", 1, 0, 0, 1 },
	{ { "cb", "b" }, "12", "-- -", "-- 2", "-- -", 1, 1, 1, 0 },
	{ { "a", "b", "ab" }, "123", "- - --", "- - 23", "- - --", 2, 1, 2, 0 },
	{ { "a", "b", "abc" }, "123", "- - ---", "- - 23-", "- - ---", 2, 0, 0, 2 },
	{ { "a", "ab", "b" }, "123", "- -- -", "- 2- 3", "- -- -", 2, 1, 1, 1 },
	{ { "ab", "aB" }, "12", "-- --", "-3 2-", "-- --", 2, 0, 0, 2 },
	{ { "b", "Cb" }, "12", "- --", "- -2", "- --", 1, 0, 0, 1 },
	{ { "b", "(a)b" }, "12", "- -", "- 2", "- -", 1, 1, 1, 0 },
};

static void show_several(struct duplicates *d, const char *addresses, char content, uint64_t number)
{
	struct span cell = span_of(&content, 1);
	struct row row = { .number = number, .line = number + 1, .n_cells = 1, .cells = &cell };
	struct duplicates_row seen[ROWS_MAX];
	uint32_t of = 0, shown = 0;
	struct err e;

	for (const char *p = addresses; *p; p++) {
		bool hidden = *p == '(';

		if (hidden)
			p += 2;
		else {
			duplicates_see(d, &row, span_of(p, 1), &seen[shown]);
			seen[shown].size = 100;
			seen[shown].begun = *p < 'a';
			seen[shown++].which = of & 1023;
		}
		of++;
	}
	for (uint32_t i = 0; i < shown; i++) {
		seen[i].of = of & 1023;
		seen[i].shown = shown & 1023;
	}
	assert_int_equal(duplicates_add(d, seen, shown, &e), 0);
}

static void tell_several(struct duplicates *d, const struct several *t, struct buf *out)
{
	struct duplicates_answer a;
	struct err e;

	buf_reset(out);
	for (uint64_t i = 0; t->addresses[i]; i++) {
		uint32_t at = 0, which = 0;

		assert_int_equal(duplicates_of(d, i + 1, &a, &e), 0);
		if (i)
			buf_add_char(out, ' ');
		for (const char *p = t->addresses[i]; *p; p++, which++) {
			if (*p == '(') {
				p += 2;
				continue;
			}
			bool is = at < a.n && a.each[at].which == which;

			buf_add_char(out, is ? (char)('0' + a.each[at].line) : '-');
			at += is;
		}
		assert_int_equal(at, a.n);
	}
}

static void try_several(const struct several *t, enum duplicates_rule rule, const char *want)
{
	struct duplicates_found found;
	struct duplicates *d;
	struct buf got;
	struct err e;

	buf_init(&got, 100);
	assert_int_equal(duplicates_new(&d, rule, &e), 0);
	for (uint64_t i = 0; t->addresses[i]; i++)
		show_several(d, t->addresses[i], t->cells[i], i + 1);
	assert_int_equal(duplicates_find(d, &found, &e), 0);
	tell_several(d, t, &got);
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("'%s' '%s', rule %d: %s, not %s", t->addresses[0], t->addresses[1], (int)rule, buf_str(&got), want);
	assert_int_equal(found.cases, rule == DUPLICATES_STOP ? t->cases : 0);
	for (uint32_t i = 0; i < found.n_first; i++)
		assert_true(found.first[i].shared);
	if (rule == DUPLICATES_SKIP) {
		assert_int_equal(found.skipped, t->skipped);
		assert_int_equal(found.skipped_bytes, 100 * t->skipped);
		assert_int_equal(found.addresses, t->addresses_skipped);
		assert_int_equal(found.left_out, t->left_out);
	}
	duplicates_free(&d);
	buf_release(&got);
}

/* Each address counts; a row is left out as a whole only when all of its are. */
static void several_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof severals / sizeof *severals; i++) {
		try_several(&severals[i], DUPLICATES_STOP, severals[i].stop);
		try_several(&severals[i], DUPLICATES_SKIP, severals[i].skip);
		try_several(&severals[i], DUPLICATES_SEND, severals[i].send);
	}
}

/* Cells are told apart however they are cut: "ab","c" is not "a","bc". */
static void cells_have_ends(void **state)
{
	struct span one[2] = { SPAN("ab"), SPAN("c") }, two[2] = { SPAN("a"), SPAN("bc") };
	struct row a = { .number = 1, .n_cells = 2, .cells = one }, b = { .number = 2, .n_cells = 2, .cells = two };
	struct member m[2] = { { SPAN("k"), value_int(1) }, { SPAN("k"), value_int(2) } };
	struct duplicates_row x, y;
	struct duplicates *d;
	struct err e;

	(void)state;
	assert_int_equal(duplicates_new(&d, DUPLICATES_STOP, &e), 0);
	duplicates_see(d, &a, SPAN("a@x"), &x);
	duplicates_see(d, &b, SPAN("A@x"), &y);
	assert_true(x.cells != y.cells);
	assert_true(x.address[0] == y.address[0] && x.address[1] == y.address[1]);
	a.cells = b.cells; /* values of JSON rows count too */
	a.object = (struct value){ .kind = VALUE_OBJECT, .n = 1, .members = &m[0] };
	b.object = (struct value){ .kind = VALUE_OBJECT, .n = 1, .members = &m[1] };
	duplicates_see(d, &a, SPAN("a@x"), &x);
	duplicates_see(d, &b, SPAN("a@x"), &y);
	assert_true(x.cells != y.cells);
	duplicates_free(&d);
}

/* More rows than memory holds, compared with a table. */
static void many(void **state)
{
	enum { MANY = 900000, KEYS = 300000 };
	uint32_t *first = mem_array(KEYS, sizeof *first);
	struct duplicates_found found;
	struct duplicates *d;
	uint64_t duplicates = 0;
	struct err e;

	(void)state;
	assert_non_null(first);
	assert_int_equal(duplicates_new(&d, DUPLICATES_SKIP, &e), 0);
	for (uint32_t i = 1; i <= MANY; i++) {
		uint64_t key = (uint64_t)i * 2654435761u % KEYS;
		struct duplicates_row r = { .address = { key, ~key }, .cells = i, .place = { i, i + 1, i },
					    .of = 1, .shown = 1 };

		assert_int_equal(duplicates_add(d, &r, 1, &e), 0);
	}
	assert_int_equal(duplicates_find(d, &found, &e), 0);
	for (uint32_t i = 1; i <= MANY; i++) {
		uint64_t key = (uint64_t)i * 2654435761u % KEYS;
		struct duplicates_answer a;

		assert_int_equal(duplicates_of(d, i, &a, &e), 0);
		if ((a.n ? a.each[0].line : 0) != (first[key] ? first[key] + 1 : 0))
			fail_msg("row %u", i);
		duplicates += a.n;
		if (!first[key])
			first[key] = i;
	}
	assert_int_equal(found.skipped, duplicates);
	duplicates_free(&d);
	mem_free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(several_addresses),
		cmocka_unit_test(cells_have_ends),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
