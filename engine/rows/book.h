/* book.h - workbooks: the rows of one sheet become records (inside engine/rows only). */
#ifndef ENGINE_ROWS_BOOK_H
#define ENGINE_ROWS_BOOK_H

#include "engine/base/span.h"
#include "engine/rows/book_row.h"

struct err;
struct arena;
struct book_zip;
struct rows_list;

/* The source is a ZIP file: it becomes the records of a sheet; sets kind, form and notes of the list.
 * ERR_INPUT: no workbook, damaged, with a password, no such sheet. */
int book_take(struct rows_list *list, struct err *e);

/* Each puts the rows of the sheet that is wanted into *to and says its name and, for people, what it
 * is ("XLSX"); memory is for as long as the list is opened. */
int book_xlsx_read(struct book_zip *z, const struct rows_list *list, struct arena *memory, struct book_sheet *to,
		   char *form, size_t form_size, struct err *e);
int book_ods_read(struct book_zip *z, const struct rows_list *list, struct arena *memory, struct book_sheet *to,
		  char *form, size_t form_size, struct err *e);

/* A name of a sheet, in a list of them. */
struct book_name {
	struct book_name *next;
	struct span name;
	const char *part; /* XLSX: id of its relationship */
	bool hidden;
};
/* No sheet is the wanted one: says which there are. */
int book_no_sheet(const struct book_name *names, const char *wanted, struct err *e);
/* What a text cell holds: into the row, with a problem when there is a NUL in it. */
int book_text_cell(struct book_row *row, uint32_t column, struct span text, struct err *e);

#endif
