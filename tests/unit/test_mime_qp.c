/* Quoted-printable with holes: random texts, cut at random into fixed pieces and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/model/text_bit.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_qp.h"
#include "tests/unit/mail_reader.h"

enum { TEXT_MAX = 700, ROUNDS = 20000 };

static struct arena memory;

static const char *const bits[] = {
	"a", "b", "From ", "F", "Fr", "rom x", "From", " ", "  ", "\t", "\n", "\r\n", "\r", ".", "..", "=",
	"=20", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "word ", "a rather long run of plain words ",
	"\n\n", " \n", "\t\r\n", ".\n", "~", "\x7f", "\x01", "x\ny",
};

static size_t random_text(struct rng *r, char *out, size_t max)
{
	size_t n = 0, want = rng_below(r, max - 60);

	while (n < want) {
		const char *s = bits[rng_below(r, sizeof bits / sizeof bits[0])];

		memcpy(out + n, s, strlen(s));
		n += strlen(s);
	}
	return n;
}

/* Line breaks as CRLF, as they were cut: pieces are converted one by one. */
static size_t canonical(const char *p, size_t n, char *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' || p[i] == '\n') {
			if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
				i++;
			out[k++] = '\r';
			out[k++] = '\n';
		} else {
			out[k++] = p[i];
		}
	}
	return k;
}

static size_t cut_at(struct rng *r, const char *p, size_t n)
{
	size_t at = 1 + rng_below(r, n);

	if (rng_below(r, 3) == 0 && at > 4)
		at = 1 + rng_below(r, 4);
	while (at < n && ((unsigned char)p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void fail_text(const char *why, const char *text, size_t n, struct span out)
{
	print_error("text <%.*s>\nout <%.*s>\n", (int)n, text, (int)out.n, out.p);
	fail_msg("%s", why);
}

/* As mime_qp_value() or, of a piece, mime_qp_fixed(); by the quick way where that takes it. */
static void write_quickly(struct mime_qp *q, struct span part, const struct mime_qp_piece *piece)
{
	const struct text_bit bit = { part, piece ? 0 : -1 };

	if (mime_qp_plain(q, piece, &bit, 1) == 0)
		assert_int_equal(piece ? mime_qp_fixed(q, piece) : mime_qp_value(q, part), 0);
}

static void one_round(struct rng *r)
{
	char text[TEXT_MAX], want[3 * TEXT_MAX];
	size_t n = random_text(r, text, sizeof text), want_n = 0;
	struct mime_out o, o2;
	struct mime_qp q, quick;
	const char *wrong;

	mime_out_init(&o, &memory);
	mime_qp_begin(&q, &o);
	mime_out_init(&o2, &memory);
	mime_qp_begin(&quick, &o2);
	for (size_t i = 0; i < n;) {
		size_t c = cut_at(r, text + i, n - i);
		struct span part = span_of(text + i, c);

		want_n += canonical(part.p, part.n, want + want_n);
		if (rng_below(r, 2)) {
			assert_int_equal(mime_qp_value(&q, part), 0);
			write_quickly(&quick, part, NULL);
		} else {
			struct mime_qp_piece piece;

			assert_int_equal(mime_qp_piece(&piece, part, &memory), 0);
			assert_int_equal(mime_qp_fixed(&q, &piece), 0);
			write_quickly(&quick, part, &piece);
		}
		i += c;
	}
	assert_int_equal(quick.column, q.column);
	assert_int_equal(quick.blank, q.blank);
	assert_int_equal(mime_qp_end(&q), 0);
	assert_int_equal(mime_qp_end(&quick), 0);
	if (want_n > 0 && want[want_n - 1] != '\n') {
		want[want_n++] = '\r';
		want[want_n++] = '\n';
	}

	struct span out = mime_out_flat(&o, &memory);
	struct text back = read_qp(out.p, out.n);

	assert_true(span_eq(out, mime_out_flat(&o2, &memory)));
	wrong = lines_wrong(out.p, out.n, 76);
	if (wrong)
		fail_text(wrong, text, n, out);
	if (back.n != want_n || memcmp(back.p, want, want_n) != 0)
		fail_text("does not decode to the text", text, n, out);
	free(back.p);
	arena_reset(&memory);
}

static void random_texts_and_cuts(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 2);
	for (int i = 0; i < ROUNDS; i++)
		one_round(&r);
}

static struct span encode_parts(const char *const *parts)
{
	struct mime_out o;
	struct mime_qp q;

	mime_out_init(&o, &memory);
	mime_qp_begin(&q, &o);
	for (int i = 0; parts[i]; i++) {
		struct span s = span_str(parts[i] + 1);
		struct mime_qp_piece piece;

		if (parts[i][0] == 'v') {
			assert_int_equal(mime_qp_value(&q, s), 0);
		} else {
			assert_int_equal(mime_qp_piece(&piece, s, &memory), 0);
			assert_int_equal(mime_qp_fixed(&q, &piece), 0);
		}
	}
	assert_int_equal(mime_qp_end(&q), 0);
	return mime_out_flat(&o, &memory);
}

static void known_forms(void **state)
{
	static const struct {
		const char *parts[6], *want; /* f: fixed, v: value */
	} cases[] = {
		{ { "fHello ", "vAnn", "f,\n" }, "Hello Ann,\r\n" },
		{ { "fHello ", "v", "f\n" }, "Hello =\r\n\r\n" },
		{ { "fHello \nx" }, "Hello=20\r\nx\r\n" },
		{ { "vF", "from here" }, "=46rom here\r\n" },
		{ { "fF", "vrom here" }, "=46rom here\r\n" },
		{ { "fFri" }, "Fri\r\n" },
		{ { "vFri", "vom" }, "Friom\r\n" },
		{ { "vFro", "v", "vm x" }, "=46rom x\r\n" },
		{ { "f.", "v." }, "=2E.\r\n" },
		{ { "v\r\n.\rF" }, "\r\n=2E\r\n=46\r\n" },
		{ { "f100% = \xc3\xa9" }, "100% =3D =C3=A9\r\n" },
		{ { "f" }, "" },
		{ { "vend " }, "end =\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span out = encode_parts(cases[i].parts);

		if (!span_eq(out, span_str(cases[i].want)))
			fail_msg("case %zu gives <%.*s>", i, SPAN_ARG(out));
	}
	arena_reset(&memory);
}

/* A long fixed piece is not copied, whatever stands before it. */
static void fixed_text_is_referenced(void **state)
{
	char text[2000], value[80];
	struct mime_qp_piece piece;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 60 == 59 ? '\n' : 'a';
	memset(value, 'v', sizeof value);
	assert_int_equal(mime_qp_piece(&piece, span_of(text, sizeof text), &memory), 0);
	for (size_t n = 0; n <= sizeof value; n++) {
		struct mime_out o;
		struct mime_qp q;

		mime_out_init(&o, &memory);
		mime_qp_begin(&q, &o);
		assert_int_equal(mime_qp_value(&q, span_of(value, n)), 0);
		assert_int_equal(mime_qp_fixed(&q, &piece), 0);
		assert_ptr_equal(o.spans[o.n - 1].p, piece.bytes.p);
		assert_true(o.copied <= n + 6);
		assert_true(n <= 15 ? o.copied == n : true);
	}
	arena_reset(&memory);
}

static void long_values(void **state)
{
	char *text = malloc(50000);
	struct mime_out o;
	struct mime_qp q;
	struct text back;
	struct span out;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 50000; i++)
		text[i] = i % 7 == 0 ? ' ' : i % 500 == 3 ? '\n' : (char)('a' + i % 26);
	mime_out_init(&o, &memory);
	mime_qp_begin(&q, &o);
	assert_int_equal(mime_qp_value(&q, span_of(text, 50000)), 0);
	assert_int_equal(mime_qp_end(&q), 0);
	out = mime_out_flat(&o, &memory);
	assert_null(lines_wrong(out.p, out.n, 76));
	back = read_qp(out.p, out.n);
	for (size_t i = 0, k = 0; i < 50000; i++, k++) {
		if (back.p[k] == '\r')
			k++;
		assert_true(back.p[k] == text[i]);
	}
	free(back.p);
	free(text);
	arena_reset(&memory);
}

/* Both ways over value behind `before` plain octets: where the quick one takes it, it does the same. */
static void check_plain(size_t before, struct span value, bool *quick)
{
	static const char line[] = "0123456789012345678901234567890123456789012345678901234567890123456789012345";
	struct mime_out o[2];
	struct mime_qp q[2];
	struct span got[2];

	for (int i = 0; i < 2; i++) {
		mime_out_init(&o[i], &memory);
		mime_qp_begin(&q[i], &o[i]);
		assert_int_equal(mime_qp_value(&q[i], span_of(line, before)), 0);
	}
	*quick = value.n > 0 && mime_qp_plain(&q[0], NULL, &(struct text_bit){ value, -1 }, 1);
	assert_int_equal(*quick ? 0 : mime_qp_value(&q[0], value), 0);
	assert_int_equal(mime_qp_value(&q[1], value), 0);
	for (int i = 0; i < 2; i++)
		got[i] = mime_out_flat(&o[i], &memory);
	assert_true(span_eq(got[0], got[1]));
	assert_int_equal(q[0].column, q[1].column);
	assert_int_equal(q[0].blank, q[1].blank);
}

/* Each octet at each place of values of each length, at begin, middle and end of a line. */
static void plain_values_are_values(void **state)
{
	static const size_t columns[] = { 0, 1, 40, 58, 74, 75 };
	bool quick;

	(void)state;
	for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
		for (size_t n = 0; n <= 26; n++) {
			for (size_t at = 0; at < n || at == 0; at++) {
				for (int c = 0; c < 256; c++) {
					char *value = malloc(n + (n == 0)); /* of just that size: nothing is read beyond */
					bool coded = c < ' ' || c > '~' || c == '=', fits = n > 0 && n <= MIME_QP_COLUMNS - columns[k];

					memset(value, 'm', n);
					if (at < n)
						value[at] = (char)c;
					check_plain(columns[k], span_of(value, n), &quick);
					bool dangerous = columns[k] == 0 && at == 0 && (c == '.' || (n == 1 && c == 'F'));

					assert_int_equal(quick, fits && !coded && !dangerous && !(c == ' ' && at == n - 1));
					free(value);
				}
				arena_reset(&memory);
			}
		}
	}
	check_plain(0, SPAN("From x"), &quick);
	assert_false(quick);
	check_plain(1, SPAN("From x"), &quick);
	assert_true(quick);
}

static void no_memory(void **state)
{
	struct arena tight;
	struct mime_out o;
	struct mime_qp q;
	struct mime_qp_piece piece;

	(void)state;
	arena_init(&tight, 64, 128);
	mime_out_init(&o, &tight);
	mime_qp_begin(&q, &o);
	assert_int_equal(mime_qp_value(&q, SPAN("x")), -1);
	assert_int_equal(mime_qp_piece(&piece, SPAN("a text that does not fit into the arena"), &tight), -1);
	arena_release(&tight);
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
		cmocka_unit_test(known_forms),
		cmocka_unit_test(random_texts_and_cuts),
		cmocka_unit_test(fixed_text_is_referenced),
		cmocka_unit_test(long_values),
		cmocka_unit_test(plain_values_are_values),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
