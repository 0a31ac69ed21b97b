/* A name with several addresses: the next one is tried when one is of no use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "relay_rig.h"

enum { SOON_MS = 4000 /* less than the patience with an address that does not answer */ };

/* In front of the relay's own address. */
static void put_first(struct relay *r, const char *host, uint16_t port)
{
	memmove(r->addresses.items + 1, r->addresses.items, r->addresses.n * sizeof *r->addresses.items);
	assert_int_equal(net_address_literal(host, port, &r->addresses.items[0]), 0);
	r->addresses.n++;
}

/* Nobody listens at the first ones: what waits is the socket of the next address, whatever its number. */
static void nobody_listens(void **state)
{
	static const char *const hosts[] = { "127.0.0.9", "::1", "127.0.0.8" };
	struct rig *r = rig_new(&(struct mini_options){ 0 });
	int64_t begun_ms = clock_mono_ms();

	(void)state;
	for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++)
		put_first(r->relays[0], hosts[i], mini_smtpd_port(r->s));
	rig_begin(r, 4, 400);
	rig_run(r);
	assert_int_equal(r->sent, 400);
	assert_true(clock_mono_ms() - begun_ms < SOON_MS);
	assert_int_equal(r->pauses + r->downs, 0);
	rig_free(r);
}

/* Somebody answers at the first one, and takes no mail there. */
static void check_next(const char *greeting)
{
	const struct mini_options bad = { .greeting = greeting, .first_greeting = greeting, .bad_connections = 1000 };
	struct mini_smtpd *other = mini_smtpd_start(&bad, 0);
	struct rig *r = rig_new(&(struct mini_options){ 0 });
	int64_t begun_ms = clock_mono_ms();

	put_first(r->relays[0], "127.0.0.1", mini_smtpd_port(other));
	rig_begin(r, 4, 400);
	rig_run(r);
	assert_int_equal(r->sent, 400);
	assert_true(clock_mono_ms() - begun_ms < SOON_MS);
	assert_int_equal(r->pauses + r->downs, 0);
	assert_int_equal(mini_smtpd_connections(other), 1); /* the one that was of use stays in front */
	rig_free(r);
	mini_smtpd_stop(other);
}

static void takes_no_mail_there(void **state)
{
	(void)state;
	check_next("421 4.3.2 too busy\r\n");
	check_next("554 5.3.2 no mail here\r\n");
	check_next("");
}

/* None is of use: each is asked once before it counts as a failure, and a first attempt that reaches nobody
 * is the last one. */
static void none_is_of_use(void **state)
{
	const struct mini_options bad = { .first_greeting = "421 4.3.2 too busy\r\n", .bad_connections = 1000 };
	struct mini_smtpd *other = mini_smtpd_start(&bad, 0);
	struct rig *r = rig_new(&bad);

	(void)state;
	put_first(r->relays[0], "127.0.0.1", mini_smtpd_port(other));
	rig_begin(r, 4, 1);
	rig_until_paused(r, 1);
	assert_int_equal(mini_smtpd_connections(other), 1);
	assert_int_equal(mini_smtpd_connections(r->s), 1);
	assert_int_equal(r->downs, 0);
	rig_free(r);
	mini_smtpd_stop(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_listens), cmocka_unit_test(takes_no_mail_there), cmocka_unit_test(none_is_of_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
