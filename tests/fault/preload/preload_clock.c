/* preload_clock.c - a wall clock that begins elsewhere and jumps. The monotonic clock is the
 * kernel's: it neither jumps nor runs while a machine sleeps. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/preload/preload.h"

static long long start_ms, jump_ms, after_ms, begun_ms;
static bool moved;

static long long real_ms(clockid_t which)
{
	struct timespec t;

	(void)syscall(SYS_clock_gettime, which, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAULT_CLOCK");

	if (!text)
		return;
	start_ms = number_after(text, "start=");
	after_ms = number_after(text, "after=");
	jump_ms = number_after(text, "wall=");
	begun_ms = real_ms(CLOCK_MONOTONIC);
	start_ms = start_ms ? start_ms - real_ms(CLOCK_REALTIME) : 0;
	moved = true;
}

static void move(struct timespec *t)
{
	long long by = start_ms;

	if (jump_ms && real_ms(CLOCK_MONOTONIC) - begun_ms >= after_ms)
		by += jump_ms;
	t->tv_sec += by / 1000;
	t->tv_nsec += by % 1000 * 1000000;
	if (t->tv_nsec < 0) {
		t->tv_sec--;
		t->tv_nsec += 1000000000;
	} else if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

int clock_gettime(clockid_t which, struct timespec *out)
{
	long rc = syscall(SYS_clock_gettime, which, out);

	if (rc == 0 && moved && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
		move(out);
	return (int)rc;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}
