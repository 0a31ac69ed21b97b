/* rows.c - the front door: one opened list, readers of it.
 *
 *  1. What is found when a list is opened (struct rows_list) is const afterwards: handles of
 *     rows_share() use it from other threads without a lock.
 *  2. An error that comes after some rows of the same call waits for the next call: no row that
 *     stands before the place of the error is lost.
 *  3. rows_fetch() has a reader of its own, so that the place of rows_read() stays.
 *  4. The digest is that of the list as it is. Where readers read what was made of it, the list is
 *     read for the digest alone, once they have come to the end.
 * Held by tests/unit/test_rows_open.c, test_rows_csv.c. */
#include "engine/rows/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "engine/rows/rows_parts.h"

enum { LIST_CHUNK_BYTES = 4 << 10, LIST_BYTES_MAX = 4 * ROW_BYTES_MAX, PROBLEM_MAX = 240,
       SHOWN_AMONG = 200, SHOWN_BYTES = 60 };

struct rows {
	struct rows_list *list;
	bool owner;
	struct rows_reader *reader;  /* of rows_read() */
	struct rows_reader *fetcher; /* of rows_fetch(), made when first used */
	bool want_digest, at_start;
	struct digest *digest;       /* NULL: not wanted yet */
	bool digest_done;
	unsigned char sum[SHA256_SIZE];
	bool failed;                 /* (2) */
	struct err failure;
};

/* A mistake of the list's own text may be ours: it was taken for what it is not. */
static void say_form(const struct rows_list *list, struct err *e)
{
	char hint[ERR_HINT_MAX];

	if (!e || e->kind != ERR_INPUT || !list->form[0])
		return;
	snprintf(hint, sizeof hint, "%s", e->hint);
	if (hint[0])
		err_hint(e, "%s (the list was read as %s)", hint, list->form);
	else
		err_hint(e, "the list was read as %s", list->form);
}

/* ---- opening ---- */

static int read_header(struct rows_list *list, struct err *e)
{
	struct rows_reader *r;
	struct span *names;
	uint32_t n;
	int rc;

	if (list->kind->open(&r, list, NULL, e) < 0)
		return -1;
	rc = list->kind->header(r, &list->memory, &names, &n, &list->start, e);
	list->kind->close(r);
	if (rc == 0 && list->kind == &rows_kind_json) { /* names of members are what they are */
		list->columns = (struct columns){ .n = n, .names = names, .objects = true, .open = list->members.more,
						  .form = list->form };
		return 0;
	}
	if (rc < 0 || (list->ways.no_header && rows_columns_given(list, n, &names, &n, e) < 0))
		return -1;
	return rows_columns_set(list, names, n, e);
}

static int check_ways(const struct rows_ways *w, struct err *e)
{
	if (w->no_header == (w->names != NULL))
		return 0;
	if (w->names)
		return err_set(e, ERR_INPUT, "--columns names the columns of a list without header: it wants --no-header");
	err_set(e, ERR_INPUT, "--no-header wants --columns: the letter's words for the cells");
	return err_hint(e, "as in --no-header --columns email,name,city");
}

static int open_list(struct rows_list *list, const struct rows_options *opt, struct err *e)
{
	int rc;

	arena_init(&list->memory, LIST_CHUNK_BYTES, LIST_BYTES_MAX);
	list->ways = opt->ways;
	if (check_ways(&list->ways, e) < 0 || rows_source_open(&list->source, opt->path, e) < 0)
		return -1;
	rc = rows_form_find(list, e) < 0 ? -1 : read_header(list, e);
	list->ways = (struct rows_ways){ .no_header = opt->ways.no_header };
	if (rc < 0)
		say_form(list, e);
	return rc;
}

void rows_note(struct rows_list *list, const char *kind, uint64_t line, const char *hint, const char *fmt, ...)
{
	struct rows_note *note = &list->notes[list->n_notes];
	va_list ap;

	if (list->n_notes == ROWS_NOTES_MAX)
		return;
	*note = (struct rows_note){ .kind = kind, .hint = hint, .line = line };
	va_start(ap, fmt);
	vsnprintf(note->text, sizeof note->text, fmt, ap);
	va_end(ap);
	list->n_notes++;
}

/* A handle on a list that is open. */
static int open_handle(struct rows *r, struct err *e)
{
	r->at_start = true;
	if (r->list->kind->open(&r->reader, r->list, NULL, e) < 0)
		return -1;
	return r->list->kind->rewind(r->reader, e);
}

/* What a wrong guess is full of, and names are not: signs beside letters, frames of DOS. */
static bool is_odd(int32_t c)
{
	return (c >= 0xa1 && c <= 0xbf) || c == 0xd7 || c == 0xf7 || (c >= 0x2c7 && c <= 0x2dd) || (c >= 0x2190 && c <= 0x25ff);
}

/* How much a row shows of its encoding: 0 nothing (ASCII), 1 letters, 2 odd signs. */
static unsigned tells(const struct row *row)
{
	unsigned most = 0;

	for (uint32_t k = 0; k < row->n_cells && most < 2; k++) {
		struct span cell = row->cells[k];

		if (utf8_ascii(cell))
			continue;
		most = 1;
		while (cell.n > 0 && most < 2)
			most += is_odd(utf8_take(&cell));
	}
	return most;
}

static void show_row(const struct row *row, char *out, size_t out_size)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	for (uint32_t i = 0; i < row->n_cells; i++) {
		buf_add_str(&text, i ? " | " : "");
		buf_add(&text, utf8_cut(row->cells[i], SHOWN_BYTES));
	}
	utf8_printable(buf_span(&text), out, out_size);
	buf_release(&text);
}

/* The guess is said with a row as it was read, so that a wrong one is seen: among the first that have
 * more than ASCII in them one with odd signs; where there is none (only the header has), the first. */
static int tell_guess(struct rows *r, struct err *e)
{
	struct row_block *block = NULL;
	char shown[ROWS_NOTE_BYTES / 2] = "";
	uint64_t line = 0;
	unsigned most = 0;

	if (row_block_new(&block, SHOWN_AMONG) < 0)
		return err_nomem(e, "opening the list");
	while (most == 0 && rows_read(r, block, SHOWN_AMONG, NULL) == 1) {
		for (uint32_t i = 0; i < block->n; i++) {
			unsigned now = tells(&block->rows[i]);

			if (line > 0 && now <= most)
				continue;
			most = now;
			line = block->rows[i].line;
			show_row(&block->rows[i], shown, sizeof shown);
		}
		row_block_reset(block);
	}
	rows_note(r->list, "encoding", line, "when that is wrong, say --encoding NAME",
		  "the list is not UTF-8 and does not say what it is; taken as %s%s%s", r->list->encoding,
		  line ? ", a row of it reads: " : "", shown);
	row_block_free(&block);
	return rows_rewind(r, e);
}

int rows_open(struct rows **out, const struct rows_options *opt, struct err *e)
{
	struct rows *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "opening the list");
	r->owner = true;
	r->list = mem_new(sizeof *r->list);
	if (!r->list) {
		err_nomem(e, "opening the list");
		goto fail;
	}
	if (open_list(r->list, opt, e) < 0 || open_handle(r, e) < 0 || (r->list->guessed && tell_guess(r, e) < 0))
		goto fail;
	*out = r;
	return 0;
fail:
	rows_close(&r);
	return -1;
}

int rows_share(struct rows **out, const struct rows *of, struct err *e)
{
	struct rows *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "opening the list");
	r->list = of->list;
	if (open_handle(r, e) < 0) {
		rows_close(&r);
		return -1;
	}
	*out = r;
	return 0;
}

int rows_group(struct rows **out, const struct rows *of, const struct rows_grouping *how, struct err *e)
{
	struct rows *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "the groups of the list");
	r->owner = true;
	r->list = mem_new(sizeof *r->list);
	if (!r->list) {
		err_nomem(e, "the groups of the list");
		goto fail;
	}
	arena_init(&r->list->memory, LIST_CHUNK_BYTES, LIST_BYTES_MAX);
	if (rows_group_make(r->list, of, how, e) < 0 || open_handle(r, e) < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	rows_close(&r);
	return -1;
}

const struct rows_list *rows_list_of(const struct rows *r)
{
	return r->list;
}

uint64_t rows_left_out(const struct rows *r)
{
	return r->list->left_out;
}

static void close_list(struct rows_list *list)
{
	rows_source_close(&list->source);
	arena_release(&list->memory);
	mem_free(list);
}

void rows_close(struct rows **r)
{
	struct rows *old = *r;

	if (!old)
		return;
	if (old->list) {
		if (old->reader)
			old->list->kind->close(old->reader);
		if (old->fetcher)
			old->list->kind->close(old->fetcher);
		if (old->owner)
			close_list(old->list);
	}
	digest_free(&old->digest);
	mem_free(old);
	*r = NULL;
}

/* ---- reading ---- */

/* The reader begins anew with a digest. */
static int start_digest(struct rows *r, struct err *e)
{
	const struct rows_kind *kind = r->list->kind;
	struct rows_reader *reader;

	if (digest_new(&r->digest, DIGEST_SHA256, e) < 0)
		return -1;
	if (rows_source_is_made(&r->list->source)) /* (4) */
		return r->list->kind->rewind(r->reader, e);
	if (kind->open(&reader, r->list, r->digest, e) < 0) {
		digest_free(&r->digest);
		return -1;
	}
	kind->close(r->reader);
	r->reader = reader;
	return kind->rewind(reader, e);
}

int rows_rewind(struct rows *r, struct err *e)
{
	unsigned char unused[DIGEST_MAX];

	r->failed = r->digest_done = false;
	r->at_start = true;
	if (r->want_digest && !r->digest)
		return start_digest(r, e);
	if (r->digest)
		digest_end(r->digest, unused); /* begins anew */
	return r->list->kind->rewind(r->reader, e);
}

/* 0 the end; the digest is complete, because the reader saw the end of the file. */
static int end_of_list(struct rows *r, struct err *e)
{
	if (r->digest && !r->digest_done) {
		if (rows_source_is_made(&r->list->source) && rows_source_digest(&r->list->source, r->digest, e) < 0)
			return -1;
		if (digest_end(r->digest, r->sum) == 0)
			return err_nomem(e, "the digest of the list");
		r->digest_done = true;
	}
	return 0;
}

int rows_read(struct rows *r, struct row_block *into, uint32_t max, struct err *e)
{
	uint32_t before = into->n, room = into->capacity - into->n;
	int64_t got;

	MUST(max > 0 && room > 0);
	if (r->at_start && r->want_digest && !r->digest && start_digest(r, e) < 0)
		return -1;
	r->at_start = false;
	if (!r->failed) {
		got = r->list->kind->read(r->reader, into, max < room ? max : room, &r->failure);
		r->failed = got < 0;
		if (r->failed)
			say_form(r->list, &r->failure);
		if (rows_columns_hold(r->list, into, before, e) < 0)
			return -1;
		if (into->n > before)
			return 1;
		if (got >= 0)
			return end_of_list(r, e);
	}
	if (e)
		*e = r->failure;
	return -1;
}

static int fetch_one(struct rows *r, const struct row_place *place, struct row_block *into, struct err *e)
{
	const struct rows_kind *kind = r->list->kind;
	int64_t got;

	MUST(into->n < into->capacity);
	if (kind->seek(r->fetcher, place, e) < 0)
		return -1;
	got = kind->read(r->fetcher, into, 1, e);
	if (got > 0)
		return rows_columns_hold(r->list, into, into->n - 1, e);
	if (got == 0) {
		err_set(e, ERR_INPUT, "the list ends before row %llu: it was changed meanwhile",
			(unsigned long long)place->number);
		return err_at(e, r->list->source.path, place->line, 0);
	}
	return -1;
}

int rows_fetch(struct rows *r, const struct row_place *places, uint32_t n, struct row_block *into, struct err *e)
{
	if (!r->fetcher && r->list->kind->open(&r->fetcher, r->list, NULL, e) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (fetch_one(r, &places[i], into, e) < 0)
			return -1;
	return 0;
}

/* ---- what is known ---- */

const struct columns *rows_columns(const struct rows *r)
{
	return &r->list->columns;
}

const char *rows_form(const struct rows *r)
{
	return r->list->form;
}

void rows_tell(const struct rows *r, struct finding_sink *to)
{
	for (unsigned i = 0; i < r->list->n_notes; i++) {
		const struct rows_note *n = &r->list->notes[i];

		finding_say(to, FINDING_WARNING, n->kind, r->list->source.path, n->line, 0, n->hint, "%s", n->text);
	}
}

uint64_t rows_bytes_done(const struct rows *r)
{
	return r->list->kind->bytes_done(r->reader);
}

uint64_t rows_bytes(const struct rows *r)
{
	return r->list->source.size_bytes;
}

void rows_want_digest(struct rows *r)
{
	r->want_digest = true;
}

bool rows_digest(const struct rows *r, unsigned char out[32])
{
	if (r->digest_done)
		memcpy(out, r->sum, sizeof r->sum);
	return r->digest_done;
}

int rows_stamp(const struct rows *r, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e)
{
	return rows_source_stamp(&r->list->source, size_bytes, mtime_ns, e);
}

int rows_problem(struct row_block *b, struct row *row, const char *fmt, ...)
{
	char raw[PROBLEM_MAX], text[PROBLEM_MAX];
	va_list ap;
	int ok;

	va_start(ap, fmt);
	if (vsnprintf(raw, sizeof raw, fmt, ap) < 0)
		raw[0] = '\0';
	va_end(ap);
	utf8_printable(span_str(raw), text, sizeof text);
	row->problem = arena_copy(&b->memory, span_str(text), &ok);
	return ok ? 0 : -1;
}
