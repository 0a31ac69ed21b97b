/* values.c - one meaning for each kind of value.
 *
 * A cell of a spreadsheet is text that nobody gave a type. It is false when empty and then equals
 * nil; it compares as a number with a number, and with another cell when both look like one. A
 * text stays a text: 1 == "1" is false, and asking whether one is more than the other a mistake.
 *
 * Invariants, held by tests/unit/test_liquid_values.c:
 *  1. No function here changes a value that it was given.
 *  2. Printing a cell gives its bytes, whatever it looks like. */
#include "templates/liquid/values.h"

#include <stdio.h>

#include "engine/base/utf8.h"
#include "templates/liquid/number.h"
#include "templates/liquid/program.h"
#include "templates/liquid/scan.h"

/* ---- text that grows ---- */

void text_begin(struct text *t, struct arena *a)
{
	*t = (struct text){ .arena = a };
}

static char *room(struct text *t, size_t n)
{
	if (t->failed)
		return NULL;
	if (n > t->cap - t->n) {
		size_t cap = t->cap * 2 > t->n + n ? t->cap * 2 : t->n + n + 32;
		char *p = arena_grow(t->arena, t->p, t->cap, cap);

		if (!p || cap > UINT32_MAX) {
			t->failed = true;
			return NULL;
		}
		t->p = p;
		t->cap = cap;
	}
	return t->p + t->n;
}

void text_add(struct text *t, struct span s)
{
	char *p = s.n ? room(t, s.n) : NULL;

	if (p) {
		memcpy(p, s.p, s.n);
		t->n += s.n;
	}
}

void text_add_char(struct text *t, char c)
{
	text_add(t, span_of(&c, 1));
}

/* ---- truth ---- */

static bool is_empty(struct value v)
{
	switch (v.kind) {
	case VALUE_TEXT:
	case VALUE_CELL:
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		return v.n == 0;
	default:
		return false;
	}
}

bool value_true(struct value v)
{
	if (v.kind == VALUE_CELL)
		return v.n > 0;
	return v.kind != VALUE_NIL && (v.kind != VALUE_BOOL || v.b);
}

bool value_blank(struct value v)
{
	if (v.kind == VALUE_NIL || (v.kind == VALUE_BOOL && !v.b))
		return true;
	if (!value_is_text(v))
		return is_empty(v);
	for (uint32_t i = 0; i < v.n; i++)
		if (!scan_white(v.text[i]))
			return false;
	return true;
}

/* ---- numbers ---- */

struct value value_typed(struct arena *a, struct value v)
{
	struct value number;

	if (v.kind != VALUE_CELL || v.n == 0)
		return v;
	struct span s = span_trim(value_span(v));

	return number_like(s) && number_parse(a, s, &number) == 0 ? number : v;
}

int value_number(struct arena *a, struct value v, struct value *out)
{
	*out = value_int(0);
	if (value_is_number(v))
		*out = v;
	else if (value_is_text(v))
		return number_of_text(a, value_span(v), out);
	return 0;
}

int value_integer(struct arena *a, struct value v, int64_t *out)
{
	struct value number = v;

	if (value_is_text(v)) {
		struct span s = span_trim(value_span(v));

		if (s.n > 1 && s.p[0] == '+')
			s = span_skip(s, 1);
		if (!number_like(s) || number_parse(a, s, &number) < 0)
			return -1;
	}
	if (!value_is_number(number) || number_is_decimal(number))
		return -1;
	*out = number_trunc(number);
	return 0;
}

int64_t value_bound(struct arena *a, struct value v)
{
	struct value number;

	return value_number(a, v, &number) < 0 ? 0 : number_trunc(number);
}

/* ---- text ---- */

static void add_quoted(struct text *t, struct span s)
{
	text_add_char(t, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			text_add_char(t, '\\');
		if (c == '\n')
			text_add(t, SPAN("\\n"));
		else if (c == '\t')
			text_add(t, SPAN("\\t"));
		else if (c == '\r')
			text_add(t, SPAN("\\r"));
		else
			text_add_char(t, c);
	}
	text_add_char(t, '"');
}

/* As the reference shows what lies inside an object: {"name"=>"Ann", "tags"=>["a", nil]} */
static void add_inspected(struct text *t, struct value v)
{
	bool ok;

	if (value_is_text(v)) {
		add_quoted(t, value_span(v));
	} else if (v.kind == VALUE_NIL) {
		text_add(t, SPAN("nil"));
	} else if (v.kind == VALUE_ARRAY) {
		text_add_char(t, '[');
		for (uint32_t i = 0; i < v.n; i++) {
			text_add(t, i ? SPAN(", ") : SPAN(""));
			add_inspected(t, v.items[i]);
		}
		text_add_char(t, ']');
	} else if (v.kind == VALUE_OBJECT) {
		text_add_char(t, '{');
		for (uint32_t i = 0; i < v.n; i++) {
			text_add(t, i ? SPAN(", ") : SPAN(""));
			add_quoted(t, v.members[i].key);
			text_add(t, SPAN("=>"));
			add_inspected(t, v.members[i].value);
		}
		text_add_char(t, '}');
	} else {
		text_add(t, value_shown(t->arena, v, &ok));
		t->failed = t->failed || !ok;
	}
}

static struct span shown_number(struct arena *a, struct value v, bool *ok)
{
	struct span s = number_text(a, v);

	*ok = s.p != NULL;
	return s;
}

struct span value_shown(struct arena *a, struct value v, bool *ok)
{
	struct text t;

	*ok = true;
	switch (v.kind) {
	case VALUE_TEXT:
	case VALUE_CELL:
		return value_span(v);
	case VALUE_BOOL:
		return v.b ? SPAN("true") : SPAN("false");
	case VALUE_INT:
	case VALUE_NUMBER:
		return shown_number(a, v, ok);
	case VALUE_DROP:
		return v.n == DROP_FORLOOP ? SPAN("Liquid::ForloopDrop") : SPAN("Liquid::TablerowloopDrop");
	case VALUE_ARRAY:
	case VALUE_OBJECT:
	case VALUE_RANGE:
		text_begin(&t, a);
		value_add(&t, v, false);
		*ok = !t.failed;
		return text_span(&t);
	default:
		return SPAN("");
	}
}

struct span value_inspected(struct arena *a, struct value v, bool *ok)
{
	struct text t;

	if (v.kind != VALUE_ARRAY)
		return value_shown(a, v, ok);
	text_begin(&t, a);
	add_inspected(&t, v);
	*ok = !t.failed;
	return text_span(&t);
}

void value_add(struct text *t, struct value v, bool html)
{
	bool ok = true;

	if (v.kind == VALUE_ARRAY) {
		for (uint32_t i = 0; i < v.n && !t->failed; i++)
			value_add(t, v.items[i], html);
	} else if (v.kind == VALUE_RANGE) {
		text_add(t, shown_number(t->arena, value_int(v.range->lo), &ok));
		text_add(t, SPAN(".."));
		text_add(t, shown_number(t->arena, value_int(v.range->hi), &ok));
	} else if (v.kind == VALUE_OBJECT && html) {
		text_add_html(t, value_shown(t->arena, v, &ok));
	} else if (v.kind == VALUE_OBJECT) {
		add_inspected(t, v);
	} else if (html && value_is_text(v) && !v.safe) {
		text_add_html(t, value_span(v));
	} else {
		text_add(t, value_shown(t->arena, v, &ok));
	}
	t->failed = t->failed || !ok;
}

/* ---- equality and order ---- */

static bool equal_items(struct arena *a, struct value x, struct value y)
{
	struct value other;

	if (x.kind != y.kind || x.n != y.n)
		return false;
	for (uint32_t i = 0; i < x.n; i++) {
		if (x.kind == VALUE_ARRAY ? !value_equal(a, x.items[i], y.items[i])
					  : !value_find(y, x.members[i].key, &other) ||
						    !value_equal(a, x.members[i].value, other))
			return false;
	}
	return true;
}

static bool equals_word(struct value v, enum value_kind word)
{
	if (v.kind == VALUE_EMPTY || v.kind == VALUE_BLANK)
		return false;
	return word == VALUE_EMPTY ? is_empty(v) : value_blank(v);
}

bool value_equal(struct arena *a, struct value x, struct value y)
{
	if (x.kind == VALUE_EMPTY || x.kind == VALUE_BLANK)
		return equals_word(y, x.kind);
	if (y.kind == VALUE_EMPTY || y.kind == VALUE_BLANK)
		return equals_word(x, y.kind);
	if (value_is_text(x) && value_is_text(y) && (x.kind == VALUE_TEXT || y.kind == VALUE_TEXT))
		return span_eq(value_span(x), value_span(y));
	if (x.kind == VALUE_CELL || y.kind == VALUE_CELL) {
		struct value tx = value_typed(a, x), ty = value_typed(a, y);

		if (value_is_number(tx) && value_is_number(ty))
			return number_compare(tx, ty) == 0;
		if (value_is_text(x) && value_is_text(y))
			return span_eq(value_span(x), value_span(y));
		return (x.kind == VALUE_NIL && y.n == 0) || (y.kind == VALUE_NIL && x.n == 0);
	}
	if (value_is_number(x) && value_is_number(y))
		return number_compare(x, y) == 0;
	if (x.kind != y.kind)
		return false;
	switch (x.kind) {
	case VALUE_NIL:
		return true;
	case VALUE_BOOL:
		return x.b == y.b;
	case VALUE_RANGE:
		return x.range->lo == y.range->lo && x.range->hi == y.range->hi;
	case VALUE_DROP:
		return x.i == y.i && x.n == y.n;
	default:
		return equal_items(a, x, y);
	}
}

static int order_texts(struct value x, struct value y)
{
	int c = memcmp(x.n ? x.text : "", y.n ? y.text : "", x.n < y.n ? x.n : y.n);

	return c < 0 ? -1 : c > 0 ? 1 : x.n < y.n ? -1 : x.n > y.n;
}

int value_order(struct arena *a, struct value x, struct value y)
{
	struct value tx = x, ty = y;

	if (x.kind == VALUE_CELL && y.kind != VALUE_TEXT)
		tx = value_typed(a, x);
	if (y.kind == VALUE_CELL && x.kind != VALUE_TEXT)
		ty = value_typed(a, y);
	if (value_is_number(tx) && value_is_number(ty))
		return number_compare(tx, ty);
	if ((x.kind == VALUE_CELL && x.n == 0 && y.kind != VALUE_TEXT) ||
	    (y.kind == VALUE_CELL && y.n == 0 && x.kind != VALUE_TEXT))
		return 2;
	if (value_is_text(x) && value_is_text(y))
		return order_texts(x, y);
	if ((value_is_text(x) && value_is_number(y)) || (value_is_number(x) && value_is_text(y)))
		return 3;
	return 2;
}

bool value_contains(struct arena *a, struct value in, struct value what)
{
	struct value unused;
	bool ok;

	if (!value_true(in) || !value_true(what))
		return false;
	if (value_is_text(in)) {
		struct span needle = value_inspected(a, what, &ok);

		return needle.n == 0 || span_search(value_span(in), needle) < in.n;
	}
	if (in.kind == VALUE_OBJECT)
		return value_is_text(what) && value_find(in, value_span(what), &unused);
	if (in.kind == VALUE_RANGE)
		return value_is_number(what) && number_compare(what, value_int(in.range->lo)) >= 0 &&
		       number_compare(what, value_int(in.range->hi)) <= 0;
	for (uint32_t i = 0; in.kind == VALUE_ARRAY && i < in.n; i++)
		if (value_equal(a, in.items[i], what))
			return true;
	return false;
}

/* ---- members ---- */

bool value_find(struct value object, struct span key, struct value *out)
{
	for (uint32_t i = 0; object.kind == VALUE_OBJECT && i < object.n; i++)
		if (span_eq(object.members[i].key, key)) {
			*out = object.members[i].value;
			return true;
		}
	return false;
}

int64_t value_count(struct value v)
{
	if (v.kind == VALUE_ARRAY || v.kind == VALUE_OBJECT)
		return v.n;
	if (v.kind != VALUE_RANGE || v.range->hi < v.range->lo)
		return 0;
	uint64_t n = (uint64_t)v.range->hi - (uint64_t)v.range->lo;

	return n >= INT64_MAX ? INT64_MAX : (int64_t)n + 1;
}

struct value value_at(struct arena *a, struct value v, int64_t i)
{
	if (v.kind == VALUE_ARRAY)
		return v.items[i];
	if (v.kind == VALUE_RANGE)
		return value_int((int64_t)((uint64_t)v.range->lo + (uint64_t)i));
	struct value *pair = arena_take(a, 2 * sizeof *pair);

	if (!pair)
		return VALUE_OF_NIL;
	pair[0] = value_text(v.members[i].key);
	pair[1] = v.members[i].value;
	return value_array(pair, 2);
}

struct value value_index(struct arena *a, struct value v, struct value key)
{
	struct value out = VALUE_OF_NIL;

	if (v.kind == VALUE_OBJECT && value_is_text(key)) {
		value_find(v, value_span(key), &out);
		return out;
	}
	key = value_typed(a, key);
	if (v.kind == VALUE_ARRAY && key.kind == VALUE_INT) {
		int64_t i = key.i < 0 ? key.i + v.n : key.i;

		return i >= 0 && i < v.n ? v.items[i] : out;
	}
	return out;
}

struct value value_size(struct value v)
{
	if (value_is_text(v))
		return value_int((int64_t)utf8_length(value_span(v)));
	if (value_is_number(v) && !number_is_decimal(v))
		return value_int(number_size(v));
	return value_int(value_count(v));
}

static struct value part_of_text(struct value v, size_t from, size_t n)
{
	struct span s = span_sub(value_span(v), from, n);
	bool safe = v.safe;

	v = v.kind == VALUE_CELL ? value_cell(s) : value_text(s);
	v.safe = safe;
	return v;
}

struct value value_first(struct arena *a, struct value v)
{
	if (value_is_text(v))
		return part_of_text(v, 0, utf8_index(value_span(v), 1));
	if (v.kind == VALUE_RANGE)
		return value_int(v.range->lo); /* also of one that is empty */
	return value_count(v) ? value_at(a, v, 0) : VALUE_OF_NIL;
}

struct value value_last(struct arena *a, struct value v)
{
	if (value_is_text(v)) {
		size_t at = utf8_index(value_span(v), utf8_length(value_span(v)) - (v.n > 0));

		return part_of_text(v, at, v.n);
	}
	int64_t n = value_count(v);

	if (v.kind == VALUE_RANGE)
		return value_int(v.range->hi);
	return n && v.kind != VALUE_OBJECT ? value_at(a, v, n - 1) : VALUE_OF_NIL;
}
