/* The door to malloc: counting, failing on request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "engine/base/mem.h"

static void fresh_memory_is_zeroed(void **state)
{
	unsigned char *p = mem_new(1000);

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	mem_free(p);
	p = mem_new(0);
	assert_non_null(p);
	mem_free(p);
	mem_free(NULL);
	mem_free_secret(NULL, 5);
}

static void products_that_overflow_are_refused(void **state)
{
	(void)state;
	assert_null(mem_array(SIZE_MAX / 2, 3));
	void *p = mem_array(3, 5);
	assert_non_null(p);
	mem_free_secret(p, 15);
}

static void copies(void **state)
{
	char *s = mem_copy(SPAN("a\0b"));

	(void)state;
	assert_memory_equal(s, "a\0b", 4);
	mem_free(s);
	s = mem_copy((struct span){ NULL, 0 });
	assert_string_equal(s, "");
	mem_free(s);
	s = mem_strdup("xy");
	assert_string_equal(s, "xy");
	mem_free(s);
}

static void counting(void **state)
{
	uint64_t before = mem_count();
	void *p = mem_new(1);

	(void)state;
	p = mem_grow(p, 100);
	assert_int_equal(mem_count() - before, 2);
	mem_free(p);
	assert_int_equal(mem_count() - before, 2);
}

static void one_fails(void **state)
{
	void *p;

	(void)state;
	mem_fail_after(1);
	p = mem_new(1);
	assert_non_null(p);
	assert_null(mem_grow(p, 10)); /* p stays valid */
	*(char *)p = 1;
	mem_free(p);
	p = mem_new(1);
	assert_non_null(p);
	mem_free(p);
	mem_fail_after(-1);
}

static void all_fail_from(void **state)
{
	void *p;

	(void)state;
	mem_fail_from(1);
	p = mem_new(1);
	assert_non_null(p);
	assert_null(mem_new(1));
	assert_null(mem_strdup("x"));
	mem_fail_from(-1);
	mem_free(p);
	p = mem_new(1);
	assert_non_null(p);
	mem_free(p);
}

enum { THREADS = 4, EACH = 5000 };

static void *allocate(void *failures)
{
	for (int i = 0; i < EACH; i++) {
		void *p = mem_new(8);

		*(int *)failures += p == NULL;
		mem_free(p);
	}
	return NULL;
}

static void threads_are_counted_and_one_alone_fails(void **state)
{
	pthread_t t[THREADS];
	int failures[THREADS] = { 0 }, sum = 0;
	uint64_t before = mem_count();

	(void)state;
	mem_fail_after(EACH);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, allocate, &failures[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		sum += failures[i];
	}
	mem_fail_after(-1);
	assert_int_equal(sum, 1);
	assert_int_equal(mem_count() - before, THREADS * EACH);
}

/* What is in it stays, wherever it begins and ends; a piece within a page is none of its business. */
static void populated_memory_is_as_it_was(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 8191, 300000, 5 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t n = sizes[i];
		unsigned char *p = mem_new(n + 2);

		assert_non_null(p);
		p[0] = p[n + 1] = 1;
		p[n / 2 + 1] = 2;
		mem_populate(p + 1, n);
		assert_true(p[0] == 1 && p[n / 2 + 1] == 2 && (n == 0 || p[n + 1] == 1));
		for (size_t k = 1; k <= n; k++)
			assert_true(p[k] == (k == n / 2 + 1 ? 2 : 0));
		mem_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(populated_memory_is_as_it_was),
		cmocka_unit_test(fresh_memory_is_zeroed),
		cmocka_unit_test(products_that_overflow_are_refused),
		cmocka_unit_test(copies),
		cmocka_unit_test(counting),
		cmocka_unit_test(one_fails),
		cmocka_unit_test(all_fail_from),
		cmocka_unit_test(threads_are_counted_and_one_alone_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
