/* Sessions that are ended at once: what had left whole is in doubt, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "relay_rig.h"

/* ---- abort ---- */

static void abort_now(struct rig *r)
{
	r->hold = true;
	relay_pool_abort(r->pool);
	rig_take_events(r);
	assert_int_equal(relay_pool_in_hand(r->pool), 0);
	assert_int_equal(relay_pool_open_links(r->pool), 0);
	assert_int_equal(relay_pool_wants(r->pool), 0);
	assert_int_equal(r->pauses + r->downs + r->all_downs, 0);
}

/* At any moment of a run: all mails come back, none that the server took as one that may go again. */
static void aborts_at_any_moment(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 60; k++) {
		const struct mini_options o = { .ehlo = k % 2 ? "250-mini\r\n250 PIPELINING\r\n" : NULL };
		struct rig *r = rig_new(&o);
		unsigned mails;

		rig_begin(r, 4, 5000);
		for (unsigned i = 0; i < k; i++)
			rig_turn(r, 1000);
		abort_now(r);
		if (r->last.kind == VERDICT_DEFERRED) {
			assert_int_equal(r->last.scope, SCOPE_SESSION);
			assert_int_equal(r->last.code, 0);
			assert_string_equal(r->last.text, "stopped");
		}
		while (mini_smtpd_open_now(r->s))
			usleep(1000);
		mails = mini_smtpd_commands(r->s, "MAIL");
		for (unsigned i = 0; i < 3; i++)
			rig_turn(r, 5);
		assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), mails);
		assert_int_equal(relay_pool_open_links(r->pool), 0);
		assert_int_equal(r->sent + r->in_doubt + r->n_again, r->next);
		for (unsigned i = 0; i < r->n_again; i++)
			assert_int_equal(mini_smtpd_took(r->s, r->again[i]), 0);
		rig_free(r);
	}
}

/* What had left whole is in doubt, and only that. */
static void abort_behind_the_end_of_data(void **state)
{
	const struct mini_options o = { .hold_end = true };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 2);
	while (mini_smtpd_commands(r->s, "MAIL") < 2)
		rig_turn(r, 20);
	abort_now(r);
	assert_int_equal(r->in_doubt, 2);
	assert_non_null(strstr(r->last.text, "stopped"));
	rig_free(r);
}

/* One that waits for a connection was not begun. */
static void abort_of_a_parked_mail(void **state)
{
	const struct mini_options o = { 0 };
	struct rig *r = rig_new(&o);

	(void)state;
	rig_begin(r, 1, 1);
	rig_run(r);
	clock_shift(9000, 0);
	rig_until_closed(r);
	r->n_mails = 2;
	rig_turn(r, 0);
	assert_int_equal(relay_pool_in_hand(r->pool), 1);
	abort_now(r);
	assert_int_equal(r->last.kind, VERDICT_DEFERRED);
	assert_int_equal(r->last.scope, SCOPE_SESSION);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aborts_at_any_moment), cmocka_unit_test(abort_behind_the_end_of_data),
		cmocka_unit_test(abort_of_a_parked_mail),
	};

	return cmocka_run_group_tests_name("relay_abort", tests, NULL, NULL);
}
