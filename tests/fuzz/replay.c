/* replay.c - a fuzz target as a test program: what its corpus holds must not crash, without clang.
 *
 * The program's name says whose: fuzz_liquid_source replays tests/fuzz/corpus/liquid-source. With file
 * names as arguments it replays those. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"

enum { INPUT_MAX = 1 << 20, PATH_SIZE = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[PATH_SIZE];

static void replay_file(const char *path)
{
	struct buf b;
	struct err e = { 0 };
	uint8_t *exact; /* as large as the input, so that a read past its end is seen */

	buf_init(&b, INPUT_MAX);
	assert_int_equal(file_read(path, &b, &e), 0);
	exact = malloc(b.n ? b.n : 1);
	assert_non_null(exact);
	if (b.n)
		memcpy(exact, b.p, b.n);
	assert_int_equal(LLVMFuzzerTestOneInput(exact, b.n), 0);
	free(exact);
	buf_release(&b);
}

static void corpus(void **state)
{
	char path[PATH_SIZE + 256];
	struct dirent *entry;
	DIR *d = opendir(folder);

	(void)state;
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			replay_file(path);
		}
	if (d)
		closedir(d);
	replay_file("/dev/null");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(corpus) };
	const char *name = strstr(argv[0], "fuzz_");

	for (int i = 1; i < argc; i++)
		replay_file(argv[i]);
	if (argc > 1)
		return 0;
	for (const char *more; name && (more = strstr(name + 1, "fuzz_"));)
		name = more;
	snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name ? name + sizeof "fuzz_" - 1 : "");
	for (char *p = folder; *p; p++)
		if (*p == '_')
			*p = '-';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
