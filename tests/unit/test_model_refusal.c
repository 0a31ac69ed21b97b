/* Classes of refusals: which codes belong to which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/err.h"
#include "engine/model/refusal.h"

static void belongs(void **state)
{
	static const struct {
		int code, enhanced[3];
		const char *class;
		bool yes;
	} cases[] = {
		{ 550, { 5, 7, 1 }, "5.7.1", true },  { 550, { 5, 7, 1 }, "5.7", true },   { 550, { 5, 7, 1 }, "5", true },
		{ 550, { 5, 7, 1 }, "550", true },    { 550, { 5, 7, 1 }, "554", false },  { 550, { 5, 7, 1 }, "5.7.10", false },
		{ 550, { 5, 7, 10 }, "5.7.1", false }, { 550, { 5, 1, 1 }, "5.7", false }, { 550, { 0, 0, 0 }, "5.0.0", false },
		{ 550, { 0, 0, 0 }, "5", true },      { 550, { 0, 0, 0 }, "550", true },   { 0, { 0, 0, 0 }, "all", true },
		{ 0, { 0, 0, 0 }, "5", false },       { 550, { 5, 7, 1 }, "", false },     { 550, { 5, 7, 1 }, "5.x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct verdict v = { .kind = VERDICT_REFUSED, .code = cases[i].code };

		memcpy(v.enhanced, cases[i].enhanced, sizeof v.enhanced);
		if (refusal_is_of(&v, span_str(cases[i].class)) != cases[i].yes)
			fail_msg("case %zu: %d in %s", i, cases[i].code, cases[i].class);
	}
}

static void narrowest(void **state)
{
	struct verdict v = { .code = 554 };
	char out[REFUSAL_CLASS_SIZE];

	(void)state;
	refusal_class(&v, out);
	assert_string_equal(out, "554");
	assert_true(refusal_is_of(&v, span_str(out)));
	v.enhanced[0] = 5;
	v.enhanced[1] = 7;
	refusal_class(&v, out);
	assert_string_equal(out, "5.7.0");
	assert_true(refusal_is_of(&v, span_str(out)));
	v = (struct verdict){ .code = 0 };
	refusal_class(&v, out);
	assert_string_equal(out, "all");
}

static void written(void **state)
{
	static const char *const right[] = { "5.7.1", "5.7", "5", "554", "all" };
	static const char *const wrong[] = { "", "4.2.0", "450", "5.7.1.1", "5.", "x", "5.7.x", "600", "ALL" };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		assert_int_equal(refusal_check(span_str(right[i]), &e), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (refusal_check(span_str(wrong[i]), &e) == 0)
			fail_msg("'%s' was taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(belongs), cmocka_unit_test(narrowest),
					    cmocka_unit_test(written) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
