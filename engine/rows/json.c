/* json.c - JSON text as values: the only file that includes <jansson.h>.
 *
 *  1. Integers stay exact. jansson has 64 bits for them: where a text has a larger one, it is
 *     parsed again with those in quotes behind a mark, and they become untyped cells of their
 *     digits. So does a decimal, with its shortest exact digits: a cell prints, compares and
 *     calculates as that number.
 *  2. The depth is jansson's to bound (2048), so the conversion may recurse.
 * Held by tests/unit/test_rows_json.c. */
#include "engine/rows/json.h"

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

/* Of two members with one name jansson would drop the first, unsaid. */
enum { FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES };
enum { REAL_DIGITS_MAX = 17, REAL_DECIMALS_MAX = 400, REAL_TEXT_MAX = 1024, INT_DIGITS = 19, MARKS = 8, MARK_BYTES = 6 };

struct conversion {
	struct arena *arena;
	char mark; /* in front of a text: it was an integer of many digits. 0: nothing is marked */
};

/* jansson does not always say that memory was what it lacked. */
static _Thread_local bool lacked_memory;

static void *take(size_t size)
{
	void *p = mem_grow(NULL, size ? size : 1);

	lacked_memory |= !p;
	return p;
}

static void use_our_memory(void)
{
	json_set_alloc_funcs(take, mem_free);
}

static int convert(json_t *j, const struct conversion *c, struct value *out);

static int copy_text(struct span s, struct arena *a, struct span *out)
{
	int ok;

	*out = arena_copy(a, s, &ok);
	return ok ? 0 : -1;
}

/* As few decimals as give the same number back, at least one, and no exponent. */
static int convert_real(double d, struct arena *a, struct value *out)
{
	char shortest[64], text[REAL_TEXT_MAX];
	struct span copy;
	int digits = 1, decimals;
	const char *exponent;

	do
		snprintf(shortest, sizeof shortest, "%.*e", digits - 1, d);
	while (strtod(shortest, NULL) != d && digits++ < REAL_DIGITS_MAX);
	exponent = strchr(shortest, 'e');
	decimals = digits - 1 - (exponent ? (int)strtol(exponent + 1, NULL, 10) : 0);
	if (decimals < 1)
		decimals = 1;
	if (decimals > REAL_DECIMALS_MAX)
		decimals = REAL_DECIMALS_MAX;
	snprintf(text, sizeof text, "%.*f", decimals, d);
	if (copy_text(span_str(text), a, &copy) < 0)
		return -1;
	*out = value_cell(copy);
	return 0;
}

static int convert_string(const json_t *j, const struct conversion *c, struct value *out)
{
	struct span s = span_of(json_string_value(j), json_string_length(j)), copy;
	bool marked = c->mark && s.n && s.p[0] == c->mark;

	if (copy_text(span_skip(s, marked), c->arena, &copy) < 0)
		return -1;
	*out = marked ? value_cell(copy) : value_text(copy);
	return 0;
}

static int convert_array(const json_t *j, const struct conversion *c, struct value *out)
{
	size_t n = json_array_size(j);
	struct value *items = arena_array(c->arena, n, sizeof *items);

	if (!items || n > UINT32_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (convert(json_array_get(j, i), c, &items[i]) < 0)
			return -1;
	*out = (struct value){ .kind = VALUE_ARRAY, .n = (uint32_t)n, .items = items };
	return 0;
}

static int convert_object(json_t *j, const struct conversion *c, struct value *out)
{
	size_t n = json_object_size(j), i = 0;
	struct member *members = arena_array(c->arena, n, sizeof *members);

	if (!members || n > UINT32_MAX)
		return -1;
	for (void *at = json_object_iter(j); at; at = json_object_iter_next(j, at), i++) {
		const char *key = json_object_iter_key(at);

		if (copy_text(span_str(key), c->arena, &members[i].key) < 0 ||
		    convert(json_object_iter_value(at), c, &members[i].value) < 0)
			return -1;
	}
	*out = (struct value){ .kind = VALUE_OBJECT, .n = (uint32_t)n, .members = members };
	return 0;
}

static int convert(json_t *j, const struct conversion *c, struct value *out)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return convert_object(j, c, out);
	case JSON_ARRAY:
		return convert_array(j, c, out);
	case JSON_STRING:
		return convert_string(j, c, out);
	case JSON_INTEGER:
		*out = value_int(json_integer_value(j));
		return 0;
	case JSON_REAL:
		return convert_real(json_real_value(j), c->arena, out);
	case JSON_TRUE:
	case JSON_FALSE:
		*out = value_bool(json_is_true(j));
		return 0;
	default:
		*out = VALUE_OF_NIL;
		return 0;
	}
}

static int wrong(const json_error_t *why, const char *path, struct err *e)
{
	if (lacked_memory)
		return err_nomem(e, "reading JSON");
	err_set(e, ERR_INPUT, "not JSON: %s", why->text);
	if (json_error_code(why) == json_error_numeric_overflow)
		err_hint(e, "write a number of that size in quotes");
	return err_at(e, path, why->line > 0 ? (uint64_t)why->line : 0, why->column > 0 ? (uint64_t)why->column : 0);
}

/* ---- integers of many digits ---- */

/* A control character whose one spelling, \u0001 to \u0008, the text does not have; 0 when it has all. */
static char choose_mark(struct span text)
{
	char spelt[] = "\\u0000";

	for (int k = 1; k <= MARKS; k++) {
		spelt[MARK_BYTES - 1] = (char)('0' + k);
		if (span_search(text, span_of(spelt, MARK_BYTES)) == text.n)
			return (char)k;
	}
	return 0;
}

size_t json_string_bytes(struct span text)
{
	size_t i = 1;

	while (i < text.n && text.p[i] != '"')
		i += text.p[i] == '\\' ? 2 : 1;
	return i < text.n ? i + 1 : text.n;
}

static bool number_byte(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Bytes of the number that begins at s; *big: of digits alone, and many. */
static size_t number_length(struct span s, bool *big)
{
	size_t n = 0, from = s.p[0] == '-';
	bool digits = true;

	for (; n < s.n && number_byte(s.p[n]); n++)
		digits = digits && (n < from || (s.p[n] >= '0' && s.p[n] <= '9'));
	*big = digits && n - from >= INT_DIGITS && s.p[from] != '0';
	return n;
}

static int quote_big(struct span text, char mark, struct buf *out)
{
	while (text.n && !out->failed) {
		bool number = (text.p[0] >= '0' && text.p[0] <= '9') || text.p[0] == '-', big = false;
		size_t n = text.p[0] == '"' ? json_string_bytes(text) : number ? number_length(text, &big) : 1;

		if (big)
			buf_addf(out, "\"\\u000%d", mark);
		buf_add(out, span_sub(text, 0, n));
		if (big)
			buf_add_char(out, '"');
		text = span_skip(text, n);
	}
	return out->failed ? -1 : 0;
}

/* Once more, with the large integers in quotes. NULL with *why. */
static json_t *load_marked(struct span text, char *mark, json_error_t *why)
{
	struct buf quoted;
	json_t *j = NULL;

	buf_init(&quoted, text.n * 2 + MARK_BYTES * 2);
	*mark = choose_mark(text);
	if (*mark && quote_big(text, *mark, &quoted) == 0)
		j = json_loadb(quoted.p, quoted.n, FLAGS, why);
	buf_release(&quoted);
	return j;
}

int json_parse(struct span text, const char *path, struct arena *a, struct value *out, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct conversion c = { .arena = a };
	json_error_t why;
	json_t *j;
	int rc;

	pthread_once(&once, use_our_memory);
	lacked_memory = false;
	j = json_loadb(text.n ? text.p : "", text.n, FLAGS, &why);
	if (!j && json_error_code(&why) == json_error_numeric_overflow)
		j = load_marked(text, &c.mark, &why);
	if (!j)
		return wrong(&why, path, e);
	rc = convert(j, &c, out);
	json_decref(j);
	return rc < 0 ? err_nomem(e, "reading JSON") : 0;
}

/* ---- writing ---- */

static void write_string(struct span s, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\u%04x", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

static bool is_number(struct span s)
{
	bool digit = false;

	for (size_t i = 0; i < s.n; i++) {
		if (!number_byte(s.p[i]))
			return false;
		digit |= s.p[i] >= '0' && s.p[i] <= '9';
	}
	return digit;
}

void json_write(struct value v, struct buf *out)
{
	switch (v.kind) {
	case VALUE_BOOL:
		buf_add_str(out, v.b ? "true" : "false");
		break;
	case VALUE_INT:
		buf_addf(out, "%lld", (long long)v.i);
		break;
	case VALUE_CELL:
		if (is_number(value_span(v)))
			buf_add(out, value_span(v));
		else
			write_string(value_span(v), out);
		break;
	case VALUE_TEXT:
		write_string(value_span(v), out);
		break;
	case VALUE_ARRAY:
		for (uint32_t i = 0; i < v.n; i++) {
			buf_add_char(out, i ? ',' : '[');
			json_write(v.items[i], out);
		}
		buf_add_str(out, v.n ? "]" : "[]");
		break;
	case VALUE_OBJECT:
		for (uint32_t i = 0; i < v.n; i++) {
			buf_add_char(out, i ? ',' : '{');
			write_string(v.members[i].key, out);
			buf_add_char(out, ':');
			json_write(v.members[i].value, out);
		}
		buf_add_str(out, v.n ? "}" : "{}");
		break;
	default:
		buf_add_str(out, "null");
		break;
	}
}
