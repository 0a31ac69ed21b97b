/* group_record.c - writing groups, and their reader.
 *
 *     a group:   head | cells of its first row | cells of the second | ...     problem, if any
 *                head: 8 line of the problem | 8 number, 8 line of each row
 *     on a shelf: head | address | cells of the row                            problem of the row
 *                head: 8 rank | 8 first | 8 number | 1 has a key | 1 too many
 *
 * The cells of a JSON row are one: its object as text. All numbers little-endian.
 *
 *  1. What is wrong with one row is wrong with its group; the first such row in the order of the list is
 *     named.
 *  2. Too large a group has that problem: all its rows are named, the first of them have their cells.
 * Held by tests/unit/test_rows_group.c. */
#include "engine/rows/group_record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/rows/json.h"
#include "engine/rows/rows_parts.h"

enum {
	CHUNK = 64 << 10,
	GROUP_BYTES_MAX = 16 * ROW_BYTES_MAX,
	NUMBER = 8,
	MEMBER = 2 * NUMBER,
	SHELF_HEAD = 3 * NUMBER + 2,
	SHELF_CELLS = 2,
	ADDRESS_SHOWN = 80
};

struct part { /* a row on its way into a group */
	uint64_t first, number, line;
	bool has_key, too_many;
	struct span problem, address;
	const struct span *cells;
	uint32_t n;
};

static int no_memory(struct err *e)
{
	return err_nomem(e, "the groups of the list");
}

static uint32_t cells_a_row(const struct rows_list *list)
{
	return list->columns.objects ? 1 : list->columns.n;
}

int group_writer_open(struct group_writer *w, const struct rows_list *list, const struct rows_grouping *how, struct err *e)
{
	*w = (struct group_writer){ .list = list, .how = how, .out.fd = -1 };
	arena_init(&w->memory, CHUNK, GROUP_BYTES_MAX);
	buf_init(&w->head, NUMBER + (ROW_GROUP_MAX + 1) * MEMBER);
	buf_init(&w->text, GROUP_BYTES_MAX);
	return rows_spool_open(&w->out, e);
}

void group_writer_release(struct group_writer *w)
{
	if (!w->list)
		return;
	rows_spool_close(&w->out);
	arena_release(&w->memory);
	buf_release(&w->head);
	buf_release(&w->text);
	mem_free(w->cells);
	*w = (struct group_writer){ 0 };
}

/* ---- a group ends ---- */

/* The first problem stays. line: of the row that has it. */
__attribute__((format(printf, 3, 4)))
static void say(struct group_writer *w, uint64_t line, const char *fmt, ...)
{
	char text[GROUP_PROBLEM_MAX];
	size_t n = 0;
	va_list ap;

	if (w->problem_line)
		return;
	w->problem_line = line;
	if (line != w->line)
		n = (size_t)snprintf(text, sizeof text, "line %llu, of the group that begins in line %llu: ",
				     (unsigned long long)line, (unsigned long long)w->line);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof text - n, fmt, ap);
	va_end(ap);
	utf8_printable(span_str(text), w->problem, sizeof w->problem); /* whole characters */
}

static int end_group(struct group_writer *w, struct err *e)
{
	struct rows_record record = { .line = w->line, .n = (uint32_t)w->n_cells, .cells = w->cells };
	int rc;

	if (w->n == 0)
		return 0;
	if (w->too_large || w->n > ROW_GROUP_MAX)
		say(w, w->line, "more than %d rows, or %d MiB, have the key of this group; a message cannot have them all",
		    ROW_GROUP_MAX, ROW_BYTES_MAX >> 20);
	record.problem = span_sub(span_str(w->problem), 0, sizeof w->problem - 1);
	put_le64(w->head.p, w->problem_line);
	w->cells[0] = buf_span(&w->head);
	rc = rows_record_put(&w->out, &record, e);
	w->n = 0;
	w->n_cells = w->bytes = 0;
	w->problem_line = w->address_line = 0;
	w->problem[0] = '\0';
	arena_reset(&w->memory);
	return rc;
}

int group_writer_end(struct group_writer *w, struct rows_source *to, struct err *e)
{
	return end_group(w, e) < 0 ? -1 : rows_spool_give(&w->out, to, e);
}

/* ---- a row is added ---- */

static int room_for(struct group_writer *w, size_t n, struct err *e)
{
	size_t room = w->room ? w->room : 64;
	struct span *more;

	while (room < n)
		room *= 2;
	if (room == w->room)
		return 0;
	more = mem_grow(w->cells, room * sizeof *more);
	if (!more)
		return no_memory(e);
	w->cells = more;
	w->room = room;
	return 0;
}

static void look_at_address(struct group_writer *w, const struct part *p)
{
	if (p->address.n == 0 || w->how->addresses)
		return;
	if (w->address_line == 0) {
		w->address = p->address;
		w->address_line = p->line;
	} else if (!span_case_eq(w->address, p->address)) {
		say(w, p->line, "its address is %.*s, and that of line %llu is %.*s",
		    SPAN_ARG(span_sub(p->address, 0, ADDRESS_SHOWN)), (unsigned long long)w->address_line,
		    SPAN_ARG(span_sub(w->address, 0, ADDRESS_SHOWN)));
	}
}

static int begin_group(struct group_writer *w, const struct part *p, struct err *e)
{
	if (room_for(w, 1, e) < 0)
		return -1;
	w->line = p->line;
	w->n_cells = 1;
	w->too_large = false;
	buf_reset(&w->head);
	return buf_room(&w->head, NUMBER) ? (buf_grew(&w->head, NUMBER), 0) : no_memory(e);
}

static int copy_part(struct group_writer *w, struct part *p, struct err *e)
{
	unsigned char member[MEMBER];
	int ok = 1;

	if (room_for(w, w->n_cells + p->n, e) < 0)
		return -1;
	for (uint32_t i = 0; i < p->n && ok && (!w->too_large || w->n == 0); i++) {
		w->cells[w->n_cells++] = arena_copy(&w->memory, p->cells[i], &ok);
		w->bytes += p->cells[i].n;
	}
	if (ok)
		p->address = arena_copy(&w->memory, p->address, &ok);
	put_le64(member, p->number);
	put_le64(member + NUMBER, p->line);
	if (!ok || buf_add(&w->head, span_of((const char *)member, MEMBER)) < 0)
		return no_memory(e);
	w->n++;
	return 0;
}

static bool fits(const struct group_writer *w, const struct part *p)
{
	size_t bytes = w->bytes;

	for (uint32_t i = 0; i < p->n; i++)
		bytes += p->cells[i].n;
	return w->n == 0 || (bytes <= ROW_BYTES_MAX && w->n_cells + p->n <= GROUP_CELLS_MAX);
}

static int add_part(struct group_writer *w, struct part *p, struct err *e)
{
	if (w->n > 0 && p->first != w->first && end_group(w, e) < 0)
		return -1;
	w->first = p->first;
	if (w->n == 0 && begin_group(w, p, e) < 0)
		return -1;
	w->too_large |= p->too_many || !fits(w, p); /* (2) */
	if (copy_part(w, p, e) < 0)
		return -1;
	if (p->problem.n)
		say(w, p->line, "%.*s", SPAN_ARG(p->problem));
	else if (!p->has_key)
		say(w, p->line, "no value in the column '%.*s', by which rows are grouped",
		    SPAN_ARG(span_sub(w->list->columns.names[w->how->column], 0, ADDRESS_SHOWN)));
	look_at_address(w, p);
	return 0;
}

/* Borrowed from the row and from w->text. */
static int part_of(struct group_writer *w, uint64_t first, const struct row *row, struct span *object, struct part *out,
		   struct err *e)
{
	int at = w->how->address_column;

	*out = (struct part){ .first = first, .number = row->number, .line = row->line, .problem = row->problem,
			      .cells = row->cells, .n = row->n_cells };
	out->has_key = w->how->addresses || ((uint32_t)w->how->column < row->n_cells &&
					     span_trim(row->cells[w->how->column]).n > 0);
	if (at >= 0 && (uint32_t)at < row->n_cells)
		out->address = span_trim(row->cells[at]);
	if (!w->list->columns.objects)
		return 0;
	buf_reset(&w->text);
	if (row->object.kind == VALUE_OBJECT)
		json_write(row->object, &w->text);
	if (w->text.failed)
		return no_memory(e);
	if (!row->problem.n && value_member(row->object, SPAN("rows")).kind != VALUE_NIL)
		out->problem = SPAN("it has a member 'rows', and a letter to groups knows their rows by that name");
	*object = buf_span(&w->text);
	out->cells = object;
	out->n = 1;
	return 0;
}

int group_add_row(struct group_writer *w, uint64_t first, bool too_many, const struct row *row, struct err *e)
{
	struct span object;
	struct part part;

	if (part_of(w, first, row, &object, &part, e) < 0)
		return -1;
	part.too_many = too_many;
	return add_part(w, &part, e);
}

/* ---- shelves ---- */

int group_put_shelved(struct group_writer *w, struct rows_spool *shelf, uint64_t rank, uint64_t first,
		      bool too_many, const struct row *row, struct err *e)
{
	unsigned char head[SHELF_HEAD];
	struct span object;
	struct part part;
	struct rows_record record = { .line = row->line };

	if (part_of(w, first, row, &object, &part, e) < 0 || room_for(w, SHELF_CELLS + part.n, e) < 0)
		return -1;
	put_le64(head, rank);
	put_le64(head + NUMBER, first);
	put_le64(head + 2 * NUMBER, row->number);
	head[3 * NUMBER] = part.has_key;
	head[3 * NUMBER + 1] = too_many;
	w->cells[0] = span_of((const char *)head, SHELF_HEAD);
	w->cells[1] = part.address;
	memcpy(w->cells + SHELF_CELLS, part.cells, part.n * sizeof *part.cells);
	record.n = SHELF_CELLS + part.n;
	record.cells = w->cells;
	record.problem = part.problem;
	return rows_record_put(shelf, &record, e);
}

uint64_t group_shelved_rank(const struct rows_record *record)
{
	return get_le64(record->cells[0].p);
}

int group_add_shelved(struct group_writer *w, const struct rows_record *record, struct err *e)
{
	const char *head = record->cells[0].p;
	struct part part = {
		.first = get_le64(head + NUMBER), .number = get_le64(head + 2 * NUMBER), .line = record->line,
		.has_key = head[3 * NUMBER] != 0, .too_many = head[3 * NUMBER + 1] != 0, .problem = record->problem, .address = record->cells[1],
		.cells = record->cells + SHELF_CELLS, .n = record->n - SHELF_CELLS,
	};

	return add_part(w, &part, e);
}

/* ---- reading ---- */

struct group_reader {
	struct rows_reader front; /* first */
	struct rows_records records;
};

static struct group_reader *reader_of(struct rows_reader *r)
{
	return (struct group_reader *)(void *)r;
}

static void group_close(struct rows_reader *front)
{
	rows_records_close(&reader_of(front)->records);
	mem_free(front);
}

static int group_open(struct rows_reader **out, const struct rows_list *list, struct digest *digest, struct err *e)
{
	struct group_reader *r = mem_new(sizeof *r);

	(void)digest; /* of a list that was converted, rows.c takes it */
	*out = NULL;
	if (!r)
		return no_memory(e);
	r->front.list = list;
	if (rows_records_open(&r->records, &list->source, e) < 0) {
		group_close(&r->front);
		return -1;
	}
	*out = &r->front;
	return 0;
}

static int group_seek(struct rows_reader *front, const struct row_place *place, struct err *e)
{
	(void)e;
	rows_records_seek(&reader_of(front)->records, place->offset);
	return 0;
}

static int group_rewind(struct rows_reader *front, struct err *e)
{
	const struct row_place first = { .offset = 0 };

	return group_seek(front, &first, e);
}

/* All cells but the head, in the block; they stand one behind the other in the record. */
static struct span *take_cells(struct row_block *into, const struct rows_record *record)
{
	uint32_t n = record->n - 1;
	struct span *cells = arena_array(&into->memory, n ? n : 1, sizeof *cells), all = { NULL, 0 };
	int ok = 1;

	for (uint32_t i = 1; i < record->n; i++)
		all.n += record->cells[i].n;
	if (n > 0)
		all.p = record->cells[1].p;
	all = arena_copy(&into->memory, all, &ok);
	if (!cells || !ok)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		cells[i] = span_of(all.p, record->cells[i + 1].n);
		all.p += cells[i].n;
	}
	return cells;
}

/* A row of the group as the letter sees it among `rows`. */
static int object_of(struct row_block *into, const struct rows_list *list, const struct span *cells, struct value *out)
{
	const struct columns *columns = &list->columns;
	struct member *members;
	struct err why;

	*out = VALUE_OF_NIL;
	if (list->columns.objects)
		return cells[0].n == 0 || json_parse(cells[0], list->source.path, &into->memory, out, &why) == 0 ? 0 : -1;
	members = arena_array(&into->memory, columns->n, sizeof *members);
	if (!members)
		return -1;
	for (uint32_t i = 0; i < columns->n; i++)
		members[i] = (struct member){ columns->names[i], value_cell(cells[i]) };
	*out = (struct value){ .kind = VALUE_OBJECT, .n = columns->n, .members = members };
	return 0;
}

static int fill_group(struct row_block *into, const struct rows_list *list, const struct rows_record *record,
		      struct row_group *group, const struct span *cells)
{
	uint32_t n = (uint32_t)((record->cells[0].n - NUMBER) / MEMBER), each = cells_a_row(list);
	struct row_member *members = arena_array(&into->memory, n, sizeof *members);
	struct value *items = arena_array(&into->memory, n, sizeof *items);
	const char *head = record->cells[0].p;

	if (!members || !items)
		return -1;
	MUST((uint64_t)n * each >= record->n - 1);
	for (uint32_t i = 0; i < n; i++) {
		members[i] = (struct row_member){ get_le64(head + NUMBER + i * MEMBER), get_le64(head + MEMBER + i * MEMBER) };
		if ((i + 1) * each < record->n && object_of(into, list, cells + (size_t)i * each, &items[i]) < 0)
			return -1;
	}
	*group = (struct row_group){ .n_others = n - 1, .others = members + 1, .problem_line = get_le64(head),
				     .rows = { .kind = VALUE_ARRAY, .n = n, .items = items } };
	return 0;
}

static int add_row(struct rows_reader *front, struct row_block *into, const struct rows_record *record)
{
	const struct rows_list *list = front->list;
	struct row *row = &into->rows[into->n];
	struct row_group *group = arena_take(&into->memory, sizeof *group);
	struct span *cells = take_cells(into, record);
	int ok = 1;

	if (!group || !cells || fill_group(into, list, record, group, cells) < 0)
		return -1;
	*row = (struct row){ .number = get_le64(record->cells[0].p + NUMBER), .line = record->line, .offset = record->offset,
			     .n_cells = list->columns.n, .cells = cells, .group = group };
	row->problem = arena_copy(&into->memory, record->problem, &ok);
	if (list->columns.objects) {
		row->object = group->rows.items[0];
		cells = arena_array(&into->memory, row->n_cells, sizeof *cells);
		if (!cells || rows_json_cells(into, &list->members, row->object, cells) < 0)
			return -1;
		row->cells = cells;
	}
	into->n += ok != 0;
	return ok ? 0 : -1;
}

static int64_t group_read(struct rows_reader *front, struct row_block *into, uint32_t max, struct err *e)
{
	return rows_records_read(&reader_of(front)->records, front, add_row, into, max, e);
}

static uint64_t group_bytes_done(const struct rows_reader *front)
{
	const struct group_reader *r = (const struct group_reader *)(const void *)front;

	return r->records.base + r->records.at;
}

const struct rows_kind rows_kind_group = {
	.name = "groups",
	.open = group_open,
	.close = group_close,
	.rewind = group_rewind,
	.seek = group_seek,
	.read = group_read,
	.bytes_done = group_bytes_done,
};
