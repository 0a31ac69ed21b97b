/* Types by file name, and names that may be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "templates/mime/mime_type.h"

static struct arena a;

static void by_extension(void **state)
{
	static const struct {
		const char *name, *type;
	} cases[] = {
		{ "a.pdf", "application/pdf" }, { "A.PDF", "application/pdf" }, { "a.b.Png", "image/png" }, { "x.tar.gz", "application/gzip" },
		{ "a", "application/octet-stream" }, { "", "application/octet-stream" }, { "a.", "application/octet-stream" },
		{ ".txt", "text/plain" }, { "pdf", "application/octet-stream" }, { "a.pdfx", "application/octet-stream" },
		{ "a.pdf ", "application/octet-stream" }, { "m.eml", "message/rfc822" }, { "m.ics", "text/calendar" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(span_eq(mime_type_of(span_str(cases[i].name)), span_str(cases[i].type)));
		assert_true(mime_type_ok(mime_type_of(span_str(cases[i].name))));
	}
}

static void tokens(void **state)
{
	static const char *const good[] = { "text/plain", "application/vnd.x-y+json", "a/b" };
	static const char *const bad[] = { "", "text", "/plain", "text/", "a/b/c", "text/pla in", "text/plain;x", "a/\"b\"", "a/b\r\n",
					   "t\xc3\xa9xt/plain", "a/(b)", "a/b=" };
	char longest[130];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(mime_type_ok(span_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(mime_type_ok(span_str(bad[i])));
	memset(longest, 'a', sizeof longest);
	longest[1] = '/';
	assert_true(mime_type_ok(span_of(longest, 127)));
	assert_false(mime_type_ok(span_of(longest, 128)));
}

static void shown_names(void **state)
{
	static const struct {
		const char *name, *shown;
	} cases[] = {
		{ "a.pdf", "a.pdf" }, { "M\xc3\xbcller \xe6\xbc\xa2.pdf", "M\xc3\xbcller \xe6\xbc\xa2.pdf" },
		{ "../../etc/passwd", "_.._etc_passwd" }, { "..", "file" }, { "", "file" }, { " . a . ", "a" }, { ".profile", "profile" },
		{ "a/b\\c<d>e:f\"g|h?i*j", "a_b_c_d_e_f_g_h_i_j" }, { "a\r\nX: y", "aX_ y" }, { "a\x1b[2Jb", "a[2Jb" }, { "a\xc2\x85z", "az" },
		{ "exe.\xe2\x80\xaegpj.scr", "exe.gpj.scr" }, /* U+202E would turn it round */
		{ "\xef\xbb\xbf" "a", "a" }, { "a\xe2\x80\xa8z", "az" }, { "a\xd8\x9c", "a" }, { "\xe2\x81\xa6x\xe2\x81\xa9", "x" },
		{ "\x7f", "file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span shown = mime_file_name(span_str(cases[i].name), &a);

		if (!span_eq(shown, span_str(cases[i].shown)))
			fail_msg("case %zu: <%.*s>", i, SPAN_ARG(shown));
	}
	assert_true(span_eq(mime_file_name_of(SPAN("/tmp/x/a.pdf"), &a), SPAN("a.pdf")));
	assert_true(span_eq(mime_file_name_of(SPAN("C:\\x\\a.pdf"), &a), SPAN("a.pdf")));
	assert_true(span_eq(mime_file_name_of(SPAN("x/"), &a), SPAN("file")));
	assert_true(span_eq(mime_file_name_ascii(SPAN("M\xc3\xbcller/\xe6\xbc\xa2.pdf"), &a), SPAN("M_ller__.pdf")));
}

static void long_names_keep_their_extension(void **state)
{
	char name[1000];
	struct span shown;

	(void)state;
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = (char)(i % 2 ? 0xa9 : 0xc3);
	for (size_t i = 0; i < 4; i++)
		name[995 + i] = ".pdf"[i]; /* splits a character */
	shown = mime_file_name(span_of(name, 999), &a);
	assert_true(shown.n <= 200 && shown.n > 190 && span_ends(shown, SPAN(".pdf")));
	memset(name, 'x', sizeof name);
	name[500] = '.'; /* what follows is no extension */
	shown = mime_file_name(span_of(name, 999), &a);
	assert_int_equal(shown.n, 200);
	arena_reset(&a);
}

/* Whatever is asked for: valid, short, nothing that harms, and the same again when asked again. */
static void any_name(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 21, 22);
	for (int i = 0; i < 30000; i++) {
		char name[300];
		struct span s = span_of(name, rng_below(&r, sizeof name)), shown, again;

		for (size_t k = 0; k < s.n; k++)
			name[k] = rng_below(&r, 3) ? "./\\:\"<>|?* \r\n\t\x7f" "abc"[rng_below(&r, 18)] : (char)rng_below(&r, 128);
		shown = mime_file_name(s, &a);
		assert_non_null(shown.p);
		assert_true(shown.n > 0 && shown.n <= 200 && utf8_valid(shown));
		assert_true(shown.p[0] != '.' && shown.p[0] != ' ');
		for (size_t k = 0; k < shown.n; k++)
			assert_true(shown.p[k] >= ' ' && shown.p[k] != 127 && !strchr("<>:\"|?*/\\", shown.p[k]));
		again = mime_file_name(shown, &a);
		assert_true(span_eq(shown, again) || shown.n == 200);
		arena_reset(&a);
	}
}

static int setup(void **state)
{
	(void)state;
	arena_init(&a, 4096, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_extension), cmocka_unit_test(tokens), cmocka_unit_test(shown_names),
		cmocka_unit_test(long_names_keep_their_extension), cmocka_unit_test(any_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
