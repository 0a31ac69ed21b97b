/* fuzz_charsets.c - any text into every charset that letters may have, with room of every size around what it
 * takes: the same octets each time, none beyond the room, and they read back as the text. The first octet chooses
 * the charset. */
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "templates/mime/mime_charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2000, ARENA = 1 << 20, AROUND = 20 };

static const char *const names[] = {
	"iso-8859-1",   "iso-8859-2",   "iso-8859-5",	"iso-8859-7",	"iso-8859-8",	"iso-8859-15", "windows-1250", "windows-1252",
	"windows-1255", "windows-1258", "koi8-r",	"gb2312",	"gbk",		"gb18030",     "big5",	       "iso-2022-jp",
	"shift_jis",	"euc-jp",	"euc-kr",
};

static struct mime_converter *converters[sizeof names / sizeof names[0]];
static struct arena a;

static void check_back(const struct mime_charset *charset, struct span octets, struct span text)
{
	static char back[4 * TEXT_MAX];
	char *in = (char *)(size_t)octets.p, *to = back;
	size_t in_n = octets.n, left = sizeof back;
	iconv_t c = iconv_open("UTF-8", charset->iconv);

	MUST(c != (iconv_t)-1);
	if (octets.n > 0)
		MUST(iconv(c, &in, &in_n, &to, &left) == 0 && iconv(c, NULL, NULL, &to, &left) == 0);
	iconv_close(c);
	MUST(span_eq(span_of(back, (size_t)(to - back)), text));
}

/* A piece of memory of exactly that size, so that an octet beyond it is seen. */
static void check_room(struct mime_converter *c, struct span text, struct span want, size_t room)
{
	char *exact = malloc(room ? room : 1);
	size_t n;

	MUST(exact);
	n = mime_convert_into(c, text, exact, room);
	MUST(n == room + 1 || (n == want.n && memcmp(exact, want.p, n) == 0));
	MUST(room < want.n + 8 || n == want.n);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_converter *c;
	struct span text, out;
	size_t which;

	if (size < 1 || size > TEXT_MAX)
		return 0;
	if (!a.chunk_bytes)
		arena_init(&a, 1 << 16, ARENA);
	arena_reset(&a);
	which = data[0] % (sizeof names / sizeof names[0]);
	text = span_of(data + 1, size - 1);
	if (!converters[which])
		MUST(mime_converter_new(&converters[which], mime_charset_find(span_str(names[which])), NULL) == 0);
	c = converters[which];
	switch (mime_convert(c, text, &a, &out)) {
	case MIME_FITS:
		MUST(utf8_valid(text));
		check_back(mime_converter_charset(c), out, text);
		for (size_t room = out.n > AROUND ? out.n - AROUND : 0; room < out.n + AROUND; room++)
			check_room(c, text, out, room);
		break;
	case MIME_FITS_NOT:
		break;
	case MIME_NO_MEMORY:
		MUST(false);
	}
	return 0;
}
