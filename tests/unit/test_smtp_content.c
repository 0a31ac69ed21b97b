/* test_smtp_content.c - every short content over its alphabet, in every way to cut it in two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/smtp/smtp_content.h"

static size_t run(const struct mail *m, bool data, char *out, size_t max)
{
	struct smtp_content c;
	struct span piece;
	size_t n = 0;

	smtp_content_begin(&c, m, data);
	while (!smtp_content_ended(&c)) {
		assert_int_equal(smtp_content_next(&c, &piece), 1);
		assert_true(piece.n > 0 && n + piece.n <= max);
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
	}
	assert_int_equal(smtp_content_next(&c, &piece), 0);
	return n;
}

/* What RFC 5321 4.5.2 asks for, written down octet by octet. */
static size_t by_the_book(struct span text, bool data, bool dots, char *out)
{
	size_t n = 0;
	bool line_start = true;

	for (size_t i = 0; i < text.n; i++) {
		if (data && dots && line_start && text.p[i] == '.')
			out[n++] = '.';
		out[n++] = text.p[i];
		line_start = text.p[i] == '\n';
	}
	if (text.n > 0 && !span_ends(text, SPAN("\r\n"))) {
		memcpy(out + n, "\r\n", 2);
		n += 2;
	}
	if (data) {
		memcpy(out + n, ".\r\n", 3);
		n += 3;
	}
	return n;
}

static void check(struct span text, size_t cut, bool data, bool dots)
{
	struct span pieces[2];
	char got[64], want[64];
	struct mail m = { .content = pieces, .needs = dots ? MAIL_MAY_HAVE_DOTS : 0 };
	size_t n;

	if (cut > 0)
		pieces[m.n_content++] = span_sub(text, 0, cut);
	if (cut < text.n)
		pieces[m.n_content++] = span_skip(text, cut);
	n = run(&m, data, got, sizeof got);
	assert_int_equal(n, by_the_book(text, data, dots, want));
	assert_memory_equal(got, want, n);
	if (!data)
		assert_int_equal(smtp_content_size(&m), n);
}

static void test_all_short_ones(void **state)
{
	static const char *const atoms[] = { ".", "\r\n", "a" };
	unsigned long total = 0;

	(void)state;
	for (unsigned length = 0; length <= 7; length++) {
		unsigned long ways = 1;

		for (unsigned i = 0; i < length; i++)
			ways *= 3;
		for (unsigned long w = 0; w < ways; w++) {
			char text[16];
			size_t n = 0;
			unsigned long rest = w;

			for (unsigned i = 0; i < length; i++, rest /= 3) {
				size_t k = strlen(atoms[rest % 3]);

				memcpy(text + n, atoms[rest % 3], k);
				n += k;
			}
			for (size_t cut = 0; cut <= n; cut++, total++) {
				check(span_of(text, n), cut, true, true);
				check(span_of(text, n), cut, true, false);
				check(span_of(text, n), cut, false, true);
			}
		}
	}
	assert_true(total > 20000);
}

static void test_nothing_is_copied(void **state)
{
	static const char text[] = "a\r\nb\r\n";
	struct span piece = { text, sizeof text - 1 }, out;
	struct mail m = { .content = &piece, .n_content = 1 };
	struct smtp_content c;

	(void)state;
	smtp_content_begin(&c, &m, true);
	assert_int_equal(smtp_content_next(&c, &out), 1);
	assert_ptr_equal(out.p, text);
	assert_int_equal(out.n, sizeof text - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_short_ones),
		cmocka_unit_test(test_nothing_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
