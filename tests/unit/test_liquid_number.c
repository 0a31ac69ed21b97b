/* test_liquid_number.c - integers of any size and decimals, against worked examples. */
#include "tests/unit/liquid_kit.h"

#include "templates/liquid/number.h"

static struct arena memory;

static struct value parse(const char *s)
{
	struct value v;

	assert_true(number_like(span_str(s)));
	assert_int_equal(number_parse(&memory, span_str(s), &v), 0);
	return v;
}

static void shows(struct value v, const char *wanted, const char *name)
{
	struct span s = number_text(&memory, v);
	char got[512];

	snprintf(got, sizeof got, "%.*s", SPAN_ARG(s));
	if (strcmp(got, wanted) != 0)
		fail_msg("%s: got %s, wanted %s", name, got, wanted);
}

static void prints_as_written(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "007", "7" },
		{ "1.0", "1.0" },
		{ "-0.5", "-0.5" },
		{ "0.00001", "0.00001" },
		{ "1.500", "1.5" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "9223372036854775808", "9223372036854775808" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "-9223372036854775809", "-9223372036854775809" },
		{ "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "1000000000000000000000000000", "1000000000000000000000000000" },
		{ "0.1234567890123456789", "0.12345678901234568" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		shows(parse(cases[i].in), cases[i].out, cases[i].in);
	assert_int_equal(parse("9223372036854775807").kind, VALUE_INT);
	assert_int_equal(parse("-9223372036854775808").kind, VALUE_INT);
	assert_int_equal(parse("9223372036854775808").kind, VALUE_NUMBER);
}

static void like(void **state)
{
	static const char *const yes[] = { "1", "-1", "1.5", "0.0", "00" };
	static const char *const no[] = { "", "-", "1.", ".5", "1.2.3", "+1", " 1", "1e5", "0x1", "--1", "1-" };

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(number_like(span_str(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(number_like(span_str(no[i])));
}

static void arithmetic(void **state)
{
	static const struct {
		const char *x;
		char op;
		const char *y, *out;
	} cases[] = {
		{ "2", '+', "3", "5" },
		{ "9223372036854775807", '+', "1", "9223372036854775808" },
		{ "9223372036854775808", '-', "1", "9223372036854775807" },
		{ "-9223372036854775808", '-', "1", "-9223372036854775809" },
		{ "0.1", '+', "0.2", "0.3" },
		{ "10.1", '-', "2.2", "7.9" },
		{ "1", '-', "1.0", "0.0" },
		{ "5", '*', "2.1", "10.5" },
		{ "999999999", '*', "999999999", "999999998000000001" },
		{ "123456789012345678901", '*', "-987654321098765432109", "-121932631137021795225845145533336229232209" },
		{ "10", '/', "3", "3" },
		{ "-10", '/', "3", "-4" },
		{ "10", '/', "-3", "-4" },
		{ "-10", '/', "-3", "3" },
		{ "20", '/', "7.0", "2.857142857142857" },
		{ "2.0", '/', "3", "0.6666666666666666" },
		{ "1", '/', "3.0", "0.3333333333333333" },
		{ "9.0", '/', "2", "4.5" },
		{ "121932631137021795225845145533336229232209", '/', "987654321098765432109", "123456789012345678901" },
		{ "1000000000000000000000000000001", '/', "1000000000", "1000000000000000000000" },
		{ "999999999999999999999999999999", '/', "999999999999999999", "1000000000000" },
		{ "7", '%', "3", "1" },
		{ "-7", '%', "3", "2" },
		{ "7", '%', "-3", "-2" },
		{ "10.1", '%', "7.0", "3.1" },
		{ "1000000000000000000000000000001", '%', "1000000007", "999657008" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct value x = parse(cases[i].x), y = parse(cases[i].y), out;
		int rc = cases[i].op == '+'   ? number_add(&memory, x, y, &out)
			 : cases[i].op == '-' ? number_sub(&memory, x, y, &out)
			 : cases[i].op == '*' ? number_mul(&memory, x, y, &out)
			 : cases[i].op == '/' ? number_div(&memory, x, y, &out)
					      : number_mod(&memory, x, y, &out);

		assert_int_equal(rc, 0);
		shows(out, cases[i].out, cases[i].x);
	}
}

/* (q * y + r == x) and r has the sign of y, over pairs that strain every limb. */
static void division_is_exact(void **state)
{
	uint64_t seed = 88172645463325252ULL;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[2][64];
		struct value x, y, q, r, back;

		for (int k = 0; k < 2; k++) {
			int n = 0, limbs = 1 + (int)((seed >> 20) % 5);

			for (int j = 0; j < limbs; j++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				unsigned limb = seed % 5 == 0 ? 999999999u : seed % 5 == 1 ? 0u : (unsigned)(seed >> 8) % 1000000000u;

				n += snprintf(text[k] + n, sizeof text[k] - (size_t)n, "%s%09u", n == 0 && seed & 1 ? "-" : "", limb);
			}
		}
		x = parse(text[0]);
		y = parse(text[1]);
		if (number_is_zero(y))
			continue;
		assert_int_equal(number_div(&memory, x, y, &q), 0);
		assert_int_equal(number_mod(&memory, x, y, &r), 0);
		assert_int_equal(number_mul(&memory, q, y, &back), 0);
		assert_int_equal(number_add(&memory, back, r, &back), 0);
		if (number_compare(back, x) != 0)
			fail_msg("%s / %s", text[0], text[1]);
		int sign = number_compare(y, value_int(0));

		assert_true(number_is_zero(r) || number_compare(r, value_int(0)) == sign);
		assert_true(sign > 0 ? number_compare(r, y) < 0 : number_compare(r, y) > 0);
		arena_reset(&memory);
	}
}

static void rounding(void **state)
{
	static const struct {
		const char *x;
		int places;
		enum number_rounding how;
		const char *out;
	} cases[] = {
		{ "5.666", 1, NUMBER_HALF_UP, "5.7" },   { "5.666", 0, NUMBER_HALF_UP, "6" },
		{ "5.666", -2, NUMBER_HALF_UP, "0" },    { "1250", -2, NUMBER_HALF_UP, "1300" },
		{ "-2.5", 0, NUMBER_HALF_UP, "-3" },     { "2.5", 0, NUMBER_HALF_UP, "3" },
		{ "2.4999", 0, NUMBER_HALF_UP, "2" },    { "-5.4", 0, NUMBER_CEIL, "-5" },
		{ "-5.4", 0, NUMBER_FLOOR, "-6" },       { "5.1", 0, NUMBER_CEIL, "6" },
		{ "5.0", 0, NUMBER_CEIL, "5" },          { "0.0000000001", 0, NUMBER_CEIL, "1" },
		{ "5", 3, NUMBER_HALF_UP, "5" },         { "1.05", 1, NUMBER_HALF_UP, "1.1" },
		{ "999999999.5", 0, NUMBER_HALF_UP, "1000000000" },
		{ "0.0000000015", 9, NUMBER_HALF_UP, "0.000000002" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct value out;

		assert_int_equal(number_round(&memory, parse(cases[i].x), cases[i].places, cases[i].how, &out), 0);
		shows(out, cases[i].out, cases[i].x);
	}
}

static void order(void **state)
{
	static const char *const rising[] = { "-10000000000000000000000", "-9.5", "-9", "-0.001", "0", "0.0001", "0.01",
					      "1", "1.5", "2", "9223372036854775807", "9223372036854775808.5" };
	enum { N = sizeof rising / sizeof rising[0] };

	(void)state;
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++) {
			int wanted = i < k ? -1 : i > k;

			assert_int_equal(number_compare(parse(rising[i]), parse(rising[k])), wanted);
		}
	assert_int_equal(number_compare(parse("1"), parse("1.0")), 0);
	assert_int_equal(number_trunc(parse("-12.9")), -12);
	assert_true(number_trunc(parse("99999999999999999999")) == INT64_MAX);
}

static void text_and_doubles(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = { { "12abc", "12" }, { "abc", "0" }, { "", "0" }, { " 1.5 ", "1.5" }, { "1.5x", "1" }, { "-3", "-3" },
		      { "+4", "4" } };
	struct value v;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(number_of_text(&memory, span_str(cases[i].in), &v), 0);
		shows(v, cases[i].out, cases[i].in);
	}
	assert_int_equal(number_of_double(&memory, 0.1, &v), 0);
	shows(v, "0.1", "0.1");
	assert_int_equal(number_of_double(&memory, 1e21, &v), 0);
	shows(v, "1000000000000000000000.0", "1e21");
	assert_int_equal(number_of_double(&memory, -2.5e-7, &v), 0);
	shows(v, "-0.00000025", "-2.5e-7");
}

static void too_long_is_refused(void **state)
{
	static char digits[NUMBER_DIGITS_MAX + 3];
	struct value v, w;

	(void)state;
	memset(digits, '9', sizeof digits - 1);
	assert_int_equal(number_parse(&memory, span_of(digits, NUMBER_DIGITS_MAX + 1), &v), -1);
	assert_int_equal(number_parse(&memory, span_of(digits, NUMBER_DIGITS_MAX), &v), 0);
	assert_int_equal(number_add(&memory, v, value_int(1), &w), -1);
	assert_int_equal(number_mul(&memory, v, v, &w), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_as_written), cmocka_unit_test(like),
		cmocka_unit_test(arithmetic),        cmocka_unit_test(division_is_exact),
		cmocka_unit_test(rounding),          cmocka_unit_test(order),
		cmocka_unit_test(text_and_doubles),  cmocka_unit_test(too_long_is_refused),
	};
	int rc;

	arena_init(&memory, 1 << 16, 1 << 28);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_release(&memory);
	return rc;
}
