/* Address headers that are partly data. In the cases, {text} is a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/model/address.h"
#include "tests/unit/letter_holes.h"

static struct arena memory;

/* "name|path;name|path;" of what came out, or "error: ...". */
static void describe(const char *source, char *out, size_t size)
{
	static struct letter_holes holes;
	const struct letter_rendered line = letter_holes_of(&holes, source);
	struct address_list list = { 0 };
	struct err e = { 0 };
	size_t n = 0;

	out[0] = '\0';
	if (letter_addresses(&line, &memory, &list, &e) < 0) {
		snprintf(out, size, "error: %s", e.text);
		return;
	}
	for (uint32_t i = 0; i < list.n; i++)
		n += (size_t)snprintf(out + n, size - n, "%.*s%s%.*s|%.*s;", SPAN_ARG(list.items[i].group),
				      list.items[i].group.n ? ":" : "", SPAN_ARG(list.items[i].name),
				      SPAN_ARG(list.items[i].path));
	for (uint32_t i = 0; i < list.n_empty_groups; i++)
		n += (size_t)snprintf(out + n, size - n, "%.*s:", SPAN_ARG(list.empty_groups[i]));
}

static const struct address_case {
	const char *source, *want; /* want "error": any */
} cases[] = {
	/* names are text, whatever they hold */
	{ "{Ann Lee} <{a@x.example}>", "Ann Lee|a@x.example;" },
	{ "{M\xc3\xbcller, Ann} <{a@x.example}>", "M\xc3\xbcller, Ann|a@x.example;" },
	{ "{Ann \"x\" (y)} <{a@x.example}>", "Ann \"x\" (y)|a@x.example;" },
	{ "{x <evil@bad.example>, } <{a@x.example}>", "x <evil@bad.example>,|a@x.example;" },
	{ "{evil@bad.example, } <{a@x.example}>", "evil@bad.example,|a@x.example;" },
	{ "{a\\} <{a@x.example}>", "a\\|a@x.example;" },
	{ "{\"} <{a@x.example}>", "\"|a@x.example;" },
	{ "{(} <{a@x.example}>", "(|a@x.example;" },
	{ "{=?UTF-8?Q?=0A?=} <{a@x.example}>", "=?UTF-8?Q?=0A?=|a@x.example;" },
	{ "Dr. {Ann} {Lee} <{a@x.example}>", "Dr. Ann Lee|a@x.example;" },
	{ "{Ann}{Lee} <{a@x.example}>", "AnnLee|a@x.example;" },
	{ "{}  <{a@x.example}>", "|a@x.example;" },
	{ "\"{Ann \"x\"}\" <{a@x.example}>", "Ann \"x\"|a@x.example;" },
	{ "\"{x\", <evil@bad.example>, \"}\" <{a@x.example}>", "x\", <evil@bad.example>, \"|a@x.example;" },
	{ "\"Lee, {Ann}\" <{a@x.example}>", "Lee, Ann|a@x.example;" },
	{ "\"a\\\"{b}\" <{a@x.example}>", "a\"b|a@x.example;" },
	{ "{Ann} (the {), <evil@bad.example>, (} one) <{a@x.example}>", "Ann|a@x.example;" },
	/* inside < >: one address and nothing else */
	{ "{Ann} <{ a@x.example }>", "Ann|a@x.example;" },
	{ "{Ann} <{a@x.example>, <evil@bad.example}>", "error" },
	{ "{Ann} <{a@x.example, evil@bad.example}>", "error" },
	{ "{Ann} <{Lee <a@x.example>}>", "Ann|a@x.example;" },
	{ "{} <{Lee, Ann <a@x.example>}>", "error" },
	{ "{} <{\"Lee, Ann\" <a@x.example>}>", "Lee, Ann|a@x.example;" },
	{ "<{<a@x.example>}>", "|a@x.example;" },
	{ "{Ann} <{a@[192.0.2.1]}>", "Ann|a@[192.0.2.1];" },
	{ "{Ann} <{Lee <a@x.example>, Eve <evil@bad.example>}>", "error" },
	{ "{Ann} <{Lee <a@x.example> <evil@bad.example>}>", "error" },
	{ "{Ann} <{<a@x.example}>", "error" },
	{ "{Ann} <{list: a@x.example;}>", "error" },
	{ "{Ann} <{Lee <a}@{x.example>}>", "error" },
	{ "{Ann} <{mailto:a@x.example}>", "Ann|a@x.example;" },
	{ "{Ann} <{ MAILTO:a@x.example?subject=x}>", "Ann|a@x.example;" },
	{ "{Ann} <{mailto:a@x.example, evil@bad.example}>", "error" },
	{ "{Ann} <{mailto:mailto:a@x.example}>", "error" },
	{ "{Ann} <{\xc2\xa0" "a@x.example\xe2\x80\x8b}>", "Ann|a@x.example;" },
	{ "{mailto:a@x.example}", "|a@x.example;" },
	{ " { mailto:a@x.example?subject=Hello } ", "|a@x.example;" },
	{ "{\xc2\xa0" "Ann <a@x.example>\xc2\xa0}", "Ann|a@x.example;" },
	{ "{mailto:a@@x.example}", "error: 'a@@x.example' has two @ signs (character 10)" },
	{ "{a@x.example, mailto:b@x.example}", "error" },
	{ "{Ann} <{a@x.example (}>", "error" },
	{ "{Ann} <{no address}>", "error" },
	{ "{Ann} <{a}@x.example>", "Ann|a@x.example;" },
	{ "{Ann} <{a@b}@x.example>", "error" },
	{ "{Ann} <a@{x.example}>", "Ann|a@x.example;" },
	{ "{Ann} <{}>", "error" },
	{ "{} <{}>", "" },
	{ "{Ann} <{a@x.example}>{, evil@bad.example}", "error" },
	{ "{Ann} <{a@x.example}>{  } (work)", "Ann|a@x.example;" },
	/* a local part in quotation marks, all of one value */
	{ "{Ann} <{\"a b\"@x.example}>", "Ann|\"a b\"@x.example;" },
	{ "{Ann} < {\"a@b\\\", (\"@x.example}>", "Ann|\"a@b\\\", (\"@x.example;" },
	{ "{\"a b\"}@{x.example}", "|\"a b\"@x.example;" },
	{ "{Ann} <{\"a b\" <evil@bad.example}>", "error" },
	{ "{Ann} <{\"a b\"@x.example>, <evil@bad.example}>", "error" },
	{ "{Ann} <{\"a b}\"@x.example>", "error" },
	{ "{Ann} <{\"a}{ b\"@x.example}>", "error" },
	{ "{Ann} <{\"a\\}\"@x.example>", "error" },
	{ "{Ann} <{\"}>", "error" },
	{ "{Ann} <{\"a\"\"b\"@x.example}>", "error" },
	/* alone: the value is an address, or a list, by itself */
	{ "{a@x.example}", "|a@x.example;" },
	{ " {Ann <a@x.example>} ", "Ann|a@x.example;" },
	{ "{a@x.example, Bob <b@x.example>}", "|a@x.example;Bob|b@x.example;" },
	{ "{Lee, Ann <a@x.example>}", "error" },
	{ "{}", "" },
	{ "{team: a@x.example;}", "error" },
	{ "{team:;}", "error" },
	{ "{a@x.example}, {b@x.example}", "|a@x.example;|b@x.example;" },
	{ "{a@x.example}, {}", "|a@x.example;" },
	{ "{a@x.example}{ }", "|a@x.example;" },
	{ "{a@x.example, b@x.example}{ }", "error" },
	{ "{ }{a@x.example, b@x.example}", "error" },
	{ "{Ann} <{Lee <a@x.example>}{ }>", "error" },
	{ "{Ann} < {Lee <a@x.example>} >", "Ann|a@x.example;" },
	/* the letter's own backslash takes the first byte of a value along */
	{ "\"\\{\"x\"}\" <{a@x.example}>", "\"x\"|a@x.example;" },
	{ "\"(\\{)}) x\" <{a@x.example}>", "()) x|a@x.example;" },
	{ "(\\{)}) <{a@x.example}>", "|a@x.example;" },
	/* plain: one address, put together */
	{ "{a}@x.example", "|a@x.example;" },
	{ "{evil@bad.example, a}@x.example", "error" },
	{ "{Ann <evil@bad.example> }@x.example", "error" },
	{ "{evil@bad.example (}@{x)}", "error" },
	{ "{x <evil@bad.example>,} {a@x.example}", "error" },
	{ "{Ann} {a@x.example}", "error" },
	{ "{a@}{x.example}", "|a@x.example;" },
	/* structure is the letter's */
	{ "c@x.example, {Ann} <{a@x.example}>, \"F, F\" <f@x.example>",
	  "|c@x.example;Ann|a@x.example;F, F|f@x.example;" },
	{ "Team: {Ann} <{a@x.example}>, {b@x.example};, c@x.example",
	  "Team:Ann|a@x.example;Team:|b@x.example;|c@x.example;" },
	{ "{Team}: {};", "Team:" },
	{ "{Ann} <{a@x.example}", "error" },
	{ "\"{Ann} <{a@x.example}>", "error" },
	{ "({Ann} <{a@x.example}>", "error" },
	{ "Team: {a@x.example}", "error" },
	{ "{a@x.example}; {b@x.example}", "error" },
	{ ",,{a@x.example},", "|a@x.example;" },
};

static void table(void **state)
{
	char got[4000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		describe(cases[i].source, got, sizeof got);
		if (strcmp(cases[i].want, "error") == 0 ? strncmp(got, "error: ", 7) != 0 : strcmp(got, cases[i].want) != 0)
			fail_msg("%s\n  gives %s\n  not   %s", cases[i].source, got, cases[i].want);
	}
	arena_reset(&memory);
}

/* Whatever a name holds, there is one address, and it is the letter's. */
static void no_name_adds_an_address(void **state)
{
	static const char *const bits[] = { "<", ">", ",", ";", ":", "\"", "\\", "(", ")", "@", "[", "]", "e@bad.example",
					    " ", "x", "<e@bad.example>", "=?UTF-8?Q?,?=", "\xc3\xa9" };
	static const char *const forms[] = { "{%s} <{a@x.example}>", "\"{%s}\" <{a@x.example}>", "Dr. {%s} X <{a@x.example}>",
					     "({%s}) <{a@x.example}>", "{%s}{%s} <{a@x.example}>" };
	char name[200], source[900], got[4000];
	struct rng r;

	(void)state;
	rng_seed(&r, 9, 10);
	for (int i = 0; i < 50000; i++) {
		const char *at;

		name[0] = '\0';
		for (uint64_t k = rng_below(&r, 10); k > 0; k--) {
			size_t n = strlen(name);

			snprintf(name + n, sizeof name - n, "%s", bits[rng_below(&r, sizeof bits / sizeof bits[0])]);
		}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(source, sizeof source, forms[rng_below(&r, sizeof forms / sizeof forms[0])], name, name);
#pragma GCC diagnostic pop
		describe(source, got, sizeof got);
		at = strrchr(got, '|');
		if (!at || strcmp(at, "|a@x.example;") != 0)
			fail_msg("%s\n  gives %s", source, got);
		arena_reset(&memory);
	}
}

/* Whatever stands where an address is wanted, there is at most one. */
static void no_address_adds_another(void **state)
{
	static const char *const bits[] = { "<", ">", ",", ";", ":", "\"", "\\", "(", ")", "a@x.example", "[", " ", "x", "@" };
	char value[200], source[400], got[4000];
	struct rng r;

	(void)state;
	rng_seed(&r, 11, 12);
	for (int i = 0; i < 50000; i++) {
		const char *at;

		value[0] = '\0';
		for (uint64_t k = rng_below(&r, 8); k > 0; k--) {
			size_t n = strlen(value);

			snprintf(value + n, sizeof value - n, "%s", bits[rng_below(&r, sizeof bits / sizeof bits[0])]);
		}
		snprintf(source, sizeof source, i % 2 ? "{Ann} <{%s}>" : "{%s}@x.example", value);
		describe(source, got, sizeof got);
		at = strchr(got, '|'); /* once for each address, and in no path */
		if (strncmp(got, "error: ", 7) != 0 && (!at || strchr(at + 1, '|')))
			fail_msg("%s\n  gives %s", source, got);
		arena_reset(&memory);
	}
}

static void the_letters_own_text(void **state)
{
	struct address_list list = { 0 };
	struct err e = { 0 };

	(void)state;
	struct letter_rendered line = { .text = SPAN("=?UTF-8?Q?M=C3=BCller?= <a@x.example>, undisclosed:;"), .fixed = true };

	assert_int_equal(letter_addresses(&line, &memory, &list, &e), 0);
	assert_int_equal(list.n, 1);
	assert_true(span_eq(list.items[0].name, SPAN("M\xc3\xbcller")));
	assert_int_equal(list.n_empty_groups, 1);
	list = (struct address_list){ 0 };
	line.text = SPAN("=?UTF-8?Q?a=0Ab?= <a@x.example>");
	assert_int_equal(letter_addresses(&line, &memory, &list, &e), -1);
	arena_reset(&memory);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&memory, 1 << 14, 1 << 22);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&memory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(no_name_adds_an_address),
		cmocka_unit_test(no_address_adds_another),
		cmocka_unit_test(the_letters_own_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
