/* preload.c - reads the order and decides about each call.
 *
 * Nothing here allocates or uses stdio: malloc is among the calls that fail. */
#include "tests/fault/preload/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FDS_MAX = 4096, WORD_MAX = 256 };

static struct {
	bool there, lasting;
	char calls[WORD_MAX], path[WORD_MAX], deed[16];
	long nth;
	int why;
} order;

static atomic_long matched;
static int count_fd = -1, hit_fd = -1;
static bool cares; /* about descriptors' paths */
static char paths[FDS_MAX][PATH_KEPT];

int raw_open(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void raw_write(int fd, const void *p, size_t n)
{
	(void)syscall(SYS_write, fd, p, n);
}

static void take_word(const char *word, size_t n)
{
	static const struct { const char *key; char *to; size_t size; } texts[] = {
		{ "call=", order.calls, sizeof order.calls },
		{ "path=", order.path, sizeof order.path },
		{ "do=", order.deed, sizeof order.deed },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t key = strlen(texts[i].key);

		if (n >= key && n - key < texts[i].size && strncmp(word, texts[i].key, key) == 0)
			memcpy(texts[i].to, word + key, n - key);
	}
	if (strncmp(word, "nth=", 4) == 0)
		order.nth = strtol(word + 4, NULL, 10);
	if (strncmp(word, "errno=", 6) == 0)
		order.why = (int)strtol(word + 6, NULL, 10);
	if (n == 7 && strncmp(word, "lasting", 7) == 0)
		order.lasting = true;
}

__attribute__((constructor)) static void read_orders(void)
{
	const char *text = getenv("FAULT"), *count = getenv("FAULT_COUNT"), *hit = getenv("FAULT_HIT");

	for (const char *at = text; at && *at;) {
		size_t n = strcspn(at, " ");

		take_word(at, n);
		at += n + (at[n] == ' ');
	}
	order.there = text && order.nth > 0;
	if (count)
		count_fd = raw_open(count);
	if (hit)
		hit_fd = raw_open(hit);
	cares = order.there || count || getenv("FAULT_RECORD");
}

void fault_opened(int fd, const char *path)
{
	size_t n = strlen(path);

	if (!cares || fd < 0 || fd >= FDS_MAX)
		return;
	if (n >= PATH_KEPT)
		n = PATH_KEPT - 1;
	memcpy(paths[fd], path, n);
	paths[fd][n] = '\0';
}

void fault_closed(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		paths[fd][0] = '\0';
}

const char *fault_path(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? paths[fd] : "";
}

static bool is_among(const char *call)
{
	size_t n = strlen(call);

	if (order.calls[0] == '\0')
		return true;
	for (const char *at = order.calls; (at = strstr(at, call)); at += n)
		if ((at == order.calls || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

static bool is_its_path(const char *path)
{
	size_t n = strlen(order.path), m = strlen(path);

	if (n == 0 || order.path[n - 1] != '$')
		return strstr(path, order.path) != NULL;
	return m >= n - 1 && strncmp(path + m - (n - 1), order.path, n - 1) == 0;
}

static void note(int fd, const char *call, const char *path)
{
	char line[PATH_KEPT + 64];
	size_t n = strlen(call), m = strlen(path);

	memcpy(line, call, n);
	line[n++] = ' ';
	memcpy(line + n, path, m);
	line[n + m] = '\n';
	raw_write(fd, line, n + m + 1);
}

void fault_die(void)
{
	for (;;)
		(void)syscall(SYS_kill, syscall(SYS_getpid), 9);
}

enum deed fault_decide(const char *call, const char *path, int fd, int *why)
{
	long at;

	if (!cares)
		return DO_CALL;
	path = path ? path : fault_path(fd);
	if (!path[0] || !is_among(call) || !is_its_path(path))
		return DO_CALL;
	if (count_fd >= 0 && (order.calls[0] || strcmp(call, "malloc") != 0))
		note(count_fd, call, path);
	if (!order.there)
		return DO_CALL;
	at = atomic_fetch_add(&matched, 1) + 1;
	if (at != order.nth && !(order.lasting && at > order.nth))
		return DO_CALL;
	if (hit_fd >= 0 && at == order.nth)
		note(hit_fd, call, path);
	*why = order.why ? order.why : EIO;
	if (strcmp(order.deed, "late") == 0) {
		usleep(LATE_US);
		return DO_CALL;
	}
	if (strcmp(order.deed, "before") == 0)
		fault_die();
	if (strcmp(order.deed, "after") == 0)
		return DO_CALL_AND_DIE;
	if (strcmp(order.deed, "half") == 0)
		return DO_HALF_AND_DIE;
	return strcmp(order.deed, "short") == 0 ? DO_SHORT : DO_FAIL;
}
