/* rows_source.c - open the list, or copy what cannot be read twice.
 *
 *  1. A list is read several times (preflight, sending, rows that are tried again), so what comes
 *     through a pipe is spooled first, whole, into a file without a name: nobody else can open it
 *     and it is gone with the process, however that ends.
 *  2. Only pread(2) reads it afterwards: readers share the descriptor and no position.
 * Held by tests/unit/test_rows_open.c. */
#include "engine/rows/rows_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { COPY_BYTES = 64 << 10 };

static int copy(int from, int to, const char *path, struct err *e)
{
	char *p = mem_new(COPY_BYTES);
	int rc = -1;

	if (!p)
		return err_nomem(e, "copying the list");
	for (;;) {
		ssize_t n = file_read_full(from, p, COPY_BYTES);

		if (n < 0) {
			err_sys(e, "cannot read '%s'", path);
			break;
		}
		if (n == 0) {
			rc = 0;
			break;
		}
		if (file_write_full(to, p, (size_t)n) < 0) {
			err_sys(e, "cannot copy the list to a temporary file");
			err_hint(e, "set TMPDIR to a folder with more room");
			break;
		}
	}
	mem_free(p);
	return rc;
}

/* The descriptor becomes that of a copy. */
static int spool(struct rows_source *s, struct err *e)
{
	int to = file_temporary(e);

	if (to < 0)
		return -1;
	if (copy(s->fd, to, s->path, e) < 0) {
		close(to);
		return -1;
	}
	close(s->fd);
	s->fd = s->list_fd = to;
	return 0;
}

int rows_source_copy(struct rows_source *out, const struct rows_source *of, struct err *e)
{
	*out = (struct rows_source){ .fd = fcntl(of->list_fd, F_DUPFD_CLOEXEC, 3), .path = mem_strdup(of->path) };
	out->list_fd = out->fd;
	out->size_bytes = of->size_bytes;
	if (!out->path) {
		if (out->fd >= 0)
			close(out->fd);
		return err_nomem(e, "opening the list");
	}
	return out->fd < 0 ? err_sys(e, "cannot read '%s'", of->path) : 0;
}

static int measure(struct rows_source *s, struct err *e)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_sys(e, "cannot read '%s'", s->path);
	s->size_bytes = (uint64_t)st.st_size;
	return 0;
}

int rows_source_replace(struct rows_source *s, int fd, struct err *e)
{
	if (s->fd != s->list_fd)
		close(s->fd);
	s->fd = fd;
	return measure(s, e);
}

int rows_source_digest(const struct rows_source *s, struct digest *into, struct err *e)
{
	char *p = mem_new(COPY_BYTES);
	uint64_t at = 0;
	ssize_t n;

	if (!p)
		return err_nomem(e, "reading the list");
	while ((n = file_pread_full(s->list_fd, p, COPY_BYTES, (off_t)at)) > 0) {
		digest_add(into, span_of(p, (size_t)n));
		at += (uint64_t)n;
	}
	mem_free(p);
	return n < 0 ? err_sys(e, "cannot read '%s'", s->path) : 0;
}

int rows_source_stamp(const struct rows_source *s, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e)
{
	struct stat st;

	if (fstat(s->list_fd, &st) < 0)
		return err_sys(e, "cannot read '%s'", s->path);
	*size_bytes = (uint64_t)st.st_size;
	*mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

static int open_path(struct rows_source *s, const char *path, struct err *e)
{
	struct stat st;

	/* A duplicate, so that closing the list never closes standard input itself. */
	s->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	s->list_fd = s->fd;
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return err_sys(e, "cannot open the list '%s'", s->path);
	if (S_ISDIR(st.st_mode)) {
		err_set(e, ERR_INPUT, "'%s' is a folder, not a list of recipients", s->path);
		return err_hint(e, "name the file with the recipients");
	}
	if (!S_ISREG(st.st_mode) || strcmp(path, "-") == 0) {
		if (spool(s, e) < 0)
			return -1;
	}
	return measure(s, e);
}

int rows_source_open(struct rows_source *out, const char *path, struct err *e)
{
	*out = (struct rows_source){ .fd = -1, .list_fd = -1 };
	out->path = mem_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (!out->path)
		return err_nomem(e, "opening the list");
	if (open_path(out, path, e) < 0) {
		rows_source_close(out);
		return -1;
	}
	return 0;
}

void rows_source_close(struct rows_source *s)
{
	if (!s->path)
		return;
	if (s->fd >= 0 && s->fd != s->list_fd)
		close(s->fd);
	if (s->list_fd >= 0)
		close(s->list_fd);
	mem_free(s->path);
	*s = (struct rows_source){ .fd = -1, .list_fd = -1 };
}

ssize_t rows_source_read(const struct rows_source *s, void *p, size_t n, uint64_t at, struct err *e)
{
	ssize_t got = file_pread_full(s->fd, p, n, (off_t)at);

	if (got < 0)
		return err_sys(e, "cannot read '%s'", s->path);
	return got;
}
