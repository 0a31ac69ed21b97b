/* rows_csv_run.c - many lines at once.
 *
 * A call of libcsv, a copy and a place for each row cost a good part of what parsing it does.
 * So lines are fed together, and rows are taken from them as long as each line is one row with as many cells as
 * there are columns. Whatever else comes, a cell with a line end in it, a quote that strays, a cell too many,
 * ends the run: what libcsv said from there on is forgotten, and that line is read again by itself, by
 * rows_csv_record.c. Only that file has words for what is wrong, and only there a quote can open a cell that
 * lines behind it belong to.
 *
 *  1. The walk over the copy is at the begin of a line when a record ends there, else the run ends.
 *  2. A run that was cut short makes the next one a line long, one that was not doubles it: a list where every
 *     row has something about it is read at most twice. */
#include <string.h>

#include "engine/rows/rows_csv.h"

enum { RUN_BYTES = 32 << 10 }; /* of lines, and of tables of cells */

static inline bool ends_cell(char c, char delimiter)
{
	return __builtin_expect(c == delimiter, 1) || c == '\n' || c == '\r';
}

static inline void take(struct record *record, const struct csv_reader *r, char *begin, size_t n, char *end)
{
	if (record->n < r->columns)
		record->cells[record->n] = (struct span){ begin, n };
	record->n++;
	record->walk = end + 1;
}

/* The two ways a cell mostly looks, else csv_walk_cell(). */
static void run_cell(void *bytes, size_t n, void *data)
{
	struct csv_reader *r = data;
	struct record *record = &r->record;
	char *at = record->walk;

	if (r->run.cut)
		return;
	if ((unsigned char)*at > '"' && ends_cell(at[n], r->delimiter))
		take(record, r, at, n, at + n);
	else if (*at == '"' && n > 0 && at[n + 1] == '"' && at[n] != '"' && ends_cell(at[n + 2], r->delimiter))
		take(record, r, at + 1, n, at + n + 2);
	else
		csv_walk_cell(bytes, n, data);
}

/* (1) */
static bool ends_line(const struct csv_run *run, const char *walk)
{
	const char *end = run->copy + run->ends[run->taken];

	return walk == end || (walk + 1 == end && *walk == '\n');
}

static inline uint32_t begin_of_next(const struct csv_run *run)
{
	return run->taken ? run->ends[run->taken - 1] : 0;
}

static void run_row(int c, void *data)
{
	struct csv_reader *r = data;
	struct record *record = &r->record;
	struct csv_run *run = &r->run;

	(void)c;
	run->cut |= record->n != r->columns || record->stray || !ends_line(run, record->walk);
	if (run->cut)
		return;
	run->into->rows[run->into->n++] =
		(struct row){ .number = ++r->front.number, .line = run->line + run->taken,
			      .offset = run->offset + begin_of_next(run), .n_cells = r->columns, .cells = record->cells };
	record->cells += r->columns;
	record->n = 0;
	record->walk = (char *)run->copy + run->ends[run->taken++];
}

/* Of that many lines at most. */
static uint32_t run_length(const struct csv_reader *r, uint32_t max)
{
	uint32_t n = max < r->run_lines ? max : r->run_lines;
	size_t fit = RUN_BYTES / (r->columns * sizeof(struct span));

	return n < fit ? n : (uint32_t)fit;
}

/* The lines from the first that was not taken on are to be read again. */
static void cut_short(struct csv_reader *r)
{
	const struct csv_run *run = &r->run;

	csv_record_forget(r);
	rows_text_back(&r->text, run->offset + begin_of_next(run), run->line + run->taken);
	r->run_lines = 1;
}

static int begin_run(struct csv_reader *r, struct span lines)
{
	size_t table = r->run.n * r->columns * sizeof(struct span);
	char *p = arena_take(r->memory, table + lines.n);

	if (!p)
		return -1;
	r->run.copy = memcpy(p + table, lines.p, lines.n);
	r->record = (struct record){ .cells = (struct span *)(void *)p, .walk = p + table, .copy = p + table };
	return 0;
}

uint32_t csv_run_read(struct csv_reader *r, struct row_block *into, uint32_t max)
{
	struct csv_run *run = &r->run;
	struct span lines;

	run->into = into;
	run->line = r->text.line;
	run->offset = r->text.base + r->text.at;
	run->taken = 0;
	run->cut = false;
	run->n = rows_text_run(&r->text, run_length(r, max), RUN_BYTES, r->delimiter, run->ends, &lines);
	if (run->n == 0)
		return 0;
	if (begin_run(r, lines) < 0) {
		cut_short(r);
		return 0;
	}
	csv_parse(&r->parser, lines.p, lines.n, run_cell, run_row, r);
	if (run->taken < run->n)
		cut_short(r);
	else if (r->run_lines < CSV_RUN_LINES)
		r->run_lines *= 2;
	return run->taken;
}
