/* Arenas: pieces do not overlap, reset keeps chunks, limits hold. With ARENA_REAL_MALLOC the same
 * cases run against the other build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"

enum { PIECES = 400 };

struct piece {
	unsigned char *p;
	size_t n;
	unsigned char fill;
};

static void assert_filled(const struct piece *x)
{
	for (size_t i = 0; i < x->n; i++)
		assert_int_equal(x->p[i], x->fill);
}

/* Random pieces, grown at random, over several resets: all keep their bytes. */
static void pieces_do_not_overlap(void **state)
{
	struct piece pieces[PIECES];
	struct arena a;
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 2);
	arena_init(&a, 1000, 1 << 24);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < PIECES; i++) {
			struct piece *x = &pieces[i];

			x->n = (size_t)rng_below(&r, rng_below(&r, 20) ? 60 : 5000);
			x->fill = (unsigned char)i;
			x->p = arena_take(&a, x->n);
			assert_non_null(x->p);
			assert_int_equal((uintptr_t)x->p % 16, 0);
			memset(x->p, x->fill, x->n);
			if (rng_below(&r, 3) == 0) {
				struct piece *old = &pieces[rng_below(&r, 2) ? i : (int)rng_below(&r, (uint64_t)i + 1)];
				size_t n = (size_t)rng_below(&r, 3000);
				unsigned char *q = arena_grow(&a, old->p, old->n, n);

				assert_non_null(q);
				old->p = q;
				for (size_t k = 0; k < old->n && k < n; k++)
					assert_int_equal(q[k], old->fill);
				old->n = n;
				memset(q, old->fill, n);
			}
		}
		for (int i = 0; i < PIECES; i++)
			assert_filled(&pieces[i]);
		arena_reset(&a);
		assert_int_equal(a.used_bytes, 0);
	}
	arena_release(&a);
	arena_release(&a);
}

static void limit_holds(void **state)
{
	struct arena a;
	size_t n = 0;

	(void)state;
	arena_init(&a, 256, 4096);
	while (arena_take(&a, 100))
		n++;
	assert_int_equal(n, 4096 / 112);
	assert_true(a.used_bytes <= 4096);
	arena_reset(&a);
	assert_non_null(arena_take(&a, 4096));
	assert_null(arena_take(&a, 1));
	arena_reset(&a);
	assert_null(arena_take(&a, 4097));
	assert_null(arena_take(&a, SIZE_MAX));
	assert_null(arena_take(&a, SIZE_MAX - 15));
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	arena_release(&a);
}

static void growing_counts_against_the_limit(void **state)
{
	struct arena a;
	char *p, *q;

	(void)state;
	arena_init(&a, 1024, 2048);
	p = arena_take(&a, 16);
	memcpy(p, "0123456789abcdef", 16);
	q = arena_grow(&a, p, 16, 1000);
	assert_non_null(q);
	assert_memory_equal(q, "0123456789abcdef", 16);
	assert_null(arena_grow(&a, q, 1000, 4000));
	assert_null(arena_grow(&a, q, 1000, SIZE_MAX - 3));
	assert_memory_equal(q, "0123456789abcdef", 16); /* still there */
	q = arena_grow(&a, q, 1000, 8);
	assert_non_null(q);
	assert_memory_equal(q, "01234567", 8);
	assert_true(a.used_bytes <= 32);
	q = arena_grow(&a, NULL, 0, 10);
	assert_non_null(q);
	arena_release(&a);

	arena_init(&a, 1024, 512); /* room in the chunk is not room in the limit */
	p = arena_take(&a, 16);
	assert_null(arena_grow(&a, p, 16, 900));
	assert_non_null(arena_grow(&a, p, 16, 512));
	assert_int_equal(a.used_bytes, 512);
	arena_release(&a);
}

static void copies_and_zeros(void **state)
{
	struct arena a;
	struct span s;
	unsigned char *z;
	int ok;

	(void)state;
	arena_init(&a, 64, 1024);
	s = arena_copy(&a, SPAN("abc"), &ok);
	assert_true(ok);
	assert_true(span_eq(s, SPAN("abc")));
	s = arena_copy(&a, (struct span){ NULL, 0 }, &ok);
	assert_true(ok);
	assert_int_equal(s.n, 0);
	assert_string_equal(arena_str(&a, SPAN("xyz")), "xyz");
	z = arena_array(&a, 10, 7);
	for (int i = 0; i < 70; i++)
		assert_int_equal(z[i], 0);
	s = arena_copy(&a, (struct span){ "", 2000 }, &ok);
	assert_false(ok);
	assert_int_equal(s.n, 0);
	arena_release(&a);
}

/* One message's worth of work, with sizes that differ a little from round to round. */
static void work(struct arena *a, struct rng *r)
{
	for (int i = 0; i < 50; i++)
		assert_non_null(arena_take(a, (size_t)rng_below(r, 200)));
	for (int i = 0; i < 3; i++)
		assert_non_null(arena_take(a, 2000 + (size_t)rng_below(r, 30000)));
	arena_reset(a);
}

static void steady_state_allocates_nothing(void **state)
{
	struct arena a;
	struct rng r;
	uint64_t before;

	(void)state;
#ifdef ARENA_REAL_MALLOC
	skip();
#endif
	rng_seed(&r, 3, 4);
	arena_init(&a, 1024, 1 << 20);
	for (int i = 0; i < 200; i++)
		work(&a, &r);
	before = mem_count();
	for (int i = 0; i < 1000; i++)
		work(&a, &r);
	assert_int_equal(mem_count() - before, 0);
	arena_release(&a);
}

/* Growing chunk-sized pieces for ever must not add chunks for ever. */
static void kept_chunks_are_bounded(void **state)
{
	struct arena a;
	uint64_t before = mem_count();

	(void)state;
#ifdef ARENA_REAL_MALLOC
	skip();
#endif
	arena_init(&a, 256, 1 << 20);
	for (size_t n = 1; n <= (1 << 20) - 4096; n += 997) {
		assert_non_null(arena_take(&a, 10));
		assert_non_null(arena_take(&a, n));
		arena_reset(&a);
	}
	assert_true(mem_count() - before <= 16);
	arena_release(&a);
}

static void no_memory(void **state)
{
	(void)state;
	for (long fail = 0; fail < 12; fail++) {
		struct arena a;
		int nulls = 0;

		arena_init(&a, 128, 1 << 20);
		mem_fail_after(fail);
		for (int i = 0; i < 20; i++) {
			char *p = arena_take(&a, i % 4 ? 60 : 500);

			nulls += p == NULL;
			if (p)
				memset(p, 1, 60);
		}
		mem_fail_after(-1);
		assert_int_equal(nulls, 1);
		assert_non_null(arena_take(&a, 5000));
		arena_reset(&a);
		assert_non_null(arena_take(&a, 5000));
		arena_release(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(limit_holds),
		cmocka_unit_test(growing_counts_against_the_limit),
		cmocka_unit_test(copies_and_zeros),
		cmocka_unit_test(steady_state_allocates_nothing),
		cmocka_unit_test(kept_chunks_are_bounded),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
