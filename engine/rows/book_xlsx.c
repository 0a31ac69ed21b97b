/* book_xlsx.c - XLSX (ECMA-376, SpreadsheetML): which sheet, its texts and styles, its cells.
 *
 *     _rels/.rels -> workbook -> its relationships -> styles, shared texts, the sheet
 *
 *  1. Parts are read one after the other, each once, in pieces; what is kept of them is the names of
 *     sheets, the format of each style, and the shared texts (book_strings.h).
 *  2. A cell is what it shows: a number by its format, a formula by its stored value.
 * Held by tests/unit/test_rows_lists.c and tests/system/test_lists.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/rows/book.h"
#include "engine/rows/book_format.h"
#include "engine/rows/book_strings.h"
#include "engine/rows/book_xml.h"
#include "engine/rows/book_zip.h"
#include "engine/rows/rows_parts.h"

enum { PART_NAME = 512, NUMBER_BYTES = 64, STYLES_MAX = 1 << 18, NUMBER_TEXT = 1 << 12 };

struct relation {
	struct relation *next;
	const char *id, *target, *type;
};

struct format { /* of styles.xml: number -> code */
	struct format *next;
	unsigned id;
	struct span code;
};

struct xlsx {
	struct book_zip *zip;
	struct arena *memory;
	struct book_sheet *to;
	struct book_name *sheets, **next_sheet;
	struct relation *relations;
	struct format *formats;
	struct span *styles; /* code of each cell style */
	uint32_t n_styles, styles_room;
	bool in_styles, dates_1904;
	struct book_strings strings;

	/* the cell, row or text that is read */
	struct book_row row;
	bool taking;         /* text belongs to value */
	unsigned phonetic;   /* depth of what only says how a text is read aloud */
	bool formula, inline_text;
	char type[12];
	uint32_t style, column, next_column;
	struct buf value, shown;
};

static int no_memory(struct err *e)
{
	return err_nomem(e, "reading a workbook");
}

static bool is_true(const char *word)
{
	return word && (strcmp(word, "1") == 0 || strcmp(word, "true") == 0 || strcmp(word, "on") == 0);
}

/* A whole number of an attribute, or otherwise. */
static uint64_t number_of(const char *text, uint64_t otherwise)
{
	unsigned long long n;

	return text && span_number(span_str(text), UINT32_MAX, &n) == 0 ? n : otherwise;
}

/* ---- the workbook and what belongs to it ---- */

static int on_relation(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;
	const char *id = book_xml_attribute(attributes, "Id"), *target = book_xml_attribute(attributes, "Target"),
		   *type = book_xml_attribute(attributes, "Type");
	struct relation *r;

	if (strcmp(name, "Relationship") != 0 || !id || !target || !type)
		return 0;
	r = arena_zero(x->memory, sizeof *r);
	if (!r || !(r->id = arena_str(x->memory, span_str(id))) || !(r->target = arena_str(x->memory, span_str(target))) ||
	    !(r->type = arena_str(x->memory, span_str(type))))
		return no_memory(e);
	r->next = x->relations;
	x->relations = r;
	return 0;
}

/* Relations of a part: those of folder/name.xml are in folder/_rels/name.xml.rels. */
static int read_relations(struct xlsx *x, const char *part, struct err *e)
{
	static const struct book_xml events = { .open = on_relation };
	const char *slash = strrchr(part, '/'), *name = slash ? slash + 1 : part;
	char rels[PART_NAME];

	x->relations = NULL;
	snprintf(rels, sizeof rels, "%.*s_rels/%s.rels", (int)(name - part), part, name);
	return book_xml_read(x->zip, rels, &events, x, e);
}

/* The relation whose type ends so (versions of the standard differ in the beginning). */
static const struct relation *relation_of_type(const struct xlsx *x, const char *end)
{
	for (const struct relation *r = x->relations; r; r = r->next)
		if (span_ends(span_str(r->type), span_str(end)))
			return r;
	return NULL;
}

/* A target as the name of a part: from the root with '/', else from the folder of `part`. */
static void part_of_target(const char *part, const char *target, char out[PART_NAME])
{
	const char *slash = strrchr(part, '/');
	int folder = slash ? (int)(slash - part) : 0;

	if (target[0] == '/') {
		snprintf(out, PART_NAME, "%s", target + 1);
		return;
	}
	while (strncmp(target, "../", 3) == 0) {
		target += 3;
		while (folder > 0 && part[--folder] != '/')
			;
	}
	if (strncmp(target, "./", 2) == 0)
		target += 2;
	snprintf(out, PART_NAME, "%.*s%s%s", folder, part, folder ? "/" : "", target);
}

static int on_workbook(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;
	struct book_name *sheet;
	const char *title = book_xml_attribute(attributes, "name"), *state = book_xml_attribute(attributes, "state"),
		   *id = NULL;
	int ok;

	if (strcmp(name, "workbookPr") == 0)
		x->dates_1904 = is_true(book_xml_attribute(attributes, "date1904"));
	for (const char **a = attributes; a[0]; a += 2) {
		const char *colon = strchr(a[0], ':');

		if (colon && strcmp(colon + 1, "id") == 0)
			id = a[1];
	}
	if (strcmp(name, "sheet") != 0 || !title || !id)
		return 0;
	sheet = arena_zero(x->memory, sizeof *sheet);
	if (!sheet || !(sheet->part = arena_str(x->memory, span_str(id))))
		return no_memory(e);
	sheet->name = arena_copy(x->memory, span_str(title), &ok);
	sheet->hidden = state && strcmp(state, "visible") != 0;
	*x->next_sheet = sheet;
	x->next_sheet = &sheet->next;
	return ok ? 0 : no_memory(e);
}

/* ---- styles ---- */

static int keep_format(struct xlsx *x, uint64_t id, const char *code, struct err *e)
{
	struct format *f = arena_zero(x->memory, sizeof *f);
	int ok;

	if (!f)
		return no_memory(e);
	f->code = arena_copy(x->memory, span_str(code), &ok);
	f->id = (unsigned)id;
	f->next = x->formats;
	x->formats = f;
	return ok ? 0 : no_memory(e);
}

static struct span code_of(const struct xlsx *x, uint64_t id)
{
	const char *code;

	for (const struct format *f = x->formats; f; f = f->next)
		if (f->id == id)
			return f->code;
	code = id < UINT32_MAX ? book_format_built_in((unsigned)id) : NULL;
	return span_str(code);
}

static int keep_style(struct xlsx *x, uint64_t format, struct err *e)
{
	if (x->n_styles == x->styles_room) {
		uint32_t room = x->styles_room ? x->styles_room * 2 : 64;
		struct span *more = room > STYLES_MAX ? NULL
						      : arena_grow(x->memory, x->styles, x->styles_room * sizeof *more,
								   room * sizeof *more);

		if (!more)
			return err_set(e, ERR_INPUT, "the workbook has over %u styles of cells", x->n_styles);
		x->styles = more;
		x->styles_room = room;
	}
	x->styles[x->n_styles++] = code_of(x, format);
	return 0;
}

static int on_styles(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;
	const char *code = book_xml_attribute(attributes, "formatCode"), *id = book_xml_attribute(attributes, "numFmtId");

	if (strcmp(name, "cellXfs") == 0)
		x->in_styles = true;
	if (strcmp(name, "numFmt") == 0 && code && id && !x->in_styles)
		return keep_format(x, number_of(id, UINT32_MAX), code, e);
	if (strcmp(name, "xf") == 0 && x->in_styles)
		return keep_style(x, number_of(id, 0), e);
	return 0;
}

static int on_styles_end(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	(void)e;
	return strcmp(name, "cellXfs") == 0;
}

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
	x->style = (uint32_t)number_of(book_xml_attribute(attributes, "s"), 0);
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

static int on_sheet(void *ctx, const char *name, const char **attributes, struct err *e)
{
	struct xlsx *x = ctx;

	(void)e;
	if (strcmp(name, "row") == 0) {
		uint64_t number = number_of(book_xml_attribute(attributes, "r"), x->row.number + 1);

		book_row_begin(&x->row, number, is_true(book_xml_attribute(attributes, "hidden")));
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

	if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
		x->taking = false;
	else if (strcmp(name, "rPh") == 0 && x->phonetic > 0)
		x->phonetic--;
	else if (strcmp(name, "c") == 0)
		return end_cell(x, e);
	else if (strcmp(name, "row") == 0)
		return book_row_end(&x->row, x->to, 1, e);
	return strcmp(name, "sheetData") == 0;
}

/* ---- all of it ---- */

static int find_workbook(struct xlsx *x, char part[PART_NAME], struct err *e)
{
	const struct relation *r;

	snprintf(part, PART_NAME, "xl/workbook.xml");
	if (!book_zip_has(x->zip, "_rels/.rels"))
		return 0;
	if (read_relations(x, "", e) < 0)
		return -1;
	r = relation_of_type(x, "/officeDocument");
	if (r)
		part_of_target("", r->target, part);
	return 0;
}

static const struct book_name *find_sheet(const struct xlsx *x, const char *wanted)
{
	const struct book_name *s = x->sheets;

	while (s && (wanted ? !span_eq(s->name, span_str(wanted)) : s->hidden))
		s = s->next;
	return s;
}

static int read_part(struct xlsx *x, const char *workbook, const char *type, const struct book_xml *events, struct err *e)
{
	const struct relation *r = relation_of_type(x, type);
	char part[PART_NAME];

	if (!r)
		return 0;
	part_of_target(workbook, r->target, part);
	return book_xml_read(x->zip, part, events, x, e);
}

static void say_form(const struct xlsx *x, const struct book_name *sheet, char *form, size_t size)
{
	char name[80];
	unsigned n = 0;

	utf8_printable(utf8_cut(sheet->name, sizeof name - 1), name, sizeof name);
	for (const struct book_name *s = x->sheets; s; s = s->next)
		n++;
	if (n > 1)
		snprintf(form, size, "XLSX, sheet '%s' of %u", name, n);
	else
		snprintf(form, size, "XLSX, sheet '%s'", name);
}

static int read_sheets(struct xlsx *x, const char *wanted, char *form, size_t form_size, struct err *e)
{
	static const struct book_xml workbook_events = { .open = on_workbook };
	static const struct book_xml styles_events = { .open = on_styles, .close = on_styles_end };
	static const struct book_xml strings_events = { .open = on_strings, .close = on_strings_end, .text = on_text };
	static const struct book_xml sheet_events = { .open = on_sheet, .close = on_sheet_end, .text = on_text };
	char workbook[PART_NAME], part[PART_NAME];
	const struct relation *r;
	const struct book_name *sheet;

	if (find_workbook(x, workbook, e) < 0 || book_xml_read(x->zip, workbook, &workbook_events, x, e) < 0)
		return -1;
	sheet = find_sheet(x, wanted);
	if (!sheet)
		return book_no_sheet(x->sheets, wanted, e);
	if (read_relations(x, workbook, e) < 0 || read_part(x, workbook, "/styles", &styles_events, e) < 0 ||
	    read_part(x, workbook, "/sharedStrings", &strings_events, e) < 0 || book_strings_end(&x->strings, e) < 0)
		return -1;
	for (r = x->relations; r && strcmp(r->id, sheet->part) != 0; r = r->next)
		;
	if (!r || !span_ends(span_str(r->type), SPAN("/worksheet")))
		return err_set(e, ERR_INPUT, "the workbook's sheet '%.*s' has no cells (a chart?)",
			       SPAN_ARG(span_sub(sheet->name, 0, 80)));
	say_form(x, sheet, form, form_size);
	part_of_target(workbook, r->target, part);
	buf_reset(&x->value);
	x->taking = false;
	return book_xml_read(x->zip, part, &sheet_events, x, e);
}

int book_xlsx_read(struct book_zip *z, const struct rows_list *list, struct arena *memory, struct book_sheet *to,
		   char *form, size_t form_size, struct err *e)
{
	struct xlsx x = { .zip = z, .memory = memory, .to = to };
	int rc;

	x.next_sheet = &x.sheets;
	book_strings_init(&x.strings);
	book_row_init(&x.row);
	buf_init(&x.value, ROW_CELL_MAX);
	buf_init(&x.shown, ROW_CELL_MAX);
	rc = read_sheets(&x, list->ways.sheet, form, form_size, e);
	book_strings_release(&x.strings);
	book_row_release(&x.row);
	buf_release(&x.value);
	buf_release(&x.shown);
	return rc;
}
