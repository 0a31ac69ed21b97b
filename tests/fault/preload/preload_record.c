/* preload_record.c - the history of the files below a folder, and of octets that left.
 *
 * One line of text and then the bytes: "KIND NS AT N PATH\n". */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/preload/preload.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;
static const char *root;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_RECORD");

	root = getenv("FAULT_ROOT");
	if (path && root)
		record_fd = raw_open(path);
}

bool record_wants(const char *path)
{
	return record_fd >= 0 && path[0] && (strncmp(path, root, strlen(root)) == 0 || path[0] != '/');
}

void record_begin(void)
{
	pthread_mutex_lock(&lock);
}

void record_end(void)
{
	pthread_mutex_unlock(&lock);
}

static size_t put_number(char *to, long long v)
{
	char digits[24];
	size_t n = 0, at = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		to[at++] = digits[--n];
	to[at++] = ' ';
	return at;
}

void record_add(char kind, const char *path, long long at, const void *bytes, size_t n)
{
	char line[PATH_KEPT + 96] = { kind, ' ' };
	size_t used = 2, length = strlen(path);
	struct timespec t;

	(void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	used += put_number(line + used, (long long)t.tv_sec * 1000000000 + t.tv_nsec);
	used += put_number(line + used, at);
	used += put_number(line + used, (long long)n);
	if (length >= PATH_KEPT)
		length = PATH_KEPT - 1;
	memcpy(line + used, path, length);
	line[used + length] = '\n';
	raw_write(record_fd, line, used + length + 1);
	if (n > 0)
		raw_write(record_fd, bytes, n);
}
