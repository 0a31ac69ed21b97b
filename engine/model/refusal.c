/* refusal.c - held by tests/unit/test_model_refusal.c. */
#include "engine/model/refusal.h"

#include <stdio.h>

#include "engine/base/err.h"

void refusal_class(const struct verdict *v, char out[REFUSAL_CLASS_SIZE])
{
	if (v->enhanced[0])
		snprintf(out, REFUSAL_CLASS_SIZE, "%d.%d.%d", v->enhanced[0], v->enhanced[1], v->enhanced[2]);
	else if (v->code)
		snprintf(out, REFUSAL_CLASS_SIZE, "%d", v->code);
	else
		snprintf(out, REFUSAL_CLASS_SIZE, "all");
}

/* The parts of "5.7.1": how many there are, at most 3; 0: it is none. */
static int parts_of(struct span class, unsigned long long parts[3])
{
	int n = 0;

	while (class.p && n < 3)
		if (span_number(span_cut(&class, '.'), 999, &parts[n++]) < 0)
			return 0;
	return class.p ? 0 : n;
}

bool refusal_is_of(const struct verdict *v, struct span class)
{
	unsigned long long parts[3];
	int n;

	if (span_eq(class, SPAN("all")))
		return true;
	n = parts_of(class, parts);
	if (n == 1 && parts[0] > 9)
		return (unsigned long long)v->code == parts[0];
	if (n == 1 && !v->enhanced[0])
		return (unsigned long long)(v->code / 100) == parts[0];
	for (int i = 0; i < n; i++)
		if ((unsigned long long)v->enhanced[i] != parts[i])
			return false;
	return n > 0;
}

int refusal_check(struct span text, struct err *e)
{
	unsigned long long parts[3];
	int n = parts_of(text, parts);

	if (span_eq(text, SPAN("all")) || (n == 1 && (parts[0] == 5 || (parts[0] >= 500 && parts[0] <= 599))) ||
	    (n > 1 && parts[0] == 5))
		return 0;
	err_set(e, ERR_INPUT, "'%.*s' is no class of refusals", SPAN_ARG(span_sub(text, 0, 40)));
	return err_hint(e, "write a code of the results, as 5.7.1 or 554, the front of one, as 5.7, or all");
}
