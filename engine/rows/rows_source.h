/* rows_source.h - the bytes of a list, whatever it came from (inside engine/rows only).
 *
 * A regular file is read in place with pread(2); anything else (standard input, a pipe) is first
 * copied to a temporary file that has no name. const after it was opened, so that any number of
 * readers, each in a thread of its own, may share it. */
#ifndef ENGINE_ROWS_ROWS_SOURCE_H
#define ENGINE_ROWS_ROWS_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct rows_source {
	int fd;
	char *path;       /* for messages; "standard input" for "-" */
	uint64_t size_bytes;
	int64_t mtime_ns; /* of the file, or of the copy; both as they were when it was opened */
};

/* ERR_INPUT (a folder), ERR_SYS, ERR_NOMEM. */
int rows_source_open(struct rows_source *out, const char *path, struct err *e);
void rows_source_close(struct rows_source *s); /* a zeroed one that was never opened is fine */
/* Size and time of change as they are now. 0; -1 with e. */
int rows_source_stamp(const struct rows_source *s, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e);
/* Up to n bytes from offset `at`: how many, 0 at the end, -1 with e. */
ssize_t rows_source_read(const struct rows_source *s, void *p, size_t n, uint64_t at, struct err *e);

#endif
