/* Several relays of which not every one can carry every mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "relay_rig.h"

enum { MAILS = 200 };

#define SMALL "250-mini\r\n250-PIPELINING\r\n250 SIZE 10\r\n"

static void goes_to_the_one_that_can(void **state)
{
	const struct mini_options small = { .ehlo = SMALL }, good = { 0 };
	struct rig *r = rig_new(&small);

	(void)state;
	rig_serve_too(r, &good);
	rig_begin(r, 4, MAILS);
	rig_run(r);
	assert_int_equal(r->sent, MAILS);
	assert_int_equal(r->refused, 0);
	assert_int_equal(mini_smtpd_commands(r->s, "MAIL"), 0);
	rig_free(r);
}

static void refused_when_none_can(void **state)
{
	const struct mini_options small = { .ehlo = SMALL };
	struct rig *r = rig_new(&small);

	(void)state;
	rig_serve_too(r, &small);
	rig_begin(r, 4, MAILS);
	rig_run(r);
	assert_int_equal(r->refused, MAILS);
	assert_int_equal(r->last.code, 552);
	rig_free(r);
}

/* The one that could is down for good: then there is none. */
static void refused_when_the_other_is_down(void **state)
{
	const struct mini_options small = { .ehlo = SMALL }, bad = { .ehlo = "250-mini\r\n250 AUTH PLAIN\r\n", .auth = "535 no\r\n" };
	struct rig *r = rig_new(&small);

	(void)state;
	r->t = mini_smtpd_start(&bad, 0);
	rig_add(r, r->t, "ann", "", 1);
	rig_begin(r, 4, MAILS);
	rig_run(r);
	assert_int_equal(r->refused, MAILS);
	assert_int_equal(r->downs, 1);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_to_the_one_that_can), cmocka_unit_test(refused_when_none_can),
		cmocka_unit_test(refused_when_the_other_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
