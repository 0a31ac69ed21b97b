/* side_files.c - the user's own rows again: those that failed, and those in doubt.
 *
 * One pass over the list beside one pass over the journal's failed records, both ascending by row;
 * memory does not grow with either. Each file is written under a temporary name and renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/results/results_log.h"
#include "engine/rows/json.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"

enum { WRITE_AT = 64 << 10, BUF_MAX = 64 << 20, READ_ROWS = 512, PATH_MAX_HERE = 512 };

/* As those of `results --join`: a column of the user's own keeps its words, one of ours is replaced. */
#define REASON "mail_reason"

struct side_file {
	char path[PATH_MAX_HERE], temporary[PATH_MAX_HERE + 8];
	int fd; /* -1: nothing was to be written yet */
	struct buf out;
	uint64_t rows;
};

struct side_pass {
	const struct columns *columns;
	int reason_column;          /* of the list, or -1: it is added */
	struct span *cells;         /* columns.n + 2 */
	struct ledger *ledger;
	struct ledger_cursor at;
	struct journal_result next; /* row 0: no more */
	struct verdict verdict;
	struct side_file failed, in_doubt;
	uint64_t mixed; /* rows whose recipients fared differently */
};

static int write_out(struct side_file *f, struct err *e)
{
	if (f->out.failed)
		return err_nomem(e, f->path);
	if (f->out.n && file_write_full(f->fd, f->out.p, f->out.n) < 0)
		return err_sys(e, "cannot write '%s'", f->temporary);
	buf_reset(&f->out);
	return 0;
}

static int begin_file(struct side_pass *p, struct side_file *f, struct err *e)
{
	uint32_t n = p->columns->n;

	snprintf(f->temporary, sizeof f->temporary, "%s.part", f->path);
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return err_sys(e, "cannot write '%s'", f->temporary);
	if (p->columns->objects)
		return 0; /* JSON has no header */
	memcpy(p->cells, p->columns->names, n * sizeof *p->cells);
	if (p->reason_column < 0)
		p->cells[n++] = SPAN(REASON);
	if (rows_put_csv(&f->out, p->cells, n) < 0)
		return err_nomem(e, f->path);
	return 0;
}

/* Members that other rows of the list have and this one has not, as null: the letter may name them, and a
 * list of its own may consist of such rows only. */
static void put_others(const struct columns *columns, const struct value *object, struct buf *out)
{
	for (uint32_t i = 0; i < columns->n; i++) {
		bool has = span_eq(columns->names[i], SPAN(REASON));

		for (uint32_t k = 0; k < object->n && !has; k++)
			has = span_eq(object->members[k].key, columns->names[i]);
		if (has)
			continue;
		json_write(value_text(columns->names[i]), out);
		buf_add_str(out, ":null,");
	}
}

/* A row of JSON stays one, with all that is in it; of one that was no object only its line is known. */
static int put_object(const struct side_pass *p, struct side_file *f, const struct row *row, struct span reason,
		      struct err *e)
{
	struct member none = { SPAN("line"), value_int((int64_t)row->line) };
	struct value object = { .kind = VALUE_OBJECT, .n = 1, .members = &none };

	if (row->object.kind == VALUE_OBJECT)
		object = row->object;
	buf_add_char(&f->out, '{');
	for (uint32_t i = 0; i < object.n; i++) {
		if (span_eq(object.members[i].key, SPAN(REASON)))
			continue;
		json_write(value_text(object.members[i].key), &f->out);
		buf_add_char(&f->out, ':');
		json_write(object.members[i].value, &f->out);
		buf_add_char(&f->out, ',');
	}
	if (f->rows == 0)
		put_others(p->columns, &object, &f->out);
	buf_add_str(&f->out, "\"" REASON "\":");
	json_write(value_text(reason), &f->out);
	if (buf_add_str(&f->out, "}\n") < 0)
		return err_nomem(e, f->path);
	f->rows++;
	return f->out.n >= WRITE_AT ? write_out(f, e) : 0;
}

static int put_row(struct side_pass *p, struct side_file *f, const struct row *row, struct span reason, struct err *e)
{
	uint32_t n = p->columns->n;

	if (f->fd < 0 && begin_file(p, f, e) < 0)
		return -1;
	if (p->columns->objects)
		return put_object(p, f, row, reason, e);
	for (uint32_t i = 0; i < n; i++)
		p->cells[i] = i < row->n_cells && !row->raw.p ? row->cells[i] : (struct span){ NULL, 0 };
	if (row->problem.n) { /* never a row again before somebody has mended it: it has a cell too many */
		if (row->raw.p)
			p->cells[0] = row->raw;
		if (p->reason_column < 0)
			p->cells[n++] = SPAN("");
		p->cells[n++] = reason;
	} else {
		p->cells[p->reason_column < 0 ? n++ : (uint32_t)p->reason_column] = reason;
	}
	if (rows_put_csv(&f->out, p->cells, n) < 0)
		return err_nomem(e, f->path);
	f->rows++;
	return f->out.n >= WRITE_AT ? write_out(f, e) : 0;
}

static int next_record(struct side_pass *p, struct err *e)
{
	int rc = ledger_next_failed(p->ledger, &p->at, &p->next, &p->verdict, e);

	if (rc == 0)
		p->next.row = 0;
	return rc < 0 ? -1 : 0;
}

static bool is_mistake_of_ours(const struct verdict *v)
{
	return v->kind == VERDICT_SKIPPED && v->stage && strcmp(v->stage, "render") == 0;
}

static void say_reason(const struct verdict *v, char *out, size_t out_size)
{
	if (v->code)
		snprintf(out, out_size, "%s: %d %s", verdict_word(v->kind), v->code, v->text);
	else
		snprintf(out, out_size, "%s: %s", verdict_word(v->kind), v->text);
}

/* All records of this row. It is written when the same is true of all its recipients: sent again as
 * it stands, a row of which some were sent would mail those twice. */
static int take_row(struct side_pass *p, const struct row *row, struct err *e)
{
	char reason[VERDICT_TEXT_MAX + 64] = "";
	uint32_t of = p->next.row == row->number ? p->next.of : 0, failed = 0, doubt = 0;

	while (p->next.row == row->number) {
		const struct verdict *v = &p->verdict;

		if (v->kind == VERDICT_IN_DOUBT)
			doubt++;
		else if (v->kind == VERDICT_REFUSED || v->kind == VERDICT_DEFERRED || is_mistake_of_ours(v))
			failed++;
		if (!reason[0] && failed + doubt > 0)
			say_reason(v, reason, sizeof reason);
		if (next_record(p, e) < 0)
			return -1;
	}
	if (failed + doubt == 0)
		return 0;
	if (of == 0) /* claimed before a power cut, and nothing else is known */
		of = 1;
	if (failed == of)
		return put_row(p, &p->failed, row, span_str(reason), e);
	if (doubt == of)
		return put_row(p, &p->in_doubt, row, span_str(reason), e);
	p->mixed++;
	return 0;
}

static int walk(struct side_pass *p, struct rows *list, struct err *e)
{
	struct row_block *block = NULL;
	int rc = row_block_new(&block, READ_ROWS);

	if (rc < 0)
		return err_nomem(e, "the side files");
	while (p->next.row && (rc = rows_read(list, block, READ_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && rc >= 0; i++) {
			while (p->next.row && p->next.row < block->rows[i].number && rc >= 0)
				rc = next_record(p, e); /* a row that the list no longer has */
			if (rc >= 0)
				rc = take_row(p, &block->rows[i], e);
		}
		if (rc < 0)
			break;
		row_block_reset(block);
	}
	row_block_free(&block);
	return rc < 0 ? -1 : 0;
}

/* Puts the file in place, or takes away that of an earlier run when this one has no rows. */
static int end_file(struct side_file *f, char *path_out, size_t path_size, struct err *e)
{
	if (f->fd < 0) {
		if (unlink(f->path) < 0 && errno != ENOENT)
			return err_sys(e, "cannot remove '%s'", f->path);
		return 0;
	}
	if (write_out(f, e) < 0)
		return -1;
	if (file_sync(f->fd) < 0 || rename(f->temporary, f->path) < 0)
		return err_sys(e, "cannot write '%s'", f->path);
	if (file_sync_folder(f->path, e) < 0)
		return -1;
	snprintf(path_out, path_size, "%s", f->path);
	return 0;
}

static int name_file(const struct campaign *c, struct side_file *f, const char *word, struct err *e)
{
	const char *form = rows_columns(c->list)->objects ? "jsonl" : "csv";

	f->fd = -1;
	buf_init(&f->out, BUF_MAX);
	if (results_side_path(c->job->results, word, form, f->path, sizeof f->path) < 0)
		return err_set(e, ERR_LIMIT, "the name of the results file is too long");
	return 0;
}

static void drop_file(struct side_file *f)
{
	if (f->fd >= 0) {
		close(f->fd);
		unlink(f->temporary); /* there only when it was not renamed */
	}
	buf_release(&f->out);
}

int side_files_write(struct campaign *c, struct ledger *ledger, struct campaign_result *out, struct err *e)
{
	struct rows *list = NULL;
	struct side_pass p = { .columns = rows_columns(c->list), .ledger = ledger };
	int rc = -1;

	if (campaign_list_changed(c, c->list, e)) {
		log_line(LOG_WARNING, "%s: %s; no file of failed rows was made from it", c->job->list, e->text);
		return 0;
	}
	p.reason_column = columns_find(p.columns, SPAN(REASON));
	p.cells = mem_array((size_t)p.columns->n + 2, sizeof *p.cells);
	if (!p.cells)
		return err_nomem(e, "the side files");
	if (name_file(c, &p.failed, "failed", e) == 0 && name_file(c, &p.in_doubt, "in-doubt", e) == 0 &&
	    next_record(&p, e) == 0 && rows_share(&list, c->rows, e) == 0 && walk(&p, list, e) == 0 &&
	    end_file(&p.failed, out->failed_path, sizeof out->failed_path, e) == 0)
		rc = end_file(&p.in_doubt, out->in_doubt_path, sizeof out->in_doubt_path, e);
	if (rc == 0 && p.mixed > 0)
		log_line(LOG_NOTE, "%llu row%s with several recipients, of whom some were not sent to, stand%s only in %s: "
			 "sent again as a whole %s would mail the others twice", (unsigned long long)p.mixed,
			 p.mixed == 1 ? "" : "s", p.mixed == 1 ? "s" : "", c->job->results,
			 p.mixed == 1 ? "it" : "they");
	rows_close(&list);
	drop_file(&p.failed);
	drop_file(&p.in_doubt);
	mem_free(p.cells);
	return rc;
}
