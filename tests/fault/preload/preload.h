/* preload.h - a library put before libc, for tests of the whole program: it counts system calls,
 * and at a chosen one it kills the process, fails the call, or writes down what happened.
 *
 * Orders stand in the environment of the process under test; without them nothing is changed.
 *
 *     FAULT="call=pwrite,fdatasync path=.journal/ nth=7 do=before"
 *         call   names of calls, with commas; any without it
 *         path   a part of the file's path, its end with $ behind it; "socket", "memory", "thread" are paths too
 *         nth    which of the calls that match, from 1
 *         do     before, after, half: SIGKILL before it, after it, after the first half of the octets
 *                late: it comes 400 ms late, as on a busy machine
 *                fail: it fails with errno=NUMBER; short: it takes half of the octets
 *         lasting  all from the nth on
 *     FAULT_COUNT=FILE    a line "CALL PATH" for each call that matches (of malloc only when it is named)
 *     FAULT_HIT=FILE      a line once the order was carried out
 *     FAULT_RECORD=FILE   what is needed to make the disk of any moment; FAULT_ROOT: files below it
 *     FAULT_CLOCK="start=MS after=MS wall=MS"
 *         start  wall clock at the beginning; after: when the wall clock jumps by `wall`
 *     FAULT_BOOT=FILE     read in place of the kernel's boot id */
#ifndef TESTS_FAULT_PRELOAD_H
#define TESTS_FAULT_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PATH_KEPT = 512, LATE_US = 400000 };

enum deed { DO_CALL, DO_FAIL, DO_SHORT, DO_HALF_AND_DIE, DO_CALL_AND_DIE };

/* What to do with this call; the path is a file's, or NULL: that of the descriptor. Does not return
 * when the process is to die before it. *why: errno for DO_FAIL. */
enum deed fault_decide(const char *call, const char *path, int fd, int *why);
void fault_die(void) __attribute__((noreturn));

/* The path that a descriptor was opened with; "socket", or "" */
const char *fault_path(int fd);
void fault_opened(int fd, const char *path);
void fault_closed(int fd);

/* Between these two no other call is recorded; the file's calls stand in the order they took effect. */
void record_begin(void);
void record_end(void);
bool record_wants(const char *path);
/* kind: W bytes written at `at`; T cut to `at`; S synced; C made; R renamed, bytes: the new path;
 * U removed; M folder made; N octets offered to a socket. */
void record_add(char kind, const char *path, long long at, const void *bytes, size_t n);

/* For a line of a log; not counted, not failed. */
int raw_open(const char *path);
void raw_write(int fd, const void *p, size_t n);

#endif
