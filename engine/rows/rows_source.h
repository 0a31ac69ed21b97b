/* rows_source.h - the bytes of a list, whatever it came from (inside engine/rows only).
 *
 * A regular file is read in place with pread(2); anything else (standard input, a pipe) is first
 * copied to a temporary file that has no name. const after it was opened, so that any number of
 * readers, each in a thread of its own, may share it. */
#ifndef ENGINE_ROWS_ROWS_SOURCE_H
#define ENGINE_ROWS_ROWS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct digest;

struct rows_source {
	int fd;              /* what is read: the list, or what was made of it */
	int list_fd;         /* the list as it is; the same while nothing was made of it */
	char *path;          /* for messages; "standard input" for "-" */
	uint64_t size_bytes; /* of fd */
};

/* ERR_INPUT (a folder), ERR_SYS, ERR_NOMEM. */
int rows_source_open(struct rows_source *out, const char *path, struct err *e);
void rows_source_close(struct rows_source *s); /* a zeroed one that was never opened is fine */
/* The same list once more, as it is, for what is made of it in another way. */
int rows_source_copy(struct rows_source *out, const struct rows_source *of, struct err *e);
/* From now on fd is read in place of what was; it belongs to the source, also when -1 is returned. */
int rows_source_replace(struct rows_source *s, int fd, struct err *e);
static inline bool rows_source_is_made(const struct rows_source *s)
{
	return s->fd != s->list_fd;
}
/* All bytes of the list as it is. */
int rows_source_digest(const struct rows_source *s, struct digest *into, struct err *e);
/* Size and time of change of the list as they are now. 0; -1 with e. */
int rows_source_stamp(const struct rows_source *s, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e);
/* Up to n bytes from offset `at`: how many, 0 at the end, -1 with e. */
ssize_t rows_source_read(const struct rows_source *s, void *p, size_t n, uint64_t at, struct err *e);

#endif
