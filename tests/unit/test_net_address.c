/* Addresses from text and back; name look-ups that nobody waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <poll.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "transport/net/net.h"

static const struct literal_case {
	const char *host;
	int rc;
	const char *words;
	bool local;
} literals[] = {
	{ "127.0.0.1", 0, "127.0.0.1:25", true },
	{ "127.9.9.9", 0, "127.9.9.9:25", true },
	{ "128.0.0.1", 0, "128.0.0.1:25", false },
	{ "::1", 0, "[::1]:25", true },
	{ "2001:db8::1", 0, "[2001:db8::1]:25", false },
	{ "::ffff:127.0.0.1", 0, "[::ffff:127.0.0.1]:25", true },
	{ "::ffff:10.0.0.1", 0, "[::ffff:10.0.0.1]:25", false },
	{ "127.1", -1, NULL, false },
	{ "[::1]", -1, NULL, false },
	{ "localhost", -1, NULL, false },
	{ "", -1, NULL, false },
};

static void numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
		const struct literal_case *c = &literals[i];
		char words[NET_ADDRESS_WORDS];
		struct net_address a;

		assert_int_equal(net_address_literal(c->host, 25, &a), c->rc);
		if (c->rc < 0)
			continue;
		net_address_words(&a, words);
		assert_string_equal(words, c->words);
		assert_int_equal(net_address_is_local(&a), c->local);
	}
}

static void sockets(void **state)
{
	char words[NET_ADDRESS_WORDS], path[200];
	struct net_address a;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(net_address_unix("/run/lmtp", &a, &e), 0);
	net_address_words(&a, words);
	assert_string_equal(words, "/run/lmtp");
	assert_true(net_address_is_local(&a));
	assert_int_equal(net_address_unix("", &a, &e), -1);
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(net_address_unix(path, &a, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	path[107] = '\0';
	assert_int_equal(net_address_unix(path, &a, &e), 0);
}

static void names_now(void **state)
{
	struct net_addresses found;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(net_lookup_now("192.0.2.1", 25, 0, &found, &e), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(net_lookup_now("localhost", 25, 20000, &found, &e), 0);
	assert_true(found.n >= 1);
	assert_true(net_address_is_local(&found.items[0]));
	assert_int_equal(net_lookup_now("no such host", 25, 20000, &found, &e), -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_non_null(strstr(e.text, "no such host"));
	assert_true(e.hint[0]);
}

static void names_later(void **state)
{
	struct net_lookup *l = NULL;
	struct net_addresses found;
	struct pollfd p;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(net_lookup_start(&l, "localhost", 587, &e), 0);
	p = (struct pollfd){ .fd = net_lookup_fd(l), .events = POLLIN };
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(net_lookup_take(l, &found, &e), 1);
	assert_int_equal(net_lookup_take(l, &found, &e), 1); /* any number of times */
	net_lookup_free(&l);
	assert_null(l);
	for (int i = 0; i < 50; i++) { /* nobody waits for the answer */
		assert_int_equal(net_lookup_start(&l, "localhost", 587, &e), 0);
		net_lookup_free(&l);
	}
}

static void names_without_memory(void **state)
{
	struct net_addresses found;
	struct err e = { 0 };

	(void)state;
	mem_fail_after(0);
	assert_int_equal(net_lookup_now("localhost", 25, 20000, &found, &e), -1);
	mem_fail_after(-1);
	assert_int_equal(e.kind, ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),     cmocka_unit_test(sockets),
		cmocka_unit_test(names_now),   cmocka_unit_test(names_later),
		cmocka_unit_test(names_without_memory),
	};

	return cmocka_run_group_tests_name("net_address", tests, NULL, NULL);
}
