/* rows_csv.c - CSV through libcsv, in its strict mode: the kind of list; see rows_csv.h for the parts.
 *
 * Three things in which libcsv is not RFC 4180 are accounted for:
 *  - It trims spaces and tabs at both ends of a cell. Telling it that nothing is a space would
 *    cost an indirect call a character. Instead lines are copied into the block, and for each
 *    cell that libcsv reports we walk over that copy: libcsv says how long the trimmed cell is,
 *    and the spaces around it are taken back. So a cell is a piece of our copy, only a doubled
 *    quote makes libcsv's bytes replace ours. The walk also sees spaces between a quote and a
 *    delimiter, which libcsv takes and the RFC does not. From the second line of a record on,
 *    cells are libcsv's own bytes, and nothing is a space.
 *  - It drops empty lines. So do we; a line of nothing but spaces is one of them. Their numbers
 *    count, because lines are counted by rows_text.c.
 *  - A stray quote. Strict mode stops there; the record becomes a row with a problem, and reading
 *    goes on at the next line, so that no quote ever swallows the rows behind it unseen.
 *
 * Nothing is allocated for a row but from the block's arena: a table of cells and the line.
 * Held by tests/unit/test_rows_csv.c, test_rows_bounds.c. */
#include "engine/rows/rows_csv.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"

enum { WINDOW_BYTES = 256 << 10, NAMES_FIRST = 64 };

static struct csv_reader *reader_of(struct rows_reader *r)
{
	return (struct csv_reader *)(void *)r;
}

static int64_t csv_read(struct rows_reader *front, struct row_block *into, uint32_t max, struct err *e)
{
	struct csv_reader *r = reader_of(front);
	uint32_t before = into->n;

	r->memory = &into->memory;
	while (into->n - before < max && (into->n == before || into->memory.used_bytes < ROWS_BLOCK_BYTES)) {
		struct rows_line line;
		int rc;

		if (csv_run_read(r, into, max - (into->n - before)))
			continue;
		rc = rows_text_line(&r->text, &line, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		if (line.bytes.n > line.end_bytes && csv_record_read(r, &line, into, e) < 0)
			return -1;
	}
	return into->n - before;
}

/* ---- the header ---- */

static void header_cell(void *bytes, size_t n, void *data)
{
	struct csv_reader *r = data;
	struct record *record = &r->record;

	if (record->n == r->room && record->n < ROW_COLUMNS_MAX && !record->no_memory) {
		uint32_t room = r->room ? r->room * 2 : NAMES_FIRST;
		struct span *more = arena_grow(r->memory, record->cells, r->room * sizeof *more, room * sizeof *more);

		if (more) {
			record->cells = more;
			r->room = room;
		} else {
			record->no_memory = true;
		}
	}
	r->columns = r->room;
	csv_exact_cell(bytes, n, data);
}

static int bad_header(struct csv_reader *r, const struct rows_line *line, size_t stray, struct err *e)
{
	err_set(e, ERR_INPUT, r->parser.quoted ? "text after the closing quote (\") of a name in the header"
					       : "a quote (\") inside a name of the header");
	err_hint(e, "put the whole name in quotes and double those inside it");
	return err_at(e, r->front.list->source.path, line->number,
		      utf8_length(span_sub(line->bytes, 0, stray)) + 1);
}

static int no_header(struct csv_reader *r, struct err *e)
{
	err_set(e, ERR_INPUT, "the list is empty");
	err_hint(e, "its first line names the columns, as in: email,name");
	return err_at(e, r->front.list->source.path, 0, 0);
}

static bool blank(struct span s)
{
	return span_trim(s).n == 0;
}

static int csv_header(struct rows_reader *front, struct arena *memory, struct span **names, uint32_t *n,
		      struct rows_start *start, struct err *e)
{
	struct csv_reader *r = reader_of(front);
	struct rows_line line;
	size_t stray = 0;
	enum fed fed;

	if (front->list->separator_line && rows_text_line(&r->text, &line, e) < 0)
		return -1;
	do {
		int rc = rows_text_line(&r->text, &line, e);

		if (rc <= 0)
			return rc < 0 ? -1 : no_header(r, e);
	} while (blank(line.bytes));
	csv_record_begin(r, &line);
	r->memory = memory;
	csv_set_space_func(&r->parser, csv_nothing_is_space);
	fed = csv_record_feed(r, line.bytes, header_cell, &stray, e);
	if (fed == FED_PART)
		fed = csv_record_feed_on(r, &line, header_cell, &stray, e);
	if (fed == FED_STRAY)
		return bad_header(r, &line, stray, e);
	if (fed != FED_RECORD)
		return -1;
	if (r->record.n > ROW_COLUMNS_MAX) {
		err_set(e, ERR_INPUT, "the header has %u columns, at most %d are possible", r->record.n, ROW_COLUMNS_MAX);
		return err_at(e, front->list->source.path, r->record.line, 0);
	}
	*names = r->record.cells;
	*n = r->record.n;
	*start = (struct rows_start){ r->record.line, .line = r->text.line, .offset = r->text.base + r->text.at };
	if (front->list->ways.no_header) /* it is the first row as well */
		*start = (struct rows_start){ 0, .line = r->record.line, .offset = r->record.offset };
	return 0;
}

/* ---- places ---- */

static int csv_seek(struct rows_reader *front, const struct row_place *place, struct err *e)
{
	struct csv_reader *r = reader_of(front);

	(void)e;
	csv_record_forget(r);
	rows_text_seek(&r->text, place->offset, place->line);
	front->number = place->number - 1;
	return 0;
}

/* A digest needs every byte, so the header is read over again for it. */
static int csv_rewind(struct rows_reader *front, struct err *e)
{
	struct csv_reader *r = reader_of(front);
	const struct rows_start *start = &front->list->start;
	struct rows_line line;

	csv_record_forget(r);
	front->number = 0;
	if (!r->text.digest) {
		rows_text_seek(&r->text, start->offset, start->line);
		return 0;
	}
	rows_text_seek(&r->text, 0, 1);
	while (r->text.line < start->line) {
		int rc = rows_text_line(&r->text, &line, e);

		if (rc <= 0)
			return rc;
	}
	return 0;
}

static uint64_t csv_bytes_done(const struct rows_reader *front)
{
	const struct csv_reader *r = (const struct csv_reader *)(const void *)front;

	return r->text.base + r->text.at;
}

static void csv_close(struct rows_reader *front)
{
	struct csv_reader *r = reader_of(front);

	csv_free(&r->parser);
	rows_text_close(&r->text);
	mem_free(r);
}

static void *grow_cell(void *old, size_t size)
{
	return size > CSV_CELL_MAX ? NULL : mem_grow(old, size); /* it then asks for less */
}

static int csv_open(struct rows_reader **out, const struct rows_list *list, struct digest *digest, struct err *e)
{
	struct csv_reader *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "reading the list");
	csv_init(&r->parser, CSV_STRICT);
	csv_set_delim(&r->parser, (unsigned char)list->delimiter);
	csv_set_realloc_func(&r->parser, grow_cell);
	csv_set_free_func(&r->parser, mem_free);
	csv_set_blk_size(&r->parser, CSV_CELL_STEP);
	r->front.list = list;
	r->delimiter = list->delimiter;
	r->columns = list->columns.n;
	r->run_lines = CSV_RUN_LINES;
	if (rows_text_open(&r->text, &list->source, WINDOW_BYTES, digest, e) < 0) {
		csv_close(&r->front);
		return -1;
	}
	*out = &r->front;
	return 0;
}

const struct rows_kind rows_kind_csv = {
	.name = "CSV",
	.open = csv_open,
	.close = csv_close,
	.header = csv_header,
	.rewind = csv_rewind,
	.seek = csv_seek,
	.read = csv_read,
	.bytes_done = csv_bytes_done,
};
