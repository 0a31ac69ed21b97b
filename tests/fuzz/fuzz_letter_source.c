/* fuzz_letter_source.c - any letter file, compiled and written for two rows.
 *
 * What comes out is a message whatever the letter says: CRLF only, no line over 998, 7-bit where the
 * mail does not ask for more, an empty line, as many octets as it claims. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/letter/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 64 << 20, LINE_MOST = 998 };

static char folder[] = "/tmp/fuzz-letter-XXXXXX", path[64];
static struct arena a;

static void remove_folder(void)
{
	char name[64];

	unlink(path);
	snprintf(name, sizeof name, "%s/logo.png", folder);
	unlink(name);
	rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(name, "w");

	MUST(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static void begin(void)
{
	char name[64];

	MUST(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/letter.eml", folder);
	snprintf(name, sizeof name, "%s/logo.png", folder);
	write_file(name, "\x89PNG", 4);
	arena_init(&a, 1 << 16, ARENA);
	atexit(remove_folder);
}

static void check_lines(const struct mail *m)
{
	size_t line = 0, size = 0;
	bool cr = false, ended = false;

	for (uint32_t i = 0; i < m->n_content; i++) {
		struct span s = m->content[i];

		MUST(s.n > 0);
		size += s.n;
		for (size_t k = 0; k < s.n; k++) {
			char c = s.p[k];

			MUST(c != '\0' && cr == (c == '\n'));
			MUST((unsigned char)c < 128 || (m->needs & MAIL_NEEDS_8BITMIME));
			cr = c == '\r';
			if (cr)
				continue;
			ended |= c == '\n' && line == 0;
			line = c == '\n' ? 0 : line + 1;
			MUST(line <= LINE_MOST);
		}
	}
	MUST(!cr && line == 0 && ended && size == m->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
#define TEXT(s) { s, sizeof s - 1 }
	static const struct span names[] = { TEXT("email"), TEXT("name"), TEXT("text") };
	static const struct columns columns = { .n = 3, .names = names };
	static const struct span cells[2][3] = {
		{ TEXT("ann@example.org"), TEXT("Ann"), TEXT("*a* <b> [c](d)\n. e") },
		{ TEXT("bo@example.org"), TEXT("\"B\xc3\xb6, \xe6\xbc\xa2\" <x>"), TEXT("\xf0\x9f\x98\x80\t\r\n") },
	};
	const struct letter_options opt = { .path = path, .columns = &columns };
	struct letter *l = NULL;
	struct letter_desk *d = NULL;
	struct err e = { 0 };

	if (!a.chunk_bytes)
		begin();
	write_file(path, data, size);
	if (letter_open(&l, &opt, NULL, &e) < 0)
		return 0;
	MUST(letter_desk_new(&d, l, &e) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct row row = { .number = i + 1, .line = i + 2, .n_cells = 3, .cells = cells[i] };
		struct letter_view view;
		struct mail m;

		arena_reset(&a);
		if (letter_write(l, d, &a, &row, 1700000000000, &m, &e) < 0)
			continue;
		check_lines(&m);
		MUST(m.n_recipients > 0);
		letter_view(l, d, &a, &row, 1700000000000, &view, &e);
	}
	letter_desk_free(&d);
	letter_free(&l);
	return 0;
}
