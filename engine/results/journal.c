/* journal.c - making, locking and going on with a campaign; claims.
 *
 * Order of a start, so that a crash at any point leaves what the next start understands:
 *     folder and lock -> header written and synced (new campaign) -> files of earlier runs synced
 *     -> RUN written and synced -> folder and its parent synced -> segments may be made.
 *
 *  1. The lock is held from before the first byte is read until journal_close().
 *  2. RUN is durable before a segment of that run exists, and whatever earlier runs wrote is
 *     durable before RUN: a power cut from then on takes nothing from them. How long their segments are is
 *     written behind RUN.
 *  3. END is written only when every segment was closed with all of it on disk.
 *  4. After a failed sync every later claim fails: what is not known to be durable is not built on.
 * Held by tests/unit/test_results_journal.c, test_results_faults.c. */
#include "engine/results/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/results/journal_identity.h"
#include "engine/results/journal_io.h"
#include "engine/results/journal_lock.h"
#include "engine/results/journal_parts.h"

enum { CAMPAIGN_PENDING_MAX = 64 << 10 };
enum opening { OPEN_NEW, OPEN_RESUME, OPEN_CHANGED, OPEN_EDITED, OPEN_EDITED_CHANGED };

/* ---- writing to `campaign` ---- */

/* What is in j->out goes to the file's end; the sequence is counted on by `records`. */
static int append(struct journal *j, uint32_t records, struct err *e)
{
	if (journal_io_append(j->fd, j->out.p, j->out.n, j->end, j->path, e) < 0)
		return -1;
	j->end += j->out.n;
	j->sequence += records;
	return 0;
}

static int sync_campaign(struct journal *j, struct err *e)
{
	if (j->synced == j->end)
		return 0;
	if (journal_io_sync(j->fd, j->path, e) < 0) {
		j->why_broken = errno;
		j->broken = true;
		return -1;
	}
	j->synced = j->end;
	return 0;
}

static int broken(const struct journal *j, struct err *e)
{
	return journal_io_is_broken(j->path, j->why_broken, e);
}

static int put_failed(struct err *e)
{
	return err_nomem(e, "a record of the journal");
}

/* ---- opening ---- */

static int make_folder(struct journal *j, struct err *e)
{
	char *folder = campaign_path(j->results_path, NULL);
	int rc = 0;

	if (!folder)
		return err_nomem(e, "opening the journal");
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		rc = err_sys(e, "cannot make the folder '%s'", folder);
	j->folder = folder;
	return rc;
}

static int sync_folders(struct journal *j, struct err *e)
{
	const char *slash = strrchr(j->folder, '/');
	char *parent;
	int rc;

	if (journal_io_sync_folder(j->folder, e) < 0)
		return -1;
	parent = slash ? mem_copy((struct span){ j->folder, slash == j->folder ? 1 : (size_t)(slash - j->folder) })
		       : mem_strdup(".");
	if (!parent)
		return err_nomem(e, "opening the journal");
	rc = journal_io_sync_folder(parent, e);
	mem_free(parent);
	return rc;
}

static int open_campaign_file(struct journal *j, struct err *e)
{
	j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		return err_sys(e, "cannot open the journal '%s'", j->path);
	return 0;
}

/* Cuts the file to what was read of it: nothing of a new campaign, or up to a torn tail. */
static int cut(struct journal *j, uint64_t end, struct err *e)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return err_sys(e, "cannot open the journal '%s'", j->path);
	if ((uint64_t)st.st_size > end && journal_io.ftruncate(j->fd, (off_t)end) < 0)
		return err_sys(e, "cannot cut the torn end off '%s'", j->path);
	j->end = end;
	return 0;
}

static int write_header(struct journal *j, const struct journal_header *header, struct err *e)
{
	if (cut(j, 0, e) < 0)
		return -1;
	buf_reset(&j->out);
	if (buf_add_str(&j->out, JOURNAL_MAGIC) < 0 || record_put_campaign(&j->out, 0, header) < 0)
		return put_failed(e);
	j->log.header = *header;
	return append(j, 1, e) < 0 ? -1 : sync_campaign(j, e);
}

/* (2) */
static int sync_earlier_runs(struct journal *j, struct err *e)
{
	if (journal_io_sync(j->fd, j->path, e) < 0)
		return -1;
	j->synced = j->end;
	return segment_lengths_sync(&j->log.lengths, j->results_path, j->log.n_runs, &j->longer, e);
}

/* This run vouches for what it found of earlier ones: behind RUN, so that a RUN is never on disk without what is
 * before it. They are sorted by run; a record is about one. */
static int write_longer(struct journal *j, struct err *e)
{
	const struct segment_length *all = j->longer.all;

	for (size_t from = 0, n; from < j->longer.n; from += n) {
		for (n = 1; from + n < j->longer.n && n < RECORD_LENGTHS_MAX; n++)
			if (all[from + n].name.run != all[from].name.run)
				break;
		buf_reset(&j->out);
		if (record_put_lengths(&j->out, j->sequence, RECORD_SEGMENTS, all[from].name.run, all + from, n) < 0)
			return put_failed(e);
		if (append(j, 1, e) < 0)
			return -1;
	}
	return 0;
}

static int write_run(struct journal *j, struct err *e)
{
	struct record_run run = { .run = j->run, .pid = (uint64_t)getpid(), .time_ms = clock_wall_ms() };

	snprintf(run.boot, sizeof run.boot, "%s", j->log.boot);
	gethostname(run.host, sizeof run.host - 1);
	buf_reset(&j->out);
	if (record_put_run(&j->out, j->sequence, &run) < 0)
		return put_failed(e);
	if (append(j, 1, e) < 0 || write_longer(j, e) < 0)
		return -1;
	return sync_campaign(j, e);
}

static int exists(const struct journal *j, struct err *e)
{
	err_set(e, ERR_CONFLICT, "there is a campaign of '%s' already", j->results_path);
	return err_hint(e, "go on with it: --resume; or begin another one: --results FILE");
}

static int same_campaign(const struct journal *j, enum opening how, const struct journal_header *header, struct err *e)
{
	struct journal_identity was = j->log.header.identity;

	if (how == OPEN_EDITED || how == OPEN_EDITED_CHANGED) { /* of the list nothing is asked */
		was.list_known = header->identity.list_known;
		memcpy(was.list, header->identity.list, sizeof was.list);
		was.list_size = header->identity.list_size;
		was.list_mtime_ns = header->identity.list_mtime_ns;
	}
	return journal_identity_same(&was, &header->identity, how == OPEN_CHANGED || how == OPEN_EDITED_CHANGED,
				     j->results_path, e);
}

/* The campaign as it stands, or a new one. */
static int begin(struct journal *j, enum opening how, const struct journal_header *header, struct err *e)
{
	int there = campaign_read(&j->log, j->results_path, e);

	if (there < 0)
		return -1;
	if (there && how == OPEN_NEW)
		return exists(j, e);
	if (there && same_campaign(j, how, header, e) < 0)
		return -1;
	if (open_campaign_file(j, e) < 0)
		return -1;
	if (!there)
		return write_header(j, header, e);
	j->sequence = j->log.next_sequence;
	if (cut(j, j->log.end, e) < 0)
		return -1;
	return sync_earlier_runs(j, e);
}

static void note_runs(struct journal *j)
{
	j->run = j->log.n_runs + 1;
	atomic_init(&j->claims, j->log.n_claims);
	for (unsigned i = 0; i < j->log.n_runs; i++)
		j->power_was_lost |= j->log.runs[i].power_lost;
}

/* What its owner accepted; the list is the same, so what is known of it stays known. */
static int write_identity(struct journal *j, const struct journal_identity *now, struct err *e)
{
	struct journal_identity *was = &j->log.header.identity, next = *now;
	char changes[JOURNAL_CHANGES_SIZE];

	if (journal_identity_changes(was, now, changes) == 0)
		return 0;
	if (was->list_known) {
		next.list_known = true;
		memcpy(next.list, was->list, sizeof next.list);
	}
	buf_reset(&j->out);
	if (record_put_identity(&j->out, j->sequence, RECORD_IDENTITY, &next) < 0)
		return put_failed(e);
	if (append(j, 1, e) < 0 || sync_campaign(j, e) < 0)
		return -1;
	*was = next;
	log_line(LOG_NOTE, "lettershop: going on with changes: %s", changes);
	return 0;
}

static int open_journal(struct journal *j, const char *results_path, enum opening how,
			const struct journal_header *header, struct err *e)
{
	char *lock_path;
	int rc;

	j->results_path = mem_strdup(results_path);
	j->path = campaign_path(results_path, "campaign");
	lock_path = campaign_path(results_path, "lock");
	if (!j->results_path || !j->path || !lock_path) {
		mem_free(lock_path);
		return err_nomem(e, "opening the journal");
	}
	rc = make_folder(j, e);
	if (rc == 0)
		rc = journal_lock(&j->lock_fd, lock_path, results_path, e);
	mem_free(lock_path);
	if (rc < 0 || begin(j, how, header, e) < 0)
		return -1;
	note_runs(j);
	if (write_run(j, e) < 0 || (j->run > 1 && how == OPEN_CHANGED && write_identity(j, &header->identity, e) < 0))
		return -1;
	return sync_folders(j, e);
}

static int open_as(struct journal **out, const char *results_path, enum opening how,
		   const struct journal_header *header, struct err *e)
{
	struct journal *j = mem_new(sizeof *j);

	*out = NULL;
	if (!j)
		return err_nomem(e, "opening the journal");
	j->fd = j->lock_fd = -1;
	j->broken = true; /* until it is open */
	buf_init(&j->out, CAMPAIGN_PENDING_MAX);
	if (open_journal(j, results_path, how, header, e) < 0) {
		journal_close(&j);
		return -1;
	}
	j->broken = false;
	*out = j;
	return 0;
}

int journal_open(struct journal **out, const char *results_path, bool resume, const struct journal_header *header,
		 struct err *e)
{
	return open_as(out, results_path, resume ? OPEN_RESUME : OPEN_NEW, header, e);
}

int journal_open_changed(struct journal **out, const char *results_path, const struct journal_header *header,
			 struct err *e)
{
	return open_as(out, results_path, OPEN_CHANGED, header, e);
}

/* (3); a failure leaves the campaign as after a kill, which loses nothing. */
static void write_end(struct journal *j)
{
	if (j->broken || atomic_load(&j->unsettled) || sync_campaign(j, NULL) < 0)
		return;
	buf_reset(&j->out);
	if (record_put_lengths(&j->out, j->sequence, RECORD_END, j->run, j->made.all,
			       j->made.n < RECORD_LENGTHS_MAX ? j->made.n : RECORD_LENGTHS_MAX) == 0 &&
	    append(j, 1, NULL) == 0)
		sync_campaign(j, NULL);
}

void journal_close(struct journal **j)
{
	struct journal *old = *j;

	if (!old)
		return;
	write_end(old);
	if (old->fd >= 0)
		close(old->fd);
	journal_unlock(&old->lock_fd);
	campaign_release(&old->log);
	segment_lengths_release(&old->made);
	segment_lengths_release(&old->longer);
	buf_release(&old->out);
	mem_free(old->path);
	mem_free(old->folder);
	mem_free(old->results_path);
	mem_free(old);
	*j = NULL;
}

int journal_peek(const char *results_path, struct journal_header *out, struct err *e)
{
	struct campaign_log log;
	int rc = campaign_read(&log, results_path, e);

	if (rc > 0)
		*out = log.header;
	campaign_release(&log);
	return rc;
}

unsigned journal_run(const struct journal *j)
{
	return j->run;
}

bool journal_power_was_lost(const struct journal *j)
{
	return j->power_was_lost;
}

/* ---- segments ---- */

void journal_keep_length(struct journal *j, unsigned worker, uint64_t bytes)
{
	for (size_t i = 0; i < j->made.n; i++)
		if (j->made.all[i].name.worker == worker && bytes > j->made.all[i].bytes)
			j->made.all[i].bytes = bytes;
}

int journal_note_segment(struct journal *j, unsigned worker, uint64_t bytes, struct err *e)
{
	const struct segment_length length = { { j->run, worker }, bytes };

	if (j->broken)
		return broken(j, e);
	buf_reset(&j->out);
	if (record_put_lengths(&j->out, j->sequence, RECORD_SEGMENTS, j->run, &length, 1) < 0)
		return put_failed(e);
	if (segment_lengths_add(&j->made, length.name, bytes) < 0)
		return err_nomem(e, "a worker's journal");
	return append(j, 1, e);
}

/* ---- claims ---- */

int journal_claim(struct journal *j, uint64_t first, uint64_t last, bool sync, struct err *e)
{
	const struct journal_range range = { first, last };

	return journal_claim_ranges(j, &range, 1, sync, e);
}

int journal_claim_ranges(struct journal *j, const struct journal_range *ranges, uint32_t n, bool sync, struct err *e)
{
	if (j->broken)
		return broken(j, e);
	buf_reset(&j->out);
	if (record_put_claim(&j->out, j->sequence, ranges, n, j->synced) < 0)
		return put_failed(e);
	if (append(j, 1, e) < 0)
		return -1;
	atomic_fetch_add(&j->claims, 1);
	return sync ? sync_campaign(j, e) : 0;
}

int journal_note_choice(struct journal *j, const char *selection, struct err *e)
{
	if (j->broken)
		return broken(j, e);
	buf_reset(&j->out);
	if (record_put_choice(&j->out, j->sequence, span_str(selection)) < 0)
		return put_failed(e);
	return append(j, 1, e) < 0 ? -1 : sync_campaign(j, e);
}

int journal_note_list(struct journal *j, const unsigned char list[32], struct err *e)
{
	if (j->broken)
		return broken(j, e);
	buf_reset(&j->out);
	if (record_put_list(&j->out, j->sequence, list) < 0)
		return put_failed(e);
	return append(j, 1, e) < 0 ? -1 : sync_campaign(j, e);
}

int journal_note_rows(struct journal *j, uint64_t rows, struct err *e)
{
	if (j->broken)
		return broken(j, e);
	if (rows == j->log.rows)
		return 0;
	buf_reset(&j->out);
	if (record_put_rows(&j->out, j->sequence, rows) < 0)
		return put_failed(e);
	if (append(j, 1, e) < 0)
		return -1;
	j->log.rows = rows;
	return 0;
}

int journal_pardon(struct journal *j, const char *class, bool earlier, struct err *e)
{
	struct record_pardon pardon = { .run = j->run - earlier };

	if (j->broken)
		return broken(j, e);
	snprintf(pardon.class, sizeof pardon.class, "%s", class);
	buf_reset(&j->out);
	if (record_put_pardon(&j->out, j->sequence, &pardon) < 0)
		return put_failed(e);
	return append(j, 1, e) < 0 ? -1 : sync_campaign(j, e);
}

bool journal_campaign_is_broken(const struct journal *j)
{
	return j->broken;
}

bool journal_is_held(const char *results_path, char *out, size_t out_size)
{
	char *lock = campaign_path(results_path, "lock");
	bool held = lock && journal_lock_holder(lock, out, out_size);

	mem_free(lock);
	return held;
}

int journal_open_edited(struct journal **out, const char *results_path, const struct journal_header *header,
			bool changes, struct err *e)
{
	return open_as(out, results_path, changes ? OPEN_EDITED_CHANGED : OPEN_EDITED, header, e);
}

int journal_note_rekeyed(struct journal *j, const struct journal_identity *identity, struct err *e)
{
	if (j->broken)
		return broken(j, e);
	buf_reset(&j->out);
	if (record_put_identity(&j->out, j->sequence, RECORD_REKEYED, identity) < 0)
		return put_failed(e);
	if (append(j, 1, e) < 0 || sync_campaign(j, e) < 0)
		return -1;
	j->log.header.identity = *identity;
	j->log.header.epoch++;
	j->log.rows = 0;
	return 0;
}

void journal_letter_seed(const struct journal_header *h, unsigned char out[JOURNAL_SEED_SIZE])
{
	memcpy(out, h->seed, JOURNAL_SEED_SIZE);
	for (unsigned i = 0; i < sizeof h->epoch; i++)
		out[i] ^= (unsigned char)(h->epoch >> (8 * i));
}
