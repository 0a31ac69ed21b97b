/* preload_files.c - the calls on files. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/preload/preload.h"

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static int fails(int why)
{
	errno = why;
	return -1;
}

/* ---- opening ---- */

static const char *boot_or(const char *path)
{
	const char *boot = getenv("FAULT_BOOT");

	return boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? boot : path;
}

/* A path as the recorder and the orders know it: from the root folder, where it can be told. */
static void whole(char out[PATH_KEPT], int folder, const char *path)
{
	const char *in = folder == AT_FDCWD ? "" : fault_path(folder);

	snprintf(out, PATH_KEPT, path[0] == '/' || !in[0] ? "%.0s%s" : "%s/%s", in, path);
}

static int open_one(int folder, const char *path, int flags, mode_t mode)
{
	static __typeof__(&openat) real;
	char name[PATH_KEPT];
	int why = 0, fd;
	enum deed deed;
	bool makes;

	if (!real)
		real = REAL(openat);
	whole(name, folder, path);
	deed = fault_decide("open", name, -1, &why);
	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	makes = flags & (O_CREAT | O_TRUNC) && record_wants(name);
	if (makes)
		record_begin();
	bool there = makes && faccessat(folder, path, F_OK, 0) == 0;
	fd = real(folder, boot_or(path), flags, mode);
	if (makes && fd >= 0 && (!there || flags & O_TRUNC))
		record_add(there ? 'T' : 'C', name, 0, NULL, 0);
	if (makes)
		record_end();
	if (fd >= 0)
		fault_opened(fd, name);
	if (deed != DO_CALL)
		fault_die();
	return fd;
}

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_one(folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_one(AT_FDCWD, path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open_one(AT_FDCWD, path, flags, 0);
}

int close(int fd)
{
	fault_closed(fd);
	return REAL(close)(fd);
}

int mkdir(const char *path, mode_t mode)
{
	int why = 0, rc;
	enum deed deed = fault_decide("mkdir", path, -1, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	record_begin();
	rc = REAL(mkdir)(path, mode);
	if (rc == 0 && record_wants(path))
		record_add('M', path, 0, NULL, 0);
	record_end();
	if (deed != DO_CALL)
		fault_die();
	return rc;
}

/* ---- reading ---- */

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	int why = 0;
	enum deed deed = fault_decide("pread", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	rc = REAL(pread)(fd, p, deed == DO_CALL || n < 2 ? n : n / 2, at);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

ssize_t read(int fd, void *p, size_t n)
{
	int why = 0;
	enum deed deed = fault_decide("read", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	rc = REAL(read)(fd, p, deed == DO_CALL || n < 2 ? n : n / 2);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

/* ---- writing ---- */

static ssize_t write_at(int fd, const void *p, size_t n, off_t at)
{
	const char *path = fault_path(fd);
	bool recorded = record_wants(path);
	ssize_t rc;

	if (recorded)
		record_begin();
	rc = REAL(pwrite)(fd, p, n, at);
	if (recorded && rc > 0)
		record_add('W', path, at, p, (size_t)rc);
	if (recorded)
		record_end();
	return rc;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	int why = 0;
	enum deed deed = fault_decide("pwrite", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	rc = write_at(fd, p, deed == DO_CALL || deed == DO_CALL_AND_DIE || n < 2 ? n : n / 2, at);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

ssize_t write(int fd, const void *p, size_t n)
{
	int why = 0;
	enum deed deed = fault_decide("write", NULL, fd, &why);
	const char *path = fault_path(fd);
	bool recorded = record_wants(path);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	if (recorded)
		record_begin();
	rc = REAL(write)(fd, p, deed == DO_CALL || deed == DO_CALL_AND_DIE || n < 2 ? n : n / 2);
	if (recorded && rc > 0)
		record_add('W', path, (long long)lseek(fd, 0, SEEK_CUR) - rc, p, (size_t)rc);
	if (recorded)
		record_end();
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	int why = 0;
	enum deed deed = fault_decide("writev", NULL, fd, &why);
	ssize_t rc;

	if (deed == DO_FAIL)
		return fails(why);
	rc = REAL(writev)(fd, iov, deed == DO_CALL || deed == DO_CALL_AND_DIE || n < 2 ? n : n / 2);
	if (deed == DO_HALF_AND_DIE || deed == DO_CALL_AND_DIE)
		fault_die();
	return rc;
}

int ftruncate(int fd, off_t size)
{
	int why = 0, rc;
	enum deed deed = fault_decide("ftruncate", NULL, fd, &why);
	bool recorded = record_wants(fault_path(fd));

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	if (recorded)
		record_begin();
	rc = REAL(ftruncate)(fd, size);
	if (recorded && rc == 0)
		record_add('T', fault_path(fd), size, NULL, 0);
	if (recorded)
		record_end();
	if (deed != DO_CALL)
		fault_die();
	return rc;
}

/* ---- to the disk: never really, so that tests take no time; the record says what is durable ---- */

static int sync_one(const char *call, int fd)
{
	int why = 0;
	enum deed deed = fault_decide(call, NULL, fd, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	if (record_wants(fault_path(fd))) {
		record_begin();
		record_add('S', fault_path(fd), 0, NULL, 0);
		record_end();
	}
	if (deed != DO_CALL)
		fault_die();
	return 0;
}

int fsync(int fd)
{
	return sync_one("fsync", fd);
}

int fdatasync(int fd)
{
	return sync_one("fdatasync", fd);
}

/* ---- names ---- */

static int rename_one(int from_folder, const char *from, int to_folder, const char *to)
{
	char a[PATH_KEPT], b[PATH_KEPT];
	enum deed deed;
	int why = 0, rc;

	whole(a, from_folder, from);
	whole(b, to_folder, to);
	deed = fault_decide("rename", b, -1, &why);
	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	record_begin();
	rc = REAL(renameat)(from_folder, from, to_folder, to);
	if (rc == 0 && record_wants(b))
		record_add('R', a, 0, b, strlen(b));
	record_end();
	if (deed != DO_CALL)
		fault_die();
	return rc;
}

int rename(const char *from, const char *to)
{
	return rename_one(AT_FDCWD, from, AT_FDCWD, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return rename_one(from_folder, from, to_folder, to);
}

static int unlink_one(int folder, const char *path, int flags)
{
	char name[PATH_KEPT];
	enum deed deed;
	int why = 0, rc;

	whole(name, folder, path);
	deed = fault_decide("unlink", name, -1, &why);
	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	record_begin();
	rc = REAL(unlinkat)(folder, path, flags);
	if (rc == 0 && record_wants(name))
		record_add('U', name, 0, NULL, 0);
	record_end();
	if (deed != DO_CALL)
		fault_die();
	return rc;
}

int unlink(const char *path)
{
	return unlink_one(AT_FDCWD, path, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
	return unlink_one(folder, path, flags);
}

int flock(int fd, int how)
{
	int why = 0;
	enum deed deed = fault_decide("flock", NULL, fd, &why);

	if (deed == DO_FAIL || deed == DO_SHORT)
		return fails(why);
	if (deed != DO_CALL)
		fault_die();
	return REAL(flock)(fd, how);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	int why = 0;
	enum deed deed = fault_decide("mmap", fd >= 0 ? NULL : "memory", fd, &why);

	if (deed == DO_FAIL || deed == DO_SHORT) {
		errno = why;
		return MAP_FAILED;
	}
	if (deed != DO_CALL)
		fault_die();
	return REAL(mmap)(at, n, prot, flags, fd, offset);
}
