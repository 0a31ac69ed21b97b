/* book_xlsx.h - what is known of an XLSX workbook while it is read: book_xlsx.c finds its parts and their
 * relations, book_xlsx_cells.c reads its texts and cells (inside these two only). */
#ifndef ENGINE_ROWS_BOOK_XLSX_H
#define ENGINE_ROWS_BOOK_XLSX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/span.h"
#include "engine/rows/book_row.h"
#include "engine/rows/book_strings.h"

struct arena;
struct book_name;
struct book_xml;
struct book_zip;

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
	bool rows_over;      /* what follows the rows: merged cells */
	struct book_row row;
	bool taking;         /* text belongs to value */
	unsigned phonetic;   /* depth of what only says how a text is read aloud */
	bool formula, inline_text;
	char type[12];
	uint32_t style, column, next_column;
	struct buf value, shown;
};

extern const struct book_xml book_xlsx_strings, book_xlsx_cells; /* of the shared texts; of a sheet */

static inline bool book_xlsx_true(const char *word)
{
	return word && (strcmp(word, "1") == 0 || strcmp(word, "true") == 0 || strcmp(word, "on") == 0);
}

/* A whole number of an attribute, or otherwise. */
static inline uint64_t book_xlsx_number(const char *text, uint64_t otherwise)
{
	unsigned long long n;

	return text && span_number(span_str(text), UINT32_MAX, &n) == 0 ? n : otherwise;
}

#endif
