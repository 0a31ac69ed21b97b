/* Bounded buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"

static void appends(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_null(b.p);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_add(&b, SPAN("ab\0")), 0);
	assert_int_equal(buf_add_char(&b, 'c'), 0);
	assert_int_equal(buf_add_str(&b, "de"), 0);
	assert_int_equal(buf_addf(&b, "%d-%s", 42, "x"), 0);
	assert_int_equal(b.n, 10);
	assert_memory_equal(b.p, "ab\0cde42-x", 10);
	assert_memory_equal(buf_str(&b), "ab\0cde42-x", 11);
	buf_drop(&b, 3);
	assert_string_equal(buf_str(&b), "cde42-x");
	buf_drop(&b, 0);
	buf_drop(&b, 7);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_add(&b, (struct span){ NULL, 0 }), 0);
	buf_release(&b);
	buf_release(&b);
}

/* Fills to max in steps of `step`, in each of the ways; nothing above max gets in. */
static void limit_is_exact(void **state)
{
	(void)state;
	for (size_t max = 0; max < 200; max += 7) {
		for (size_t step = 1; step < 40; step += 3) {
			struct buf b;
			char text[64];
			size_t n = 0;

			memset(text, 'x', sizeof text);
			buf_init(&b, max);
			while (n + step <= max) {
				assert_int_equal(n % 2 ? buf_add(&b, span_of(text, step))
						       : buf_addf(&b, "%.*s", (int)step, text), 0);
				n += step;
			}
			assert_int_equal(buf_add(&b, span_of(text, step)), -1);
			assert_true(b.failed);
			assert_int_equal(b.n, n);
			assert_int_equal(buf_add_char(&b, 'y'), -1); /* also what would fit */
			assert_int_equal(buf_addf(&b, "y"), -1);
			assert_null(buf_room(&b, 1));
			assert_int_equal(strlen(buf_str(&b)), n);
			buf_reset(&b);
			assert_int_equal(buf_addf(&b, "%.*s", (int)step, text), step <= max ? 0 : -1);
			buf_release(&b);
		}
	}
}

static void room_is_written_in_place(void **state)
{
	struct buf b;
	char *at;

	(void)state;
	buf_init(&b, 100);
	at = buf_room(&b, 100);
	assert_non_null(at);
	memcpy(at, "hello", 5);
	buf_grew(&b, 5);
	assert_string_equal(buf_str(&b), "hello");
	assert_null(buf_room(&b, 96));
	buf_reset(&b);
	assert_non_null(buf_room(&b, 0));
	buf_release(&b);
}

static void no_memory_changes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_add_str(&b, "abc");
	mem_fail_after(0);
	for (int i = 0; i < 1000 && !b.failed; i++)
		buf_add_str(&b, "0123456789");
	mem_fail_after(-1);
	assert_true(b.failed);
	assert_memory_equal(b.p, "abc0123", 7);
	buf_reset(&b);
	mem_fail_after(0);
	assert_int_equal(buf_addf(&b, "%5000d", 1), -1);
	mem_fail_after(-1);
	assert_int_equal(b.n, 0);
	buf_release(&b);
	mem_fail_after(0);
	assert_string_equal(buf_str(&b), "");
	mem_fail_after(-1);
}

static void unlimited_does_not_overflow(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_add_str(&b, "abc"), 0);
	assert_null(buf_room(&b, SIZE_MAX - 2)); /* 3 + that is one more than there can be */
	assert_true(b.failed);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends),
		cmocka_unit_test(limit_is_exact),
		cmocka_unit_test(room_is_written_in_place),
		cmocka_unit_test(no_memory_changes_nothing),
		cmocka_unit_test(unlimited_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
