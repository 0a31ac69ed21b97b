/* file.c - whole reads and writes.
 *
 * file_replace(): whoever opens path sees the old content or the new one, also after a power cut:
 * temporary file, fsync, rename, fsync of the folder, in this order.
 * Held by tests/unit/test_base_file.c. */
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

enum { READ_STEP = 65536 };

ssize_t file_read_full(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, (char *)p + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t file_pread_full(int fd, void *p, size_t n, off_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, (char *)p + got, n - got, at + (off_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int file_write_full(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = write(fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC; /* nothing taken and nothing said: treat as full */
			return -1;
		}
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Room for the next piece, or for the one byte that proves the file is longer than allowed. */
static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	for (;;) {
		size_t left = out->max - out->n, step = left < READ_STEP ? left : READ_STEP;
		char extra = 0, *at = step ? buf_room(out, step) : &extra;
		ssize_t r;

		if (!at)
			return err_set(e, ERR_NOMEM, "no memory to read '%s'", path);
		r = file_read_full(fd, at, step ? step : 1);
		if (r < 0)
			return err_sys(e, "cannot read '%s'", path);
		if (r == 0)
			return 0;
		if (step == 0)
			return err_set(e, ERR_LIMIT, "'%s' is larger than %zu bytes", path, out->max);
		buf_grew(out, (size_t)r);
	}
}

int file_read(const char *path, struct buf *out, struct err *e)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	rc = read_all(fd, standard ? "standard input" : path, out, e);
	if (!standard)
		close(fd);
	return rc;
}

int file_sync(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* Content and mode are on disk, under the temporary name, when this returns 0. */
static int fill(int fd, const char *path, struct span content, mode_t mode, struct err *e)
{
	if (fchmod(fd, mode) < 0)
		return err_sys(e, "cannot set the mode of '%s'", path);
	if (file_write_full(fd, content.p, content.n) < 0 || file_sync(fd) < 0)
		return err_sys(e, "cannot write '%s'", path);
	return 0;
}

int file_replace(const char *path, struct span content, mode_t mode, struct err *e)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
		return err_set(e, ERR_INPUT, "the path '%s' is too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot write beside '%s'", path);
	rc = fill(fd, path, content, mode, e);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(e, "cannot write '%s'", path);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = err_sys(e, "cannot replace '%s'", path);
	if (rc < 0) {
		unlink(temporary);
		return -1;
	}
	return file_sync_folder(path, e);
}

int file_sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	int fd, rc;

	if (slash) {
		size_t n = slash == path ? 1 : (size_t)(slash - path);

		if (n >= sizeof folder)
			return err_set(e, ERR_INPUT, "the path '%s' is too long", path);
		memcpy(folder, path, n);
		folder[n] = '\0';
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open the folder '%s'", folder);
	rc = file_sync(fd);
	/* A file system without syncing of folders says EINVAL: there is nothing more to do. */
	if (rc < 0 && errno != EINVAL)
		err_sys(e, "cannot sync the folder '%s'", folder);
	else
		rc = 0;
	close(fd);
	return rc;
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int file_temporary(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	char name[PATH_MAX];
	int fd;

	if (!folder || folder[0] != '/')
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	if ((size_t)snprintf(name, sizeof name, "%s/lettershop-XXXXXX", folder) >= sizeof name)
		return err_set(e, ERR_INPUT, "TMPDIR names a folder whose path is too long");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot make a temporary file in '%s'", folder);
	unlink(name);
	return fd;
}
