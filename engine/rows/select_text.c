/* select_text.c - what was chosen once and what is chosen now: a resume may choose more rows, not others.
 *
 * Held by tests/unit/test_rows_select.c and tests/system/test_choosing.py. */
#include "engine/rows/select_text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/rows/select.h"
#include "engine/rows/select_ranges.h"

enum { SELECT_SHOWN = 120 /* of a choice, in a sentence */ };

const char *const select_group_lines[2] = { "group-by", "group-addresses" };

int selection_text_get(const char *text, const char *name, struct span *value)
{
	struct span rest = span_str(text);

	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		if (!span_eq(span_cut(&line, '='), span_str(name)))
			continue;
		*value = line;
		return 1;
	}
	return 0;
}

static unsigned long long number_of(const char *text, const char *name, unsigned long long none)
{
	unsigned long long n = none;
	struct span value;

	return selection_text_get(text, name, &value) && span_number(value, UINT64_MAX, &n) == 0 ? n : none;
}

static bool rows_widen(struct span was, bool had, struct span now, bool has)
{
	struct ranges x = { 0 }, y = { 0 };
	bool ok = !has || (had && span_eq(was, now));

	if (!ok && had && ranges_parse(&x, was, NULL) == 0 && ranges_parse(&y, now, NULL) == 0)
		ok = ranges_contain(&y, &x);
	ranges_release(&x);
	ranges_release(&y);
	return ok;
}

static bool widens(const char *name, const char *was, const char *now)
{
	struct span x = { NULL, 0 }, y = { NULL, 0 };
	bool had = selection_text_get(was, name, &x), has = selection_text_get(now, name, &y);

	if (strcmp(name, "rows") == 0)
		return rows_widen(x, had, y, has);
	if (strcmp(name, "skip") == 0)
		return number_of(now, name, 0) <= number_of(was, name, 0);
	if (strcmp(name, "limit") == 0 || strcmp(name, "sample") == 0)
		return number_of(now, name, UINT64_MAX) >= number_of(was, name, UINT64_MAX);
	return !has || (had && span_eq(x, y));
}

static bool same_line(const char *name, const char *was, const char *now)
{
	struct span x = { NULL, 0 }, y = { NULL, 0 };
	bool had = selection_text_get(was, name, &x), has = selection_text_get(now, name, &y);

	return had == has && span_eq(x, y);
}

static void say_groups(const char *text, struct buf *out)
{
	struct span name;

	if (selection_text_get(text, select_group_lines[0], &name))
		buf_addf(out, "with --group-by %.*s", SPAN_ARG(span_sub(name, 0, 100)));
	else
		buf_add_str(out, selection_text_get(text, select_group_lines[1], &name) ? "with --duplicates group" : "without groups");
}

/* Groups are what they were, and have the rows that they had. *grouped: there are some. */
static int same_groups(const char *was, const char *now, bool *grouped, struct err *e)
{
	struct span unused;
	struct buf words;

	*grouped = selection_text_get(was, select_group_lines[0], &unused) || selection_text_get(was, select_group_lines[1], &unused);
	if (same_line(select_group_lines[0], was, now) && same_line(select_group_lines[1], was, now))
		return 0;
	buf_init(&words, SELECT_TEXT_MAX);
	buf_add_str(&words, "the campaign was begun ");
	say_groups(was, &words);
	buf_add_str(&words, ", and now it is ");
	say_groups(now, &words);
	buf_add_str(&words, ": rows that were sent to are known as they were grouped");
	err_set(e, ERR_CONFLICT, "%.*s", SPAN_ARG(buf_span(&words)));
	buf_release(&words);
	return err_hint(e, "leave it out to go on as it was begun, or begin another campaign with --results FILE");
}

static bool chooses_rows(const char *name)
{
	return strcmp(name, "rows") == 0 || strcmp(name, "only") == 0 || strcmp(name, "where") == 0;
}

/* "with --rows 1-5", "without --rows" */
static void show_choice(const char *text, const char *name, char out[SELECT_SHOWN])
{
	struct span value;

	if (selection_text_get(text, name, &value))
		snprintf(out, SELECT_SHOWN, "with --%s %.*s", name, SPAN_ARG(span_sub(value, 0, SELECT_SHOWN - 20)));
	else
		snprintf(out, SELECT_SHOWN, "without --%s", name);
}

int selection_widens(const char *was, const char *now, struct err *e)
{
	static const char *const names[] = { "rows", "only", "where", "shard", "skip", "sample", "limit" };
	bool grouped;

	if (same_groups(was, now, &grouped, e) < 0)
		return -1;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char x[SELECT_SHOWN], y[SELECT_SHOWN];
		bool fixed = grouped && chooses_rows(names[i]);

		if (fixed ? same_line(names[i], was, now) : widens(names[i], was, now))
			continue;
		show_choice(was, names[i], x);
		show_choice(now, names[i], y);
		err_set(e, ERR_CONFLICT, "the campaign was begun %s, and now it is %s: %s", x, y,
			fixed ? "groups that were sent to would have other rows" : "a resume may choose more rows, not others");
		return err_hint(e, "leave --%s out to go on as it was begun, or begin another campaign with --results FILE",
				names[i]);
	}
	return 0;
}
