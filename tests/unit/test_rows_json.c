/* JSON becomes values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/json.h"

/* A value as text: 'text' cell:digits 1 true nil [..] {key:..} */
static void show(struct value v, struct buf *out)
{
	switch (v.kind) {
	case VALUE_NIL: buf_add_str(out, "nil"); break;
	case VALUE_BOOL: buf_add_str(out, v.b ? "true" : "false"); break;
	case VALUE_INT: buf_addf(out, "%lld", (long long)v.i); break;
	case VALUE_TEXT: buf_addf(out, "'%.*s'", SPAN_ARG(value_span(v))); break;
	case VALUE_CELL: buf_addf(out, "cell:%.*s", SPAN_ARG(value_span(v))); break;
	case VALUE_ARRAY:
		buf_add_char(out, '[');
		for (uint32_t i = 0; i < v.n; i++) {
			show(v.items[i], out);
			buf_add_char(out, ' ');
		}
		buf_add_char(out, ']');
		break;
	case VALUE_OBJECT:
		buf_add_char(out, '{');
		for (uint32_t i = 0; i < v.n; i++) {
			buf_addf(out, "%.*s:", SPAN_ARG(v.members[i].key));
			show(v.members[i].value, out);
			buf_add_char(out, ' ');
		}
		buf_add_char(out, '}');
		break;
	default: fail();
	}
}

static const struct json_case {
	const char *json, *value;
} good[] = {
	{ "{}", "{}" },
	{ " [ ] ", "[]" },
	{ "null", "nil" },
	{ "[true,false]", "[true false ]" },
	{ "\"a\\u00e9\\n\"", "'a\xc3\xa9\n'" },
	{ "{\"z\":1,\"a\":{\"m\":[\"x\",null]},\"b\":\"\"}", "{z:1 a:{m:['x' nil ] } b:'' }" },
	{ "[0,-1,9223372036854775807,-9223372036854775808]", "[0 -1 9223372036854775807 -9223372036854775808 ]" },
	{ "[1.5,-0.1,1.0,100.25,0.30000000000000004]", "[cell:1.5 cell:-0.1 cell:1.0 cell:100.25 cell:0.30000000000000004 ]" },
	{ "[1e3,1E-7,12345678901234567890.0]", "[cell:1000.0 cell:0.0000001 cell:12345678901234567168.0 ]" },
	{ "[9223372036854775807,-9223372036854775808]", "[9223372036854775807 -9223372036854775808 ]" },
	{ "[9223372036854775808,-9223372036854775809]", "[cell:9223372036854775808 cell:-9223372036854775809 ]" },
	{ "{\"12345678901234567890\":12345678901234567890}", "{12345678901234567890:cell:12345678901234567890 }" },
	{ "[\"a\\\"12345678901234567890\",12345678901234567890,1.5,1e3]",
	  "['a\"12345678901234567890' cell:12345678901234567890 cell:1.5 cell:1000.0 ]" },
	{ "[\"\\u0001,\",12345678901234567890]", "['\x01,' cell:12345678901234567890 ]" },
};

static void values(void **state)
{
	struct arena a;
	struct value v;
	struct buf got;
	struct err e;

	(void)state;
	arena_init(&a, 1000, 1 << 20);
	buf_init(&got, 10000);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		arena_reset(&a);
		buf_reset(&got);
		if (json_parse(span_str(good[i].json), "data.json", &a, &v, &e) < 0)
			fail_msg("%s: %s", good[i].json, e.text);
		show(v, &got);
		assert_string_equal(buf_str(&got), good[i].value);
	}
	buf_release(&got);
	arena_release(&a);
}

static void nul_in_text(void **state)
{
	struct arena a;
	struct value v;
	struct err e;

	(void)state;
	arena_init(&a, 1000, 1 << 20);
	assert_int_equal(json_parse(SPAN("\"a\\u0000b\""), "d", &a, &v, &e), 0);
	assert_int_equal(v.n, 3);
	assert_memory_equal(v.text, "a\0b", 3);
	arena_release(&a);
}

static void mistakes(void **state)
{
	static const struct {
		const char *json;
		unsigned line;
	} bad[] = {
		{ "", 1 }, { "{", 1 }, { "{\"a\":1,}", 1 }, { "[1]\n\nx", 3 }, { "{\"a\":\n1\n\"b\"}", 3 },
		{ "[01]", 1 }, { "\"\xff\"", 1 }, { "'a'", 1 }, { "[1e999]", 1 },
		{ "[12345678901234567890,]", 1 }, { "[012345678901234567890]", 1 },
		{ "[12345678901234567890,\"\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\u0008\"]", 1 }, { "nul", 1 },
		{ "{\"a\":1,\n\"a\":2}", 2 },
	};
	struct arena a;
	struct value v;

	(void)state;
	arena_init(&a, 1000, 1 << 20);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };

		assert_int_equal(json_parse(span_str(bad[i].json), "data.json", &a, &v, &e), -1);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_string_equal(e.path, "data.json");
		if (e.line != bad[i].line || !e.text[0])
			fail_msg("%s: line %d %s", bad[i].json, (int)e.line, e.text);
	}
	arena_release(&a);
}

static void deep(void **state)
{
	char text[100000];
	struct arena a;
	struct value v;
	struct err e;

	(void)state;
	arena_init(&a, 1000, 1 << 24);
	memset(text, '[', sizeof text);
	assert_int_equal(json_parse(span_of(text, sizeof text), "d", &a, &v, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	memset(text + 2000, ']', 2000);
	assert_int_equal(json_parse(span_of(text, 4000), "d", &a, &v, &e), 0);
	arena_release(&a);
}

static void survives_no_memory(void **state)
{
	struct arena a;
	struct value v;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	arena_init(&a, 1000, 1 << 20);
	do {
		mem_fail_after(n++);
		rc = json_parse(SPAN("{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null}}"), "d", &a, &v, &e);
		assert_true(rc == 0 || e.kind == ERR_NOMEM);
	} while (rc < 0 && n < 200);
	mem_fail_after(-1);
	assert_true(n > 5 && n < 200);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(nul_in_text),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(deep),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
