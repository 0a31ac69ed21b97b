/* rows_spool.c - bytes gathered, written in large pieces. Held by the tests of whoever spools. */
#include "engine/rows/rows_spool.h"

#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { SPOOL_BYTES = 128 << 10 };

int rows_spool_open(struct rows_spool *s, struct err *e)
{
	*s = (struct rows_spool){ .fd = -1, .p = mem_grow(NULL, SPOOL_BYTES) };
	if (!s->p)
		return err_nomem(e, "a temporary file for the list");
	s->fd = file_temporary(e);
	if (s->fd >= 0)
		return 0;
	rows_spool_close(s);
	return -1;
}

static int put(struct rows_spool *s, const char *p, size_t n, struct err *e)
{
	if (file_write_full(s->fd, p, n) == 0)
		return 0;
	err_sys(e, "cannot write a temporary file for the list");
	return err_hint(e, "set TMPDIR to a folder with more room");
}

int rows_spool_flush(struct rows_spool *s, struct err *e)
{
	size_t n = s->n;

	s->n = 0;
	return put(s, s->p, n, e);
}

int rows_spool_add(struct rows_spool *s, struct span bytes, struct err *e)
{
	s->size += bytes.n;
	if (bytes.n > SPOOL_BYTES - s->n && rows_spool_flush(s, e) < 0)
		return -1;
	if (bytes.n > SPOOL_BYTES)
		return put(s, bytes.p, bytes.n, e);
	if (bytes.n > 0)
		memcpy(s->p + s->n, bytes.p, bytes.n);
	s->n += bytes.n;
	return 0;
}

int rows_spool_give(struct rows_spool *s, struct rows_source *to, struct err *e)
{
	int fd = s->fd;

	if (rows_spool_flush(s, e) < 0)
		return -1;
	s->fd = -1;
	rows_spool_close(s);
	return rows_source_replace(to, fd, e);
}

void rows_spool_close(struct rows_spool *s)
{
	if (s->p && s->fd >= 0)
		close(s->fd);
	mem_free(s->p);
	*s = (struct rows_spool){ .fd = -1 };
}
