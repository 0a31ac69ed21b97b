/* Base64: known vectors, line lengths, texts under every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"
#include "tests/unit/mail_reader.h"

static struct arena memory;

static void known_words(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = { /* RFC 4648 10 */
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = (size_t)(mime_base64_word(out, span_str(cases[i].in)) - out);

		assert_int_equal(n, strlen(cases[i].out));
		assert_memory_equal(out, cases[i].out, n);
	}
}

static void every_length(void **state)
{
	char in[300], *out;
	struct text back;

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 7 + 3);
	for (size_t n = 0; n <= sizeof in; n++) {
		out = malloc(mime_base64_size(n) + 1); /* exact: ASan sees one byte more */
		assert_non_null(out);
		assert_int_equal(mime_base64_lines(out, span_of(in, n)) - out, mime_base64_size(n));
		assert_null(lines_wrong(out, mime_base64_size(n), 76));
		back = read_base64(out, mime_base64_size(n));
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p, in, n);
		free(back.p);
		free(out);
	}
}

static struct span stream(const char *p, size_t n, size_t cut)
{
	struct mime_out o;
	struct mime_base64 b;

	mime_out_init(&o, &memory);
	mime_base64_begin(&b, &o);
	assert_int_equal(mime_base64_text(&b, span_of(p, cut)), 0);
	assert_int_equal(mime_base64_text(&b, span_of(p + cut, n - cut)), 0);
	assert_int_equal(mime_base64_end(&b), 0);
	return mime_out_flat(&o, &memory);
}

static void texts_at_every_cut(void **state)
{
	static const char text[] = "first line\nsecond\r\nthird\rfourth \xe6\xbc\xa2\xe5\xad\x97\n\n"
				   "and one that is long enough to fill more than a single line of base64 by itself";
	static const char want[] = "first line\r\nsecond\r\nthird\r\nfourth \xe6\xbc\xa2\xe5\xad\x97\r\n\r\n"
				   "and one that is long enough to fill more than a single line of base64 by itself\r\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof text; cut++) {
		struct span out;
		struct text back;

		if (cut > 0 && text[cut - 1] == '\r' && text[cut] == '\n')
			continue; /* counts as two, as the header says */
		out = stream(text, sizeof text - 1, cut);
		assert_null(lines_wrong(out.p, out.n, 76));
		back = read_base64(out.p, out.n);
		assert_int_equal(back.n, sizeof want - 1);
		assert_memory_equal(back.p, want, back.n);
		free(back.p);
		arena_reset(&memory);
	}
}

static void empty_text_is_empty(void **state)
{
	(void)state;
	assert_int_equal(stream("", 0, 0).n, 0);
	arena_reset(&memory);
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
		cmocka_unit_test(known_words),
		cmocka_unit_test(every_length),
		cmocka_unit_test(texts_at_every_cut),
		cmocka_unit_test(empty_text_is_empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
