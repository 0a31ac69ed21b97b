/* Well-known relays: each becomes a URL that is understood, with its limits; the room's page shows the same table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/base/throttle.h"
#include "transport/relay/relay_providers.h"
#include "transport/relay/relay_url.h"

static void each_is_a_url(void **state)
{
	const struct relay_provider *p, *before = NULL;

	(void)state;
	for (size_t i = 0; (p = relay_provider_at(i)); before = p, i++) {
		char text[RELAY_PROVIDER_URL];
		struct throttle *t = NULL;
		struct relay_url url;
		struct err e = { 0 };

		assert_true(!before || strcmp(before->name, p->name) < 0);
		assert_int_equal(relay_provider_url(p->name, "ann+x@Example.com", text, &e), 0);
		if (relay_url_parse(text, &url, &e) < 0)
			fail_msg("%s: %s", text, e.text);
		assert_string_equal(url.user, "ann+x@Example.com");
		assert_int_equal(url.security, url.port == 465 ? SMTP_IMPLICIT : SMTP_STARTTLS);
		assert_int_equal(url.verify, NET_VERIFY_FULL);
		if (url.limits.rate[0]) {
			assert_int_equal(throttle_new(&t, url.limits.rate, &e), 0);
			throttle_free(&t);
		}
	}
	assert_true(before != NULL);
}

static void numbers_of_one(void **state)
{
	char text[RELAY_PROVIDER_URL];
	struct relay_url url;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(relay_provider_url("Microsoft365", "a:b c@x.example", text, &e), 0);
	assert_int_equal(relay_url_parse(text, &url, &e), 0);
	assert_string_equal(url.user, "a:b c@x.example");
	assert_string_equal(url.host, "smtp.office365.com");
	assert_int_equal(url.limits.connections, 3);
	assert_string_equal(url.limits.rate, "30/min,10000/day");
	assert_int_equal(relay_provider_url("sendgrid", NULL, text, &e), 0);
	assert_int_equal(relay_url_parse(text, &url, &e), 0);
	assert_string_equal(url.user, "apikey");
	assert_int_equal(url.limits.messages, 5000);
	assert_int_equal(relay_provider_url("google-relay", NULL, text, &e), 0);
	assert_null(strchr(text, '@'));
}

static void what_is_wrong(void **state)
{
	char text[RELAY_PROVIDER_URL], *lengthy = malloc(5000);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(relay_provider_url("gmial", "a@b.example", text, &e), -1);
	assert_non_null(strstr(e.hint, "gmail"));
	assert_int_equal(relay_provider_url("gmail", NULL, text, &e), -1);
	assert_non_null(strstr(e.hint, "--user"));
	memset(lengthy, ':', 4999);
	lengthy[4999] = '\0';
	assert_int_equal(relay_provider_url("gmail", lengthy, text, &e), -1);
	free(lengthy);
}

static void the_page_has_the_table(void **state)
{
	static char page[64 << 10];
	FILE *f = fopen("transport/relay/README.md", "r");
	const struct relay_provider *p;

	(void)state;
	assert_non_null(f);
	page[fread(page, 1, sizeof page - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; (p = relay_provider_at(i)); i++) {
		char row[512];

		snprintf(row, sizeof row, "| %s | `%s` | %s%s%s |", p->name, p->place, p->limits[0] ? "`" : "", p->limits,
			 p->limits[0] ? "`" : "");
		if (!strstr(page, row))
			fail_msg("the page lacks: %s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_a_url),
		cmocka_unit_test(numbers_of_one),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(the_page_has_the_table),
	};

	return cmocka_run_group_tests_name("relay_providers", tests, NULL, NULL);
}
