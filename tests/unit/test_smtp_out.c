/* test_smtp_out.c - the output queue against a plain copy of the stream, by random use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "engine/base/rng.h"
#include "transport/smtp/smtp_out.h"

enum { STREAM = 4 << 20, PULL = 8 };

static char content[50000];

struct world {
	struct smtp_out o;
	char *stream; /* everything that went in */
	size_t in, out;
	struct span handed[PULL];
	int n_handed;
	struct rng rng;
};

static void put_line(struct world *w)
{
	size_t room = 1 + rng_below(&w->rng, 3000), n = 1 + rng_below(&w->rng, room);
	char *at = smtp_out_room(&w->o, room);

	if (!at)
		return;
	for (size_t i = 0; i < n; i++)
		at[i] = w->stream[w->in++] = (char)rng_next(&w->rng);
	smtp_out_add(&w->o, n);
}

static void put_content(struct world *w)
{
	size_t from = rng_below(&w->rng, sizeof content - 1), n = 1 + rng_below(&w->rng, sizeof content - from - 1);

	if (!smtp_out_has_room(&w->o))
		return;
	smtp_out_point(&w->o, span_of(content + from, n));
	memcpy(w->stream + w->in, content + from, n);
	w->in += n;
}

/* What is handed out is the stream, and what was handed out before has not moved. */
static void pull(struct world *w)
{
	struct span out[PULL];
	int n = smtp_out_pull(&w->o, out, 1 + (int)rng_below(&w->rng, PULL));
	size_t at = w->out;

	for (int i = 0; i < n; i++) {
		assert_true(out[i].n > 0);
		assert_memory_equal(out[i].p, w->stream + at, out[i].n);
		at += out[i].n;
		if (i < w->n_handed) {
			assert_ptr_equal(out[i].p, w->handed[i].p);
			assert_int_equal(out[i].n, w->handed[i].n);
		}
	}
	if (n > w->n_handed) {
		memcpy(w->handed, out, (size_t)n * sizeof *out);
		w->n_handed = n;
	}
}

static void wrote(struct world *w)
{
	size_t n = w->o.pulled - w->o.written;

	if (n == 0)
		return;
	if (rng_below(&w->rng, 2))
		n = 1 + rng_below(&w->rng, n);
	smtp_out_wrote(&w->o, n);
	w->out += n;
	w->n_handed = 0;
}

static void test_random(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	(void)state;
	w->stream = malloc(STREAM);
	for (int round = 0; round < 40; round++) {
		rng_seed(&w->rng, 7, (uint64_t)round);
		smtp_out_drop(&w->o);
		w->o.queued = w->o.pulled = w->o.written = w->in = w->out = 0;
		w->n_handed = 0;
		while (w->in < STREAM - (1 << 20)) {
			uint64_t what = rng_below(&w->rng, 10);

			what < 5 ? put_line(w) : what < 6 ? put_content(w) : what < 8 ? pull(w) : wrote(w);
			assert_int_equal(w->o.queued, w->in);
			assert_int_equal(w->o.written, w->out);
		}
		while (w->out < w->in) {
			pull(w);
			wrote(w);
		}
		assert_int_equal(w->o.n, 0);
		assert_int_equal(w->o.live, 0);
	}
	free(w->stream);
	free(w);
}

static void test_full(void **state)
{
	static struct smtp_out o;
	struct span out[2];
	unsigned n = 0;

	(void)state;
	while (smtp_out_room(&o, 1000)) {
		smtp_out_add(&o, 1000);
		n++;
	}
	assert_int_equal(n, SMTP_OUT_BYTES / 1000);
	assert_int_equal(smtp_out_pull(&o, out, 2), 1); /* neighbours are one piece */
	smtp_out_wrote(&o, 999);
	assert_null(smtp_out_room(&o, 1000));
	smtp_out_wrote(&o, 1);
	assert_non_null(smtp_out_room(&o, 1000));
	smtp_out_drop(&o);
	while (smtp_out_has_room(&o))
		smtp_out_point(&o, SPAN("."));
	assert_int_equal(o.n, SMTP_OUT_PIECES);
	assert_null(smtp_out_room(&o, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
	};

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)(i * 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
