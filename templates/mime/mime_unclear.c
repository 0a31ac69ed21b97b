/* mime_unclear.c - characters that readers' tables disagree about.
 *
 * Found by encoding every character of Unicode with glibc's iconv, and decoding it with Python's codecs, with
 * iconv-lite and with the WHATWG's tables: what did not come back from one of them is here. Most have two
 * meanings in standards of their own (waves, bars and yen signs of Japan, marks of GB 18030-2000 and -2005,
 * what Microsoft and ETEN added to Big5); the octets that stand for them are the same.
 * Held by tests/unit/test_mime_charset.c. */
#include "templates/mime/mime_unclear.h"

#include <string.h>

#include "engine/base/utf8.h"

struct range {
	int32_t from, to;
};

#define RANGES(...) (const struct range[]){ __VA_ARGS__, { 0, 0 } }

/* Sorted. C1 controls are none of these charsets' text, though iconv has octets for some. */
static const struct {
	const char *charset;
	const struct range *ranges;
} table[] = {
	{ "big5", RANGES({ 0x80, 0x9f }, { 0xaf, 0xaf }, { 0x2027, 0x2027 }, { 0x20ac, 0x20ac }, { 0x2215, 0x2215 },
			 { 0x2295, 0x2295 }, { 0x2299, 0x2299 }, { 0x2551, 0x256c }, { 0x2593, 0x2593 }, { 0x58bb, 0x58bb },
			 { 0x5afa, 0x5afa }, { 0x6052, 0x6052 }, { 0x7881, 0x7881 }, { 0x7ca7, 0x7ca7 }, { 0x88cf, 0x88cf },
			 { 0x92b9, 0x92b9 }, { 0xfe51, 0xfe51 }, { 0xfe68, 0xfe68 }, { 0xff5e, 0xff5e }, { 0xffe0, 0xffe1 },
			 { 0xffe5, 0xffe5 }) },
	{ "euc-jp", RANGES({ 0x80, 0x9f }, { 0xa2, 0xa3 }, { 0xa5, 0xa5 }, { 0xac, 0xac }, { 0x2016, 0x2016 }, { 0x203e, 0x203e },
			   { 0x2212, 0x2212 }, { 0x301c, 0x301c }, { 0xff5e, 0xff5e }) },
	{ "euc-kr", RANGES({ 0x80, 0x9f }, { 0xae, 0xae }, { 0x20a9, 0x20a9 }, { 0x20ac, 0x20ac }, { 0x3164, 0x3164 },
			   { 0x327e, 0x327e }) },
	{ "gb18030", RANGES({ 0x1e3f, 0x1e3f }, { 0x9fb4, 0x9fbb }, { 0xfe10, 0xfe19 }, { 0x20087, 0x20089 }, { 0x200cc, 0x200cc },
			    { 0x215d7, 0x215d7 }, { 0x2298f, 0x2298f }, { 0x241fe, 0x241fe }) },
	{ "gb2312", RANGES({ 0x2015, 0x2015 }, { 0x30fb, 0x30fb }) },
	{ "gbk", RANGES({ 0x20ac, 0x20ac }) },
	/* the first two are its own: what switches between its sets of characters */
	{ "iso-2022-jp", RANGES({ 0x0e, 0x0f }, { 0x1b, 0x1b }, { 0xa2, 0xa3 }, { 0xa5, 0xa5 }, { 0xac, 0xac }, { 0x2016, 0x2016 }, { 0x203e, 0x203e },
				{ 0x2212, 0x2212 }, { 0x301c, 0x301c }) },
	{ "shift_jis", RANGES({ 0x5c, 0x5c }, { 0x7e, 0x7f }, { 0xa2, 0xa3 }, { 0xa5, 0xa5 }, { 0xac, 0xac }, { 0x2016, 0x2016 },
			      { 0x203e, 0x203e }, { 0x2212, 0x2212 }, { 0x301c, 0x301c }, { 0xffe0, 0xffe2 }) },
	{ "windows-1258", RANGES({ 0x340, 0x341 }) }, /* the same as 300 and 301 */
};

static const struct range *ranges_of(const char *charset)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i].charset, charset) == 0)
			return table[i].ranges;
	}
	return NULL;
}

static bool is_in(const struct range *r, int32_t c)
{
	while (r->to && r->to < c)
		r++;
	return r->to && r->from <= c;
}

bool mime_has_unclear(const char *charset, struct span text)
{
	const struct range *r = ranges_of(charset);

	while (r && text.n > 0) {
		int32_t c = utf8_take(&text);

		if (c >= r->from && is_in(r, c))
			return true;
	}
	return false;
}
