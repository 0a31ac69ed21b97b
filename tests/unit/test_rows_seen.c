/* Which row was there before, in memory and on disk, against a table of the rows themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/rows/seen.h"

static uint64_t ask(struct seen *s, const struct span *cells, uint32_t n, uint64_t line)
{
	struct row row = { .number = line - 1, .line = line, .n_cells = n, .cells = cells };
	struct err e;
	uint64_t of;

	assert_int_equal(seen_row(s, seen_hash(s, &row), row.line, &of, &e), 0);
	return of;
}

/* Every cell counts, and where it ends. */
static void rows_that_differ(void **state)
{
	struct span rows[][2] = { { SPAN("ab"), SPAN("c") }, { SPAN("a"), SPAN("bc") }, { SPAN(""), SPAN("abc") },
				  { SPAN("abc"), SPAN("") }, { SPAN(""), SPAN("") }, { SPAN("AB"), SPAN("c") },
				  { SPAN("0123456789abcdef"), SPAN("x") }, { SPAN("0123456789abcdef"), SPAN("y") } };
	enum { N = sizeof rows / sizeof *rows };
	struct seen *s;
	struct err e;

	(void)state;
	assert_int_equal(seen_new(&s, 64, &e), 0);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(ask(s, rows[i], 2, i + 2), 0);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(ask(s, rows[i], 2, i + 100), i + 2);
	seen_free(&s);
}

static void values_of_json_rows(void **state)
{
	struct member m[2] = { { SPAN("k"), value_int(1) }, { SPAN("k"), value_int(2) } };
	struct seen *s;
	struct err e;
	uint64_t line;

	(void)state;
	assert_int_equal(seen_new(&s, 64, &e), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct row row = { .line = i + 1,
				   .object = { .kind = VALUE_OBJECT, .n = 1, .members = &m[i % 2] } };

		assert_int_equal(seen_row(s, seen_hash(s, &row), row.line, &line, &e), 0);
		assert_int_equal(line, i < 2 ? 0 : i - 1);
	}
	seen_free(&s);
}

/* The first of them counts, however many tables grew, or went to disk between: small tables, so that each is full to
 * its end and rows go round behind it. */
static void many(void **state)
{
	static const uint32_t places_most[] = { 64, 512, 4096, 16384 };
	enum { ROWS = 60000, KEYS = 20000 };
	uint32_t *first = mem_array(KEYS, sizeof *first);
	struct seen *s;
	struct rng r;
	struct err e;

	(void)state;
	assert_non_null(first);
	for (unsigned i = 0; i < sizeof places_most / sizeof *places_most; i++) {
		uint32_t places = places_most[i];

		memset(first, 0, KEYS * sizeof *first);
		rng_seed(&r, 1, places);
		assert_int_equal(seen_new(&s, places, &e), 0);
		for (uint32_t line = 2; line < ROWS / (places == 64 ? 4 : 1); line++) {
			uint32_t key = (uint32_t)rng_below(&r, KEYS);
			char text[32];
			struct span cell = span_of(text, (size_t)snprintf(text, sizeof text, "user%u@list.example", key));

			assert_int_equal(ask(s, &cell, 1, line), first[key]);
			if (!first[key])
				first[key] = line;
		}
		seen_free(&s);
		assert_null(s);
	}
	mem_free(first);
}

/* No memory at any moment: an error, and nothing is lost or leaks. */
static void without_memory(uint32_t places, uint64_t rows)
{
	struct seen *s = NULL;
	struct err e;
	bool failed = true;

	for (long n = 0; failed; n++) {
		mem_fail_after(n);
		failed = seen_new(&s, places, &e) < 0;
		for (uint64_t line = 1; line < rows && !failed; line++) {
			struct span cell = span_of(&line, sizeof line);
			struct row row = { .line = line, .n_cells = 1, .cells = &cell };
			uint64_t of;

			failed = seen_row(s, seen_hash(s, &row), row.line, &of, &e) < 0;
		}
		mem_fail_after(-1);
		assert_true(!failed || e.kind == ERR_NOMEM);
		seen_free(&s);
	}
}

static void no_memory(void **state)
{
	(void)state;
	without_memory(64, 300);
	without_memory(8192, 9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_differ),
		cmocka_unit_test(values_of_json_rows),
		cmocka_unit_test(many),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
