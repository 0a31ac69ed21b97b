/* Headers of nothing but cells and fixed text have ways of their own: mails are as by the long way, which a filter
 * takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/rng.h"
#include "tests/unit/letter_pair.h"

static const struct {
	const char *quick, *slow;
} forms[] = {
	{ "{{ name }} <{{ email }}>", "{{ name | append: '' }} <{{ email | append: '' }}>" },
	{ "{{ name }}<{{ email }} > ", "{{ name | append: '' }}<{{ email | append: '' }} > " },
	{ "<{{ email }}>", "<{{ email | append: '' }}>" },
	{ "<{{ email }}>{{ name }}", "<{{ email | append: '' }}>{{ name | append: '' }}" },
	{ "<{{ email }}>{% comment %}-{% endcomment %}, x@y.example", "<{{ email | append: '' }}>, x@y.example" },
	{ "{{ email }}", "{{ email | append: '' }}" },
	{ "{{ email }}, {{ name }}", "{{ email | append: '' }}, {{ name | append: '' }}" },
	{ "{{ email }}\nTo: x{{ email }}", "{{ email | append: '' }}\nTo: x{{ email | append: '' }}" },
	{ "{{ email }}\nTo: <{{ name }}>", "{{ email | append: '' }}\nTo: <{{ name | append: '' }}>" },
	{ "x{{ email }}\nTo: {{ email }}", "x{{ email | append: '' }}\nTo: {{ email | append: '' }}" },
};

static void open_form(struct letter_try *t, const char *to)
{
	char source[300];
	const char *same = t == &slow ? " | append: ''" : "";

	snprintf(source, sizeof source, "From: Shop <shop@example.com>\nTo: %s\nSubject: Hi\n {{ name%s }},{{ email%s }}!\n\nHello\n",
		 to, same, same);
	try_open_ok(t, source);
}

static void same_mails(const char *name, const char *email)
{
	pair_must_agree("To:", (const char *const[]){ name, email });
}

/* Each byte in each place of either cell. */
static void byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		open_form(&quick, forms[i].quick);
		open_form(&slow, forms[i].slow);
		for (int c = 1; c < 256; c++) {
			for (size_t n = 1; n < 5; n++) {
				for (size_t at = 0; at < n; at++) {
					char name[8] = "mmmm", email[] = "a.b@c.example";

					name[n] = '\0';
					name[at] = (char)c;
					same_mails(name, "a@b.example");
					email[2 * at + n / 4] = (char)c;
					same_mails("Ann", email);
				}
			}
		}
		same_mails("", "a@b.example");
		same_mails("Ann", "");
		same_mails("", "");
	}
}

static void by_chance(void **state)
{
	static const char *const bits[] = { "Ann", "Lee", " ", ",", "<", ">", "\"", "@", "a@b.example", "c@d.example", "=?", "?=",
					    "\t", "\r\n", "\xc3\xa9", "\xe2\x80\xa8", "mailto:", ".", "\\", "(", ")", ":", ";" };
	struct rng r;

	(void)state;
	rng_seed(&r, 21, 22);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		open_form(&quick, forms[i].quick);
		open_form(&slow, forms[i].slow);
		for (int turn = 0; turn < 4000; turn++) {
			char cells[2][400] = { "", "" };

			for (int k = 0; k < 2; k++) {
				for (uint64_t left = rng_below(&r, turn % 40 ? 5 : 40); left > 0; left--) {
					size_t n = strlen(cells[k]);

					snprintf(cells[k] + n, sizeof cells[k] - n, "%s", bits[rng_below(&r, sizeof bits / sizeof bits[0])]);
				}
			}
			same_mails(cells[0], turn % 3 ? "a@b.example" : cells[1]);
		}
	}
}

/* Limits that count what a template prints count it here, too. */
static void limits_hold(void **state)
{
	(void)state;
	for (uint64_t most = 1; most < 20; most++) {
		quick.opt.ways.max_output = slow.opt.ways.max_output = most;
		open_form(&quick, forms[0].quick);
		open_form(&slow, forms[0].slow);
		same_mails("Ann", "a@b.example");
	}
	quick.opt.ways.max_output = slow.opt.ways.max_output = 0;
	quick.opt.ways.max_steps = 2;
	open_form(&quick, forms[0].quick);
	assert_int_equal(try_write(&quick, (const char *const[]){ "Ann", "a@b.example" }), -1);
	quick.opt.ways.max_steps = 0;
}

static int setup(void **state)
{
	(void)state;
	pair_begin("name,email");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(by_chance),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, setup, pair_end);
}
