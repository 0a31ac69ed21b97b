/* rows_json.c - JSON lines, objects one behind the other, and an array of objects.
 *
 * The text is cut into its elements once, when the list is opened: each becomes a record of its line
 * and its bytes (rows_records.h), and is parsed when it is read. So a row can be found again, and no
 * more than one element is held, however large the array.
 *
 *  1. Cutting needs strings and brackets only. An element that is no JSON, or no object, is a row
 *     with a problem; the next one begins behind the next comma in an array, and at the next line
 *     where the first object is one line: so a bracket that is not closed costs one row.
 *  2. The columns are the members of all objects, in the order in which they first come; the records are
 *     gone through for them once. When they are too many, an object may have others: columns.open.
 *  3. A cell is the member as text, for what wants text (addresses, the side files); the letter's
 *     words are the values themselves, arrays and objects too (row.object).
 * Held by tests/unit/test_rows_lists.c and tests/system/test_lists.py. */
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/json.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_records.h"

enum { PIECE = 64 << 10, SURVEY_CHUNK = 64 << 10, NAME_SHOWN = 80 };

/* ---- cutting ---- */

struct cutting {
	const struct rows_source *from;
	struct rows_spool to;
	struct buf element;  /* bytes of the one that is cut */
	uint64_t line;       /* of the next byte */
	uint64_t element_line;
	unsigned depth;      /* brackets that are open in the element */
	bool array, begun_array, ended_array; /* all elements stand in one array */
	bool decided, lines; /* the first object ends where its line does: so each line is one */
	bool inside;         /* of an element */
	bool quoted, escaped;
	bool comma;          /* one was read since the last element */
	uint64_t elements;
};

static int unlike(const struct cutting *c, const char *what, struct err *e)
{
	err_set(e, ERR_INPUT, "%s", what);
	err_hint(e, "a list in JSON is an object a line, or one array of objects");
	return err_at(e, c->from->path, c->line, 0);
}

static int end_element(struct cutting *c, struct err *e)
{
	struct span bytes = span_trim(buf_span(&c->element));
	struct rows_record record = { .line = c->element_line, .n = 1, .cells = &bytes };

	c->inside = c->comma = false;
	c->depth = 0;
	c->quoted = c->escaped = false;
	c->elements++;
	return rows_record_put(&c->to, &record, e);
}

static int begin_element(struct cutting *c, struct err *e)
{
	if (c->array && c->elements > 0 && !c->comma)
		return unlike(c, "a comma is missing between two elements of the array", e);
	c->inside = true;
	c->element_line = c->line;
	buf_reset(&c->element);
	return 0;
}

/* A byte between elements. 1: it begins one. */
static int between(struct cutting *c, char byte, struct err *e)
{
	if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
		return 0;
	if (c->ended_array)
		return unlike(c, "text behind the end of the array", e);
	if (c->array && !c->begun_array) { /* it is the '[' by which the form was known */
		c->begun_array = true;
		return 0;
	}
	if (c->array && byte == ']') {
		if (c->comma)
			return unlike(c, "the array ends behind a comma", e);
		c->ended_array = true;
		return 0;
	}
	if (byte == ',' && c->array) {
		if (c->comma || c->elements == 0)
			return unlike(c, "an element of the array is missing before this comma", e);
		c->comma = true;
		return 0;
	}
	return begin_element(c, e) < 0 ? -1 : 1;
}

/* A byte of an element. 1: it is not part of it, which has ended before. */
static int within(struct cutting *c, char byte)
{
	if (byte == '\n' && !c->array && (c->lines || c->quoted)) /* no text has a line end in it */
		return 1;
	if (c->quoted) {
		if (c->escaped)
			c->escaped = false;
		else if (byte == '\\')
			c->escaped = true;
		else
			c->quoted = byte != '"';
		return 0;
	}
	if (byte == '"')
		c->quoted = true;
	else if (byte == '{' || byte == '[')
		c->depth++;
	else if ((byte == '}' || byte == ']') && c->depth > 0)
		c->depth--;
	else if (c->depth == 0)
		return c->array ? byte == ',' || byte == ']' : byte == '\n';
	return 0;
}

static int take(struct cutting *c, char byte, struct err *e)
{
	int rc;

	if (byte == '\n' && !c->decided && (c->inside || c->elements > 0)) {
		c->decided = true;
		c->lines = !c->inside || c->depth == 0;
	}
	rc = c->inside ? 0 : between(c, byte, e);
	if (rc < 0)
		return -1;
	if (c->inside) {
		if (within(c, byte)) {
			if (end_element(c, e) < 0 || between(c, byte, e) < 0)
				return -1;
		} else {
			buf_add_char(&c->element, byte);
			if (c->element.failed && c->element.n < ROW_BYTES_MAX)
				return err_nomem(e, "reading the list");
			if (c->element.failed) {
				err_set(e, ERR_INPUT, "the element that begins here is over %d MiB", ROW_BYTES_MAX >> 20);
				err_hint(e, "a bracket or quote in it is most likely never closed");
				return err_at(e, c->from->path, c->element_line, 0);
			}
			/* objects may stand one behind the other */
			if (!c->array && c->depth == 0 && !c->quoted && byte == '}' && end_element(c, e) < 0)
				return -1;
		}
	}
	c->line += byte == '\n';
	return 0;
}

static int cut(struct cutting *c, struct err *e)
{
	char *p = mem_grow(NULL, PIECE);
	uint64_t at = 0;
	ssize_t got = -1;
	int rc = 0;

	if (!p)
		return err_nomem(e, "reading the list");
	while (rc == 0 && (got = rows_source_read(c->from, p, PIECE, at, e)) > 0) {
		ssize_t from = at == 0 && span_begins(span_of(p, (size_t)got), SPAN("\xef\xbb\xbf")) ? 3 : 0;

		at += (uint64_t)got;
		for (ssize_t i = from; i < got && rc == 0; i++)
			rc = take(c, p[i], e);
	}
	mem_free(p);
	if (rc < 0 || got < 0)
		return -1;
	if (c->inside && c->array) {
		err_set(e, ERR_INPUT, "the list ends within the element that begins here");
		return err_at(e, c->from->path, c->element_line, 0);
	}
	if (c->inside && end_element(c, e) < 0)
		return -1;
	if (c->array && !c->ended_array)
		return unlike(c, "the array has no end", e);
	return 0;
}

/* ---- the columns ---- */

/* 0; 1 it is no object: e says why, with the line of the list; -1 no memory. */
static int parse(const struct rows_record *record, const char *path, struct arena *a, struct value *out, struct err *e)
{
	if (json_parse(record->cells[0], path, a, out, e) < 0) {
		if (e->kind == ERR_NOMEM)
			return -1;
		e->line += record->line - 1;
		return 1;
	}
	if (out->kind == VALUE_OBJECT)
		return 0;
	err_set(e, ERR_INPUT, "not an object of the form {\"email\": \"...\"}");
	e->line = record->line;
	return 1;
}

static int survey(struct rows_list *list, struct rows_records *records, struct arena *scratch, struct err *e)
{
	struct json_names *names = &list->members;
	struct rows_record record;
	struct value object;
	struct err unused;
	int rc;

	while (!names->more && (rc = rows_records_next(records, &record, e)) != 0) {
		if (rc < 0)
			return -1;
		if (json_names_cover(names, record.cells[0]))
			continue;
		arena_reset(scratch);
		rc = parse(&record, list->source.path, scratch, &object, &unused);
		if (rc < 0)
			return err_nomem(e, "the columns of the list");
		if (rc == 0 && json_names_add(names, &list->memory, object, e) < 0)
			return -1;
	}
	return 0;
}

static int find_columns(struct rows_list *list, struct err *e)
{
	struct rows_records records;
	struct arena scratch;
	int rc;

	arena_init(&scratch, SURVEY_CHUNK, SIZE_MAX / 2);
	rc = rows_records_open(&records, &list->source, e) < 0 ? -1 : survey(list, &records, &scratch, e);
	rows_records_close(&records);
	arena_release(&scratch);
	if (rc == 0 && list->members.more)
		rows_note(list, "many columns", 0, "values that are known by names of their own belong into an object within the row",
			  "the objects have members of more than %d different names: one that the letter misspells may not be found",
			  (int)list->members.n);
	return rc;
}

int rows_json_take(struct rows_list *list, bool array, struct err *e)
{
	struct cutting c = { .from = &list->source, .to = { .fd = -1 }, .line = 1, .array = array };
	int rc = -1;

	buf_init(&c.element, ROW_BYTES_MAX);
	if (rows_spool_open(&c.to, e) == 0 && cut(&c, e) == 0)
		rc = rows_spool_give(&c.to, &list->source, e);
	rows_spool_close(&c.to);
	buf_release(&c.element);
	if (rc < 0)
		return -1;
	list->kind = &rows_kind_json;
	snprintf(list->form, sizeof list->form, "JSON, %s, %s%s", array ? "an array" : "an object a line", list->encoding,
		 list->guessed ? " (a guess)" : "");
	return find_columns(list, e);
}

/* ---- reading ---- */

struct json_reader {
	struct rows_reader front; /* first */
	struct rows_records records;
};

static struct json_reader *reader_of(struct rows_reader *r)
{
	return (struct json_reader *)(void *)r;
}

static void json_close(struct rows_reader *front)
{
	rows_records_close(&reader_of(front)->records);
	mem_free(front);
}

static int json_open(struct rows_reader **out, const struct rows_list *list, struct digest *digest, struct err *e)
{
	struct json_reader *r = mem_new(sizeof *r);

	(void)digest; /* of a list that was converted, rows.c takes it */
	*out = NULL;
	if (!r)
		return err_nomem(e, "reading the list");
	r->front.list = list;
	if (rows_records_open(&r->records, &list->source, e) < 0) {
		json_close(&r->front);
		return -1;
	}
	*out = &r->front;
	return 0;
}

static int json_header(struct rows_reader *front, struct arena *memory, struct span **names, uint32_t *n,
		       struct rows_start *start, struct err *e)
{
	const struct rows_list *list = front->list;

	(void)memory;
	if (list->members.n == 0) {
		err_set(e, ERR_INPUT, "the list has no objects with members");
		err_hint(e, "a row in JSON is an object, as in {\"email\": \"ann@example.com\", \"name\": \"Ann\"}");
		return err_at(e, list->source.path, 0, 0);
	}
	*names = list->members.names;
	*n = list->members.n;
	*start = (struct rows_start){ 0, .line = 1, .offset = 0 };
	return 0;
}

static int json_seek(struct rows_reader *front, const struct row_place *place, struct err *e)
{
	(void)e;
	rows_records_seek(&reader_of(front)->records, place->offset);
	front->number = place->number - 1;
	return 0;
}

static int json_rewind(struct rows_reader *front, struct err *e)
{
	const struct row_place first = { .number = 1, .offset = 0 };

	return json_seek(front, &first, e);
}

/* A member as text; what is in it stays JSON. */
static int cell_of(struct arena *a, struct value v, struct span *out)
{
	struct buf text;
	int ok = 1;

	if (v.kind == VALUE_TEXT || v.kind == VALUE_CELL) {
		*out = value_span(v);
		return 0;
	}
	*out = (struct span){ NULL, 0 };
	if (v.kind == VALUE_NIL)
		return 0;
	buf_init(&text, ROW_BYTES_MAX);
	if (v.kind == VALUE_BOOL)
		buf_add_str(&text, v.b ? "true" : "false");
	else
		json_write(v, &text);
	*out = arena_copy(a, buf_span(&text), &ok);
	ok = ok && !text.failed;
	buf_release(&text);
	return ok ? 0 : -1;
}

int rows_json_cells(struct row_block *into, const struct json_names *names, struct value object, struct span *cells)
{
	int column = -1;

	for (uint32_t i = 0; i < object.n; i++) {
		int found = json_names_find(names, object.members[i].key, (uint32_t)(column + 1));

		if (found < 0)
			continue;
		column = found;
		if (cell_of(&into->memory, object.members[i].value, &cells[column]) < 0)
			return -1;
	}
	return 0;
}

/* However deep: no message carries it. */
static bool has_nul(struct value v)
{
	if (v.kind == VALUE_TEXT)
		return span_find(value_span(v), '\0') < v.n;
	for (uint32_t i = 0; v.kind == VALUE_ARRAY && i < v.n; i++)
		if (has_nul(v.items[i]))
			return true;
	for (uint32_t i = 0; v.kind == VALUE_OBJECT && i < v.n; i++)
		if (has_nul(v.members[i].value))
			return true;
	return false;
}

static int tell_nul(struct row_block *into, struct row *row)
{
	for (uint32_t i = 0; i < row->object.n; i++)
		if (has_nul(row->object.members[i].value))
			return rows_problem(into, row, "the value of '%.*s' has a NUL character (\\u0000)",
					    SPAN_ARG(span_sub(row->object.members[i].key, 0, NAME_SHOWN)));
	return 0;
}

static int add_row(struct rows_reader *front, struct row_block *into, const struct rows_record *record)
{
	const struct columns *columns = &front->list->columns;
	struct span *cells = arena_array(&into->memory, columns->n, sizeof *cells);
	struct row *row = &into->rows[into->n];
	struct value object = VALUE_OF_NIL;
	struct err why = { 0 };
	int rc;

	if (!cells)
		return -1;
	rc = parse(record, front->list->source.path, &into->memory, &object, &why);
	if (rc < 0 || (rc == 0 && rows_json_cells(into, &front->list->members, object, cells) < 0))
		return -1;
	*row = (struct row){ .number = ++front->number, .line = record->line, .offset = record->offset,
			     .n_cells = columns->n, .cells = cells };
	into->n++;
	if (rc == 0) {
		row->object = object;
		return span_search(record->cells[0], SPAN("\\u0000")) < record->cells[0].n ? tell_nul(into, row) : 0;
	}
	if (why.column)
		return rows_problem(into, row, "%s, line %llu character %llu", why.text, (unsigned long long)why.line,
				    (unsigned long long)why.column);
	return rows_problem(into, row, "%s", why.text);
}

static int64_t json_read(struct rows_reader *front, struct row_block *into, uint32_t max, struct err *e)
{
	return rows_records_read(&reader_of(front)->records, front, add_row, into, max, e);
}

static uint64_t json_bytes_done(const struct rows_reader *front)
{
	const struct json_reader *r = (const struct json_reader *)(const void *)front;

	return r->records.base + r->records.at;
}

const struct rows_kind rows_kind_json = {
	.name = "JSON",
	.open = json_open,
	.close = json_close,
	.header = json_header,
	.rewind = json_rewind,
	.seek = json_seek,
	.read = json_read,
	.bytes_done = json_bytes_done,
};
