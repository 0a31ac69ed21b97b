/* journal_io.c - append whole or not at all.
 *
 *  1. A write goes to the known end of the file, never to "the end": a second try overwrites what
 *     a first one left, also when cutting it off failed.
 *  2. A failed fdatasync is reported once and never tried again by anyone: the kernel may have
 *     dropped the bytes it could not write and call the next try a success.
 * Held by tests/unit/test_results_faults.c. */
#include "engine/results/journal_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/err.h"

#define REAL_CALLS { pwrite, fdatasync, fsync, ftruncate, rename, NULL }

#define BROKEN_HINT "nothing more is sent; look after the disk before going on with --resume"

struct journal_io journal_io = REAL_CALLS;

void journal_io_reset(void)
{
	journal_io = (struct journal_io)REAL_CALLS;
}

static int write_all(int fd, const char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t w = journal_io.pwrite(fd, p, n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC; /* nothing taken and nothing said: treat as full */
			return -1;
		}
		p += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return 0;
}

int journal_io_append(int fd, const void *p, size_t n, uint64_t at, const char *path, struct err *e)
{
	int why, cut;

	if (write_all(fd, p, n, at) == 0)
		return 0;
	why = errno;
	do
		cut = journal_io.ftruncate(fd, (off_t)at);
	while (cut < 0 && errno == EINTR);
	errno = why;
	err_sys(e, "cannot write the journal '%s'", path);
	if (why == ENOSPC || why == EDQUOT)
		err_hint(e, "make room on that disk");
	return -1;
}

int journal_io_sync(int fd, const char *path, struct err *e)
{
	int rc;

	do
		rc = journal_io.fdatasync(fd);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	err_sys(e, "cannot bring the journal '%s' to disk", path);
	return err_hint(e, BROKEN_HINT);
}

int journal_io_is_broken(const char *path, int why, struct err *e)
{
	errno = why;
	err_sys(e, "the journal '%s' could not be brought to disk before", path);
	return err_hint(e, BROKEN_HINT);
}

int journal_io_sync_folder(const char *folder, struct err *e)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_sys(e, "cannot open the folder '%s'", folder);
	do
		rc = journal_io.fsync(fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EINVAL)
		rc = 0; /* a file system without syncing of folders */
	else if (rc < 0)
		err_sys(e, "cannot bring the folder '%s' to disk", folder);
	close(fd);
	return rc;
}
