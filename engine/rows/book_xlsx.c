/* book_xlsx.c - XLSX (ECMA-376, SpreadsheetML): its parts, which sheet, its styles.
 *
 *     _rels/.rels -> workbook -> its relationships -> styles, shared texts, the sheet
 *
 *  1. Parts are read one after the other, each once, in pieces; what is kept of them is the names of
 *     sheets, the format of each style, and the shared texts (book_strings.h).
 * Held by tests/unit/test_rows_lists.c and tests/system/test_lists.py. */
#include "engine/rows/book_xlsx.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"
#include "engine/rows/book.h"
#include "engine/rows/book_format.h"
#include "engine/rows/book_xml.h"
#include "engine/rows/book_zip.h"
#include "engine/rows/rows_parts.h"

enum { PART_NAME = 512, STYLES_MAX = 1 << 18 };

static int no_memory(struct err *e)
{
	return err_nomem(e, "reading a workbook");
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
		x->dates_1904 = book_xlsx_true(book_xml_attribute(attributes, "date1904"));
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
		return keep_format(x, book_xlsx_number(id, UINT32_MAX), code, e);
	if (strcmp(name, "xf") == 0 && x->in_styles)
		return keep_style(x, book_xlsx_number(id, 0), e);
	return 0;
}

static int on_styles_end(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	(void)e;
	return strcmp(name, "cellXfs") == 0;
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
	char workbook[PART_NAME], part[PART_NAME];
	const struct relation *r;
	const struct book_name *sheet;

	if (find_workbook(x, workbook, e) < 0 || book_xml_read(x->zip, workbook, &workbook_events, x, e) < 0)
		return -1;
	sheet = find_sheet(x, wanted);
	if (!sheet)
		return book_no_sheet(x->sheets, wanted, e);
	if (read_relations(x, workbook, e) < 0 || read_part(x, workbook, "/styles", &styles_events, e) < 0 ||
	    read_part(x, workbook, "/sharedStrings", &book_xlsx_strings, e) < 0 || book_strings_end(&x->strings, e) < 0)
		return -1;
	for (r = x->relations; r && strcmp(r->id, sheet->part) != 0; r = r->next)
		;
	if (!r || !span_ends(span_str(r->type), SPAN("/worksheet")))
		return err_set(e, ERR_INPUT, "the workbook's sheet '%.*s' has no cells (a chart?)",
			       SPAN_ARG(span_sub(sheet->name, 0, 80)));
	say_form(x, sheet, form, form_size);
	x->to->names = x->sheets;
	part_of_target(workbook, r->target, part);
	buf_reset(&x->value);
	x->taking = false;
	return book_xml_read(x->zip, part, &book_xlsx_cells, x, e);
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
