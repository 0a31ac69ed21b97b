/* Charsets: names, whole texts, encoded words of at most 75 that split no character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "templates/mime/mime_charset.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"

static struct arena a;

static void names(void **state)
{
	static const struct {
		const char *name, *is; /* NULL: none */
	} cases[] = {
		{ "ISO-8859-1", "iso-8859-1" }, { "latin1", "iso-8859-1" }, { "cp1252", "windows-1252" },
		{ "Windows-1250", "windows-1250" }, { "SJIS", "shift_jis" }, { "gb2312", "gb2312" }, { "iso-8859-12", NULL },
		{ "utf-8", NULL }, { "utf-16", NULL }, { "", NULL }, { "cp1299", NULL }, { "gb18030//TRANSLIT", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct mime_charset *c = mime_charset_find(span_str(cases[i].name));

		if (cases[i].is)
			assert_string_equal(c->name, cases[i].is);
		else
			assert_null(c);
	}
	assert_true(mime_charset_is_utf8(SPAN("UTF8")));
	assert_false(mime_charset_is_utf8(SPAN("utf-16")));
}

static void conversions(void **state)
{
	static const struct {
		const char *charset, *text, *octets; /* NULL: does not fit */
	} cases[] = {
		{ "iso-8859-1", "caf\xc3\xa9", "caf\xe9" },
		{ "iso-8859-1", "\xe2\x82\xac", NULL },
		{ "iso-8859-15", "\xe2\x82\xac", "\xa4" },
		{ "iso-8859-1", "\xe2\x80\x99", NULL }, /* nothing is approximated */
		{ "koi8-r", "\xd0\x9f", "\xf0" },
		{ "gb2312", "\xe4\xb8\xad", "\xd6\xd0" },
		{ "gb2312", "\xe9\x95\x95", NULL }, /* of GBK only */
		{ "gbk", "\xe9\x95\x95", "\xe9\x46" },
		{ "gb18030", "\xf0\x9f\x98\x80", "\x94\x39\xfc\x36" },
		{ "big5", "\xe4\xb8\xad", "\xa4\xa4" },
		{ "iso-2022-jp", "a\xe6\x97\xa5z", "a\x1b$BF|\x1b(Bz" },
		{ "shift_jis", "\xe6\x97\xa5", "\x93\xfa" },
		{ "shift_jis", "a\\b", NULL }, /* a yen sign to some */
		{ "shift_jis", "~", NULL },
		{ "euc-jp", "\xe6\x97\xa5", "\xc6\xfc" },
		{ "euc-kr", "\xed\x95\x9c", "\xc7\xd1" },
		{ "windows-1251", "", "" },
		/* octets that some readers take for another character, or for two: no */
		{ "shift_jis", "\xe3\x80\x9c", NULL }, { "euc-jp", "\xe3\x80\x9c", NULL }, { "iso-2022-jp", "\xe2\x88\x92", NULL },
		{ "gb18030", "\xe9\xbe\xb6", NULL }, { "gb18030", "\xe9\xbe\xb3", "\x82\x35\x90\x36" }, { "gb18030", "\xe9\xbe\xbc", "\x82\x35\x91\x35" },
		{ "iso-2022-jp", "a\x1b$Bab", NULL }, { "iso-2022-jp", "\x0e", NULL }, { "gbk", "\x1b$B", "\x1b$B" }, /* what switches sets */
		{ "gbk", "\xe2\x82\xac", NULL }, { "big5", "\xe5\xa2\xbb", NULL }, { "euc-kr", "\xe2\x82\xac", NULL },
		{ "windows-1258", "\xe1\xba\xbf", NULL }, { "windows-1258", "\xc3\xaa\xcc\x81", "\xea\xec" }, { "windows-1255", "\xef\xac\xb5", NULL },
		{ "windows-1255", "\xd7\xa9\xd6\xbc", "\xf9\xcc" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mime_converter *c;
		struct span out;

		assert_int_equal(mime_converter_new(&c, mime_charset_find(span_str(cases[i].charset)), NULL), 0);
		for (int again = 0; again < 2; again++) { /* a failure leaves nothing behind */
			enum mime_fit fit = mime_convert(c, span_str(cases[i].text), &a, &out);

			if (fit != (cases[i].octets ? MIME_FITS : MIME_FITS_NOT) ||
			    (cases[i].octets && !span_eq(out, span_str(cases[i].octets))))
				fail_msg("case %zu", i);
		}
		mime_converter_free(&c);
	}
}

static void long_words(void **state)
{
	static const struct {
		const char *charset, *character;
	} cases[] = {
		{ "iso-8859-1", "\xc3\xa9" }, { "koi8-r", "\xd0\x9f" }, { "gb18030", "\xf0\x9f\x98\x80" }, { "gb2312", "\xe4\xb8\xad" },
		{ "iso-2022-jp", "\xe6\x97\xa5" }, { "windows-1251", "\xd0\x9f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mime_converter *c;

		assert_int_equal(mime_converter_new(&c, mime_charset_find(span_str(cases[i].charset)), NULL), 0);
		for (size_t n = 1; n < 120; n++) {
			struct mime_out o;
			struct span text, line, rest;
			char value[600] = "";

			for (size_t k = 0; k < n; k++)
				memcpy(value + k * strlen(cases[i].character), cases[i].character, strlen(cases[i].character));
			mime_out_init(&o, &a);
			o.words = c;
			assert_int_equal(mime_header_text(&o, SPAN("Subject"), span_str(value), NULL), 0);
			assert_false(o.misfit);
			text = rest = mime_out_flat(&o, &a);
			while ((line = span_cut(&rest, '\n')).n > 0)
				assert_true(line.n <= 77);
			while (text.n > 0) { /* each word is whole: begins and ends in the first state */
				size_t at = span_search(text, SPAN("=?")), end;

				if (at == text.n)
					break;
				text = span_skip(text, at);
				end = span_search(span_skip(text, 2), SPAN("?=")) + 4;
				assert_true(end <= 75 && span_case_begins(span_skip(text, 2), span_str(cases[i].charset)));
				text = span_skip(text, end);
			}
			arena_reset(&a);
		}
		mime_converter_free(&c);
	}
}

/* Some readers lose the word behind one that ends with padding. */
static void only_the_last_word_is_padded(void **state)
{
	static const char *const names[] = { NULL, "iso-8859-1", "koi8-r", "gb18030", "gb2312", "iso-2022-jp", "euc-jp", "shift_jis" };
	static const char *const characters[] = { "\xc3\xa9", "\xd0\x9f", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "x", "," };
	struct rng r;

	(void)state;
	rng_seed(&r, 5, 6);
	for (int i = 0; i < 4000; i++) {
		const char *name = names[rng_below(&r, sizeof names / sizeof names[0])];
		struct mime_converter *c = NULL;
		struct span rest;
		struct mime_out o;
		char value[800];
		size_t n = 0;

		for (uint64_t k = 0, from = rng_below(&r, 6), many = 1 + rng_below(&r, 6 - from); k < 120; k++)
			n += (size_t)snprintf(value + n, sizeof value - n, "%s", characters[from + rng_below(&r, many)]);
		if (name)
			assert_int_equal(mime_converter_new(&c, mime_charset_find(span_str(name)), NULL), 0);
		mime_out_init(&o, &a);
		o.words = c;
		assert_int_equal(mime_header_text(&o, SPAN("Subject"), span_str(value), NULL), 0);
		rest = mime_out_flat(&o, &a);
		while (rest.n > 0) {
			struct span line = span_trim(span_cut(&rest, '\n'));

			if (rest.n > 0 && span_search(line, SPAN("?B?")) < line.n)
				assert_false(span_ends(line, SPAN("=?=")));
		}
		mime_converter_free(&c);
		arena_reset(&a);
	}
}

static int setup(void **state)
{
	(void)state;
	arena_init(&a, 4096, 1 << 24);
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
		cmocka_unit_test(names),
		cmocka_unit_test(conversions),
		cmocka_unit_test(long_words),
		cmocka_unit_test(only_the_last_word_is_padded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
