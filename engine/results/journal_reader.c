/* journal_reader.c - records out of a file, and what to think of bytes that are none.
 *
 * A write that a killed process had begun leaves a beginning of it: the file ends inside a record.
 * That record is as good as never written, and reading ends before it. Anything else that is no
 * record is damage, and reading stops with the offset: guessing could forget that somebody was
 * mailed.
 *
 * A power cut may leave more behind the last sync: blocks that were never written read as zeros,
 * later blocks may be there. When the owner says that power was lost, a bad record is taken for
 * such a lost tail, and all behind it with it, unless a sound record behind it says that the file
 * had been on disk beyond that place: then it is damage all the same.
 *
 *  1. A record comes out only if CRC, which covers its head, and sequence are right.
 *  2. The window holds at least one record of the largest size.
 * Held by tests/unit/test_results_reader.c. */
#include "engine/results/journal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { WINDOW = 512 << 10, RECORD_MAX = RECORD_HEAD + RECORD_BODY_MAX };

int journal_reader_open(struct journal_reader *out, const char *path, struct err *e)
{
	*out = (struct journal_reader){ .fd = -1 };
	out->path = mem_strdup(path);
	out->window = mem_grow(NULL, WINDOW);
	if (!out->path || !out->window) {
		err_nomem(e, "reading the journal");
		goto fail;
	}
	out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (out->fd < 0) {
		err_sys(e, "cannot open the journal '%s'", path);
		goto fail;
	}
	return 0;
fail:
	journal_reader_close(out);
	return -1;
}

void journal_reader_close(struct journal_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	mem_free(r->path);
	mem_free(r->window);
	*r = (struct journal_reader){ .fd = -1 };
}

uint64_t journal_reader_end(const struct journal_reader *r)
{
	return r->base + r->at;
}

int journal_reader_damaged(const struct journal_reader *r, uint64_t offset, struct err *e)
{
	err_set(e, ERR_CONFLICT, "the journal '%s' is damaged at byte %llu", r->path, (unsigned long long)offset);
	return err_hint(e, JOURNAL_DAMAGE_HINT);
}

/* Bytes behind `at` move to the front, and more are read: 1 got some, 0 the file has no more. */
static int fill(struct journal_reader *r, struct err *e)
{
	ssize_t got;

	memmove(r->window, r->window + r->at, r->n - r->at);
	r->base += r->at;
	r->n -= r->at;
	r->at = 0;
	got = file_pread_full(r->fd, r->window + r->n, WINDOW - r->n, (off_t)(r->base + r->n));
	if (got < 0)
		return err_sys(e, "cannot read the journal '%s'", r->path);
	r->n += (size_t)got;
	return got > 0;
}

/* Does a sound record say that the file was on disk beyond `bad`? */
static int vouched_for(struct journal_reader *r, uint64_t bad, struct err *e)
{
	char *p = mem_grow(NULL, WINDOW + RECORD_MAX);
	uint64_t base = bad + 1;
	int found = 0;

	if (!p)
		return err_nomem(e, "reading the journal");
	while (!found) {
		ssize_t got = file_pread_full(r->fd, p, WINDOW + RECORD_MAX, (off_t)base);
		size_t n = got > 0 ? (size_t)got : 0;

		if (got < 0)
			found = err_sys(e, "cannot read the journal '%s'", r->path);
		for (size_t i = 0; i < n && i < WINDOW && !found; i++) {
			struct record record = { .offset = base + i };
			struct span at = { p + i, n - i };

			if (record_head_is_sound(at) && record_take(at, &record) == 1)
				found = record_synced(&record) > bad;
		}
		if (n <= WINDOW)
			break;
		base += WINDOW;
	}
	mem_free(p);
	return found;
}

/* Bytes that are no record: 0 they are a lost tail, else -1 with what `wrong` says. */
static int lost_or(struct journal_reader *r, int (*wrong)(const struct journal_reader *, struct err *),
		   struct err *e)
{
	int vouched = r->lost_tail_allowed ? vouched_for(r, journal_reader_end(r), e) : 1;

	if (vouched < 0)
		return -1;
	if (vouched)
		return wrong(r, e);
	r->tail_was_lost = true;
	return 0;
}

static int no_journal(const struct journal_reader *r, struct err *e)
{
	err_set(e, ERR_CONFLICT, "'%s' is no journal that this version reads", r->path);
	return err_hint(e, "go on with the version that began the campaign");
}

/* 1 the magic was read, 0 it is not whole yet. */
static int take_magic(struct journal_reader *r, struct err *e)
{
	size_t n;

	if (r->n < JOURNAL_MAGIC_SIZE && fill(r, e) < 0)
		return -1;
	n = r->n < JOURNAL_MAGIC_SIZE ? r->n : JOURNAL_MAGIC_SIZE;
	if (memcmp(r->window, JOURNAL_MAGIC, n) != 0)
		return lost_or(r, no_journal, e);
	if (n < JOURNAL_MAGIC_SIZE)
		return 0;
	r->at = JOURNAL_MAGIC_SIZE;
	return 1;
}

static int damaged_here(const struct journal_reader *r, struct err *e)
{
	return journal_reader_damaged(r, journal_reader_end(r), e);
}

int journal_reader_next(struct journal_reader *r, struct record *out, struct err *e)
{
	int rc;

	if (r->tail_was_lost)
		return 0;
	if (r->base + r->at == 0) {
		rc = take_magic(r, e);
		if (rc <= 0)
			return rc;
	}
	for (;;) {
		out->offset = journal_reader_end(r);
		rc = record_take((struct span){ r->window + r->at, r->n - r->at }, out);
		if (rc == 1 && out->sequence != r->next_sequence)
			rc = -1;
		if (rc < 0)
			return lost_or(r, damaged_here, e);
		if (rc == 1) {
			r->at += record_size(out);
			r->next_sequence++;
			return 1;
		}
		rc = fill(r, e);
		if (rc <= 0)
			return rc;
	}
}

void journal_reader_unread(struct journal_reader *r, const struct record *record)
{
	r->at -= record_size(record);
	r->next_sequence--;
}

int journal_reader_at(struct journal_reader *r, uint64_t offset, struct record *out, struct err *e)
{
	ssize_t got;

	if (offset < r->base || offset - r->base >= r->n ||
	    record_take((struct span){ r->window + (offset - r->base), r->n - (size_t)(offset - r->base) }, out) != 1) {
		got = file_pread_full(r->fd, r->window, RECORD_MAX, (off_t)offset);
		if (got < 0)
			return err_sys(e, "cannot read the journal '%s'", r->path);
		r->base = offset;
		r->n = (size_t)got;
		r->at = 0;
		if (record_take((struct span){ r->window, r->n }, out) != 1)
			return journal_reader_damaged(r, offset, e);
	}
	out->offset = offset;
	return 0;
}
