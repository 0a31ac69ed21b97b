/* results_write.c - the whole results file, anew from the journal.
 *
 * Written under another name, synced, renamed: whoever opens the file sees the old one or the new
 * one. Lines come in the order of the journal, so memory does not depend on how many there are.
 * Held by tests/unit/test_results_log.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/results/journal_io.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/results_line.h"

enum { BATCH_BYTES = 256 << 10, BATCH_MAX = BATCH_BYTES + (64 << 10) };

struct output {
	int fd;
	const char *path;
	struct buf batch;
	const struct results_writer *writer;
	unsigned kinds; /* 1 << enum verdict_kind */
};

static int push(struct output *o, struct err *e)
{
	if (file_write_full(o->fd, o->batch.p, o->batch.n) < 0)
		return err_sys(e, "cannot write the results '%s'", o->path);
	buf_reset(&o->batch);
	return 0;
}

static int put(struct output *o, const struct journal_result *r, struct err *e)
{
	if (!(o->kinds & 1u << r->verdict->kind))
		return 0;
	if (o->writer->line(&o->batch, r) < 0)
		return err_nomem(e, "writing the results");
	return o->batch.n >= BATCH_BYTES ? push(o, e) : 0;
}

/* Lines of the recipients for whom this record is the last word. */
static int put_row(struct output *o, struct ledger *l, const struct record *record, const struct record_mark *m,
		   uint64_t row, uint64_t position, struct err *e)
{
	for (size_t i = 0; i < m->indexes.n; i++) {
		uint32_t index = (unsigned char)m->indexes.p[i];
		struct journal_result result;
		struct verdict verdict;

		if (!ledger_is_final(l, row, index, record->type, position))
			continue;
		if (ledger_result(l, record, row, index, &result, &verdict) < 0)
			return err_set(e, ERR_CONFLICT, "the journal of '%s' is damaged", l->results_path);
		if (put(o, &result, e) < 0)
			return -1;
	}
	return 0;
}

static int put_record(struct output *o, struct ledger *l, const struct record *record, const struct record_mark *m,
		      uint64_t position, struct err *e)
{
	struct record_rows rows = { .rest = record->others };
	int rc = 0;

	while (rc == 0 && record_next_row(&rows, m->row))
		rc = put_row(o, l, record, m, rows.now.number, position, e);
	return rc;
}

static int put_records(struct output *o, struct ledger *l, struct err *e)
{
	struct ledger_walk w = { .ledger = l };
	struct record record;
	uint64_t position;
	int rc;

	while ((rc = ledger_walk_next(&w, &record, &position, e)) > 0) {
		struct record_mark m;

		if (record.type == RECORD_SYNCED || record_get_mark(&record, &m) < 0)
			continue;
		rc = put_record(o, l, &record, &m, position, e);
		if (rc < 0)
			break;
	}
	ledger_walk_close(&w);
	return rc;
}

/* Recipients in doubt of whom nothing is recorded: claimed before a power cut. */
static int put_claimed(struct output *o, struct ledger *l, struct err *e)
{
	for (uint64_t row = 1; row < l->n_bytes; row++) {
		uint32_t of;

		if (l->bytes[row] != BYTE_CLAIMED && l->bytes[row] != BYTE_TABLE)
			continue;
		of = ledger_row_recipients(l, row);
		for (uint32_t i = 0; i < of; i++) {
			const struct ledger_entry *entry = ledger_table_find(&l->table, ledger_key(row, i));
			struct journal_result result;
			struct verdict verdict;

			if (l->bytes[row] == BYTE_TABLE && (!entry || !entry->claimed || entry->result_when || entry->intent_when))
				continue;
			ledger_result_claimed(row, i, &result, &verdict);
			if (put(o, &result, e) < 0)
				return -1;
		}
	}
	return 0;
}

/* Those whom the edited list does not have: what became of them stays known, without a row. */
static int put_gone(struct output *o, struct ledger *l, struct err *e)
{
	struct ledger_gone g = { .ledger = l };
	int rc;

	while ((rc = ledger_gone_next(&g, e)) > 0) {
		g.result.row = 0;
		rc = put(o, &g.result, e);
		if (rc < 0)
			break;
	}
	ledger_gone_end(&g);
	return rc;
}

static int sync_output(const struct output *o, struct err *e)
{
	int rc;

	do
		rc = journal_io.fdatasync(o->fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? err_sys(e, "cannot write the results '%s'", o->path) : 0;
}

static int write_all(struct output *o, struct ledger *l, struct err *e)
{
	if (o->writer->header(&o->batch) < 0)
		return err_nomem(e, "writing the results");
	if (l && (put_records(o, l, e) < 0 || put_claimed(o, l, e) < 0 || put_gone(o, l, e) < 0))
		return -1;
	return push(o, e) < 0 ? -1 : sync_output(o, e);
}

/* Everything under the other name. */
static int write_temporary(const char *temporary, const char *path, enum results_format format, unsigned kinds,
			   struct ledger *l, struct err *e)
{
	struct output o = { .path = path, .writer = results_writer_of(format), .kinds = kinds };
	int rc;

	if (unlink(temporary) < 0 && errno != ENOENT)
		return err_sys(e, "cannot write '%s'", temporary);
	o.fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o.fd < 0)
		return err_sys(e, "cannot write '%s'", temporary);
	buf_init(&o.batch, BATCH_MAX);
	rc = write_all(&o, l, e);
	buf_release(&o.batch);
	if (close(o.fd) < 0 && rc == 0)
		rc = err_sys(e, "cannot write the results '%s'", path);
	return rc;
}

static char *temporary_of(const char *path)
{
	size_t size = strlen(path) + sizeof ".new";
	char *name = mem_new(size);

	if (name)
		snprintf(name, size, "%s.new", path);
	return name;
}

int results_write(const char *path, enum results_format format, struct ledger *ledger, struct err *e)
{
	return results_write_some(path, format, ~0u, ledger, e);
}

int results_write_some(const char *path, enum results_format format, unsigned kinds, struct ledger *ledger,
		       struct err *e)
{
	char *temporary = temporary_of(path);
	int rc;

	if (!temporary)
		return err_nomem(e, "writing the results");
	rc = write_temporary(temporary, path, format, kinds, ledger, e);
	if (rc == 0 && journal_io.rename(temporary, path) < 0)
		rc = err_sys(e, "cannot replace '%s'", path);
	if (rc < 0)
		unlink(temporary);
	else
		rc = file_sync_folder(path, e);
	mem_free(temporary);
	return rc;
}

int results_side_path(const char *path, const char *word, const char *ending, char *out, size_t out_size)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
	bool known = dot && dot != name &&
		     (strcmp(dot, ".csv") == 0 || strcmp(dot, ".jsonl") == 0 || strcmp(dot, ".json") == 0);
	int stem = (int)(known ? (size_t)(dot - path) : strlen(path));
	int n = snprintf(out, out_size, "%.*s.%s.%s", stem, path, word, ending);

	return n > 0 && (size_t)n < out_size ? 0 : -1;
}
