/* join.c - one pass over the list beside one over the ledger's records, both ascending by row: memory
 * does not grow with either. Held by tests/system/test_results.py. */
#include "engine/run/join.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/results/ledger.h"
#include "engine/results/results_log.h"

enum { ADDED = 5, READ_ROWS = 512, WRITE_AT = 64 << 10, BUF_MAX = 64 << 20, CODE_SIZE = 16, ID_SIZE = 1000 };

static const char *const names[ADDED] = { "mail_status", "mail_code", "mail_reply", "mail_time", "mail_id" };

struct fate { /* of one row: its worst recipient */
	bool known;
	struct verdict verdict;
	int64_t time_ms;
	char id[ID_SIZE];
};

struct joining {
	const struct join *job;
	struct rows *list;
	const struct columns *columns;
	int at[ADDED];        /* of each added column in the output */
	uint32_t n;           /* columns of the output */
	struct span *cells;
	struct ledger *ledger;
	struct ledger_cursor cursor;
	struct journal_result next; /* row 0: no more */
	struct verdict verdict;
	struct buf out;
	int fd;
	char temporary[4096];
	uint64_t rows;
};

static int write_out(struct joining *j, struct err *e)
{
	if (j->out.n && file_write_full(j->fd, j->out.p, j->out.n) < 0)
		return err_sys(e, "cannot write '%s'", j->job->out);
	buf_reset(&j->out);
	return 0;
}

static int put(struct joining *j, struct err *e)
{
	if (rows_put_csv(&j->out, j->cells, j->n) < 0)
		return err_nomem(e, "the table");
	return j->out.n >= WRITE_AT ? write_out(j, e) : 0;
}

static int next_record(struct joining *j, struct err *e)
{
	int rc = ledger_next_failed(j->ledger, &j->cursor, &j->next, &j->verdict, e);

	if (rc == 0)
		j->next.row = 0;
	return rc < 0 ? -1 : 0;
}

/* All records up to this row; those of rows that the list does not have are passed over. */
static int find_fate(struct joining *j, uint64_t row, struct fate *out, struct err *e)
{
	out->known = false;
	while (j->next.row && j->next.row <= row) {
		if (j->next.row == row &&
		    (!out->known || verdict_worst(out->verdict.kind, j->verdict.kind) != out->verdict.kind)) {
			out->known = true;
			out->verdict = j->verdict;
			out->time_ms = j->next.time_ms;
			snprintf(out->id, sizeof out->id, "%.*s", SPAN_ARG(span_sub(j->next.message_id, 0, ID_SIZE - 1)));
		}
		if (next_record(j, e) < 0)
			return -1;
	}
	return 0;
}

static int put_row(struct joining *j, const struct row *row, const struct fate *f, struct err *e)
{
	char code[CODE_SIZE] = "", time[CLOCK_RFC3339_SIZE] = "", reply[VERDICT_TEXT_MAX + 2] = "";
	const struct verdict *v = &f->verdict;

	if (f->known && v->code)
		snprintf(code, sizeof code, "%d", v->code);
	if (f->known && f->time_ms)
		clock_rfc3339(f->time_ms, time);
	if (f->known)
		snprintf(reply, sizeof reply, "%s%s", results_looks_like_formula(span_str(v->text)) ? "'" : "", v->text);
	for (uint32_t i = 0; i < j->columns->n; i++)
		j->cells[i] = i < row->n_cells ? row->cells[i] : (struct span){ NULL, 0 };
	j->cells[j->at[0]] = span_str(f->known ? verdict_word(v->kind) : "to_do");
	j->cells[j->at[1]] = span_str(code);
	j->cells[j->at[2]] = span_str(reply);
	j->cells[j->at[3]] = span_str(time);
	j->cells[j->at[4]] = span_str(f->known ? f->id : "");
	j->rows++;
	return put(j, e);
}

static int walk(struct joining *j, struct err *e)
{
	struct row_block *block = NULL;
	struct fate *fate = mem_new(sizeof *fate);
	int rc = fate ? row_block_new(&block, READ_ROWS) : -1;

	if (rc < 0)
		err_nomem(e, "the table");
	while (rc >= 0 && (rc = rows_read(j->list, block, READ_ROWS, e)) == 1) {
		for (uint32_t i = 0; i < block->n && rc >= 0; i++) {
			rc = find_fate(j, block->rows[i].number, fate, e);
			if (rc >= 0 && j->job->kinds & (fate->known ? 1u << fate->verdict.kind : (unsigned)JOIN_TO_DO))
				rc = put_row(j, &block->rows[i], fate, e);
		}
		row_block_reset(block);
	}
	row_block_free(&block);
	mem_free(fate);
	return rc < 0 ? -1 : 0;
}

static int same_list(const struct joining *j, struct err *e)
{
	unsigned char digest[32];

	if (!j->job->list_known || !rows_digest(j->list, digest) || memcmp(digest, j->job->digest, sizeof digest) == 0)
		return 0;
	err_set(e, ERR_CONFLICT, "this is not the list that the campaign was sent to");
	err_at(e, j->job->list, 0, 0);
	return err_hint(e, "rows are known by their place in it: give the list as it was");
}

static int begin(struct joining *j, struct err *e)
{
	struct rows_options opt = { .path = j->job->list, .ways = j->job->ways };

	if (rows_open(&j->list, &opt, e) < 0)
		return -1;
	rows_want_digest(j->list);
	j->columns = rows_columns(j->list);
	j->n = j->columns->n;
	j->cells = mem_array((size_t)j->n + ADDED, sizeof *j->cells);
	if (!j->cells)
		return err_nomem(e, "the table");
	memcpy(j->cells, j->columns->names, j->n * sizeof *j->cells);
	for (int i = 0; i < ADDED; i++) {
		j->at[i] = columns_find(j->columns, span_str(names[i]));
		if (j->at[i] < 0)
			j->at[i] = (int)j->n++;
		j->cells[j->at[i]] = span_str(names[i]);
	}
	return put(j, e) < 0 ? -1 : next_record(j, e);
}

static int open_out(struct joining *j, struct err *e)
{
	j->fd = STDOUT_FILENO;
	if (strcmp(j->job->out, "-") == 0)
		return 0;
	j->fd = -1;
	if ((size_t)snprintf(j->temporary, sizeof j->temporary, "%s.part", j->job->out) >= sizeof j->temporary)
		return err_set(e, ERR_INPUT, "the name of the output is too long");
	j->fd = open(j->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return j->fd < 0 ? err_sys(e, "cannot write '%s'", j->job->out) : 0;
}

static int close_out(struct joining *j, struct err *e)
{
	if (write_out(j, e) < 0)
		return -1;
	if (!j->temporary[0])
		return 0;
	if (fsync(j->fd) < 0 || rename(j->temporary, j->job->out) < 0)
		return err_sys(e, "cannot write '%s'", j->job->out);
	return file_sync_folder(j->job->out, e);
}

int join_write(const struct join *job, struct ledger *ledger, uint64_t *rows, struct err *e)
{
	struct joining *j = mem_new(sizeof *j);
	int rc = -1;

	if (!j)
		return err_nomem(e, "the table");
	j->job = job;
	j->ledger = ledger;
	j->cursor.sent_too = true;
	buf_init(&j->out, BUF_MAX);
	if (open_out(j, e) == 0 && begin(j, e) == 0 && walk(j, e) == 0 && same_list(j, e) == 0)
		rc = close_out(j, e);
	*rows = j->rows;
	if (j->temporary[0] && j->fd >= 0) {
		close(j->fd);
		if (rc < 0)
			unlink(j->temporary);
	}
	rows_close(&j->list);
	buf_release(&j->out);
	mem_free(j->cells);
	mem_free(j);
	return rc;
}
