/* book_xlsx_cells.c - the shared texts of an XLSX workbook, and the cells of one sheet.
 *
 * A cell is what it shows: a number by its format, a formula by its stored value.
 * Held by tests/unit/test_rows_lists.c and tests/system/test_lists.py. */
#include "engine/rows/book_xlsx.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/rows/book.h"
#include "engine/rows/book_format.h"
#include "engine/rows/book_xml.h"

enum { NUMBER_BYTES = 64 };

/* ---- texts ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A character that XML has no way to write stands as _xHHHH_. */
static bool written_out(struct span s, uint32_t *code_point)
{
	char digits[5] = "";

	if (s.n < 7 || s.p[0] != '_' || s.p[1] != 'x' || s.p[6] != '_')
		return false;
	for (int i = 0; i < 4; i++) {
		if (!is_hex(s.p[2 + i]))
			return false;
		digits[i] = s.p[2 + i];
	}
	*code_point = (uint32_t)strtoul(digits, NULL, 16);
	return *code_point < 0xd800 || *code_point > 0xdfff;
}

static void add_text(struct buf *out, struct span s)
{
	while (s.n > 0) {
		size_t n = span_find(s, '_');
		uint32_t code_point;
		char bytes[4];

		buf_add(out, span_sub(s, 0, n));
		s = span_skip(s, n);
		if (s.n == 0)
			return;
		if (written_out(s, &code_point)) {
			buf_add(out, span_of(bytes, utf8_put(code_point, bytes)));
			s = span_skip(s, 7);
		} else {
			buf_add_char(out, span_take(&s));
		}
	}
}

static int on_text(void *ctx, struct span text, struct err *e)
{
	struct xlsx *x = ctx;

	(void)e;
	if (x->taking)
		buf_add(&x->value, text); /* a failure is seen at the end of the cell */
	return 0;
}

static int on_strings(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;

	(void)attributes;
	(void)e;
	if (strcmp(name, "si") == 0)
		buf_reset(&x->value);
	else if (strcmp(name, "rPh") == 0)
		x->phonetic++;
	else if (strcmp(name, "t") == 0)
		x->taking = x->phonetic == 0;
	return 0;
}

static int on_strings_end(void *ctx, const char *name, struct err *e)
{
	struct xlsx *x = ctx;

	if (strcmp(name, "t") == 0)
		x->taking = false;
	else if (strcmp(name, "rPh") == 0 && x->phonetic > 0)
		x->phonetic--;
	if (strcmp(name, "si") != 0)
		return 0;
	buf_reset(&x->shown);
	add_text(&x->shown, buf_span(&x->value));
	if (x->value.failed || x->shown.failed)
		return err_set(e, ERR_INPUT, "shared text %llu of the workbook is over %d MiB",
			       (unsigned long long)x->strings.n + 1, ROW_CELL_MAX >> 20);
	return book_strings_add(&x->strings, buf_span(&x->shown), e);
}

const struct book_xml book_xlsx_strings = { .open = on_strings, .close = on_strings_end, .text = on_text };

/* ---- cells ---- */

/* "BC12": the column from 0; UINT32_MAX for what is no such name. */
static uint32_t column_of(const char *name)
{
	uint32_t column = 0;
	int letters = 0;

	for (; *name >= 'A' && *name <= 'Z' && letters < 4; name++, letters++)
		column = column * 26 + (uint32_t)(*name - 'A') + 1;
	return letters > 0 && letters < 4 ? column - 1 : UINT32_MAX;
}

static void begin_cell(struct xlsx *x, const char **attributes)
{
	const char *name = book_xml_attribute(attributes, "r"), *type = book_xml_attribute(attributes, "t");
	uint32_t column = name ? column_of(name) : UINT32_MAX;

	x->column = column == UINT32_MAX ? x->next_column : column;
	x->next_column = x->column + 1;
	x->style = (uint32_t)book_xlsx_number(book_xml_attribute(attributes, "s"), 0);
	snprintf(x->type, sizeof x->type, "%s", type ? type : "n");
	x->formula = x->inline_text = x->taking = false;
	x->phonetic = 0;
	buf_reset(&x->value);
}

static void show_number(struct xlsx *x)
{
	char text[NUMBER_BYTES], *end;
	struct span s = span_trim(buf_span(&x->value)), code = { NULL, 0 };
	double value;

	snprintf(text, sizeof text, "%.*s", SPAN_ARG(span_sub(s, 0, sizeof text - 1)));
	value = strtod(text, &end);
	if (end == text || *end || s.n >= sizeof text) {
		book_row_problem(&x->row, x->column, "holds '%.20s', which is no number", text);
		return;
	}
	if (x->style < x->n_styles)
		code = x->styles[x->style];
	book_format_number(&x->shown, code, value, x->dates_1904);
}

/* A date as text: without a time of midnight. */
static void show_iso_date(struct xlsx *x)
{
	struct span s = span_trim(buf_span(&x->value));

	if (span_ends(s, SPAN("T00:00:00")))
		s.n -= sizeof "T00:00:00" - 1;
	buf_add(&x->shown, s);
}

static int show_shared(struct xlsx *x, struct err *e)
{
	unsigned long long i;

	if (span_number(span_trim(buf_span(&x->value)), UINT64_MAX, &i) < 0 || i >= x->strings.n) {
		book_row_problem(&x->row, x->column, "names a shared text that the workbook does not have");
		return 0;
	}
	return book_strings_get(&x->strings, i, &x->shown, e);
}

static int end_cell(struct xlsx *x, struct err *e)
{
	char name[BOOK_CELL_NAME];
	struct span value = span_trim(buf_span(&x->value));

	buf_reset(&x->shown);
	if (x->value.failed)
		buf_add(&x->shown, (struct span){ NULL, 0 });
	else if (strcmp(x->type, "inlineStr") == 0 || strcmp(x->type, "str") == 0)
		add_text(&x->shown, buf_span(&x->value));
	else if (value.n == 0 && x->formula)
		book_row_problem(&x->row, x->column, "has a formula without its value: open the workbook in an office "
				 "program and save it");
	else if (value.n == 0)
		return 0;
	else if (strcmp(x->type, "s") == 0) {
		if (show_shared(x, e) < 0)
			return -1;
	} else if (strcmp(x->type, "b") == 0)
		buf_add_str(&x->shown, span_eq(value, SPAN("0")) ? "FALSE" : "TRUE");
	else if (strcmp(x->type, "e") == 0) {
		book_row_problem(&x->row, x->column, "shows the error %.*s", SPAN_ARG(span_sub(value, 0, 20)));
		buf_add(&x->shown, value);
	} else if (strcmp(x->type, "d") == 0)
		show_iso_date(x);
	else
		show_number(x);
	if (x->value.failed || x->shown.failed)
		return err_set(e, ERR_INPUT, "cell %s of the sheet is over %d MiB",
			       book_cell_name(x->row.number, x->column, name), ROW_CELL_MAX >> 20);
	return book_text_cell(&x->row, x->column, buf_span(&x->shown), e);
}

/* The row of "B5". */
static uint64_t row_of(const char *name)
{
	while ((*name >= 'A' && *name <= 'Z') || *name == '$')
		name++;
	return strtoull(name, NULL, 10);
}

/* "C2:C4" */
static void on_merged(struct xlsx *x, const char *places)
{
	const char *colon = places ? strchr(places, ':') : NULL;

	if (colon && row_of(colon + 1) > row_of(places))
		book_sheet_merged(x->to, row_of(places));
}

static int on_sheet(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;

	(void)e;
	if (x->rows_over) {
		if (strcmp(name, "mergeCell") == 0)
			on_merged(x, book_xml_attribute(attributes, "ref"));
	} else if (strcmp(name, "row") == 0) {
		uint64_t number = book_xlsx_number(book_xml_attribute(attributes, "r"), x->row.number + 1);

		book_row_begin(&x->row, number, book_xlsx_true(book_xml_attribute(attributes, "hidden")));
		x->next_column = 0;
	} else if (strcmp(name, "c") == 0) {
		begin_cell(x, attributes);
	} else if (strcmp(name, "v") == 0) {
		x->taking = true;
	} else if (strcmp(name, "f") == 0) {
		x->formula = true;
	} else if (strcmp(name, "is") == 0) {
		x->inline_text = true;
	} else if (strcmp(name, "rPh") == 0) {
		x->phonetic++;
	} else if (strcmp(name, "t") == 0) {
		x->taking = x->inline_text && x->phonetic == 0;
	}
	return 0;
}

static int on_sheet_end(void *ctx, const char *name, struct err *e)
{
	struct xlsx *x = ctx;

	if (x->rows_over)
		return strcmp(name, "mergeCells") == 0;
	if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
		x->taking = false;
	else if (strcmp(name, "rPh") == 0 && x->phonetic > 0)
		x->phonetic--;
	else if (strcmp(name, "c") == 0)
		return end_cell(x, e);
	else if (strcmp(name, "row") == 0)
		return book_row_end(&x->row, x->to, 1, e);
	x->rows_over = strcmp(name, "sheetData") == 0;
	return 0;
}

const struct book_xml book_xlsx_cells = { .open = on_sheet, .close = on_sheet_end, .text = on_text };
