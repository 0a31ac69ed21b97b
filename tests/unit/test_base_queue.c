/* Queues: order, limits, waiting, closing, the descriptor, many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/queue.h"

static bool readable(struct queue *q)
{
	struct pollfd p = { .fd = queue_fd(q), .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static void order_limit_and_descriptor(void **state)
{
	struct queue *q;
	char items[8];
	void *got = NULL;

	(void)state;
	assert_int_equal(queue_new(&q, 3, NULL), 0);
	for (int round = 0; round < 5; round++) {
		assert_false(readable(q));
		assert_int_equal(queue_pop(q, &got, 0), 0);
		assert_int_equal(queue_try_push(q, &items[0]), 1);
		assert_true(readable(q));
		assert_int_equal(queue_try_push(q, &items[1]), 1);
		assert_int_equal(queue_push(q, &items[2], 0), 1);
		assert_int_equal(queue_try_push(q, &items[3]), 0);
		assert_int_equal(queue_push(q, &items[3], 5), 0);
		assert_int_equal(queue_length(q), 3);
		for (int i = 0; i < 3; i++) {
			assert_true(readable(q));
			assert_int_equal(queue_pop(q, &got, -1), 1);
			assert_ptr_equal(got, &items[i]);
		}
		assert_int_equal(queue_length(q), 0);
		assert_int_equal(queue_try_push(q, &items[0]), 1); /* the ring turns by one */
		assert_int_equal(queue_pop(q, &got, 0), 1);
	}
	queue_free(&q);
	assert_null(q);
	queue_free(&q);
}

static void waiting_ends_in_time(void **state)
{
	struct queue *q;
	void *got;
	int64_t before;

	(void)state;
	assert_int_equal(queue_new(&q, 1, NULL), 0);
	clock_shift(1000000000, 0); /* waits do not look at the clock of tests */
	before = clock_mono_ms();
	assert_int_equal(queue_pop(q, &got, 40), 0);
	assert_in_range(clock_mono_ms() - before, 39, 5000);
	assert_int_equal(queue_try_push(q, q), 1);
	before = clock_mono_ms();
	assert_int_equal(queue_push(q, q, 40), 0);
	assert_in_range(clock_mono_ms() - before, 39, 5000);
	clock_shift(0, 0);
	queue_free(&q);
}

static void closing(void **state)
{
	struct queue *q;
	void *got;

	(void)state;
	assert_int_equal(queue_new(&q, 2, NULL), 0);
	assert_int_equal(queue_try_push(q, &got), 1);
	queue_close(q);
	queue_close(q);
	assert_int_equal(queue_try_push(q, &got), 0);
	assert_int_equal(queue_push(q, &got, -1), -1);
	assert_int_equal(queue_pop(q, &got, -1), 1);
	assert_int_equal(queue_pop(q, &got, -1), -1);
	assert_true(readable(q)); /* so that a poll loop sees the end */
	queue_hush(q);
	queue_hush(q);
	assert_false(readable(q)); /* and does not spin when it goes on */
	assert_int_equal(queue_pop(q, &got, 0), -1);
	queue_free(&q);
}

static void *pop_for_ever(void *q)
{
	void *got;

	return queue_pop(q, &got, -1) == -1 ? q : NULL;
}

static void *push_for_ever(void *q)
{
	return queue_push(q, q, -1) == -1 ? q : NULL;
}

static void closing_wakes_all(void **state)
{
	struct queue *empty, *full;
	pthread_t t[6];

	(void)state;
	assert_int_equal(queue_new(&empty, 1, NULL), 0);
	assert_int_equal(queue_new(&full, 1, NULL), 0);
	assert_int_equal(queue_try_push(full, full), 1);
	for (int i = 0; i < 6; i++)
		assert_int_equal(i % 2 ? pthread_create(&t[i], NULL, pop_for_ever, empty)
				       : pthread_create(&t[i], NULL, push_for_ever, full), 0);
	poll(NULL, 0, 20);
	queue_close(empty);
	queue_close(full);
	for (int i = 0; i < 6; i++) {
		void *result;

		pthread_join(t[i], &result);
		assert_non_null(result);
	}
	queue_free(&empty);
	queue_free(&full);
}

enum { PUSHERS = 3, POPPERS = 3, EACH = 20000 };

struct crowd {
	struct queue *q;
	unsigned char *items; /* PUSHERS * EACH, counted up by whoever popped it */
	size_t from, popped;
};

static void *push_each(void *arg)
{
	struct crowd *c = arg;

	for (size_t i = 0; i < EACH; i++)
		if (queue_push(c->q, &c->items[c->from + i], -1) != 1)
			return NULL;
	return c;
}

/* Waits through the descriptor, as a worker's poll loop does. */
static void *pop_by_poll(void *arg)
{
	struct crowd *c = arg;

	for (;;) {
		struct pollfd p = { .fd = queue_fd(c->q), .events = POLLIN };
		void *got;
		int rc;

		poll(&p, 1, -1);
		while ((rc = queue_pop(c->q, &got, 0)) == 1) {
			++*(unsigned char *)got;
			c->popped++;
		}
		if (rc < 0)
			return c;
	}
}

static void each_item_reaches_one(void **state)
{
	unsigned char *items = mem_new(PUSHERS * EACH);
	struct crowd in[PUSHERS], out[POPPERS];
	pthread_t push[PUSHERS], pop[POPPERS];
	struct queue *q;
	size_t popped = 0;

	(void)state;
	assert_int_equal(queue_new(&q, 4, NULL), 0);
	for (size_t i = 0; i < POPPERS; i++) {
		out[i] = (struct crowd){ .q = q };
		assert_int_equal(pthread_create(&pop[i], NULL, pop_by_poll, &out[i]), 0);
	}
	for (size_t i = 0; i < PUSHERS; i++) {
		in[i] = (struct crowd){ .q = q, .items = items, .from = i * EACH };
		assert_int_equal(pthread_create(&push[i], NULL, push_each, &in[i]), 0);
	}
	for (size_t i = 0; i < PUSHERS; i++)
		pthread_join(push[i], NULL);
	queue_close(q);
	for (size_t i = 0; i < POPPERS; i++) {
		pthread_join(pop[i], NULL);
		popped += out[i].popped;
	}
	assert_int_equal(popped, PUSHERS * EACH);
	for (size_t i = 0; i < PUSHERS * EACH; i++)
		assert_int_equal(items[i], 1);
	mem_free(items);
	queue_free(&q);
}

static void no_memory(void **state)
{
	struct err e = { 0 };
	struct queue *q;
	int rc;
	long n = 0;

	(void)state;
	do {
		mem_fail_after(n++);
		rc = queue_new(&q, 10, &e);
		assert_true(rc == 0 || (e.kind == ERR_NOMEM && !q));
	} while (rc < 0 && n < 10);
	mem_fail_after(-1);
	assert_int_equal(n, 3);
	queue_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_limit_and_descriptor),
		cmocka_unit_test(waiting_ends_in_time),
		cmocka_unit_test(closing),
		cmocka_unit_test(closing_wakes_all),
		cmocka_unit_test(each_item_reaches_one),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
