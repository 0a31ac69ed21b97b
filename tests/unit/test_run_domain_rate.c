/* Rates of recipients' domains: exact windows for each, all domains of a mail or none, a line in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/run/domain_rate.h"

#define S 1000000000LL

static struct domain_rates *rates(const char *a, const char *b)
{
	const char *rules[] = { a, b };
	struct domain_rates *d = NULL;
	struct err e = { 0 };

	if (domain_rates_new(&d, rules, b ? 2 : 1, &e) < 0)
		fail_msg("%s", e.text);
	return d;
}

static int64_t take(struct domain_rates *d, const char *path, int64_t now)
{
	struct span s = span_str(path);

	return domain_rates_take(d, &s, 1, now);
}

static void each_domain_by_itself(void **state)
{
	struct domain_rates *d = rates("gmail.com=3/min", "*=2/min");

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(take(d, "a@gmail.com", S), 0);
	assert_true(take(d, "b@gmail.com", S) >= 60 * S);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(take(d, "a@b.example", S), 0);
		assert_int_equal(take(d, "a@c.example", S), 0);
	}
	assert_true(take(d, "a@b.example", 2 * S) > 58 * S);
	assert_true(take(d, "a@c.example", 2 * S) > 58 * S);
	assert_int_equal(take(d, "a@sub.gmail.com", 2 * S), 0); /* another domain */
	assert_int_equal(take(d, "a@gmail.com", 62 * S), 0);
	domain_rates_free(&d);
}

static void without_a_star_the_others_are_free(void **state)
{
	struct domain_rates *d = rates("gmail.com=1/day", NULL);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(take(d, "a@b.example", S), 0);
	assert_int_equal(take(d, "a@gmail.com", S), 0);
	assert_true(take(d, "a@gmail.com", S) > 0);
	domain_rates_free(&d);
}

/* However the rule and the address write it: in capitals, beyond ASCII, with the root's dot. */
static void one_domain_has_one_rate(void **state)
{
	static const char *const rules[] = { "b\xc3\xbc" "cher.example=1/min", "B\xc3\x9c" "CHER.example=1/min", "XN--BCHER-KVA.example.=1/min" };

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct domain_rates *d = rates(rules[i], NULL);

		assert_int_equal(take(d, "a@xn--bcher-kva.example", S), 0);
		assert_true(take(d, "b@XN--bcher-kva.EXAMPLE", S) > 0);
		assert_true(take(d, "Ann <c@b\xc3\xbc" "cher.example>", S) > 0);
		assert_true(take(d, "d@B\xc3\x9c" "CHER.example", S) > 0);
		assert_int_equal(take(d, "d@bucher.example", S), 0);
		domain_rates_free(&d);
	}
}

/* No window of a second holds more than 5, whoever asks when. */
static void windows_are_exact(void **state)
{
	struct domain_rates *d = rates("*=5/s", NULL);
	int64_t begun[200];
	unsigned n = 0;

	(void)state;
	srand(1);
	for (int64_t now = S; n < 200; now += rand() % (S / 20))
		if (take(d, "a@b.example", now) == 0)
			begun[n++] = now;
	for (unsigned i = 5; i < n; i++)
		assert_true(begun[i] - begun[i - 5] >= S);
	domain_rates_free(&d);
}

static void all_or_none(void **state)
{
	struct domain_rates *d = rates("x.example=1/min", "*=10/min");
	struct span both[] = { SPAN("a@x.example"), SPAN("b@y.example"), SPAN("c@y.example") };

	(void)state;
	assert_int_equal(domain_rates_take(d, both, 3, S), 0); /* y once */
	for (int i = 0; i < 20; i++)
		assert_true(domain_rates_take(d, both, 3, S + i) > 0); /* takes nothing of y */
	for (int i = 0; i < 9; i++)
		assert_int_equal(take(d, "b@y.example", 2 * S), 0);
	assert_true(take(d, "b@y.example", 2 * S) > 0);
	domain_rates_free(&d);
}

/* A row that is called when it lined up finds its place. */
static void the_line_is_called_in_order(void **state)
{
	struct domain_rates *d = rates("*=20/s", NULL);
	int64_t due[400], last = 0, now = S;

	(void)state;
	for (int i = 0; i < 400; i++) {
		due[i] = now + domain_rates_queue(d, SPAN("Ann <a@B.Example> "), now);
		assert_true(due[i] >= last);
		last = due[i];
	}
	assert_true(last >= now + 19 * S && last <= now + 22 * S);
	for (int i = 0; i < 400; i++) {
		int64_t wait = take(d, "a@b.example", due[i]);

		assert_true(wait >= 0 && wait < 60 * S / 1000);
		if (wait)
			assert_int_equal(take(d, "a@b.example", due[i] + wait), 0);
	}
	domain_rates_free(&d);
}

static void many_domains_are_forgotten(void **state)
{
	struct domain_rates *d = rates("*=2/s", NULL);
	char path[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof path, "a@d%d.example", i);
		assert_int_equal(take(d, path, S + i * (S / 100)), 0);
		assert_true(take(d, path, S + i * (S / 100)) > 0);
	}
	domain_rates_free(&d);
}

/* Domains that were forgotten before the mail left, whatever else fills the table: it leaves now, and counts from now. */
static void a_late_use_counts(void **state)
{
	enum { PATHS = 100, OTHERS = 160 };
	static char names[PATHS][32];
	struct span paths[PATHS];
	char other[32];

	(void)state;
	for (int i = 0; i < PATHS; i++)
		paths[i] = span_of(names[i], (size_t)snprintf(names[i], sizeof names[i], "a@late%d.example", i));
	for (int others = 0; others < OTHERS; others++) {
		struct domain_rates *d = rates("*=1/s", NULL);

		assert_int_equal(domain_rates_take(d, paths, PATHS, S), 0);
		for (int i = 0; i < others; i++) {
			snprintf(other, sizeof other, "a@other%d.example", i);
			assert_int_equal(take(d, other, 10 * S), 0);
		}
		domain_rates_used(d, paths, PATHS, S, 10 * S);
		for (int i = 0; i < PATHS; i++)
			assert_true(take(d, names[i], 10 * S + S / 2) > 0);
		domain_rates_free(&d);
	}
}

static void an_earlier_run_counts(void **state)
{
	struct domain_rates *d = rates("*=2/min", NULL);

	(void)state;
	assert_true(domain_rates_window_ms(d) >= 60000);
	domain_rates_remember(d, SPAN("a@b.example"), 50000, 100 * S);
	domain_rates_remember(d, SPAN("a@b.example"), 1000, 100 * S);
	assert_true(take(d, "c@b.example", 100 * S) > 9 * S);
	assert_int_equal(take(d, "c@b.example", 111 * S), 0);
	assert_true(take(d, "c@b.example", 111 * S) > 0);
	domain_rates_free(&d);
}

static void wrong_rules(void **state)
{
	static const char *const wrong[] = { "", "gmail.com", "=5/s", "a@b.example=5/s", "gmail.com=", "gmail.com=5", "x=5/s,,", "*=0/s" };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct domain_rates *d = NULL;
		struct err e = { 0 };

		assert_int_equal(domain_rates_new(&d, &wrong[i], 1, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_true(e.text[0]);
	}
	const char *twice[] = { "a.example=1/s", "A.Example=2/s" };
	struct domain_rates *d = NULL;
	struct err e = { 0 };

	assert_int_equal(domain_rates_new(&d, twice, 2, &e), -1);
	assert_non_null(strstr(e.text, "two rates"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_domain_by_itself), cmocka_unit_test(one_domain_has_one_rate), cmocka_unit_test(without_a_star_the_others_are_free),
		cmocka_unit_test(windows_are_exact),     cmocka_unit_test(all_or_none),
		cmocka_unit_test(the_line_is_called_in_order), cmocka_unit_test(many_domains_are_forgotten),
		cmocka_unit_test(an_earlier_run_counts), cmocka_unit_test(a_late_use_counts), cmocka_unit_test(wrong_rules),
	};

	return cmocka_run_group_tests_name("run_domain_rate", tests, NULL, NULL);
}
