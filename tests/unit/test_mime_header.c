/* Header fields: known forms, and random texts that must unfold and decode to themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/model/address.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"
#include "tests/unit/mail_reader.h"

enum { ROUNDS = 20000 };

static struct arena memory;

static struct span text_field(const char *name, struct span value)
{
	struct mime_out o;
	struct err e = { 0 };

	mime_out_init(&o, &memory);
	assert_int_equal(mime_header_text(&o, span_str(name), value, &e), 0);
	return mime_out_flat(&o, &memory);
}

static void must_be(struct span got, const char *want)
{
	if (!span_eq(got, span_str(want)))
		fail_msg("got <%.*s>\nwant <%s>", SPAN_ARG(got), want);
}

static void text_forms(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "Hello", "S: Hello\r\n" },
		{ "  Hello  you ", "S: Hello  you\r\n" },
		{ "caf\xc3\xa9", "S: =?UTF-8?B?Y2Fmw6k=?=\r\n" },
		{ "a caf\xc3\xa9 b", "S: a =?UTF-8?B?Y2Fmw6k=?= b\r\n" },
		{ "a long caf\xc3\xa9", "S: a long =?UTF-8?B?Y2Fmw6k=?=\r\n" },
		{ "two  caf\xc3\xa9s, caf\xc3\xa9s", "S: two =?UTF-8?B?IGNhZsOpcywgY2Fmw6lz?=\r\n" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", "S: =?UTF-8?B?5ryi5a2X?=\r\n" },
		{ "raw =?UTF-8?Q?=0A?= text", "S: raw =?UTF-8?B?PT9VVEYtOD9RPz0wQT89?= text\r\n" },
		{ "\xc3\xa9 and \xc3\xa9", "S: =?UTF-8?B?w6kgYW5kIMOp?=\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		must_be(text_field("S", span_str(cases[i].value)), cases[i].want);
	arena_reset(&memory);
}

static void folds_at_blanks(void **state)
{
	(void)state;
	must_be(text_field("Subject", SPAN("aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhh")),
		"Subject: aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg\r\n hhhh\r\n");
	arena_reset(&memory);
}

/* No line over max; with an encoded word none over 76; none of blanks only. */
static void check_lines(struct span field, size_t max)
{
	struct span rest = field;

	if (lines_wrong(field.p, field.n, max))
		fail_msg("%s: <%.*s>", lines_wrong(field.p, field.n, max), SPAN_ARG(field));
	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		assert_true(span_trim(line).n > 0);
		if (span_search(line, SPAN("=?UTF-8?")) < line.n && line.n - 1 > 76)
			fail_msg("too long with a word: <%.*s>", SPAN_ARG(field));
	}
}

static size_t random_value(struct rng *r, char *out, unsigned parts)
{
	static const char *const bits[] = {
		"a", "word", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", " ", " ", " ", "  ", "=?", "?=", "=?UTF-8?Q?x?=",
		"_", "=", "?", "\"", "\\", ",", "<a@b>", "(", ")", "From", "a-rather-long-word-without-any-blank-in-it",
		"e\xcc\x81", "\xd7\xa9", "12345", ";",
	};
	size_t n = 0;

	for (uint64_t i = rng_below(r, parts); i > 0; i--) {
		const char *s = bits[rng_below(r, sizeof bits / sizeof bits[0])];

		memcpy(out + n, s, strlen(s));
		n += strlen(s);
	}
	return n;
}

static void random_texts(void **state)
{
	char value[4000];
	struct rng r;

	(void)state;
	rng_seed(&r, 5, 6);
	for (int i = 0; i < ROUNDS; i++) {
		struct span v = span_of(value, random_value(&r, value, 60)), out;
		struct text back;

		out = text_field(i % 2 ? "Subject" : "X-A-Rather-Long-Name-For-A-Field-That-Somebody-Wants", v);
		check_lines(out, 998);
		back = read_header(out.p + span_find(out, ':') + 1, out.n - span_find(out, ':') - 1);
		v = span_trim(v);
		if (back.n != v.n || memcmp(back.p, v.p ? v.p : "", v.n) != 0)
			fail_msg("<%.*s> became <%.*s>", SPAN_ARG(v), SPAN_ARG(out));
		free(back.p);
		arena_reset(&memory);
	}
}

static void very_long_words(void **state)
{
	static char value[5000];
	struct span out;
	struct text back;
	struct mime_out o;
	struct err e = { 0 };

	(void)state;
	memset(value, 'x', sizeof value);
	out = text_field("Subject", span_of(value, sizeof value));
	check_lines(out, 76);
	back = read_header(out.p + 8, out.n - 8);
	assert_int_equal(back.n, sizeof value);
	free(back.p);
	mime_out_init(&o, &memory);
	assert_int_equal(mime_header_plain(&o, SPAN("References"), span_of(value, sizeof value), &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_int_equal(mime_header_plain(&o, SPAN("References"), SPAN("<\xc3\xa9@x>"), &e), -1);
	memset(value, ' ', sizeof value);
	value[0] = value[sizeof value - 1] = 'y';
	out = text_field("Subject", span_of(value, sizeof value));
	check_lines(out, 998);
	arena_reset(&memory);
}

/* ---- addresses ---- */

static struct span address_field(struct address *items, uint32_t n)
{
	struct address_list list = { .n = n, .items = items };
	struct mime_out o;
	struct err e = { 0 };

	mime_out_init(&o, &memory);
	assert_int_equal(mime_header_addresses(&o, SPAN("To"), &list, &e), 0);
	return mime_out_flat(&o, &memory);
}

/* One address alone is what it is before another, which is never written by the quick way. */
static void check_alone(struct span name, struct span path)
{
	struct address items[2] = { { .name = name, .path = path }, { .path = SPAN("z@z.example") } };
	struct span alone = address_field(items, 1), both = address_field(items, 2), next = SPAN("z@z.example\r\n");

	assert_true(span_ends(both, next));
	both.n -= next.n;
	while (both.n > 0 && both.p[both.n - 1] != ',') /* a blank, or a fold */
		both.n--;
	assert_int_equal(both.n, alone.n - 1);
	assert_memory_equal(both.p, alone.p, alone.n - 2);
	assert_true(span_ends(alone, SPAN("\r\n")));
	arena_reset(&memory);
}

/* Each byte in each place of a name, and names and paths of each length around where a line ends. */
static void one_address_is_written_as_before_another(void **state)
{
	static const char path[] = "user.name@a-rather-long-domain-of-many-labels.of.that-list.example";
	char name[90];

	(void)state;
	for (size_t n = 0; n < 8; n++) {
		for (size_t at = 0; at < n || at == 0; at++) {
			for (int c = ' '; c < 256; c++) {
				memset(name, 'm', n);
				if (at < n)
					name[at] = (char)c;
				if (c != 127)
					check_alone(span_trim(span_of(name, n)), SPAN("a@b.example"));
			}
		}
	}
	check_alone(SPAN("a =?b"), SPAN("a@b.example"));
	check_alone(SPAN("=?"), SPAN("a@b.example"));
	check_alone(SPAN("a  b"), SPAN("a@b.example"));
	for (size_t n = 0; n <= sizeof name; n++) {
		memset(name, n % 2 ? 'n' : '.', sizeof name);
		for (size_t k = 1; k < sizeof path; k++)
			check_alone(span_of(name, n), span_skip(span_str(path), sizeof path - 1 - k));
	}
}

static void display_names(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "", "To: a@b.example\r\n" },
		{ "Ann Lee", "To: Ann Lee <a@b.example>\r\n" },
		{ "Lee, Ann", "To: \"Lee, Ann\" <a@b.example>\r\n" },
		{ "Ann \"x\" (y)", "To: \"Ann \\\"x\\\" (y)\" <a@b.example>\r\n" },
		{ "a\\b", "To: \"a\\\\b\" <a@b.example>\r\n" },
		{ "Ann  Lee", "To: \"Ann  Lee\" <a@b.example>\r\n" },
		{ "x <evil@bad.example>, ", "To: \"x <evil@bad.example>, \" <a@b.example>\r\n" },
		{ "M\xc3\xbcller, Ann", "To: =?UTF-8?B?TcO8bGxlciwgQW5u?= <a@b.example>\r\n" },
		{ "=?UTF-8?Q?x?=", "To: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?= <a@b.example>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct address a = { .name = span_str(cases[i].name), .path = SPAN("a@b.example") };

		must_be(address_field(&a, 1), cases[i].want);
	}
	arena_reset(&memory);
}

static void groups(void **state)
{
	struct span team = SPAN("The team"), empty[] = { SPAN("undisclosed-recipients") };
	struct address items[] = {
		{ .path = SPAN("a@x.example") },
		{ .path = SPAN("b@x.example"), .group = team },
		{ .path = SPAN("c@x.example"), .group = team },
		{ .path = SPAN("d@x.example") },
	};
	struct address_list none = { .empty_groups = empty, .n_empty_groups = 1 };
	struct mime_out o;
	struct err e = { 0 };

	(void)state;
	must_be(address_field(items, 4),
		"To: a@x.example, The team: b@x.example, c@x.example;, d@x.example\r\n");
	mime_out_init(&o, &memory);
	assert_int_equal(mime_header_addresses(&o, SPAN("To"), &none, &e), 0);
	must_be(mime_out_flat(&o, &memory), "To: undisclosed-recipients:;\r\n");
	arena_reset(&memory);
}

/* What is written parses back to the same names and paths. */
static void random_lists(void **state)
{
	char names[8][2000];
	struct rng r;

	(void)state;
	rng_seed(&r, 7, 8);
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct address items[8];
		struct address_list back;
		uint32_t n = 1 + (uint32_t)rng_below(&r, 8);
		struct span out;
		struct err e = { 0 };
		char *flat;
		size_t k = 0;

		for (uint32_t j = 0; j < n; j++)
			items[j] = (struct address){
				.name = span_trim(span_of(names[j], random_value(&r, names[j], 12))),
				.path = SPAN("someone@some.example"),
			};
		out = address_field(items, n);
		check_lines(out, 998);
		flat = arena_take(&memory, out.n);
		for (size_t j = 3; j < out.n; j++) {
			if (out.p[j] != '\r' && out.p[j] != '\n')
				flat[k++] = out.p[j];
		}
		if (address_parse_list(span_of(flat, k), &memory, &back, &e) < 0)
			fail_msg("%s in <%.*s>", e.text, SPAN_ARG(out));
		assert_int_equal(back.n, n);
		for (uint32_t j = 0; j < n; j++) {
			struct span name = mime_words_decode(back.items[j].name, &memory);

			if (!span_eq(name, items[j].name))
				fail_msg("<%.*s> is <%.*s> in <%.*s>", SPAN_ARG(items[j].name), SPAN_ARG(name),
					 SPAN_ARG(out));
		}
		arena_reset(&memory);
	}
}

static void list_ids(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "<news.example.com>", "List-Id: <news.example.com>\r\n" },
		{ "Our news <news.example.com>", "List-Id: Our news <news.example.com>\r\n" },
		{ "\"Our, news\" <news.example.com>", "List-Id: \"Our, news\" <news.example.com>\r\n" },
		{ "Neu\xc3\xa9 <news.example.com>", "List-Id: =?UTF-8?B?TmV1w6k=?= <news.example.com>\r\n" },
		{ "news.example.com", NULL },
		{ "x <a> y", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mime_out o;
		struct err e = { 0 };
		int rc;

		mime_out_init(&o, &memory);
		rc = mime_header_phrase_id(&o, SPAN("List-Id"), span_str(cases[i].value), &e);
		assert_int_equal(rc, cases[i].want ? 0 : -1);
		if (cases[i].want)
			must_be(mime_out_flat(&o, &memory), cases[i].want);
	}
	arena_reset(&memory);
}

/* ---- decoding ---- */

static void words_are_decoded(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "plain" },
		{ "=?UTF-8?Q?caf=C3=A9_x?=", "caf\xc3\xa9 x" },
		{ "=?utf-8?b?w6k=?=", "\xc3\xa9" },
		{ "a =?ISO-8859-1?Q?caf=E9?= b", "a caf\xc3\xa9 b" },
		{ "=?iso-8859-1*fr?Q?=E9=E9x?= =?UTF-8?Q?y?=", "\xc3\xa9\xc3\xa9xy" },
		{ "=?UTF-8?Q?a?= =?UTF-8?Q?b?= c =?UTF-8?Q?d?=", "ab c d" },
		{ "=?gb2312?B?xOO6ww==?=", "=?gb2312?B?xOO6ww==?=" },
		{ "=?UTF-8?X?a?=", "=?UTF-8?X?a?=" },
		{ "=?UTF-8?Q?a", "=?UTF-8?Q?a" },
		{ "=?UTF-8?Q?=4?=", "=4" },
		{ "=?", "=?" }, { "=?\?=", "=?\?=" }, { "=?UTF-8?Q?\?=", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *in = arena_take(&memory, strlen(cases[i].in));

		memcpy(in, cases[i].in, strlen(cases[i].in));
		must_be(mime_words_decode(span_of(in, strlen(cases[i].in)), &memory), cases[i].out);
	}
	arena_reset(&memory);
}

/* ---- parameters ---- */

static struct span param_field(struct span value)
{
	struct mime_out o;
	struct mime_field f = { .out = &o };

	mime_out_init(&o, &memory);
	assert_int_equal(mime_field_begin(&f, SPAN("Content-Disposition"), SPAN("attachment")), 0);
	assert_int_equal(mime_field_param(&f, SPAN("filename"), value), 0);
	assert_int_equal(mime_field_end(&f), 0);
	return mime_out_flat(&o, &memory);
}

static void parameters(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "a.pdf", "Content-Disposition: attachment; filename=a.pdf\r\n" },
		{ "a b.pdf", "Content-Disposition: attachment; filename=\"a b.pdf\"\r\n" },
		{ "a\"\\.pdf", "Content-Disposition: attachment; filename=\"a\\\"\\\\.pdf\"\r\n" },
		{ "", "Content-Disposition: attachment; filename=\"\"\r\n" },
		{ "\xe2\x82\xac.pdf", "Content-Disposition: attachment;\r\n filename*=UTF-8''%E2%82%AC.pdf\r\n" },
		{ "=?UTF-8?Q?x?=", "Content-Disposition: attachment;\r\n filename*=UTF-8''%3D%3FUTF-8%3FQ%3Fx%3F%3D\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		must_be(param_field(span_str(cases[i].value)), cases[i].want);
	arena_reset(&memory);
}

static void parameters_as_words(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{ "a b.pdf", "Content-Type: image/png; name=\"a b.pdf\"\r\n" },
		{ "\xe2\x82\xac.pdf", "Content-Type: image/png;\r\n name=\"=?UTF-8?B?4oKsLnBkZg==?=\"\r\n" },
		{ "=?UTF-8?Q?x?=", "Content-Type: image/png;\r\n name=\"=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\"\r\n" },
		/* Cut before the character that would not fit whole into 36 octets. */
		{ "1234567890123456789012345678901234\xe2\x82\xac.pdf",
		  "Content-Type: image/png;\r\n name=\"=?UTF-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA==?=\r\n"
		  " =?UTF-8?B?4oKsLnBkZg==?=\"\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mime_out o;
		struct mime_field f = { .out = &o };

		mime_out_init(&o, &memory);
		assert_int_equal(mime_field_begin(&f, SPAN("Content-Type"), SPAN("image/png")), 0);
		assert_int_equal(mime_field_param_words(&f, SPAN("name"), span_str(cases[i].value)), 0);
		assert_int_equal(mime_field_end(&f), 0);
		must_be(mime_out_flat(&o, &memory), cases[i].want);
	}
	arena_reset(&memory);
}

static void long_parameters_have_sections(void **state)
{
	char value[200];
	struct span out;

	(void)state;
	for (size_t i = 0; i + 3 <= 198; i += 3)
		memcpy(value + i, "\xe6\xbc\xa2", 3);
	out = param_field(span_of(value, 198));
	assert_null(lines_wrong(out.p, out.n, 78));
	assert_true(span_search(out, SPAN("filename*0*=UTF-8''%E6%BC%A2")) < out.n);
	assert_true(span_search(out, SPAN("; \r\n")) == out.n);
	assert_true(span_search(out, SPAN("filename*13*=%E6%BC%A2")) < out.n);
	assert_true(span_search(out, SPAN("filename*14*")) == out.n);
	arena_reset(&memory);
}

/* ---- what no header carries ---- */

static void bad_values(void **state)
{
	static const struct {
		const char *value;
		size_t n;
		bool bad;
	} cases[] = {
		{ "plain", 5, false }, { "tab\there", 8, false }, { "\xc3\xa9", 2, false }, { "", 0, false },
		{ "a\rb", 3, true }, { "a\nb", 3, true }, { "trailing\n", 9, true }, { "a\0b", 3, true },
		{ "a\x1b[1m", 5, true }, { "\x7f", 1, true }, { "\xc2\x85", 2, true }, { "\xe2\x80\xa8", 3, true },
		{ "\xe2\x80\xa9", 3, true }, { "\xff", 1, true }, { "\xc0\x8a", 2, true }, { "\xed\xa0\x80", 3, true },
	};
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool bad = mime_header_bad(span_of(cases[i].value, cases[i].n), &at) != NULL;

		if (bad != cases[i].bad)
			fail_msg("case %zu", i);
	}
	assert_true(mime_header_name_ok(SPAN("X-Mine")));
	assert_false(mime_header_name_ok(SPAN("X Mine")));
	assert_false(mime_header_name_ok(SPAN("")));
	assert_false(mime_header_name_ok(SPAN("X:")));
	assert_false(mime_header_name_ok(SPAN("\xc3\xa9")));
}

static int setup(void **state)
{
	(void)state;
	arena_init(&memory, 1 << 16, 1 << 24);
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
		cmocka_unit_test(text_forms),
		cmocka_unit_test(folds_at_blanks),
		cmocka_unit_test(random_texts),
		cmocka_unit_test(very_long_words),
		cmocka_unit_test(display_names),
		cmocka_unit_test(groups),
		cmocka_unit_test(random_lists),
		cmocka_unit_test(list_ids),
		cmocka_unit_test(words_are_decoded),
		cmocka_unit_test(parameters),
		cmocka_unit_test(parameters_as_words),
		cmocka_unit_test(long_parameters_have_sections),
		cmocka_unit_test(one_address_is_written_as_before_another),
		cmocka_unit_test(bad_values),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
