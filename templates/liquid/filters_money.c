/* filters_money.c - numbers as people read them, and the word that goes with them.
 *
 * No locale: a letter says which marks it wants, and looks the same wherever it is sent from. What is
 * no number makes the row an error, for an amount that silently became 0 would be mailed. Rounding is
 * half away from zero. */
#include "templates/liquid/filters.h"
#include "templates/liquid/number.h"
#include "templates/liquid/values.h"

enum { DECIMALS_MAX = 30, GROUP = 3, MONEY_DECIMALS = 2 };

static bool is_nothing(struct value v)
{
	return v.kind == VALUE_NIL || (value_is_text(v) && v.n == 0);
}

/* A number, or a text that is one. */
static int strict_number(struct filter_run *run, struct value v, struct value *out)
{
	struct span s;

	*out = v;
	if (value_is_number(v))
		return 0;
	if (filter_text(run, v, &s) < 0)
		return -1;
	if (!value_is_text(v) || !number_like(span_trim(s)))
		return filter_fail(run, "'%.*s' is not a number", SPAN_ARG(span_sub(s, 0, 60)));
	return number_parse(run->arena, span_trim(s), out) < 0 ? filter_no_memory(run) : 0;
}

/* ---- digits ---- */

struct marks {
	int64_t decimals; /* -1: as many as there are */
	struct span group, point;
};

static void add_whole(struct text *t, struct span digits, struct span group)
{
	for (size_t i = 0; i < digits.n; i++) {
		if (i > 0 && (digits.n - i) % GROUP == 0)
			text_add(t, group);
		text_add_char(t, digits.p[i]);
	}
}

/* Of a number that is already rounded; its sign is the caller's to write. */
static void add_number(struct text *t, struct span shown, const struct marks *m)
{
	size_t whole = span_find(shown, '.');
	struct span fraction = span_skip(shown, whole + 1);

	if (m->decimals < 0 && span_eq(fraction, SPAN("0")))
		fraction.n = 0;
	add_whole(t, span_sub(shown, 0, whole), m->group);
	int64_t decimals = m->decimals < 0 ? (int64_t)fraction.n : m->decimals;

	if (decimals > 0)
		text_add(t, m->point);
	for (int64_t i = 0; i < decimals; i++)
		text_add_char(t, i < (int64_t)fraction.n ? fraction.p[i] : '0');
}

/* Rounded and without sign, as text; *negative of what is left. */
static int rounded(struct filter_run *run, struct value number, int64_t decimals, struct span *shown, bool *negative)
{
	struct value v = number;

	*shown = SPAN("");
	*negative = false;
	if (decimals >= 0 && number_round(run->arena, number, decimals, NUMBER_HALF_UP, &v) < 0)
		return filter_no_memory(run);
	*negative = number_compare(v, value_int(0)) < 0;
	if (number_abs(run->arena, v, &v) < 0)
		return filter_no_memory(run);
	*shown = number_text(run->arena, v);
	return shown->p ? 0 : filter_no_memory(run);
}

/* ---- number ---- */

static int read_marks(struct filter_run *run, const struct value *args, unsigned n, struct marks *out)
{
	*out = (struct marks){ -1, SPAN(","), SPAN(".") };
	if (n > 0 && !is_nothing(args[0])) {
		if (filter_integer(run, args[0], &out->decimals) < 0)
			return -1;
		if (out->decimals < 0 || out->decimals > DECIMALS_MAX)
			return filter_fail(run, "a number has 0 to %d decimals", DECIMALS_MAX);
	}
	if (n > 1 && filter_text(run, args[1], &out->group) < 0)
		return -1;
	return n > 2 ? filter_text(run, args[2], &out->point) : 0;
}

static int number(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct marks marks;
	struct value v;
	struct span shown;
	struct text t;
	bool negative;

	*out = in;
	if (is_nothing(in))
		return 0;
	if (strict_number(run, in, &v) < 0 || read_marks(run, args, n, &marks) < 0 ||
	    rounded(run, v, marks.decimals, &shown, &negative) < 0)
		return -1;
	text_begin(&t, run->arena);
	text_add(&t, negative ? SPAN("-") : SPAN(""));
	add_number(&t, shown, &marks);
	return filter_joined(run, &t, false, out);
}

/* ---- money ---- */

static bool is_code(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	return s.n == 3;
}

/* Digits of the smaller unit, where they are not two (ISO 4217). */
static int64_t minor_digits(struct span code)
{
	static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
	static const char three[] = "BHD IQD JOD KWD LYD OMR TND";

	if (!is_code(code))
		return MONEY_DECIMALS;
	return span_search(SPAN(none), code) < sizeof none - 1	  ? 0
	       : span_search(SPAN(three), code) < sizeof three - 1 ? 3
								   : MONEY_DECIMALS;
}

/* "EUR 1,234.50", "-$5.00": a code stands before the number with a space, a sign directly. */
static int money(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct marks marks = { 0, SPAN(","), SPAN(".") };
	struct span currency = SPAN(""), shown;
	struct value v;
	struct text t;
	bool negative;

	(void)n;
	*out = in;
	if (is_nothing(in))
		return 0;
	if (strict_number(run, in, &v) < 0 || filter_text(run, args[0], &currency) < 0)
		return -1;
	marks.decimals = minor_digits(currency);
	if (rounded(run, v, marks.decimals, &shown, &negative) < 0)
		return -1;
	text_begin(&t, run->arena);
	if (is_code(currency)) {
		text_add(&t, currency);
		text_add(&t, negative ? SPAN(" -") : SPAN(" "));
	} else {
		text_add(&t, negative ? SPAN("-") : SPAN(""));
		text_add(&t, currency);
	}
	add_number(&t, shown, &marks);
	return filter_joined(run, &t, false, out);
}

/* ---- pluralize ---- */

static int pluralize(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		     struct value *out)
{
	struct value v = value_int(0);

	(void)n;
	if (!is_nothing(in) && strict_number(run, in, &v) < 0)
		return -1;
	*out = number_compare(v, value_int(1)) == 0 ? args[0] : args[1];
	return 0;
}

const struct filter filters_money[] = {
	{ { "number", 6 }, 0, 3, NULL, number },
	{ { "money", 5 }, 1, 1, NULL, money },
	{ { "pluralize", 9 }, 2, 2, NULL, pluralize },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
