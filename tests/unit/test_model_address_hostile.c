/* Addresses out of hostile lists: nothing smuggles a parameter or another address, time stays
 * linear, every cut of every text ends in an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"
#include "engine/model/address_lex.h"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 64 << 20);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* The end of the local part as a server sees it that knows of quotes: index of its '@'. */
static size_t server_at(struct span path)
{
	size_t i = 0;

	if (path.p[0] == '"') {
		for (i = 1; path.p[i] != '"'; i++)
			i += path.p[i] == '\\';
		i++;
	} else {
		i = span_find(path, '@');
	}
	assert_true(i < path.n);
	assert_int_equal(path.p[i], '@');
	return i;
}

/* What holds for every path that leaves the parser, whatever went in. */
static void assert_harmless(const struct address *x)
{
	size_t at = server_at(x->path);
	struct span domain = span_skip(x->path, at + 1);

	assert_in_range(x->path.n, 3, ADDRESS_PATH_MAX);
	assert_in_range(at, 1, ADDRESS_LOCAL_MAX);
	assert_true(span_eq(domain, x->domain));
	assert_true(utf8_valid(x->path));
	assert_true(utf8_valid(x->name));
	assert_true(utf8_valid(x->group));
	for (size_t i = 0; i < x->path.n; i++) {
		unsigned char c = (unsigned char)x->path.p[i];

		assert_true(c >= ' ' && c != 0x7f && c != '<' && c != '>');
		assert_true(x->path.p[0] == '"' || (c != ' ' && c != '"' && c != ',' && c != ';' && c != '('));
		assert_true(c < 0x80 || i < at);
	}
	for (size_t i = 0; i < domain.n; i++)
		assert_non_null(memchr("abcdefghijklmnopqrstuvwxyz0123456789-.[]:IPv", domain.p[i], 44));
	for (size_t i = 0; i < x->name.n; i++)
		assert_true((unsigned char)x->name.p[i] >= ' ' && x->name.p[i] != 0x7f);
}

static int parse_both(struct span text)
{
	struct address_list l;
	struct err e = { 0 };
	struct address x;
	int rc = address_parse(text, &arena, &x, &e);

	assert_true(rc == 0 || e.kind == ERR_INPUT);
	if (rc == 0)
		assert_harmless(&x);
	if (address_parse_list(text, &arena, &l, &e) == 0)
		for (uint32_t i = 0; i < l.n; i++)
			assert_harmless(&l.items[i]);
	arena_reset(&arena);
	return rc;
}

/* Pieces that mean something to some parser, put together at random. */
static const char *const pieces[] = {
	"ann", "bob", "@", "@", "example.com", "evil.example", "<", ">", "\"", "\\", "(", ")", ",", ";", ":",
	".", " ", "\t", "\r", "\n", "\r\n", "\0", "[", "]", "192.0.2.1", "IPv6:", "::1", "> ORCPT=", "SIZE=1",
	"RCPT TO:", "=?UTF-8?Q?=0A?=", "mailto:", "%0a", "%40", "?", "xn--", "xn--bcher-kva", "-", "_",
	"\xc3\xbc", "\xe7\x98\x8d", "\xe7\x98\x8a", "\xef\xbc\xa0", "\xef\xbc\x9e", "\xe3\x80\x82", "\xc2\xad",
	"\xe2\x80\x8b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xc2\x85", "\xff", "\xe2\x84\x80", "\xcc\xb8", "=", "+",
};

enum { PIECES = sizeof pieces / sizeof *pieces, PIECES_A_TEXT = 14, ROUNDS = 60000 };

static size_t add_pieces(struct rng *r, uint64_t most, char *out)
{
	size_t n = 0;

	for (uint64_t left = rng_below(r, most + 1); left > 0; left--) {
		const char *piece = pieces[rng_below(r, PIECES)];
		size_t size = piece[0] ? strlen(piece) : 1;

		memcpy(out + n, piece, size);
		n += size;
	}
	return n;
}

/* Half of them have an address in their middle, so that some get far. */
static size_t random_text(struct rng *r, char *out)
{
	size_t n;

	if (rng_below(r, 2))
		return add_pieces(r, PIECES_A_TEXT, out);
	n = add_pieces(r, 3, out);
	memcpy(out + n, "@example.com", 12);
	return n + 12 + add_pieces(r, 2, out + n + 12);
}

static void random_texts_are_harmless(void **state)
{
	struct rng r;
	int good = 0;

	(void)state;
	rng_seed(&r, 20261123, 0);
	for (int i = 0; i < ROUNDS; i++) {
		char text[PIECES_A_TEXT * 24];
		size_t n = random_text(&r, text);
		char *exact = mem_copy(span_of(text, n)); /* the sanitizer sees its end */

		good += parse_both(span_of(exact, n)) == 0;
		mem_free(exact);
	}
	assert_true(good > ROUNDS / 50);
}

/* Good and half-good ones with one piece put in at every place, and cut at every place. */
static void mutations_are_harmless(void **state)
{
	static const char *const seeds[] = {
		"ann@example.com", "\"ann lee\"@example.com", "Ann Lee <ann@example.com>",
		"team: Ann <a@b>, \"x@y\" <c@d>;", "ann@[IPv6:2001:db8::1] (Ann)", "ann@\xc3\xbc.example",
		"mailto:ann%40x@example.com?a=b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct span seed = span_str(seeds[i]);

		for (size_t at = 0; at <= seed.n; at++) {
			parse_both(span_sub(seed, 0, at));
			for (size_t k = 0; k < PIECES; k++) {
				size_t size = pieces[k][0] ? strlen(pieces[k]) : 1;
				char text[128];

				memcpy(text, seed.p, at);
				memcpy(text + at, pieces[k], size);
				memcpy(text + at + size, seed.p + at, seed.n - at);
				parse_both(span_of(text, seed.n + size));
			}
		}
	}
}

/* A megabyte of each in well under the time that quadratic work would take. */
static void floods_take_linear_time(void **state)
{
	static const char *const units[] = {
		"(", ")", "<", ">", ",", "\"", "\\", ":;", ";", ":", "@", ".", "[", "]", " ", "()", "(()", "\"\"",
		"\"\\", "a ", "a,", "a@b,", "a@b ", "a@", "g:;,", "g:", "x<", "<a@b>,", "\xc3\xbc", "\xff", "a.",
		"\xc3\xbc.", "(a)", "[]", "=?", "\t", "mailto:", "%41",
	};
	enum { BYTES = 1 << 20 };
	char *text = mem_new(BYTES + 64);

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		static const char *const heads[] = { "", "a@", "a@b (", "\"", "x <", "g:", "mailto:" };

		for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
			size_t n = strlen(heads[h]), unit = strlen(units[i]);
			int64_t before = clock_mono_ms();

			memcpy(text, heads[h], n);
			for (; n < BYTES; n += unit)
				memcpy(text + n, units[i], unit);
			parse_both(span_of(text, n));
			assert_in_range(clock_mono_ms() - before, 0, 2000);
		}
	}
	mem_free(text);
}

static void lists_are_bounded(void **state)
{
	enum { UNIT = 4 };
	char *text = mem_new((ADDRESS_LIST_MAX + 1) * UNIT);
	struct address_list l;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i <= ADDRESS_LIST_MAX; i++)
		memcpy(text + i * UNIT, "a@b,", UNIT);
	assert_int_equal(address_parse_list(span_of(text, ADDRESS_LIST_MAX * UNIT), &arena, &l, &e), 0);
	assert_int_equal(l.n, ADDRESS_LIST_MAX);
	for (uint32_t i = 0; i < l.n; i++)
		assert_true(span_eq(l.items[i].path, SPAN("a@b")));
	assert_int_equal(address_parse_list(span_of(text, (ADDRESS_LIST_MAX + 1) * UNIT), &arena, &l, &e), -1);
	assert_string_equal(e.text, "more than 1000 addresses in one header");
	for (int i = 0; i <= ADDRESS_LIST_MAX; i++)
		memcpy(text + i * UNIT, "g:;,", UNIT);
	assert_int_equal(address_parse_list(span_of(text, ADDRESS_LIST_MAX * UNIT), &arena, &l, &e), 0);
	assert_int_equal(l.n_empty_groups, ADDRESS_LIST_MAX);
	assert_int_equal(address_parse_list(span_of(text, (ADDRESS_LIST_MAX + 1) * UNIT), &arena, &l, &e), -1);
	mem_free(text);
	arena_reset(&arena);
}

/* Labels of every length around their limit, plain and mapped. */
static void labels_around_their_limit(void **state)
{
	(void)state;
	for (size_t n = 1; n < 300; n++) {
		char text[700] = "a@";
		struct address x;

		memset(text + 2, 'b', n);
		memcpy(text + 2 + n, ".example", 9);
		assert_int_equal(address_parse(span_str(text), &arena, &x, NULL), n <= 63 ? 0 : -1);
		for (size_t i = 0; i < n; i++)
			memcpy(text + 2 + 2 * i, "\xc3\xbc", 2);
		memcpy(text + 2 + 2 * n, ".example", 9);
		if (parse_both(span_str(text)) == 0)
			assert_true(n < 60);
		arena_reset(&arena);
	}
}

/* RFC 5322 3.2.3, byte by byte. */
static void atext_is_what_the_standard_says(void **state)
{
	static const char atext[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-/=?^_`{|}~";

	(void)state;
	for (int c = 0; c < 256; c++)
		assert_true(address_is_atext((char)c) == (c > 127 || (c && strchr(atext, c) != NULL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(atext_is_what_the_standard_says),
		cmocka_unit_test(random_texts_are_harmless),
		cmocka_unit_test(mutations_are_harmless),
		cmocka_unit_test(floods_take_linear_time),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(labels_around_their_limit),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
