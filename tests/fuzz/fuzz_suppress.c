/* fuzz_suppress.c - any bytes as a suppression list: whoever it names is found in it, however the address is
 * written; what it does not understand has a sentence. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/must.h"
#include "engine/model/address.h"
#include "engine/rows/suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 50 };

/* A list of plain lines: each line that is an address by itself must be found. */
static void check_lines(struct suppress *s, struct span rest)
{
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	for (int i = 0; i < LINES && rest.n > 0; i++) {
		struct span line = span_trim(span_cut(&rest, '\n'));
		char reason[SUPPRESS_REASON_MAX];
		struct address x;
		struct err e;

		if (address_parse(line, &a, &x, &e) == 0)
			MUST(suppress_has(s, x.path, reason) && memchr(reason, '\0', sizeof reason));
		arena_reset(&a);
	}
	arena_release(&a);
}

static bool is_simple(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@-\n", text.p[i]) || text.p[i] == '\0')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suppress *s = NULL;
	char path[40], reason[SUPPRESS_REASON_MAX];
	const char *paths[] = { path };
	struct err e = { 0 };
	int fd = memfd_create("suppress", MFD_CLOEXEC);

	MUST(fd >= 0 && file_write_full(fd, data, size) == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (suppress_open(&s, paths, 1, NULL, &e) < 0) {
		MUST(!s && e.kind != ERR_NONE && e.text[0]);
		close(fd);
		return 0;
	}
	uint64_t n = suppress_count(s);

	if (is_simple(span_of(data, size)))
		check_lines(s, span_of(data, size));
	(void)suppress_has(s, span_of(data, size), reason);
	MUST(suppress_reload(s, &e) == 0 && suppress_count(s) == n);
	suppress_free(&s);
	close(fd);
	return 0;
}
