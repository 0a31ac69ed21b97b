/* journal_io.h - the system calls that the journal's promise rests on (inside engine/results, and
 * for tests).
 *
 * Tests put functions of their own into the table to fail or record each call; nothing else ever
 * changes it, and only before threads exist. */
#ifndef ENGINE_RESULTS_JOURNAL_IO_H
#define ENGINE_RESULTS_JOURNAL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct journal_io {
	ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd); /* of folders too */
	int (*ftruncate)(int fd, off_t size);
	int (*rename)(const char *from, const char *to);
	const char *boot; /* NULL: the kernel's boot id; tests start the machine anew here */
};

extern struct journal_io journal_io;
/* Back to the real ones. */
void journal_io_reset(void);

/* Writes all of p at `at`, the present end of the file, or nothing: after a failure the file is
 * cut back to that size. path is for the error. */
int journal_io_append(int fd, const void *p, size_t n, uint64_t at, const char *path, struct err *e);
/* errno is kept. */
int journal_io_sync(int fd, const char *path, struct err *e);
/* The sentence for all that is asked of a file after a sync of it failed, with that errno: -1. */
int journal_io_is_broken(const char *path, int why, struct err *e);
/* Syncs the folder, so that names in it are durable. */
int journal_io_sync_folder(const char *folder, struct err *e);

#endif
