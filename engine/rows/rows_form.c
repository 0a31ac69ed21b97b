/* rows_form.c - what kind of file is it, and what parts its cells.
 *
 * A file is unpacked, converted to UTF-8 or taken out of its workbook until text or records are
 * left that a reader can read in place; each step replaces what the source reads.
 *
 * The delimiter is the one of , ; tab | that divides the first records most evenly: it stands in the
 * header, and as often in the records below it. Where that leaves two, the one that stands more
 * often in the header, then the one that no space follows (as in "Doe, Jane"), then the first in
 * this order. None of them means a list of one column.
 * Held by tests/unit/test_rows_open.c. */
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/rows/book.h"
#include "engine/rows/rows_encoding.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_text.h"

enum { LOOK_BYTES = 64 << 10, LOOK_RECORDS = 50 };

static const struct sign {
	char c;
	const char *name;
} signs[] = { { ',', "comma" }, { ';', "semicolon" }, { '\t', "tab" }, { '|', "pipe" } };

enum { SIGNS = sizeof signs / sizeof *signs };

static const struct magic {
	struct span bytes;
	const char *what, *hint;
} magics[] = {
	{ { "\xd0\xcf\x11\xe0", 4 }, "an old Excel workbook (.xls), or one with a password",
	  "save it as .xlsx, .ods or CSV, without a password" },
	{ { "%PDF", 4 }, "a PDF document", "a list is a table: a CSV file with a header line, a workbook, or JSON" },
	{ { "BZh", 3 }, "a bzip2 file", "unpack it first, as with: bunzip2 -c LIST | lettershop send LETTER -" },
	{ { "\xfd" "7zXZ", 5 }, "an xz file", "unpack it first, as with: xz -dc LIST | lettershop send LETTER -" },
	{ { "{\\rtf", 5 }, "an RTF document", "a list is a table: a CSV file with a header line, a workbook, or JSON" },
	{ { "<?xml", 5 }, "an XML document", "save it as .xlsx, .ods or CSV" },
	{ { "<!DOCTYPE", 9 }, "a web page", "open it in an office program, and save it as .xlsx, .ods or CSV" },
	{ { "<html", 5 }, "a web page", "open it in an office program, and save it as .xlsx, .ods or CSV" },
	{ { "<table", 6 }, "a web page", "open it in an office program, and save it as .xlsx, .ods or CSV" },
};

static int refuse_others(struct span front, const char *path, struct err *e)
{
	if (span_begins(front, SPAN("\xef\xbb\xbf")))
		front = span_skip(front, 3);
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
		const struct magic *m = &magics[i];

		if (!span_case_begins(span_trim(front), m->bytes))
			continue;
		err_set(e, ERR_INPUT, "the list is %s, which is not read", m->what);
		err_hint(e, "%s", m->hint);
		return err_at(e, path, 0, 0);
	}
	return 0;
}

/* ---- the delimiter ---- */

struct sign_counts {
	unsigned header, spaced; /* in the first record; in all, with a space behind */
	unsigned alike;          /* records that have as many as the header */
};

struct counting {
	struct sign_counts signs[SIGNS];
	unsigned now[SIGNS]; /* in this record */
	unsigned records;
};

static void end_record(struct counting *c)
{
	for (int k = 0; k < SIGNS; k++) {
		if (c->records == 0)
			c->signs[k].header = c->now[k];
		c->signs[k].alike += c->now[k] == c->signs[k].header;
		c->now[k] = 0;
	}
	c->records++;
}

static void count_sign(struct counting *c, char sign, bool space_follows)
{
	for (int k = 0; k < SIGNS; k++) {
		if (sign != signs[k].c)
			continue;
		c->now[k]++;
		c->signs[k].spaced += space_follows;
	}
}

/* The first records, up to line ends outside quotes with more than spaces before them. What the
 * front cuts off is counted only when it is all there is. */
static void count(struct counting *c, struct span front)
{
	bool quoted = false, begun = false;

	for (size_t i = 0; i < front.n && c->records < LOOK_RECORDS; i++) {
		char sign = front.p[i];

		if (sign == '"')
			quoted = !quoted;
		if ((sign == '\n' || sign == '\r') && !quoted) {
			if (begun)
				end_record(c);
			begun = false;
			continue;
		}
		begun |= sign != ' ' && sign != '\t';
		if (!quoted)
			count_sign(c, sign, i + 1 < front.n && front.p[i + 1] == ' ');
	}
	if (c->records == 0)
		end_record(c);
}

static bool better(const struct sign_counts *a, const struct sign_counts *b)
{
	if ((a->header > 0) != (b->header > 0))
		return a->header > 0;
	if (a->alike != b->alike)
		return a->alike > b->alike;
	if (a->header != b->header)
		return a->header > b->header;
	return a->spaced < b->spaced;
}

static const struct sign *find_sign(struct span front)
{
	struct counting c = { .records = 0 };
	int best = 0;

	count(&c, front);
	for (int k = 1; k < SIGNS; k++)
		if (better(&c.signs[k], &c.signs[best]))
			best = k;
	return &signs[best];
}

/* "sep=;" as the whole first line, also in quotes: the sign, or 0. */
static char separator_line(struct span front)
{
	size_t end = 0;
	struct span line;

	while (end < front.n && front.p[end] != '\n' && front.p[end] != '\r')
		end++;
	line = span_sub(front, 0, end);
	if (line.n > 2 && line.p[0] == '"' && line.p[line.n - 1] == '"')
		line = span_sub(line, 1, line.n - 2);
	if (end == front.n || line.n != sizeof "sep=;" - 1 || !span_case_begins(line, SPAN("sep=")))
		return 0;
	return line.p[line.n - 1];
}

static bool can_divide(char c)
{
	return c == '\t' || (c > ' ' && c < 0x7f && c != '"');
}

static int read_delimiter(const char *said, char *out, struct err *e)
{
	for (int k = 0; k < SIGNS; k++)
		if (strcmp(said, signs[k].name) == 0) {
			*out = signs[k].c;
			return 0;
		}
	if (strcmp(said, "\\t") == 0)
		said = "\t";
	if (said[1] == '\0' && can_divide(said[0])) {
		*out = said[0];
		return 0;
	}
	err_set(e, ERR_INPUT, "--delimiter: '%s' divides no cells", said);
	return err_hint(e, "write comma, semicolon, tab, pipe, or one sign, as in --delimiter ';'");
}

static void name_delimiter(char c, char out[16])
{
	snprintf(out, 16, "'%c'", c);
	for (int k = 0; k < SIGNS; k++)
		if (c == signs[k].c)
			snprintf(out, 16, "%s", signs[k].name);
}

/* ---- text ---- */

static int find_csv(struct rows_list *list, struct span front, struct err *e)
{
	char name[16], separator = separator_line(front);

	list->kind = &rows_kind_csv;
	list->separator_line = can_divide(separator);
	if (list->ways.delimiter) {
		if (read_delimiter(list->ways.delimiter, &list->delimiter, e) < 0)
			return -1;
	} else {
		list->delimiter = list->separator_line ? separator : find_sign(front)->c;
	}
	name_delimiter(list->delimiter, name);
	snprintf(list->form, sizeof list->form, "%s, %s, %s%s", list->kind->name, name, list->encoding,
		 list->guessed ? " (a guess)" : "");
	return 0;
}

/* An object, or an array of them; no header of a table begins so. */
static bool looks_like_json(struct span front, bool *array)
{
	front = span_trim(front);
	*array = front.n > 0 && front.p[0] == '[';
	if (front.n < 2 || (front.p[0] != '{' && !*array))
		return false;
	front = span_trim(span_skip(front, 1));
	return front.n > 0 && (front.p[0] == '}' || front.p[0] == (*array ? '{' : '"') || (*array && front.p[0] == ']'));
}

static int find_text(struct rows_list *list, struct err *e)
{
	struct rows_text text;
	struct span front;
	bool json, array = false;
	int rc;

	if (rows_encoding_settle(&list->source, list->ways.encoding, list->encoding, &list->guessed, e) < 0)
		return -1;
	if (rows_text_open(&text, &list->source, LOOK_BYTES, NULL, e) < 0)
		return -1;
	rc = rows_text_peek(&text, &front, e);
	json = rc == 0 && looks_like_json(front, &array);
	if (rc == 0 && !json)
		rc = find_csv(list, front, e);
	rows_text_close(&text);
	if (!json)
		return rc;
	if (list->ways.delimiter || list->ways.no_header)
		return err_set(e, ERR_INPUT, "--delimiter, --no-header and --columns are for tables; this list is JSON");
	return rows_json_take(list, array, e);
}

/* ---- files ---- */

static int find_kind(struct rows_list *list, bool *packed, struct err *e)
{
	char p[16];
	ssize_t n = rows_source_read(&list->source, p, sizeof p, 0, e);
	struct span front = span_of(p, n > 0 ? (size_t)n : 0);

	if (n < 0)
		return -1;
	if (!*packed && span_begins(front, SPAN("\x1f\x8b"))) {
		*packed = true;
		return rows_gzip_unpack(&list->source, e) < 0 ? -1 : find_kind(list, packed, e);
	}
	if (refuse_others(front, list->source.path, e) < 0)
		return -1;
	if (span_begins(front, SPAN("PK\x03\x04")))
		return book_take(list, e);
	if (list->ways.sheet)
		return err_set(e, ERR_INPUT, "--sheet is for workbooks; this list is text");
	return find_text(list, e);
}

int rows_form_find(struct rows_list *list, struct err *e)
{
	bool packed = false;
	size_t n;

	if (find_kind(list, &packed, e) < 0)
		return -1;
	n = strlen(list->form);
	if (packed)
		snprintf(list->form + n, sizeof list->form - n, ", in gzip");
	return 0;
}
