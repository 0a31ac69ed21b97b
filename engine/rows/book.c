/* book.c - which kind of workbook it is, and what becomes of its sheet.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/book.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/rows/book_zip.h"
#include "engine/rows/rows_parts.h"

enum { BOOK_CHUNK = 16 << 10, BOOK_MEMORY_MAX = 32 << 20, NAMES_SHOWN = 300, NAME_SHOWN = 60, SHEETS_SHOWN = 70 };

typedef int read_sheet(struct book_zip *, const struct rows_list *, struct arena *, struct book_sheet *, char *, size_t,
		       struct err *);

static const struct book_sign {
	const char *part;
	read_sheet *read;
	const char *what, *hint; /* when it is not read here */
} signs[] = {
	{ "xl/workbook.bin", NULL, "a binary workbook (.xlsb)", "save it as .xlsx" },
	{ "xl/workbook.xml", book_xlsx_read, NULL, NULL },
	{ "word/document.xml", NULL, "a text document", "a list is a table: save it as a workbook or as CSV" },
	{ "ppt/presentation.xml", NULL, "a presentation", "a list is a table: save it as a workbook or as CSV" },
	{ "Index/Document.iwa", NULL, "a document of Apple's Numbers or Pages", "export it as Excel or as CSV" },
	{ "content.xml", book_ods_read, NULL, NULL },
	{ "_rels/.rels", book_xlsx_read, NULL, NULL },
};

static void write_names(const struct book_name *names, bool hidden_too, char *out, size_t size)
{
	char shown[NAME_SHOWN + 1];
	size_t n = 0;

	out[0] = '\0';
	for (; names; names = names->next) {
		if (names->hidden && !hidden_too)
			continue;
		utf8_printable(names->name, shown, sizeof shown);
		if (n + strlen(shown) + sizeof ", '' and others" > size) {
			snprintf(out + n, size - n, "%s", n ? " and others" : "");
			return;
		}
		n += (size_t)snprintf(out + n, size - n, "%s'%s'", n ? ", " : "", shown);
	}
}

int book_no_sheet(const struct book_name *names, const char *wanted, struct err *e)
{
	char text[NAMES_SHOWN];

	if (!names)
		return err_set(e, ERR_INPUT, "the workbook has no sheet with cells");
	if (!wanted)
		return err_set(e, ERR_INPUT, "all sheets of the workbook are hidden; --sheet NAME takes one of them all the same");
	write_names(names, true, text, sizeof text);
	err_set(e, ERR_INPUT, "the workbook has no sheet '%s'", wanted);
	return err_hint(e, "its sheets are %s", text);
}

/* For whoever got the wrong one. */
static void keep_names(struct rows_list *list, const struct book_name *names)
{
	char text[SHEETS_SHOWN];

	if (!names || !names->next)
		return;
	write_names(names, false, text, sizeof text);
	list->sheets = text[0] ? arena_str(&list->memory, span_str(text)) : NULL;
}

int book_text_cell(struct book_row *row, uint32_t column, struct span text, struct err *e)
{
	if (text.n > 0 && memchr(text.p, '\0', text.n))
		book_row_problem(row, column, "has a NUL byte");
	return book_row_cell(row, column, text, e);
}

static void note_hidden(struct rows_list *list, const struct book_sheet *sheet)
{
	if (sheet->hidden)
		rows_note(list, "hidden rows", sheet->first_hidden, "unhide them, or take away the filter, if they are meant",
			  "%llu hidden row%s of the sheet %s left out", (unsigned long long)sheet->hidden,
			  sheet->hidden == 1 ? "" : "s", sheet->hidden == 1 ? "is" : "are");
}

/* People see the text in each of the rows. */
static void note_merged(struct rows_list *list, const struct book_sheet *sheet)
{
	if (sheet->merged)
		rows_note(list, "merged cells", sheet->first_merged, "where each row needs it, part the cell and fill in each",
			  "%llu merged cell%s over several rows; the first of these has the text, the others are empty",
			  (unsigned long long)sheet->merged, sheet->merged == 1 ? " of the sheet is" : "s of the sheet are");
}

static int read_sheet_of(struct book_zip *z, struct rows_list *list, struct err *e)
{
	struct book_sheet sheet = { .path = list->source.path, .hidden_too = list->ways.hidden_too, .to = { .fd = -1 } };
	struct arena memory;
	int rc = -1;

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		const struct book_sign *s = &signs[i];

		if (!book_zip_has(z, s->part))
			continue;
		if (!s->read) {
			err_set(e, ERR_INPUT, "the list is %s, which is not read", s->what);
			return err_hint(e, "%s", s->hint);
		}
		arena_init(&memory, BOOK_CHUNK, BOOK_MEMORY_MAX);
		if (rows_spool_open(&sheet.to, e) == 0 &&
		    s->read(z, list, &memory, &sheet, list->form, sizeof list->form, e) == 0)
			rc = rows_spool_give(&sheet.to, &list->source, e);
		keep_names(list, sheet.names);
		note_hidden(list, &sheet);
		note_merged(list, &sheet);
		rows_spool_close(&sheet.to);
		arena_release(&memory);
		return rc;
	}
	err_set(e, ERR_INPUT, "the list is a ZIP file, but no workbook");
	return err_hint(e, "unpack it, and name the list that is in it");
}

int book_take(struct rows_list *list, struct err *e)
{
	struct book_zip *z;
	int rc;

	if (list->ways.encoding || list->ways.delimiter)
		return err_set(e, ERR_INPUT, "--encoding and --delimiter are for lists of text; this one is a workbook");
	if (book_zip_open(&z, &list->source, e) < 0)
		return -1;
	rc = read_sheet_of(z, list, e);
	book_zip_close(&z);
	list->kind = &rows_kind_sheet;
	return rc < 0 ? err_at(e, list->source.path, 0, 0) : 0;
}
