/* journal_segment.c - what one worker has to say, in a file of its own.
 *
 *  1. Records wait in memory until journal_flush(), which writes all of them with one write or
 *     none: after a failure the file is cut back and the same bytes are tried again.
 *  2. In the steady state nothing is allocated: the buffer keeps its size.
 *  3. flushed and synced only grow. A sync notes how much was flushed before it called the kernel:
 *     that much, not more, is on disk afterwards.
 *  4. A failed sync is final for the segment: flush and sync fail from then on.
 *  5. After a sync the next flush carries a SYNCED record, by which a reader tells a tail that was
 *     lost in a power cut from damage.
 *  6. `campaign` names the segment when its front is on disk, and before anything is claimed for it: a segment
 *     that is named and not there was lost, and one that was not made yet is not named.
 * Held by tests/unit/test_results_record.c, test_results_faults.c, test_results_lengths.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/journal_io.h"
#include "engine/results/journal_parts.h"

enum { PENDING_MAX = 64 << 20, FIRST_ROOM = 64 << 10 };

struct journal_segment {
	struct journal *journal;
	char *path;
	unsigned worker;
	int fd;
	uint32_t sequence;
	struct buf pending;
	uint64_t marked;          /* the newest SYNCED record in the file or pending says so much */

	/* read and written by the worker and by who syncs: */
	atomic_uint_fast64_t flushed, synced; /* bytes */
	atomic_bool broken;
	atomic_int why_broken; /* errno of the sync that failed */
};

static int create_file(struct journal_segment *s, struct err *e)
{
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return err_sys(e, "cannot make the journal '%s'", s->path);
	return 0;
}

/* Only what is on disk is named in `campaign` (6). */
static int write_front(struct journal_segment *s, struct err *e)
{
	struct record_segment front = { .run = s->journal->run, .worker = s->worker };

	memcpy(front.seed, s->journal->log.header.seed, sizeof front.seed);
	if (!buf_room(&s->pending, FIRST_ROOM) || buf_add_str(&s->pending, JOURNAL_MAGIC) < 0 ||
	    record_put_segment(&s->pending, s->sequence, &front) < 0)
		return err_nomem(e, "a worker's journal");
	s->sequence++;
	if (journal_flush(s, e) < 0 || journal_sync(s, e) < 0)
		return -1;
	if (journal_io_sync_folder(s->journal->folder, e) < 0)
		return -1;
	return journal_note_segment(s->journal, s->worker, journal_segment_synced(s), e);
}

int journal_segment_open(struct journal_segment **out, struct journal *j, unsigned worker, struct err *e)
{
	struct journal_segment *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "a worker's journal");
	s->journal = j;
	s->worker = worker;
	s->fd = -1;
	buf_init(&s->pending, PENDING_MAX);
	s->path = segment_path(j->results_path, (struct segment_name){ j->run, worker });
	if (!s->path) {
		err_nomem(e, "a worker's journal");
		goto fail;
	}
	if (create_file(s, e) < 0 || write_front(s, e) < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	journal_segment_close(&s);
	return -1;
}

void journal_segment_close(struct journal_segment **s)
{
	struct journal_segment *old = *s;

	if (!old)
		return;
	if (old->fd < 0 || journal_flush(old, NULL) < 0 || journal_sync(old, NULL) < 0)
		atomic_store(&old->journal->unsettled, true);
	journal_keep_length(old->journal, old->worker, journal_segment_synced(old));
	if (old->fd >= 0)
		close(old->fd);
	buf_release(&old->pending);
	mem_free(old->path);
	mem_free(old);
	*s = NULL;
}

/* ---- appending to memory ---- */

int journal_begin(struct journal_segment *s, int64_t time_ms)
{
	if (record_put_begin(&s->pending, s->sequence, time_ms) < 0)
		return -1;
	s->sequence++;
	return 0;
}

static int too_many(uint32_t n, struct err *e)
{
	return err_set(e, ERR_LIMIT, "a mail with %u recipients; %d is the most", n, JOURNAL_RECIPIENTS_MAX);
}

int journal_intent(struct journal_segment *s, const struct journal_intent *i, struct err *e)
{
	if (i->of > JOURNAL_RECIPIENTS_MAX || i->n_recipients > JOURNAL_RECIPIENTS_MAX)
		return too_many(i->of > i->n_recipients ? i->of : i->n_recipients, e);
	if (record_put_intent(&s->pending, s->sequence, i) < 0)
		return err_nomem(e, "a record of the journal");
	s->sequence++;
	return 0;
}

int journal_result(struct journal_segment *s, const struct journal_result *r, struct err *e)
{
	if (r->of > JOURNAL_RECIPIENTS_MAX || r->recipient.index >= JOURNAL_RECIPIENTS_MAX)
		return too_many(r->of, e);
	if (record_put_result(&s->pending, s->sequence, r, atomic_load(&s->journal->claims)) < 0)
		return err_nomem(e, "a record of the journal");
	s->sequence++;
	return 0;
}

int journal_gone(struct journal_segment *s, const struct journal_gone *g, const struct journal_result *r, struct err *e)
{
	if (record_put_gone(&s->pending, s->sequence, g, r) < 0)
		return err_nomem(e, "a record of the journal");
	s->sequence++;
	return 0;
}

size_t journal_pending(const struct journal_segment *s)
{
	return s->pending.n;
}

/* ---- to the file, to the disk ---- */

static int broken(const struct journal_segment *s, struct err *e)
{
	return journal_io_is_broken(s->path, atomic_load(&s->why_broken), e);
}

/* (5); without memory for it the next flush will carry it. */
static void mark_synced(struct journal_segment *s)
{
	uint64_t synced = atomic_load(&s->synced);

	if (synced == s->marked || record_put_synced(&s->pending, s->sequence, synced) < 0)
		return;
	s->sequence++;
	s->marked = synced;
}

int journal_flush(struct journal_segment *s, struct err *e)
{
	uint64_t at = atomic_load(&s->flushed);

	if (s->pending.n == 0)
		return 0;
	if (atomic_load(&s->broken))
		return broken(s, e);
	mark_synced(s);
	if (journal_io_append(s->fd, s->pending.p, s->pending.n, at, s->path, e) < 0)
		return -1;
	atomic_store(&s->flushed, at + s->pending.n);
	buf_reset(&s->pending);
	return 0;
}

int journal_sync(struct journal_segment *s, struct err *e)
{
	uint64_t flushed = atomic_load(&s->flushed), synced = atomic_load(&s->synced);

	if (atomic_load(&s->broken))
		return broken(s, e);
	if (flushed == synced)
		return 0;
	if (journal_io_sync(s->fd, s->path, e) < 0) {
		atomic_store(&s->why_broken, errno);
		atomic_store(&s->broken, true);
		return -1;
	}
	while (synced < flushed && !atomic_compare_exchange_weak(&s->synced, &synced, flushed))
		;
	return 0;
}

uint64_t journal_segment_synced(const struct journal_segment *s)
{
	return atomic_load(&s->synced);
}

bool journal_is_broken(const struct journal_segment *s)
{
	return atomic_load(&s->broken);
}
