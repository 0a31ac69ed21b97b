/* The last lines of a connection: those that went together are kept whole, and a long one by its beginning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "transport/relay/relay_ring.h"

static char out[64 << 10];

/* What a ring with these lines, that went together, says. */
static const char *written(const char *lines)
{
	char path[] = "/tmp/relay-ring-XXXXXX";
	struct relay_ring *r = calloc(1, sizeof *r);
	FILE *f;

	close(mkstemp(path));
	relay_ring_add(r, 0, false, span_str(lines));
	relay_ring_write(r, path, "relay", 1, "test", 0);
	f = fopen(path, "re");
	out[fread(out, 1, sizeof out - 1, f)] = '\0';
	fclose(f);
	unlink(path);
	free(r);
	return out;
}

static size_t count(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

/* Three lines of every length: each is there, whole as far as a place goes. */
static void lines_of_every_length(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 300; n++) {
		char text[1000], want[300];
		size_t most = n < RELAY_RING_TEXT ? n : RELAY_RING_TEXT;

		memset(text, 'a', n);
		memset(text + n + 1, 'b', n);
		memset(text + 2 * (n + 1), 'c', n);
		text[n] = text[2 * n + 1] = '\n';
		text[3 * n + 2] = '\0';
		written(text);
		assert_int_equal(count(out, '\n'), 4); /* with the heading */
		for (char c = 'a'; c <= 'c'; c++) {
			snprintf(want, sizeof want, " > %.*s\n", (int)most, text + (size_t)(c - 'a') * (n + 1));
			assert_non_null(strstr(out, want));
		}
	}
}

/* The newest are kept. */
static void more_than_there_is_room_for(void **state)
{
	char text[40 * 201], *at = text;

	(void)state;
	for (int i = 0; i < 40; i++)
		at += sprintf(at, "%s%02d%0*d", i ? "\n" : "", i, 150, 0);
	written(text);
	assert_int_equal(count(out, '>'), RELAY_RING_LINES);
	assert_null(strstr(out, "> 07"));
	assert_non_null(strstr(out, "> 08"));
	assert_non_null(strstr(out, "> 39"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_every_length),
		cmocka_unit_test(more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
