/* rows_csv.c - CSV through libcsv: the only file that includes <csv.h>.
 *
 * libcsv is fed line by line, so that the place of each record is known, and in its strict mode.
 * Three things in which it is not RFC 4180 are accounted for:
 *  - It trims spaces and tabs at both ends of a cell. Telling it that nothing is a space would
 *    cost an indirect call a character. Instead each line is copied into the block, and for each
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
 *  1. libcsv reports at most one record for one line fed, and a record begins at a line.
 *  2. After a whole line either the record is complete, or the line was blank, or we are inside a
 *     quoted cell.
 *  3. Nothing is allocated for a row but from the block's arena: a table of cells and the line.
 *  4. libcsv's buffer never grows far above ROW_CELL_MAX: a quote that is never closed is found after
 *     that many bytes. A cell of exactly that size is one.
 * Held by tests/unit/test_rows_csv.c, test_rows_bounds.c. */
#include <csv.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_text.h"

enum {
	WINDOW_BYTES = 256 << 10,
	CELL_STEP_BYTES = 64 << 10, /* libcsv's buffer grows by that much */
	CELL_BUFFER_MAX = ROW_CELL_MAX + 8, /* the closing quote, and the byte behind it, pass through it */
	NAMES_FIRST = 64
};

struct record { /* the one that is being put together */
	uint64_t line, offset;
	uint64_t cell_line; /* line where the cell begins that is not complete */
	size_t bytes;
	uint32_t n;         /* cells seen, more than fit the columns too */
	bool nul, done, no_memory, over_long;
	struct span *cells;
	char *copy;         /* our copy of its first line */
	char *walk;         /* in it: where the next cell begins */
	const char *stray;  /* in it: a space or quote that only libcsv allows, or NULL */
};

struct csv_reader {
	struct rows_reader front; /* first, see reader_of() */
	struct csv_parser parser;
	struct rows_text text;
	struct record record;
	uint32_t columns;
	char delimiter;
	struct arena *memory;     /* of the block that is filled, or of the list for the header */
	uint32_t room;            /* header: names that fit the array */
};

static struct csv_reader *reader_of(struct rows_reader *r)
{
	return (struct csv_reader *)(void *)r;
}

/* ---- what libcsv calls ---- */

static void *grow_cell(void *old, size_t size)
{
	return size > CELL_BUFFER_MAX ? NULL : mem_grow(old, size); /* (4); it then asks for less */
}

static int nothing_is_space(unsigned char c)
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

/* A cell that ends in the record's first line. */
static void walk_cell(void *bytes, size_t n, void *data)
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

/* A cell as libcsv has it. */
static void exact_cell(void *bytes, size_t n, void *data)
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
	exact_cell(bytes, n, data);
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

enum fed { FED_FAILED = -1, FED_PART, FED_RECORD, FED_STRAY };

/* Feeds one line. FED_PART: it was blank, or we are inside a quoted cell (2). FED_STRAY: strict
 * mode stopped at the byte *stray of the line. */
static enum fed feed(struct csv_reader *r, struct span line, void (*cell)(void *, size_t, void *), size_t *stray,
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
	if (csv_get_buffer_size(&r->parser) >= CELL_BUFFER_MAX)
		return (enum fed)over_long(r, e);
	return (enum fed)err_nomem(e, "a cell of the list");
}

static void begin_record(struct csv_reader *r, const struct rows_line *line)
{
	r->record = (struct record){ .line = line->number, .offset = line->offset, .cell_line = line->number,
				     .bytes = line->bytes.n, .nul = line->nul };
}

/* The record goes on inside a quoted cell: feeds the lines that follow until it is complete. */
static enum fed feed_on(struct csv_reader *r, struct rows_line *line, void (*cell)(void *, size_t, void *),
			size_t *stray, struct err *e)
{
	enum fed fed = FED_PART;

	csv_set_space_func(&r->parser, nothing_is_space);
	while (fed == FED_PART) {
		int rc = rows_text_line(&r->text, line, e);

		if (rc <= 0)
			return rc < 0 ? FED_FAILED : (enum fed)never_closed(r, e);
		r->record.nul |= line->nul;
		r->record.bytes += line->bytes.n;
		if (r->record.bytes > ROW_BYTES_MAX)
			return (enum fed)too_large(r, e);
		fed = feed(r, line->bytes, cell, stray, e);
	}
	csv_set_space_func(&r->parser, NULL);
	return fed;
}

/* libcsv forgets what it had of a record; its buffer stays. */
static void forget(struct csv_reader *r)
{
	csv_fini(&r->parser, NULL, NULL, NULL);
	csv_set_space_func(&r->parser, NULL);
}

/* ---- rows ---- */

enum stray_kind { STRAY_INSIDE, STRAY_BEFORE, STRAY_BEHIND };

/* Says what is wrong with a record whose quotes are; `at` counts in its last line. */
static int say_stray(struct csv_reader *r, struct row_block *into, enum stray_kind kind,
		     const struct rows_line *line, size_t at)
{
	static const char *const what[] = {
		[STRAY_INSIDE] = "a quote (\") inside a cell that does not begin with one",
		[STRAY_BEFORE] = "a space before the quote (\") that opens a cell",
		[STRAY_BEHIND] = "text or a space after the quote (\") that closes a cell",
	};
	size_t character = utf8_length(span_sub(line->bytes, 0, at)) + 1;
	struct row *row = &into->rows[into->n - 1];
	unsigned long long here = line->number, opened = r->record.cell_line;

	if (kind == STRAY_BEHIND && here != opened)
		return rows_problem(into, row, "%s, line %llu character %zu; the cell was opened in line %llu", what[kind],
				    here, character, opened);
	return rows_problem(into, row, "%s, line %llu character %zu", what[kind], here, character);
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

static int add_good(struct csv_reader *r, struct row_block *into, const struct rows_line *line)
{
	struct record *record = &r->record;
	struct row *row;

	add_row(r, into);
	row = &into->rows[into->n - 1];
	if (__builtin_expect(record->stray != NULL, 0))
		return say_stray(r, into, *record->stray == '"' ? STRAY_BEFORE : STRAY_BEHIND, line,
				 (size_t)(record->stray - record->copy));
	if (__builtin_expect(record->n != r->columns, 0))
		return rows_problem(into, row, "%u cell%s, the header has %u", record->n, record->n == 1 ? "" : "s",
				    r->columns);
	if (__builtin_expect(record->nul, 0))
		return rows_problem(into, row, "a NUL byte in a cell");
	return 0;
}

/* libcsv stopped in the middle: the row has the cells before that place. */
static int add_stray(struct csv_reader *r, struct row_block *into, const struct rows_line *line, size_t at)
{
	enum stray_kind kind = r->parser.quoted ? STRAY_BEHIND : STRAY_INSIDE;

	forget(r);
	add_row(r, into);
	return say_stray(r, into, kind, line, at);
}

/* The first line ends inside a quoted cell; the copy of its beginning is of no use any more. */
static enum fed go_on(struct csv_reader *r, struct rows_line *line, size_t *stray, struct err *e)
{
	if (*r->record.walk != '"')
		note_stray(&r->record, skip_spaces(r->record.walk, r->delimiter));
	if (r->record.stray) { /* then no line behind it is taken */
		forget(r);
		return FED_RECORD;
	}
	return feed_on(r, line, exact_cell, stray, e);
}

/* 0 with or without a row added: a blank line is none. */
static int read_record(struct csv_reader *r, struct rows_line *line, struct row_block *into, struct err *e)
{
	size_t table = r->columns * sizeof(struct span), stray;
	char *p = arena_take(r->memory, table + line->bytes.n);
	enum fed fed;
	int rc;

	if (!p)
		return err_nomem(e, "a row of the list");
	r->record.cells = (struct span *)(void *)p;
	r->record.copy = r->record.walk = memcpy(p + table, line->bytes.p, line->bytes.n);
	fed = feed(r, line->bytes, walk_cell, &stray, e);
	if (fed == FED_PART) {
		if (!line->quote)
			return 0;
		fed = go_on(r, line, &stray, e);
	}
	if (fed == FED_FAILED)
		return -1;
	rc = fed == FED_STRAY ? add_stray(r, into, line, stray) : add_good(r, into, line);
	return rc < 0 ? err_nomem(e, "a row of the list") : 0;
}

static int64_t csv_read(struct rows_reader *front, struct row_block *into, uint32_t max, struct err *e)
{
	struct csv_reader *r = reader_of(front);
	uint32_t before = into->n;

	r->memory = &into->memory;
	while (into->n - before < max && (into->n == before || into->memory.used_bytes < ROWS_BLOCK_BYTES)) {
		struct rows_line line;
		int rc = rows_text_line(&r->text, &line, e);

		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		if (line.bytes.n == line.end_bytes)
			continue;
		begin_record(r, &line);
		if (read_record(r, &line, into, e) < 0)
			return -1;
	}
	return into->n - before;
}

/* ---- the header ---- */

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
	begin_record(r, &line);
	r->memory = memory;
	csv_set_space_func(&r->parser, nothing_is_space);
	fed = feed(r, line.bytes, header_cell, &stray, e);
	if (fed == FED_PART)
		fed = feed_on(r, &line, header_cell, &stray, e);
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
	forget(r);
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

	forget(r);
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
	csv_set_blk_size(&r->parser, CELL_STEP_BYTES);
	r->front.list = list;
	r->delimiter = list->delimiter;
	r->columns = list->columns.n;
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
