/* Values that try to be more than values: in every header, in bodies, in names of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/rng.h"
#include "tests/unit/letter_try.h"
#include "tests/unit/mail_reader.h"

static struct letter_try t;

static const char *const forms[] = {
	"From: {{ x }} <s@x.example>", "From: s@x.example\nSender: {{ x }} <s@x.example>", "To: {{ x }} <a@x.example>",
	"Cc: \"{{ x }}\" <a@x.example>", "Bcc: {{ x }} <b@x.example>", "Reply-To: {{ x }} <b@x.example>",
	"Subject: {{ x }}", "X-Own: {{ x }}", "List-Id: {{ x }} <id.x.example>", "List-Unsubscribe: <https://x.example/{{ x }}>",
	"In-Reply-To: {{ x }}", "Message-ID: <{{ x }}@x.example>", "Date: Mon, 23 Nov 2026 09:30:00 {{ x }}", "Return-Path: {{ x }}@x.example",
	"Attachment: a.txt; name={{ x }}", "Content-Language: {{ x }}", "Precedence: {{ x }}",
};

static void open_form(const char *form)
{
	char letter[400];

	snprintf(letter, sizeof letter, "%s%s\n\nbody\n", strncmp(form, "From", 4) ? "From: s@x.example\n" : "", form);
	if (try_open(&t, letter) < 0)
		fail_msg("%s: %s", form, t.findings);
}

/* Also at the end of the value, where a careless check or trim would lose it. */
static void controls_never_reach_a_header(void **state)
{
	static const char *const bad[] = { "\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\n", "a\r\n", "\n", "a\x0b", "a\x0c" "b",
					   "a\x1b[2J", "\x7f", "\xc2\x85" "b", "a\xe2\x80\xa8" "b", "\xe2\x80\xa9", "a\xff" "b" };

	(void)state;
	for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
		open_form(forms[f]);
		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			if (try_write(&t, (const char *const[]){ bad[i], "ann@example.org" }) == 0)
				fail_msg("%s took value %zu:\n%s", forms[f], i, try_message(&t).p);
			assert_int_equal(t.e.kind, ERR_INPUT);
			assert_true(t.e.line > 0);
			assert_non_null(strstr(t.e.text, "which a header cannot carry"));
		}
		t.cells[0] = span_of("a\0b", 3);
		t.cells[1] = SPAN("ann@example.org");
		arena_reset(&t.a);
		assert_int_equal(letter_write(t.l, t.d, &t.a, &t.row, 1, &t.m, &t.e), -1);
	}
}

/* The names of the header's fields, joined. */
static void field_names(struct span m, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	while (m.n > 0 && n + 80 < size) {
		struct span line = span_cut(&m, '\n');

		if (line.n <= 1)
			return;
		if (line.p[0] != ' ')
			n += (size_t)snprintf(out + n, size - n, "%.*s,", (int)span_find(line, ':'), line.p);
	}
}

/* Whatever a value holds, the mail has the fields and the recipients that the letter plans, or the
 * row fails. */
static void structure_is_the_letters(void **state)
{
	static const char *const bits[] = { "a", " ", "<", ">", ",", ";", ":", "\"", "\\", "(", ")", "@", "=?UTF-8?Q?=0A?=", "?=",
					    "e@bad.example", "\xc3\xa9", "From ", ".", "=", "\t", "--", "=_", "name=x" };
	char plan[500], got[500], value[300];
	struct rng r;

	(void)state;
	rng_seed(&r, 13, 14);
	for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
		open_form(forms[f]);
		assert_true(try_write(&t, (const char *const[]){ "plain", "ann@example.org" }) == 0);
		field_names(try_message(&t), plan, sizeof plan);
		for (int i = 0; i < 1500; i++) {
			value[0] = 'v';
			value[1] = '\0';
			for (uint64_t k = rng_below(&r, 20); k > 0; k--) {
				size_t n = strlen(value);

				snprintf(value + n, sizeof value - n, "%s", bits[rng_below(&r, sizeof bits / sizeof bits[0])]);
			}
			if (try_write(&t, (const char *const[]){ value, "ann@example.org" }) < 0)
				continue;
			field_names(try_message(&t), got, sizeof got);
			if (strcmp(plan, got) != 0)
				fail_msg("%s with <%s>\n%s\nnot %s", forms[f], value, got, plan);
			for (uint32_t k = 0; k < t.m.n_recipients; k++)
				assert_true(span_find(t.m.recipients[k], 'x') < t.m.recipients[k].n); /* x.example, example.org */
			assert_true(t.m.n_recipients <= 2);
			assert_false(span_ends(t.m.sender, SPAN("bad.example")));
			assert_null(lines_wrong(try_message(&t).p, t.m.size, 998));
		}
	}
}

static void bodies_carry_anything(void **state)
{
	static const char *const values[] = { "\r\n.\r\n", "\n.\nQUIT\n", "From me\nFrom you", "\r", "a \n \t\n", "=\n=", "--=_x\n",
					      "\x01\x1b\x7f", "." };
	struct text back;
	const char *p;

	(void)state;
	assert_int_equal(try_open(&t, "From: s@x.example\n\n{{ x }}{{ x }}\n{{ x }} F{{ x }}From {{ x }}\n"), 0);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(try_write(&t, (const char *const[]){ values[i], "ann@example.org" }), 0);
		p = strstr(try_message(&t).p, "\r\n\r\n") + 4;
		assert_null(lines_wrong(p, strlen(p), 76));
		back = read_qp(p, strlen(p));
		assert_true(back.n > 0);
		free(back.p);
	}
	assert_int_equal(try_write(&t, (const char *const[]){ "no \xff text", "ann@example.org" }), -1);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "x,email");
	try_file(&t, "a.txt", "x", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	try_end(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_never_reach_a_header),
		cmocka_unit_test(structure_is_the_letters),
		cmocka_unit_test(bodies_carry_anything),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
