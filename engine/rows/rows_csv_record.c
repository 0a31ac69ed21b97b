/* rows_csv_record.c - one record, line by line.
 *
 *  1. libcsv reports at most one record for one line fed, and a record begins at a line.
 *  2. After a whole line either the record is complete, or the line was blank, or we are inside a
 *     quoted cell.
 *  3. libcsv's buffer never grows far above ROW_CELL_MAX: a quote that is never closed is found after
 *     that many bytes. A cell of exactly that size is one. */
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/rows/rows_csv.h"

/* ---- what libcsv calls ---- */

int csv_nothing_is_space(unsigned char c)
{
	(void)c;
	return 0;
}

/* Over what libcsv trims; a line end stops it at the latest. */
static inline char *skip_spaces(char *at, char delimiter)
{
	while ((*at == ' ' || *at == '\t') && *at != delimiter)
		at++;
	return at;
}

static size_t count_quotes(const char *p, size_t n)
{
	const char *end = p + n;
	size_t count = 0;

	while ((p = memchr(p, '"', (size_t)(end - p)))) {
		count++;
		p++;
	}
	return count;
}

static void note_stray(struct record *record, const char *at)
{
	if (!record->stray)
		record->stray = at;
}

/* A quoted cell at `quote`; the next cell begins behind what is returned. Inside the cell quotes
 * stand in pairs, so a single one at the place of the end is the end, and there was no pair. */
static char *walk_quoted(struct csv_reader *r, char *quote, const char *bytes, size_t n, struct span *cell)
{
	char *begin = quote + 1, *closing = begin + n, *end;

	if (n > 0 && !(*closing == '"' && closing[-1] != '"' && closing[1] != '"')) {
		closing += count_quotes(bytes, n);
		memcpy(begin, bytes, n);
	}
	*cell = (struct span){ begin, n };
	if (quote != r->record.walk)
		note_stray(&r->record, quote);
	end = skip_spaces(closing + 1, r->delimiter);
	if (end != closing + 1)
		note_stray(&r->record, closing + 1);
	return end;
}

void csv_walk_cell(void *bytes, size_t n, void *data)
{
	struct csv_reader *r = data;
	struct record *record = &r->record;
	char *begin = record->walk, *at = skip_spaces(begin, r->delimiter);
	struct span cell;

	if (*at == '"') {
		at = walk_quoted(r, at, bytes, n, &cell);
	} else {
		at = skip_spaces(at + n, r->delimiter);
		cell = (struct span){ begin, (size_t)(at - begin) };
	}
	if (record->n < r->columns)
		record->cells[record->n] = cell;
	record->over_long |= n > ROW_CELL_MAX;
	record->n++;
	record->walk = at + 1;
}

void csv_exact_cell(void *bytes, size_t n, void *data)
{
	struct csv_reader *r = data;
	struct record *record = &r->record;

	if (record->n < r->columns && !record->no_memory) {
		int ok;

		record->cells[record->n] = arena_copy(r->memory, (struct span){ bytes, n }, &ok);
		record->no_memory = !ok;
	}
	record->over_long |= n > ROW_CELL_MAX;
	if (record->over_long)
		return; /* cell_line stays the line of the first one */
	record->n++;
	record->cell_line = r->text.line - 1;
}

static void record_end(int c, void *data)
{
	(void)c;
	((struct csv_reader *)data)->record.done = true;
}

/* ---- what cannot be read on ---- */

static int over_long(struct csv_reader *r, struct err *e)
{
	if (r->parser.quoted) {
		err_set(e, ERR_INPUT, "the quoted cell that begins here is over %d MiB", ROW_CELL_MAX >> 20);
		err_hint(e, "its quote (\") is most likely never closed");
	} else {
		err_set(e, ERR_INPUT, "the cell that begins here is over %d MiB", ROW_CELL_MAX >> 20);
	}
	return err_at(e, r->front.list->source.path, r->record.cell_line, 0);
}

static int never_closed(struct csv_reader *r, struct err *e)
{
	err_set(e, ERR_INPUT, "the quote (\") of the cell that begins here is never closed");
	err_hint(e, "close it, or double a quote that is part of the text");
	return err_at(e, r->front.list->source.path, r->record.cell_line, 0);
}

static int too_large(struct csv_reader *r, struct err *e)
{
	err_set(e, ERR_INPUT, "the record that begins here is over %d MiB", ROW_BYTES_MAX >> 20);
	err_hint(e, "a quote (\") in it is most likely never closed");
	return err_at(e, r->front.list->source.path, r->record.line, 0);
}

/* ---- one record ---- */

enum fed csv_record_feed(struct csv_reader *r, struct span line, void (*cell)(void *, size_t, void *), size_t *stray,
			 struct err *e)
{
	size_t n = csv_parse(&r->parser, line.p, line.n, cell, record_end, r);

	if (r->record.no_memory)
		return (enum fed)err_nomem(e, "a row of the list");
	if (r->record.over_long)
		return (enum fed)over_long(r, e);
	if (n == line.n)
		return r->record.done ? FED_RECORD : FED_PART;
	if (csv_error(&r->parser) == CSV_EPARSE) {
		*stray = n;
		return FED_STRAY;
	}
	if (csv_get_buffer_size(&r->parser) >= CSV_CELL_MAX)
		return (enum fed)over_long(r, e);
	return (enum fed)err_nomem(e, "a cell of the list");
}

void csv_record_begin(struct csv_reader *r, const struct rows_line *line)
{
	r->record = (struct record){ .line = line->number, .offset = line->offset, .cell_line = line->number,
				     .bytes = line->bytes.n, .nul = line->nul };
}

enum fed csv_record_feed_on(struct csv_reader *r, struct rows_line *line, void (*cell)(void *, size_t, void *),
			size_t *stray, struct err *e)
{
	enum fed fed = FED_PART;

	csv_set_space_func(&r->parser, csv_nothing_is_space);
	while (fed == FED_PART) {
		int rc = rows_text_line(&r->text, line, e);

		if (rc <= 0)
			return rc < 0 ? FED_FAILED : (enum fed)never_closed(r, e);
		r->record.nul |= line->nul;
		r->record.bytes += line->bytes.n;
		if (r->record.bytes > ROW_BYTES_MAX)
			return (enum fed)too_large(r, e);
		fed = csv_record_feed(r, line->bytes, cell, stray, e);
	}
	csv_set_space_func(&r->parser, NULL);
	return fed;
}

void csv_record_forget(struct csv_reader *r)
{
	csv_fini(&r->parser, NULL, NULL, NULL);
	csv_set_space_func(&r->parser, NULL);
}

/* ---- rows ---- */

enum stray_kind { STRAY_INSIDE, STRAY_BEFORE, STRAY_BEHIND };

/* Says what is wrong with a record whose quotes are; `at` counts in its last line. */
static int say_stray(struct row_block *into, enum stray_kind kind, const struct rows_line *line, size_t at)
{
	static const char *const what[] = {
		[STRAY_INSIDE] = "a quote (\") inside a cell that does not begin with one",
		[STRAY_BEFORE] = "a space before the quote (\") that opens a cell",
		[STRAY_BEHIND] = "text or a space after the quote (\") that closes a cell",
	};
	size_t character = utf8_length(span_sub(line->bytes, 0, at)) + 1;
	struct row *row = &into->rows[into->n - 1];

	return rows_problem(into, row, "%s, line %llu character %zu", what[kind], (unsigned long long)line->number,
			    character);
}

/* The record becomes a row. */
static void add_row(struct csv_reader *r, struct row_block *into)
{
	struct record *record = &r->record;

	for (uint32_t i = record->n; i < r->columns; i++)
		record->cells[i] = (struct span){ 0 };
	into->rows[into->n++] = (struct row){ .number = ++r->front.number, .line = record->line,
					      .offset = record->offset, .n_cells = r->columns, .cells = record->cells };
}

/* 1 it has one, 0, -1 no memory. */
static int find_problem(struct csv_reader *r, struct row_block *into, const struct rows_line *line)
{
	struct record *record = &r->record;
	struct row *row = &into->rows[into->n - 1];
	int rc;

	if (record->stray)
		rc = say_stray(into, *record->stray == '"' ? STRAY_BEFORE : STRAY_BEHIND, line,
			       (size_t)(record->stray - record->copy));
	else if (record->n != r->columns)
		rc = rows_problem(into, row, "%u cell%s, the header has %u", record->n, record->n == 1 ? "" : "s", r->columns);
	else if (record->nul)
		rc = rows_problem(into, row, "a NUL byte in a cell");
	else
		return 0;
	return rc < 0 ? -1 : 1;
}

/* For people, who are to mend it: the last row's record, which ends with that line. */
static int keep_raw(struct csv_reader *r, struct row_block *into, const struct rows_line *line, struct err *e)
{
	uint64_t from = r->record.offset;
	size_t n = (size_t)(line->offset + line->bytes.n - line->end_bytes - from);
	char *p = arena_take(r->memory, n + 1); /* a last line may be a line end alone */

	if (!p)
		return err_nomem(e, "a row of the list");
	if (line->offset == from)
		memcpy(p, line->bytes.p, n);
	else if (rows_source_read(r->text.source, p, n, from, e) < 0)
		return -1;
	into->rows[into->n - 1].raw = span_of(p, n);
	return 0;
}

static int add_good(struct csv_reader *r, struct row_block *into, const struct rows_line *line, struct err *e)
{
	int rc;

	add_row(r, into);
	rc = find_problem(r, into, line);
	if (rc < 0)
		return err_nomem(e, "a row of the list");
	return rc ? keep_raw(r, into, line, e) : 0;
}

/* What is behind the line where the cell begins belongs to nobody knows whom: no row of its own, and none that
 * may be left out. */
static int swallowed(struct csv_reader *r, const struct rows_line *line, size_t at, struct err *e)
{
	uint64_t opened = r->record.cell_line;

	err_set(e, ERR_INPUT, "the quoted cell that begins here goes on to line %llu, where text or a space stands behind its "
		"closing quote (\"), character %zu", (unsigned long long)line->number,
		utf8_length(span_sub(line->bytes, 0, at)) + 1);
	err_hint(e, "where does it end? A quote is missing there, or one that is part of the text is not doubled");
	return err_at(e, r->front.list->source.path, opened, 0);
}

/* libcsv stopped in the middle: the row has the cells before that place. */
static int add_stray(struct csv_reader *r, struct row_block *into, const struct rows_line *line, size_t at,
		     struct err *e)
{
	enum stray_kind kind = r->parser.quoted ? STRAY_BEHIND : STRAY_INSIDE;

	csv_record_forget(r);
	if (kind == STRAY_BEHIND && line->number != r->record.cell_line)
		return swallowed(r, line, at, e);
	add_row(r, into);
	if (say_stray(into, kind, line, at) < 0)
		return err_nomem(e, "a row of the list");
	return keep_raw(r, into, line, e);
}

/* The first line ends inside a quoted cell; the copy of its beginning is of no use any more. */
static enum fed go_on(struct csv_reader *r, struct rows_line *line, size_t *stray, struct err *e)
{
	if (*r->record.walk != '"')
		note_stray(&r->record, skip_spaces(r->record.walk, r->delimiter));
	if (r->record.stray) { /* then no line behind it is taken */
		csv_record_forget(r);
		return FED_RECORD;
	}
	return csv_record_feed_on(r, line, csv_exact_cell, stray, e);
}

int csv_record_read(struct csv_reader *r, struct rows_line *line, struct row_block *into, struct err *e)
{
	size_t table = r->columns * sizeof(struct span), stray = 0;
	char *p = arena_take(r->memory, table + line->bytes.n);
	enum fed fed;

	if (!p)
		return err_nomem(e, "a row of the list");
	csv_record_begin(r, line);
	r->record.cells = (struct span *)(void *)p;
	r->record.copy = r->record.walk = memcpy(p + table, line->bytes.p, line->bytes.n);
	fed = csv_record_feed(r, line->bytes, csv_walk_cell, &stray, e);
	if (fed == FED_PART) {
		if (!line->quote)
			return 0;
		fed = go_on(r, line, &stray, e);
	}
	if (fed == FED_FAILED)
		return -1;
	return fed == FED_STRAY ? add_stray(r, into, line, stray, e) : add_good(r, into, line, e);
}

