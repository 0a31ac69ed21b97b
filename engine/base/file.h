/* file.h - whole reads and writes, EINTR and short counts handled. Safe in any thread. */
#ifndef ENGINE_BASE_FILE_H
#define ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/span.h"

struct err;
struct buf;

/* Appends the whole file to out (whose max bounds it). "-" is standard input. */
int file_read(const char *path, struct buf *out, struct err *e);
/* Reads until n bytes or end of file; returns bytes read or -1 with errno. */
ssize_t file_read_full(int fd, void *p, size_t n);
ssize_t file_pread_full(int fd, void *p, size_t n, off_t at);
/* All bytes or -1 with errno; what was written before a failure stays written. */
int file_write_full(int fd, const void *p, size_t n);
/* fsync(2), gone on with after a signal; 0 or -1 with errno. */
int file_sync(int fd);
/* Written to a temporary name beside path, synced, mode, renamed: whole or not at all. */
int file_replace(const char *path, struct span content, mode_t mode, struct err *e);
/* fsync of the folder that holds path. */
int file_sync_folder(const char *path, struct err *e);
bool file_exists(const char *path);
/* A file without a name in $TMPDIR (/tmp), mode 0600, for reading and writing: its descriptor, or -1
 * with e. */
int file_temporary(struct err *e);

#endif
