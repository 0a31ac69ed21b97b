/* filters_number.c - arithmetic. Integers stay integers, a decimal makes the result a decimal. */
#include "templates/liquid/filters.h"
#include "templates/liquid/number.h"
#include "templates/liquid/values.h"

static int too_long(struct filter_run *run)
{
	return filter_fail(run, "a number has too many digits");
}

static int operands(struct filter_run *run, struct value in, struct value arg, struct value out[2])
{
	if (value_number(run->arena, in, &out[0]) < 0 || value_number(run->arena, arg, &out[1]) < 0)
		return too_long(run);
	return 0;
}

static int calculate(struct filter_run *run, struct value in, struct value arg, struct value *out,
		     int (*how)(struct arena *, struct value, struct value, struct value *))
{
	struct value v[2];

	if (operands(run, in, arg, v) < 0)
		return -1;
	return how(run->arena, v[0], v[1], out) < 0 ? too_long(run) : 0;
}

static int plus(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return calculate(run, in, args[0], out, number_add);
}

static int minus(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return calculate(run, in, args[0], out, number_sub);
}

static int times(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return calculate(run, in, args[0], out, number_mul);
}

static int divide(struct filter_run *run, struct value in, struct value by, struct value *out,
		  int (*how)(struct arena *, struct value, struct value, struct value *))
{
	struct value v[2];

	if (operands(run, in, by, v) < 0)
		return -1;
	if (number_is_zero(v[1]))
		return filter_fail(run, "divided by 0");
	return how(run->arena, v[0], v[1], out) < 0 ? too_long(run) : 0;
}

static int divided_by(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	(void)n;
	return divide(run, in, args[0], out, number_div);
}

static int modulo(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return divide(run, in, args[0], out, number_mod);
}

static int rounded(struct filter_run *run, struct value in, int64_t places, enum number_rounding how,
		   struct value *out)
{
	struct value number;

	if (value_number(run->arena, in, &number) < 0 || number_round(run->arena, number, places, how, out) < 0)
		return too_long(run);
	return 0;
}

static int round_filter(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			struct value *out)
{
	struct value places = value_int(0);

	if (n && value_number(run->arena, args[0], &places) < 0)
		return too_long(run);
	return rounded(run, in, number_trunc(places), NUMBER_HALF_UP, out);
}

static int ceil_filter(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		       struct value *out)
{
	(void)args, (void)n;
	return rounded(run, in, 0, NUMBER_CEIL, out);
}

static int floor_filter(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			struct value *out)
{
	(void)args, (void)n;
	return rounded(run, in, 0, NUMBER_FLOOR, out);
}

static int abs_filter(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	struct value number;

	(void)args, (void)n;
	if (value_number(run->arena, in, &number) < 0 || number_abs(run->arena, number, out) < 0)
		return too_long(run);
	return 0;
}

static int bounded(struct filter_run *run, struct value in, struct value bound, int least, struct value *out)
{
	struct value v[2];

	if (operands(run, in, bound, v) < 0)
		return -1;
	*out = number_compare(v[0], v[1]) == least ? v[1] : v[0];
	return 0;
}

static int at_least(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		    struct value *out)
{
	(void)n;
	return bounded(run, in, args[0], -1, out);
}

static int at_most(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)n;
	return bounded(run, in, args[0], 1, out);
}

const struct filter filters_number[] = {
	{ { "plus", 4 }, 1, 1, NULL, plus },
	{ { "minus", 5 }, 1, 1, NULL, minus },
	{ { "times", 5 }, 1, 1, NULL, times },
	{ { "divided_by", 10 }, 1, 1, NULL, divided_by },
	{ { "modulo", 6 }, 1, 1, NULL, modulo },
	{ { "round", 5 }, 0, 1, NULL, round_filter },
	{ { "ceil", 4 }, 0, 0, NULL, ceil_filter },
	{ { "floor", 5 }, 0, 0, NULL, floor_filter },
	{ { "abs", 3 }, 0, 0, NULL, abs_filter },
	{ { "at_least", 8 }, 1, 1, NULL, at_least },
	{ { "at_most", 7 }, 1, 1, NULL, at_most },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
