/* UTF-8: what is a character, cutting, showing, distance of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/utf8.h"
#include "engine/base/utf8_blocks.h"

static void every_code_point_there_and_back(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char bytes[4];
		size_t n = utf8_put(c, bytes);
		struct span s = { bytes, n };
		bool surrogate = c >= 0xd800 && c <= 0xdfff;

		assert_true(utf8_valid(s) == !surrogate);
		for (size_t cut = 1; cut < n; cut++)
			assert_false(utf8_valid(span_sub(s, 0, cut)));
		if (surrogate)
			continue;
		assert_int_equal(utf8_take(&s), (int32_t)c);
		assert_int_equal(s.n, 0);
	}
}

/* Each pair and many triples of bytes: valid exactly when the decoder and a slow definition agree. */
static bool slow_valid(const unsigned char *p, size_t n)
{
	while (n > 0) {
		size_t size = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
		uint32_t c = size == 1 ? *p : *p & (0xffU >> (size + 1));

		if (size == 0 || size > n)
			return false;
		for (size_t i = 1; i < size; i++) {
			if (p[i] >> 6 != 2)
				return false;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		p += size;
		n -= size;
	}
	return true;
}

static void bytes_agree_with_the_definition(void **state)
{
	static const unsigned char edge[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
					      0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3,
					      0xf4, 0xf5, 0xff };
	enum { N = sizeof edge };
	unsigned char p[4];

	(void)state;
	for (int i = 0; i < N * N * N * N; i++) {
		p[0] = edge[i % N];
		p[1] = edge[i / N % N];
		p[2] = edge[i / N / N % N];
		p[3] = edge[i / N / N / N];
		assert_true(utf8_valid(span_of(p, 4)) == slow_valid(p, 4));
	}
}

static void bad_byte_is_found_at_every_place(void **state)
{
	char text[80];

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		memset(text, 'a', sizeof text);
		assert_true(utf8_ascii(span_of(text, n)));
		assert_int_equal(utf8_bad(span_of(text, n)), n);
		for (size_t at = 0; at < n; at++) {
			text[at] = (char)0xff;
			assert_int_equal(utf8_bad(span_of(text, n)), at);
			assert_false(utf8_ascii(span_of(text, n)));
			text[at] = 'a';
		}
		for (size_t at = 0; at + 3 <= n; at++) {
			memcpy(text + at, "\xe2\x82\xac", 3);
			assert_true(utf8_valid(span_of(text, n)));
			assert_int_equal(utf8_length(span_of(text, n)), n - 2);
			memset(text + at, 'a', 3);
		}
	}
	assert_true(utf8_valid((struct span){ NULL, 0 }));
	assert_true(utf8_ascii((struct span){ NULL, 0 }));
}

/* One character after the other. */
static size_t slow_bad(struct span s)
{
	struct span rest = s;

	while (rest.n > 0) {
		size_t at = s.n - rest.n;

		if (utf8_take(&rest) < 0)
			return at;
	}
	return s.n;
}

/* Any four bytes at any place of a block, between characters of one to four bytes. */
static void blocks_find_what_the_look_at_each_character_finds(void **state)
{
	static const unsigned char edge[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
					      0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff };
	static const char *const fills[] = { "a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80" };
	enum { N = sizeof edge, SIZE = 52, PLACES = 36 };

	(void)state;
	for (uint32_t i = 0; i < N * N * N * N; i++) {
		unsigned char p[SIZE];
		struct span s = span_of(p, SIZE);
		const char *fill = fills[i % 4];
		size_t size = i % 4 + 1, at = i / 4 * 7 % PLACES;

		memset(p, 'a', SIZE);
		for (size_t k = at; k >= size; k -= size)
			memcpy(p + k - size, fill, size);
		for (size_t k = at + 4; k + size <= SIZE; k += size)
			memcpy(p + k, fill, size);
		p[at] = edge[i % N];
		p[at + 1] = edge[i / N % N];
		p[at + 2] = edge[i / N / N % N];
		p[at + 3] = edge[i / N / N / N];
		if (utf8_bad(s) != slow_bad(s) || utf8_blocks(s.p, s.n) > slow_bad(s))
			fail_msg("at %zu, case %u: %zu, not %zu", at, i, utf8_bad(s), slow_bad(s));
	}
}

static void blocks_leave_little(void **state)
{
	char text[300];

	(void)state;
	for (size_t n = 0; n + 3 <= sizeof text; n += 3)
		memcpy(text + n, "\xe4\xb8\xad", 3);
	if (utf8_blocks(text, 16) == 0)
		skip(); /* no such processor */
	for (size_t n = 0; n <= sizeof text; n++) {
		size_t blocks = utf8_blocks(text, n);

		assert_true(blocks + 19 > n && blocks <= n);
		assert_int_equal(utf8_bad(span_of(text, n)), n / 3 * 3);
	}
}

static void broken_text_is_read_on(void **state)
{
	struct span s = SPAN("\xe2\x82z\xf0\x9f\x98\x80");

	(void)state;
	assert_int_equal(utf8_length(s), 4);
	assert_int_equal(utf8_take(&s), -1);
	assert_int_equal(utf8_take(&s), -1);
	assert_int_equal(utf8_take(&s), 'z');
	assert_int_equal(utf8_take(&s), 0x1f600);
	assert_int_equal(s.n, 0);
}

static void index_counts_characters(void **state)
{
	struct span s = SPAN("a\xc3\xa4\xe2\x82\xac\xff.");

	(void)state;
	assert_int_equal(utf8_index(s, 0), 0);
	assert_int_equal(utf8_index(s, 1), 1);
	assert_int_equal(utf8_index(s, 2), 3);
	assert_int_equal(utf8_index(s, 3), 6);
	assert_int_equal(utf8_index(s, 4), 7);
	assert_int_equal(utf8_index(s, 99), s.n);
}

static void cuts_are_whole_and_as_long_as_can_be(void **state)
{
	struct span s = SPAN("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	(void)state;
	for (size_t max = 0; max < sizeof want / sizeof *want; max++)
		assert_int_equal(utf8_cut(s, max).n, want[max]);
	s = SPAN("\x80\x80\x80\x80\x80"); /* no characters: nothing to keep whole */
	assert_int_equal(utf8_cut(s, 4).n, 4);
}

static void printable(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(utf8_printable(SPAN("a\r\n\t\0\x1b\x7f\xff" "b\xc3\xa4"), out, sizeof out), 11);
	assert_string_equal(out, "a???????b\xc3\xa4");
	utf8_printable(SPAN("x\xc2\x9by\xe2\x80\xaez"), out, sizeof out); /* CSI of 8 bits, right-to-left override */
	assert_string_equal(out, "x?y?z");
	for (size_t size = 0; size < 6; size++) {
		memset(out, '#', sizeof out);
		assert_int_equal(utf8_printable(SPAN("a\xc3\xa4" "b"), out, size), size < 2 ? 0 : size < 4 ? 1 : size - 1);
		assert_int_equal(out[size], '#');
	}
}

/* Every byte at every place of texts of every length. */
static void run_of_printable_bytes(void **state)
{
	char text[20];

	(void)state;
	for (size_t n = 0; n <= sizeof text; n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				bool special = c < ' ' || c > '~';

				for (size_t i = 0; i < n; i++)
					text[i] = i % 3 ? '~' : ' ';
				text[at] = (char)c;
				assert_int_equal(utf8_printable_run(span_of(text, n)), special ? at : n);
			}
	assert_int_equal(utf8_printable_run(span_of(NULL, 0)), 0);
}

static void printable_in_every_room(void **state)
{
	char text[27], out[sizeof text + 1], want[sizeof text + 1];

	(void)state;
	for (unsigned b = 0; b < 256; b++)
		for (size_t at = 0; at < sizeof text; at++) {
			bool plain = b >= 0x20 && b < 0x7f;

			memset(text, 'a', sizeof text);
			text[at] = (char)b;
			memcpy(want, text, sizeof text);
			want[at] = plain ? (char)b : '?';
			for (size_t size = 1; size <= sizeof out; size++) {
				assert_int_equal(utf8_printable(span_of(text, sizeof text), out, size), size - 1);
				assert_memory_equal(out, want, size - 1);
				assert_int_equal(out[size - 1], '\0');
			}
		}
}

static void distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned most, d;
	} cases[] = {
		{ "name", "name", 3, 0 },   { "name", "NAME", 3, 0 },  { "name", "nmae", 3, 1 },
		{ "name", "nam", 3, 1 },    { "name", "named", 3, 1 }, { "name", "nome", 3, 1 },
		{ "", "abc", 3, 3 },        { "", "abcd", 3, 4 },      { "kitten", "sitting", 5, 3 },
		{ "abc", "xyz", 2, 3 },     { "", "", 0, 0 },          { "a", "b", 0, 1 },
		{ "stra\xc3\x9f" "e", "strase", 3, 1 },                { "ca", "abc", 5, 3 },
	};
	char longer[400];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(utf8_distance(span_str(cases[i].a), span_str(cases[i].b), cases[i].most), cases[i].d);
		assert_int_equal(utf8_distance(span_str(cases[i].b), span_str(cases[i].a), cases[i].most), cases[i].d);
	}
	memset(longer, 'a', sizeof longer);
	assert_int_equal(utf8_distance(span_of(longer, 400), span_of(longer, 400), 3), 0);
	assert_int_equal(utf8_distance(span_of(longer, 400), span_of(longer, 399), 3), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_there_and_back),
		cmocka_unit_test(bytes_agree_with_the_definition),
		cmocka_unit_test(bad_byte_is_found_at_every_place),
		cmocka_unit_test(blocks_find_what_the_look_at_each_character_finds),
		cmocka_unit_test(blocks_leave_little),
		cmocka_unit_test(broken_text_is_read_on),
		cmocka_unit_test(index_counts_characters),
		cmocka_unit_test(cuts_are_whole_and_as_long_as_can_be),
		cmocka_unit_test(printable),
		cmocka_unit_test(run_of_printable_bytes),
		cmocka_unit_test(printable_in_every_room),
		cmocka_unit_test(distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
