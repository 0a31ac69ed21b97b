/* rows_form.c - what kind of file is it, and what parts its cells.
 *
 * The delimiter is the sign among , ; tab | that stands most often in the header line outside
 * quotes; in a tie the first of that order. A header holds names, and names hold these signs far
 * less often than cells do (1,5 or "Doe, Jane"); none of them means a list of one column.
 * Held by tests/unit/test_rows_open.c. */
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_text.h"

enum { LOOK_BYTES = 64 << 10 };

static const struct sign {
	char c;
	const char *name;
} signs[] = { { ',', "comma" }, { ';', "semicolon" }, { '\t', "tab" }, { '|', "pipe" } };

enum { SIGNS = sizeof signs / sizeof *signs };

static const struct magic {
	struct span bytes;
	const char *what, *hint;
} magics[] = {
	{ { "PK\x03\x04", 4 }, "a workbook or another ZIP file", "save it as CSV (UTF-8)" },
	{ { "\xd0\xcf\x11\xe0", 4 }, "an old Excel workbook", "save it as CSV (UTF-8)" },
	{ { "\x1f\x8b", 2 }, "a gzip file", "unpack it first, as with: gunzip -c LIST | lettershop send LETTER -" },
	{ { "%PDF", 4 }, "a PDF document", "a list is a CSV file with a header line" },
	{ { "\xff\xfe", 2 }, "text in UTF-16", "save it as CSV (UTF-8)" },
	{ { "\xfe\xff", 2 }, "text in UTF-16", "save it as CSV (UTF-8)" },
};

static int refuse_others(struct span front, const char *path, struct err *e)
{
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
		const struct magic *m = &magics[i];

		if (!span_begins(front, m->bytes))
			continue;
		err_set(e, ERR_INPUT, "the list is %s, which is not read", m->what);
		err_hint(e, "%s", m->hint);
		return err_at(e, path, 0, 0);
	}
	return 0;
}

/* Counts each sign in the header record: up to the first line end outside quotes that has
 * more than spaces before it. */
static void count(struct span front, unsigned counts[SIGNS])
{
	bool quoted = false, begun = false;

	for (size_t i = 0; i < front.n; i++) {
		char c = front.p[i];

		if (c == '"')
			quoted = !quoted;
		if ((c == '\n' || c == '\r') && !quoted) {
			if (begun)
				return;
			continue;
		}
		begun |= c != ' ' && c != '\t';
		for (int k = 0; k < SIGNS && !quoted; k++)
			counts[k] += c == signs[k].c;
	}
}

static const struct sign *find_sign(struct span front)
{
	unsigned counts[SIGNS] = { 0 };
	int best = 0;

	count(front, counts);
	for (int k = 1; k < SIGNS; k++)
		if (counts[k] > counts[best])
			best = k;
	return &signs[best];
}

int rows_form_find(struct rows_list *list, struct err *e)
{
	struct rows_text text;
	struct span front;
	int rc;

	if (rows_text_open(&text, &list->source, LOOK_BYTES, NULL, e) < 0)
		return -1;
	rc = rows_text_peek(&text, &front, e);
	if (rc == 0)
		rc = refuse_others(front, list->source.path, e);
	if (rc == 0) {
		const struct sign *sign = find_sign(front);

		list->kind = &rows_kind_csv;
		list->delimiter = sign->c;
		snprintf(list->form, sizeof list->form, "%s, %s, %s", list->kind->name, sign->name,
			 rows_text_encoding(&text));
	}
	rows_text_close(&text);
	return rc;
}
