/* Logins of several workers at one relay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/clock.h"
#include "relay_rig.h"

enum { WORKERS = 4, MAILS = 40, TOGETHER_MS = 20000 };

/* That many workers at the relay of the first; it is freed with all[0]. first_port, when not 0, is where the first of
 * them connects to. */
static void begin_workers(struct rig *all[WORKERS], const char *reply, uint16_t first_port)
{
	struct net_address own;
	const struct mini_options o = { .ehlo = "250-mini\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n", .auth = reply };

	all[0] = rig_bare(&o);
	rig_add(all[0], all[0]->s, "ann", "", 1);
	own = all[0]->relays[0]->addresses.items[0];
	if (first_port)
		assert_int_equal(net_address_literal("127.0.0.1", first_port, &all[0]->relays[0]->addresses.items[0]), 0);
	for (unsigned i = 1; i < WORKERS; i++) {
		all[i] = calloc(1, sizeof *all[i]);
		assert_non_null(all[i]);
		all[i]->relays[0] = all[0]->relays[0];
		all[i]->n_relays = 1;
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		rig_begin(all[i], 2, MAILS);
		all[0]->relays[0]->addresses.items[0] = own;
	}
}

static void free_workers(struct rig *all[WORKERS])
{
	for (unsigned i = 1; i < WORKERS; i++) {
		relay_pool_free(&all[i]->pool);
		free(all[i]);
	}
	rig_free(all[0]);
}

static void run_together(struct rig *all[WORKERS])
{
	int64_t until = clock_mono_ms() + TOGETHER_MS;

	for (bool busy = true; busy;) {
		busy = false;
		for (unsigned i = 0; i < WORKERS; i++)
			if (all[i]->done < MAILS && !all[i]->all_downs) {
				rig_turn(all[i], 10);
				busy = true;
			}
		assert_true(clock_mono_ms() < until);
	}
}

static void a_wrong_password_is_said_once(void **state)
{
	struct rig *all[WORKERS];

	(void)state;
	begin_workers(all, "535 5.7.8 no\r\n", 0);
	run_together(all);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(all[i]->downs, 1);
		assert_int_equal(all[i]->sent, 0);
	}
	assert_int_equal(mini_smtpd_commands(all[0]->s, "AUTH"), 1);
	free_workers(all);
}

static void then_all_log_in(void **state)
{
	struct rig *all[WORKERS];

	(void)state;
	begin_workers(all, "235 yes\r\n", 0);
	run_together(all);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(all[i]->sent, MAILS);
	assert_true(mini_smtpd_connections(all[0]->s) >= WORKERS);
	free_workers(all);
}

/* The first one is never greeted. */
static void one_that_stalls_holds_up_nobody(void **state)
{
	struct rig *all[WORKERS];
	struct mini_smtpd *mute;

	(void)state;
	mute = mini_smtpd_start(&(struct mini_options){ .greeting = "" }, 0);
	begin_workers(all, "235 yes\r\n", mini_smtpd_port(mute));
	for (unsigned i = 1; i < WORKERS; i++)
		while (all[i]->done < MAILS)
			rig_turn(all[i], 10);
	assert_int_equal(mini_smtpd_connections(mute), 1);
	free_workers(all);
	mini_smtpd_stop(mute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_password_is_said_once), cmocka_unit_test(then_all_log_in),
		cmocka_unit_test(one_that_stalls_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
