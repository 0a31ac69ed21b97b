/* Which transfer encoding a text gets, and that it comes back; types, file names, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"
#include "templates/mime/mime_id.h"
#include "templates/mime/mime_text.h"
#include "templates/mime/mime_type.h"
#include "tests/unit/mail_reader.h"

static struct arena memory;

#define TEN "0123456789"

static void encodings(void **state)
{
	static const struct {
		const char *text;
		enum mime_encoding want;
	} cases[] = {
		{ "", MIME_7BIT },
		{ "Hello,\nthis is plain.\n", MIME_7BIT },
		{ "no break at the end", MIME_7BIT },
		{ "with CRLF\r\n", MIME_7BIT },
		{ TEN TEN TEN TEN TEN TEN TEN "12345678\n", MIME_7BIT },
		{ TEN TEN TEN TEN TEN TEN TEN "123456789\n", MIME_QUOTED_PRINTABLE },
		{ "a dot\n.\n", MIME_QUOTED_PRINTABLE },
		{ "From here\n", MIME_QUOTED_PRINTABLE },
		{ "from here\n>From\n", MIME_7BIT },
		{ "a blank \nat the end", MIME_QUOTED_PRINTABLE },
		{ "a tab\t", MIME_QUOTED_PRINTABLE },
		{ "a control \x01", MIME_QUOTED_PRINTABLE },
		{ "a lone \r CR", MIME_QUOTED_PRINTABLE },
		{ "like a boundary =_", MIME_QUOTED_PRINTABLE },
		{ "caf\xc3\xa9", MIME_QUOTED_PRINTABLE },
		{ "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", MIME_BASE64 },
		{ "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", MIME_BASE64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum mime_encoding got;
		struct span out = mime_text_encode(span_str(cases[i].text), &memory, &got);

		if (got != cases[i].want)
			fail_msg("case %zu: %.*s", i, SPAN_ARG(mime_encoding_name(got)));
		assert_null(lines_wrong(out.p, out.n, 78));
	}
	arena_reset(&memory);
}

static void nul_is_safe(void **state)
{
	enum mime_encoding got;
	struct span out = mime_text_encode(span_of("a\0b", 3), &memory, &got);

	(void)state;
	assert_true(span_eq(out, SPAN("a=00b\r\n")));
	arena_reset(&memory);
}

static void holes_choose(void **state)
{
	(void)state;
	assert_int_equal(mime_text_judge(1100, 1000), MIME_QUOTED_PRINTABLE);
	assert_int_equal(mime_text_judge(3000, 1000), MIME_BASE64);
	assert_int_equal(mime_text_judge(0, 0), MIME_QUOTED_PRINTABLE);
}

static void file_types(void **state)
{
	static const struct {
		const char *name, *type;
	} cases[] = {
		{ "a.pdf", "application/pdf" }, { "A.PDF", "application/pdf" }, { "x.tar.gz", "application/gzip" },
		{ "a.PnG", "image/png" }, { "pdf", "application/octet-stream" }, { "a.", "application/octet-stream" },
		{ "", "application/octet-stream" }, { "a.unknown", "application/octet-stream" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_true(span_eq(mime_type_of(span_str(cases[i].name)), span_str(cases[i].type)));
	assert_true(mime_type_ok(SPAN("image/svg+xml")));
	assert_false(mime_type_ok(SPAN("image")));
	assert_false(mime_type_ok(SPAN("/x")));
	assert_false(mime_type_ok(SPAN("x/")));
	assert_false(mime_type_ok(SPAN("a/b/c")));
	assert_false(mime_type_ok(SPAN("text/plain; x=y")));
	assert_false(mime_type_ok(SPAN("text/\r\nplain")));
}

static void file_names(void **state)
{
	static const struct {
		const char *in, *out, *ascii;
	} cases[] = {
		{ "invoices/4711.pdf", "4711.pdf", "4711.pdf" },
		{ "C:\\temp\\a.doc", "a.doc", "a.doc" },
		{ "../../etc/passwd", "passwd", "passwd" },
		{ "..", "file", "file" },
		{ "a/", "file", "file" },
		{ " .hidden ", "hidden", "hidden" },
		{ "Gr\xc3\xb6\xc3\x9f" "e.pdf", "Gr\xc3\xb6\xc3\x9f" "e.pdf", "Gr__e.pdf" },
		{ "a\xe2\x80\xae" "fdp.exe", "afdp.exe", "afdp.exe" }, /* right-to-left override */
		{ "a\r\nb\x7f.txt", "ab.txt", "ab.txt" },
		{ "a\"b<c>?.txt", "a_b_c__.txt", "a_b_c__.txt" },
		{ "\xff.txt", "txt", "txt" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span out = mime_file_name_of(span_str(cases[i].in), &memory);

		if (!span_eq(out, span_str(cases[i].out)))
			fail_msg("case %zu gives '%.*s'", i, SPAN_ARG(out));
		assert_true(span_eq(mime_file_name_ascii(out, &memory), span_str(cases[i].ascii)));
	}
	assert_true(span_eq(mime_file_name(SPAN("a/b\\c"), &memory), SPAN("a_b_c")));
	arena_reset(&memory);
}

static void long_names_keep_their_extension(void **state)
{
	char name[600];
	struct span out;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	memcpy(name + sizeof name - 4, ".pdf", 4);
	out = mime_file_name(span_of(name, sizeof name), &memory);
	assert_true(out.n <= 200);
	assert_true(utf8_valid(out));
	assert_true(span_ends(out, SPAN(".pdf")));
	arena_reset(&memory);
}

static void ids_repeat_and_differ(void **state)
{
	static const unsigned char seed[16] = "0123456789abcde", other[16] = "0123456789abcdf";
	struct mime_seed a, b;
	char x[MIME_ID_SIZE], y[MIME_ID_SIZE], boundary[MIME_BOUNDARY_SIZE];

	(void)state;
	mime_seed_init(&a, seed);
	mime_seed_init(&b, other);
	mime_id(&a, SPAN("message"), 7, x);
	mime_id(&a, SPAN("message"), 7, y);
	assert_string_equal(x, y);
	assert_int_equal(strlen(x), MIME_ID_SIZE - 1);
	mime_id(&a, SPAN("message"), 8, y);
	assert_string_not_equal(x, y);
	mime_id(&a, SPAN("cid"), 7, y);
	assert_string_not_equal(x, y);
	mime_id(&b, SPAN("message"), 7, y);
	assert_string_not_equal(x, y);
	mime_boundary(&a, 0, boundary);
	assert_int_equal(strlen(boundary), MIME_BOUNDARY_SIZE - 1);
	assert_memory_equal(boundary, "=_", 2);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&memory, 1 << 14, 1 << 20);
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
		cmocka_unit_test(encodings),
		cmocka_unit_test(nul_is_safe),
		cmocka_unit_test(holes_choose),
		cmocka_unit_test(file_types),
		cmocka_unit_test(file_names),
		cmocka_unit_test(long_names_keep_their_extension),
		cmocka_unit_test(ids_repeat_and_differ),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
