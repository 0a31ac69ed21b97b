/* results_log.c - follows the segments of one run and writes what they say.
 *
 *  1. Only what is in a segment's file becomes a line: the journal is ahead of the results, always.
 *  2. Reading stops while lines wait that could not be written: memory is bounded, and nothing is
 *     lost because the segments keep it.
 *  3. A line is written whole or tried again from where the file stopped taking it.
 *  4. Totals count a recipient once, with the newest verdict: by attempt, not by the order in
 *     which segments are read. Only recipients that can still change, or that were tried more
 *     than once, are remembered.
 * Held by tests/unit/test_results_log.c. */
#include "engine/results/results_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/results/journal_io.h"
#include "engine/results/ledger_parts.h"
#include "engine/results/rekey.h"
#include "engine/results/results_line.h"

enum {
	BATCH_BYTES = 256 << 10,
	BATCH_MAX = 16 << 20,  /* also the lines of one large group */
	FAILED_KEPT = 64 << 10 /* with more of them the journal is read again at the end */
};

struct followed {
	unsigned worker;
	bool checked; /* its first record was read and is right */
	struct journal_reader reader;
};

struct results_log {
	char *path;
	unsigned run;
	const struct results_writer *writer;
	const struct ledger *ledger;  /* of the runs before, or NULL */
	int fd;
	uint64_t size_bytes;          /* of what is in the file */
	struct buf batch;             /* lines that are not */
	struct followed *files;
	size_t n_files;
	struct ledger_table changing; /* (4) */
	struct ledger_table flying;   /* recipients with an INTENT and no RESULT so far */
	struct results_totals totals;
	struct failed_record *failed; /* results of this run that are not sent, the first FAILED_KEPT; of a first run,
	                               * whose workers are its segments' numbers, they say where these stand */
	size_t n_failed;
	bool needs_rewrite;
	bool spoiled;                 /* somebody else wrote into the file, or cut it */
	bool behind;                  /* the last poll failed: lines are missing in the file */
	char stage[RECORD_STAGE_SIZE];
};

/* ---- opening ---- */

static int new_file(struct results_log *r, struct err *e)
{
	int fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		r->fd = fd;
		return r->writer->header(&r->batch) < 0 ? err_nomem(e, "writing the results") : 0;
	}
	if (errno != EEXIST)
		return err_sys(e, "cannot make the results '%s'", r->path);
	err_set(e, ERR_CONFLICT, "'%s' exists and belongs to no campaign", r->path);
	return err_hint(e, "name another file with --results, or move that one away");
}

static int old_file(struct results_log *r, enum results_format format, struct ledger *ledger, struct err *e)
{
	struct ledger_counts counts;
	off_t end;

	if (results_write(r->path, format, ledger, e) < 0)
		return -1;
	r->fd = open(r->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	end = r->fd < 0 ? -1 : lseek(r->fd, 0, SEEK_END);
	if (end < 0)
		return err_sys(e, "cannot open the results '%s'", r->path);
	r->size_bytes = (uint64_t)end;
	r->ledger = ledger;
	ledger_counts(ledger, &counts);
	r->totals = (struct results_totals){ counts.sent, counts.skipped, counts.refused, counts.deferred,
					     counts.in_doubt, 0 };
	r->needs_rewrite = counts.deferred > 0 || counts.in_doubt > 0;
	return 0;
}

int results_log_open(struct results_log **out, const char *path, enum results_format format, unsigned run,
		     struct ledger *ledger, struct err *e)
{
	struct results_log *r = mem_new(sizeof *r);

	*out = NULL;
	if (!r)
		return err_nomem(e, "writing the results");
	r->fd = -1;
	r->run = run;
	r->writer = results_writer_of(format);
	buf_init(&r->batch, BATCH_MAX);
	r->path = mem_strdup(path);
	r->failed = mem_array(FAILED_KEPT, sizeof *r->failed);
	if (!r->path || !r->failed) {
		err_nomem(e, "writing the results");
		goto fail;
	}
	if ((ledger ? old_file(r, format, ledger, e) : new_file(r, e)) < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	results_log_close(&r);
	return -1;
}

void results_log_close(struct results_log **r)
{
	struct results_log *old = *r;

	if (!old)
		return;
	for (size_t i = 0; i < old->n_files; i++)
		journal_reader_close(&old->files[i].reader);
	if (old->fd >= 0)
		close(old->fd);
	ledger_table_release(&old->changing);
	ledger_table_release(&old->flying);
	buf_release(&old->batch);
	mem_free(old->files);
	mem_free(old->failed);
	mem_free(old->path);
	mem_free(old);
	*r = NULL;
}

/* ---- totals ---- */

static uint64_t *total_of(struct results_totals *t, enum standing stands)
{
	switch (stands) {
	case STANDS_SENT:
		return &t->sent;
	case STANDS_SKIPPED:
		return &t->skipped;
	case STANDS_REFUSED:
		return &t->refused;
	case STANDS_DEFERRED:
		return &t->deferred;
	case STANDS_IN_DOUBT:
		return &t->in_doubt;
	default:
		return NULL;
	}
}

static void move(struct results_totals *t, enum standing from, enum standing to)
{
	uint64_t *minus = total_of(t, from), *plus = total_of(t, to);

	if (minus)
		(*minus)--;
	if (plus)
		(*plus)++;
}

static enum standing before_run(const struct results_log *r, uint64_t row, uint32_t index)
{
	return r->ledger ? ledger_standing(r->ledger, row, index) : STANDS_TO_DO;
}

/* A row that was in doubt by its claim alone counted as one recipient of unknown number. */
static int count(struct results_log *r, const struct journal_result *result, struct err *e)
{
	struct ledger_entry now = { .result_when = (uint64_t)r->run << 32 | result->attempt,
				    .kind = (uint8_t)result->verdict->kind };
	enum verdict_kind kind = result->verdict->kind;
	uint64_t key = ledger_key(result->row, result->recipient.index);
	struct ledger_entry *entry = ledger_table_find(&r->changing, key);
	enum standing before = entry ? ledger_entry_standing(entry)
				     : before_run(r, result->row, result->recipient.index);

	if (before != STANDS_TO_DO || result->attempt > 1)
		r->needs_rewrite = true;
	if (entry && entry->result_when > now.result_when)
		return 0;
	if (!entry && (kind == VERDICT_DEFERRED || kind == VERDICT_IN_DOUBT || result->attempt > 1)) {
		entry = ledger_table_put(&r->changing, key);
		if (!entry)
			return err_nomem(e, "the totals");
	}
	if (entry) {
		entry->result_when = now.result_when;
		entry->kind = now.kind;
	}
	move(&r->totals, before, ledger_entry_standing(&now));
	return 0;
}

/* ---- following ---- */

static int add_file(struct results_log *r, struct segment_name name, const char *results_path, struct err *e)
{
	struct followed *more = mem_grow(r->files, (r->n_files + 1) * sizeof *more);
	char *path;
	int rc;

	if (!more)
		return err_nomem(e, "reading the journal");
	r->files = more;
	path = segment_path(results_path, name);
	if (!path)
		return err_nomem(e, "reading the journal");
	more[r->n_files] = (struct followed){ .worker = name.worker };
	rc = journal_reader_open(&more[r->n_files].reader, path, e);
	mem_free(path);
	r->n_files += rc == 0;
	return rc;
}

static bool known(const struct results_log *r, unsigned worker)
{
	for (size_t i = 0; i < r->n_files; i++)
		if (r->files[i].worker == worker)
			return true;
	return false;
}

static int look_for_files(struct results_log *r, struct err *e)
{
	struct segment_name *names;
	size_t n;
	int rc;

	rc = campaign_segments(r->path, r->run, &names, &n, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (names[i].worker != REKEY_WORKER && !known(r, names[i].worker))
			rc = add_file(r, names[i], r->path, e);
	mem_free(names);
	return rc;
}

/* Pushes the batch into the file; what it takes leaves the batch (3). */
static int push(struct results_log *r, struct err *e)
{
	while (r->batch.n > 0) {
		struct stat now;

		r->spoiled |= fstat(r->fd, &now) == 0 && (uint64_t)now.st_size != r->size_bytes;

		ssize_t w = journal_io.pwrite(r->fd, r->batch.p, r->batch.n, (off_t)r->size_bytes);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return err_sys(e, "cannot write the results '%s'", r->path);
		r->size_bytes += (uint64_t)w;
		buf_drop(&r->batch, (size_t)w);
	}
	return 0;
}

static int take_front(struct followed *f, const struct record *record, struct err *e)
{
	struct record_segment front;

	if (record_get_segment(record, &front) < 0)
		return journal_reader_damaged(&f->reader, record->offset, e);
	f->checked = true;
	return 0;
}

static int take_intent(struct results_log *r, struct followed *f, const struct record *record, struct err *e)
{
	struct record_mark m;

	if (record_get_mark(record, &m) < 0)
		return journal_reader_damaged(&f->reader, record->offset, e);
	r->needs_rewrite |= m.attempt > 1;
	struct record_rows rows = { .rest = record->others };

	while (record_next_row(&rows, m.row))
		for (size_t i = 0; i < m.indexes.n; i++)
			if (!ledger_table_put(&r->flying, ledger_key(rows.now.number, (unsigned char)m.indexes.p[i])))
				return err_nomem(e, "the totals");
	return 0;
}

static void keep_failed(struct results_log *r, const struct journal_result *result, uint64_t position)
{
	if (r->n_failed < FAILED_KEPT)
		r->failed[r->n_failed] = (struct failed_record){ ledger_key(result->row, result->recipient.index), position };
	r->n_failed++;
}

/* A line for each row of the group. */
static int add_rows(struct results_log *r, const struct record *record, struct journal_result *result, uint64_t position,
		    struct err *e)
{
	struct record_rows rows = { .rest = record->others };
	uint64_t first = result->row, first_line = result->line;

	while (record_next_row(&rows, first)) {
		result->row = rows.now.number;
		result->line = result->row == first ? first_line : rows.now.line;
		if (r->writer->line(&r->batch, result) < 0) {
			r->batch.failed = false;
			return err_nomem(e, "writing the results");
		}
		if (count(r, result, e) < 0)
			return -1;
		if (!ledger_table_remove(&r->flying, ledger_key(result->row, result->recipient.index)))
			r->needs_rewrite |= result->verdict->kind == VERDICT_SENT; /* who was sent to twice has two lines */
		if (result->verdict->kind != VERDICT_SENT)
			keep_failed(r, result, position);
	}
	return 0;
}

static int take_result(struct results_log *r, struct followed *f, const struct record *record, struct err *e)
{
	size_t before = r->batch.n;
	struct journal_result result;
	struct verdict verdict;

	if (record_get_result(record, &result, &verdict, r->stage) < 0)
		return journal_reader_damaged(&f->reader, record->offset, e);
	if (add_rows(r, record, &result, (uint64_t)f->worker << POSITION_BITS | record->offset, e) < 0) {
		r->batch.n = before;
		r->needs_rewrite = true; /* some may be counted twice, and are not when all is read again at the end */
		return -1;
	}
	r->totals.records++;
	return 0;
}

static int take(struct results_log *r, struct followed *f, const struct record *record, struct err *e)
{
	if (!f->checked)
		return take_front(f, record, e);
	if (record->type == RECORD_INTENT)
		return take_intent(r, f, record, e);
	return record->type == RECORD_RESULT ? take_result(r, f, record, e) : 0;
}

static int follow(struct results_log *r, struct followed *f, struct err *e)
{
	struct record record;
	int rc;

	while ((rc = journal_reader_next(&f->reader, &record, e)) > 0) {
		if (take(r, f, &record, e) < 0) {
			journal_reader_unread(&f->reader, &record);
			return -1;
		}
		if (r->batch.n >= BATCH_BYTES && push(r, e) < 0)
			return -1;
	}
	return rc;
}

int results_log_poll(struct results_log *r, struct results_totals *totals, struct err *e)
{
	int rc = push(r, e);

	if (rc == 0)
		rc = look_for_files(r, e);
	for (size_t i = 0; i < r->n_files && rc == 0; i++)
		rc = follow(r, &r->files[i], e);
	if (rc == 0)
		rc = push(r, e);
	r->behind = rc < 0;
	*totals = r->totals;
	return rc;
}

/* Nobody has taken it away, put another one in its place, or written into it. */
static bool is_as_we_wrote_it(const struct results_log *r)
{
	struct stat here, there;

	return !r->spoiled && fstat(r->fd, &here) == 0 && stat(r->path, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino && (uint64_t)here.st_size == r->size_bytes;
}

bool results_log_needs_rewrite(const struct results_log *r)
{
	if (!is_as_we_wrote_it(r)) {
		log_line(LOG_NOTE, "'%s' was changed by another program while this one wrote it; it is written anew from the journal",
			 r->path);
		return true;
	}
	return r->needs_rewrite || r->behind || r->flying.n > 0;
}

static bool was_read_whole(const struct journal_reader *reader)
{
	struct stat st;

	return fstat(reader->fd, &st) == 0 && (uint64_t)st.st_size == journal_reader_end(reader);
}

int results_log_ledger(const struct results_log *r, unsigned n_segments, struct ledger **out, struct err *e)
{
	const struct results_totals *t = &r->totals;
	const struct ledger_counts counts = { .sent = t->sent, .skipped = t->skipped, .refused = t->refused,
					      .deferred = t->deferred, .in_doubt = t->in_doubt };
	bool known = r->n_files == n_segments && r->n_failed <= (r->ledger ? 0 : FAILED_KEPT) &&
		     t->skipped + t->refused + t->deferred + t->in_doubt == r->n_failed; /* none is of an earlier run */

	*out = NULL;
	for (size_t i = 0; i < r->n_files; i++)
		known &= was_read_whole(&r->files[i].reader);
	if (!known)
		return 0;
	return ledger_known(out, r->path, &counts, r->failed, r->n_failed, e) < 0 ? -1 : 1;
}
