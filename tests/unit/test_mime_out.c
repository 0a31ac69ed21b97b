/* A message as spans: copies run together, long pieces are referenced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/rng.h"
#include "templates/mime/mime_out.h"

static struct arena memory;

static void copies_are_one_span(void **state)
{
	struct mime_out o;

	(void)state;
	mime_out_init(&o, &memory);
	for (int i = 0; i < 100; i++)
		assert_int_equal(mime_out_refer(&o, SPAN("ten octets")), 0); /* short: copied */
	assert_int_equal(mime_out_copy(&o, SPAN("")), 0);
	mime_out_close(&o);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.size, 1000);
	assert_int_equal(o.copied, 1000);
	arena_reset(&memory);
}

static void long_pieces_are_referenced(void **state)
{
	static const char text[MIME_OUT_REFER_MIN] = { 'x' };
	struct mime_out o;

	(void)state;
	mime_out_init(&o, &memory);
	assert_int_equal(mime_out_copy(&o, SPAN("a")), 0);
	assert_int_equal(mime_out_refer(&o, span_of(text, sizeof text)), 0);
	assert_int_equal(mime_out_copy(&o, SPAN("b")), 0);
	assert_int_equal(mime_out_copy(&o, SPAN("c")), 0);
	mime_out_close(&o);
	assert_int_equal(o.n, 3);
	assert_ptr_equal(o.spans[1].p, text);
	assert_int_equal(o.spans[2].n, 2);
	assert_int_equal(o.copied, 3);
	arena_reset(&memory);
}

static void random_writes_come_out(void **state)
{
	static char text[20000];
	struct rng r;

	(void)state;
	rng_seed(&r, 3, 4);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)rng_next(&r);
	for (int round = 0; round < 300; round++) {
		struct mime_out o;
		struct span flat;
		size_t at = 0;

		mime_out_init(&o, &memory);
		while (at < sizeof text) {
			struct span s = span_sub(span_of(text, sizeof text), at, rng_below(&r, 700));

			assert_int_equal(rng_below(&r, 2) ? mime_out_copy(&o, s) : mime_out_refer(&o, s), 0);
			at += s.n;
		}
		mime_out_close(&o);
		for (uint32_t i = 0; i < o.n; i++)
			assert_true(o.spans[i].n > 0);
		flat = mime_out_flat(&o, &memory);
		assert_int_equal(flat.n, sizeof text);
		assert_memory_equal(flat.p, text, flat.n);
		arena_reset(&memory);
	}
}

static void no_memory(void **state)
{
	struct arena tight;
	struct mime_out o;

	(void)state;
	arena_init(&tight, 64, 2048); /* the spans fit, the block does not */
	mime_out_init(&o, &tight);
	assert_int_equal(mime_out_copy(&o, SPAN("a")), -1);
	assert_null(mime_out_room(&o, 1));
	assert_int_equal(o.n, 0);
	arena_release(&tight);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&memory, 1 << 14, 1 << 24);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&memory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_one_span),
		cmocka_unit_test(long_pieces_are_referenced),
		cmocka_unit_test(random_writes_come_out),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
