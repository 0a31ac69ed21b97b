/* book_ods.c - ODS (OpenDocument 1.3, part 3): the cells of one table of content.xml.
 *
 *  1. The part is read once. Of the tables the wanted one is taken, or the first that is not hidden;
 *     hidden ones are known by their style, which stands before them. The others are only counted.
 *  2. A cell is its text as shown, which the file has; dates and times are its exact values, as ISO
 *     8601, with as many parts as are shown.
 *  3. Cells and rows that stand for many are counted before they are multiplied.
 * Held by tests/unit/test_rows_lists.c and tests/system/test_lists.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/rows/book.h"
#include "engine/rows/book_xml.h"
#include "engine/rows/rows_parts.h"

enum { VALUE_BYTES = 64, SPACES_MAX = 4096 };

struct hidden_style {
	struct hidden_style *next;
	const char *name;
};

enum { SEARCHING, TAKING, DONE };

struct ods {
	const char *wanted;
	struct arena *memory;
	struct book_sheet *to;
	struct book_name *names, **next_name;
	struct hidden_style *hidden;
	const char *table_style; /* whose properties may come */
	int state;
	unsigned tables;
	char *form;
	size_t form_size;

	uint64_t next_row, times_row;
	struct book_row row;
	bool in_cell;
	unsigned skip;          /* depth of what is no text of the cell: notes, pictures */
	unsigned paragraphs;
	bool in_paragraph, space;
	bool formula, error;
	char type[16], value[VALUE_BYTES];
	uint64_t times_cell;
	uint32_t column;
	struct buf text, shown;
};

static int no_memory(struct err *e)
{
	return err_nomem(e, "reading a workbook");
}

static bool is(const char *name, const char *other)
{
	return strcmp(name, other) == 0;
}

static uint64_t times_of(const char **attributes, const char *name)
{
	const char *text = book_xml_attribute(attributes, name);
	unsigned long long n;

	return text && span_number(span_str(text), UINT32_MAX, &n) == 0 && n > 0 ? n : 1;
}

/* ---- tables ---- */

static int on_style(struct ods *o, const char *name, const char **attributes, struct err *e)
{
	const char *display = book_xml_attribute(attributes, "table:display"),
		   *title = book_xml_attribute(attributes, "style:name");
	struct hidden_style *h;

	if (is(name, "style")) {
		const char *family = book_xml_attribute(attributes, "style:family");

		o->table_style = NULL;
		if (!family || !is(family, "table"))
			return 0;
		o->table_style = title ? arena_str(o->memory, span_str(title)) : NULL;
		return title && !o->table_style ? no_memory(e) : 0;
	}
	if (!is(name, "table-properties") || !display || !is(display, "false") || !o->table_style)
		return 0;
	h = arena_zero(o->memory, sizeof *h);
	if (!h)
		return no_memory(e);
	*h = (struct hidden_style){ o->hidden, o->table_style };
	o->hidden = h;
	return 0;
}

static bool is_hidden(const struct ods *o, const char *style)
{
	for (const struct hidden_style *h = o->hidden; h && style; h = h->next)
		if (is(h->name, style))
			return true;
	return false;
}

/* NULL: no memory. */
static struct book_name *keep_name(struct ods *o, const char **attributes)
{
	const char *title = book_xml_attribute(attributes, "table:name");
	struct book_name *n = arena_zero(o->memory, sizeof *n);
	int ok;

	if (!n)
		return NULL;
	n->name = arena_copy(o->memory, span_str(title ? title : ""), &ok);
	n->hidden = is_hidden(o, book_xml_attribute(attributes, "table:style-name"));
	*o->next_name = n;
	o->next_name = &n->next;
	return ok ? n : NULL;
}

static int on_table(struct ods *o, const char **attributes, struct err *e)
{
	const struct book_name *n = keep_name(o, attributes);
	char shown[80];

	if (!n)
		return no_memory(e);
	if (o->state == DONE)
		return 0;
	if (o->wanted ? !span_eq(n->name, span_str(o->wanted)) : n->hidden)
		return 0;
	o->state = TAKING;
	o->next_row = 1;
	utf8_printable(utf8_cut(n->name, sizeof shown - 1), shown, sizeof shown);
	snprintf(o->form, o->form_size, "ODS, sheet '%s'", shown);
	return 0;
}

/* ---- rows and cells ---- */

static void begin_row(struct ods *o, const char **attributes)
{
	const char *visibility = book_xml_attribute(attributes, "table:visibility");

	o->times_row = times_of(attributes, "table:number-rows-repeated");
	book_row_begin(&o->row, o->next_row, visibility && !is(visibility, "visible"));
	o->next_row += o->times_row;
	o->column = 0;
}

static void begin_cell(struct ods *o, const char **attributes)
{
	static const char *const values[] = { "office:date-value", "office:time-value", "office:boolean-value", "office:value",
					      "office:string-value" };
	const char *type = book_xml_attribute(attributes, "office:value-type"),
		   *own = book_xml_attribute(attributes, "calcext:value-type");

	snprintf(o->type, sizeof o->type, "%s", type ? type : "");
	o->value[0] = '\0';
	for (size_t i = 0; i < sizeof values / sizeof *values && !o->value[0]; i++) {
		const char *value = book_xml_attribute(attributes, values[i]);

		if (value)
			snprintf(o->value, sizeof o->value, "%s", value);
	}
	o->times_cell = times_of(attributes, "table:number-columns-repeated");
	if (times_of(attributes, "table:number-rows-spanned") > 1 && !o->row.hidden)
		book_sheet_merged(o->to, o->row.number);
	o->formula = book_xml_attribute(attributes, "table:formula") != NULL;
	o->error = own && is(own, "error");
	o->in_cell = true;
	o->skip = o->paragraphs = 0;
	o->in_paragraph = false;
	buf_reset(&o->text);
}

static unsigned count_signs(struct span s, char sign)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == sign;
	return n;
}

/* "9:30", with the hour before its only colon: no seconds are shown. */
static bool shows_minutes(struct span shown, unsigned hour)
{
	size_t colon = span_find(shown, ':'), from = colon;
	unsigned long long n;

	while (from > 0 && shown.p[from - 1] >= '0' && shown.p[from - 1] <= '9')
		from--;
	return count_signs(shown, ':') == 1 && span_number(span_sub(shown, from, colon - from), UINT32_MAX, &n) == 0 &&
	       n % 12 == hour % 12;
}

/* 2026-03-01T09:30:00: the time goes when none is shown, the seconds when they are not. */
static void show_date(struct ods *o)
{
	struct span s = span_str(o->value), shown = buf_span(&o->text);
	size_t time = span_find(s, 'T');
	unsigned long long hour;

	if (count_signs(shown, ':') == 0)
		s = span_sub(s, 0, time);
	else if (span_number(span_sub(s, time + 1, 2), UINT32_MAX, &hour) == 0 && shows_minutes(shown, (unsigned)hour))
		s = span_sub(s, 0, time + sizeof "T09:30" - 1);
	else
		s = span_sub(s, 0, span_find(s, '.'));
	buf_add(&o->shown, s);
}

/* PT09H30M00S */
static bool show_time(struct ods *o)
{
	unsigned hours, minutes, seconds;
	char sign;

	if (sscanf(o->value, "PT%4uH%2uM%2u%c", &hours, &minutes, &seconds, &sign) != 4)
		return false;
	buf_addf(&o->shown, "%02u:%02u", hours, minutes);
	if (!shows_minutes(buf_span(&o->text), hours))
		buf_addf(&o->shown, ":%02u", seconds);
	return true;
}

/* A column that is too narrow shows nothing but this, and programs store it so. */
static bool only_hashes(struct span s)
{
	return s.n > 0 && count_signs(s, '#') == s.n;
}

static void show_cell(struct ods *o)
{
	bool number = is(o->type, "float") || is(o->type, "percentage") || is(o->type, "currency");

	buf_reset(&o->shown);
	if (o->error) {
		book_row_problem(&o->row, o->column, "shows the error %.*s",
				 SPAN_ARG(span_sub(buf_span(&o->text), 0, 20)));
	} else if (is(o->type, "date") && o->value[0]) {
		show_date(o);
		return;
	} else if (is(o->type, "boolean")) {
		buf_add_str(&o->shown, is(o->value, "true") ? "TRUE" : "FALSE");
		return;
	} else if (is(o->type, "time") && show_time(o)) {
		return;
	} else if (number && (o->text.n == 0 || only_hashes(buf_span(&o->text)))) {
		buf_add_str(&o->shown, o->value);
		return;
	} else if (o->formula && o->type[0] == '\0' && o->text.n == 0) {
		book_row_problem(&o->row, o->column, "has a formula without its value: open the workbook in an office "
				 "program and save it");
	}
	buf_add(&o->shown, buf_span(&o->text));
	if (o->text.n == 0 && is(o->type, "string"))
		buf_add_str(&o->shown, o->value);
}

static int end_cell(struct ods *o, struct err *e)
{
	char name[BOOK_CELL_NAME];

	o->in_cell = false;
	if (!o->text.failed)
		show_cell(o);
	if (o->text.failed || o->shown.failed)
		return err_set(e, ERR_INPUT, "cell %s of the sheet is over %d MiB",
			       book_cell_name(o->row.number, o->column, name), ROW_CELL_MAX >> 20);
	if (o->shown.n == 0) {
		o->column = o->times_cell > ROW_COLUMNS_MAX - o->column ? ROW_COLUMNS_MAX
									: o->column + (uint32_t)o->times_cell;
		return 0;
	}
	for (uint64_t i = 0; i < o->times_cell; i++)
		if (book_text_cell(&o->row, o->column++, buf_span(&o->shown), e) < 0)
			return -1;
	return 0;
}

/* ---- text of a cell ---- */

static void on_inside(struct ods *o, const char *name, const char **attributes)
{
	if (o->skip > 0 || is(name, "annotation") || is(name, "frame") || is(name, "custom-shape") || is(name, "table")) {
		o->skip++;
	} else if (is(name, "p") || is(name, "h")) {
		if (o->paragraphs++ > 0)
			buf_add_char(&o->text, '\n');
		o->in_paragraph = o->space = true; /* space at the begin is none */
	} else if (is(name, "s")) {
		uint64_t n = times_of(attributes, "text:c");

		for (uint64_t i = 0; i < n && i < SPACES_MAX; i++)
			buf_add_char(&o->text, ' ');
		o->space = false;
	} else if (is(name, "tab")) {
		buf_add_char(&o->text, '\t');
		o->space = false;
	} else if (is(name, "line-break")) {
		buf_add_char(&o->text, '\n');
		o->space = true;
	}
}

static int on_text(void *ctx, struct span text, struct err *e)
{
	struct ods *o = ctx;

	(void)e;
	if (!o->in_cell || !o->in_paragraph || o->skip > 0)
		return 0;
	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && text.p[n] != ' ' && text.p[n] != '\n' && text.p[n] != '\t' && text.p[n] != '\r')
			n++;
		if (n > 0) {
			buf_add(&o->text, span_sub(text, 0, n));
			o->space = false;
		} else {
			n = 1;
			if (!o->space)
				buf_add_char(&o->text, ' '); /* many are one (6.1.2 of the standard) */
			o->space = true;
		}
		text = span_skip(text, n);
	}
	return 0;
}

static void end_paragraph(struct ods *o)
{
	o->in_paragraph = false;
	if (o->space && o->text.n > 0 && o->text.p[o->text.n - 1] == ' ')
		o->text.n--;
}

/* ---- events ---- */

static int on_open(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct ods *o = ctx;

	o->tables += o->state != TAKING && is(name, "table");
	if (o->state == DONE)
		return is(name, "table") ? on_table(o, attributes, e) : 0;
	if (o->state == SEARCHING) {
		if (o->skip > 0 || is(name, "tracked-changes"))
			o->skip++;
		else if (is(name, "table"))
			return on_table(o, attributes, e);
		return on_style(o, name, attributes, e);
	}
	if (o->in_cell)
		on_inside(o, name, attributes);
	else if (is(name, "table-row"))
		begin_row(o, attributes);
	else if (is(name, "table-cell") || is(name, "covered-table-cell"))
		begin_cell(o, attributes);
	return 0;
}

static int on_close(void *ctx, const char *name, struct err *e)
{
	struct ods *o = ctx;

	if (o->skip > 0) {
		o->skip--;
		return 0;
	}
	if (o->state != TAKING)
		return 0;
	if (is(name, "p") || is(name, "h"))
		end_paragraph(o);
	else if (is(name, "table-cell") || is(name, "covered-table-cell"))
		return end_cell(o, e);
	else if (is(name, "table-row"))
		return book_row_end(&o->row, o->to, o->times_row, e);
	else if (is(name, "table"))
		o->state = DONE;
	return 0;
}

int book_ods_read(struct book_zip *z, const struct rows_list *list, struct arena *memory, struct book_sheet *to,
		  char *form, size_t form_size, struct err *e)
{
	static const struct book_xml events = { .open = on_open, .close = on_close, .text = on_text };
	struct ods o = { .wanted = list->ways.sheet, .memory = memory, .to = to, .form = form, .form_size = form_size };
	int rc;

	o.next_name = &o.names;
	book_row_init(&o.row);
	buf_init(&o.text, ROW_CELL_MAX);
	buf_init(&o.shown, ROW_CELL_MAX);
	rc = book_xml_read(z, "content.xml", &events, &o, e);
	if (rc == 0 && o.state == SEARCHING)
		rc = book_no_sheet(o.names, o.wanted, e);
	to->names = o.names;
	if (rc == 0 && o.tables > 1)
		snprintf(form + strlen(form), form_size - strlen(form), " of %u", o.tables);
	book_row_release(&o.row);
	buf_release(&o.text);
	buf_release(&o.shown);
	return rc;
}
