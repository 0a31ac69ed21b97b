/* fuzz_header_values.c - any text as the value of a header field, in UTF-8 and in other charsets.
 *
 * A value that mime_header_bad() lets through gives one field: lines of at most 998, none of them white
 * space only and ASCII. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/mime/mime_charset.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 32 << 20, LINE_MOST = 998 };

static const char *const charsets[] = { NULL, "iso-8859-1", "gb18030", "iso-2022-jp", "windows-1258" };
static struct mime_converter *converters[sizeof charsets / sizeof charsets[0]];
static struct arena a;

static void begin(void)
{
	arena_init(&a, 1 << 16, ARENA);
	for (size_t i = 1; i < sizeof charsets / sizeof charsets[0]; i++)
		MUST(mime_converter_new(&converters[i], mime_charset_find(span_str(charsets[i])), NULL) == 0);
}

static void check_field(struct span field)
{
	MUST(span_ends(field, SPAN("\r\n")));
	while (field.n > 0) {
		size_t n = span_find(field, '\n');

		MUST(n >= 1 && field.p[n - 1] == '\r' && n - 1 <= LINE_MOST);
		MUST(span_trim(span_sub(field, 0, n)).n > 0);
		for (size_t i = 0; i + 1 < n; i++)
			MUST((unsigned char)field.p[i] < 128 && field.p[i] != '\r' && field.p[i] != '\0');
		field = span_skip(field, n + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_of(data, size), words;
	struct mime_field f = { NULL, 0 };
	struct err e = { 0 };
	size_t at;

	if (!a.chunk_bytes)
		begin();
	arena_reset(&a);
	if (mime_header_bad(value, &at))
		return 0;
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
		struct mime_out o;

		mime_out_init(&o, &a);
		o.words = converters[i];
		MUST(mime_header_text(&o, SPAN("Subject"), value, &e) == 0);
		if (!o.misfit)
			check_field(mime_out_flat(&o, &a));
		mime_out_init(&o, &a);
		o.words = converters[i];
		if (mime_header_phrase_id(&o, SPAN("List-Id"), value, &e) == 0 && !o.misfit)
			check_field(mime_out_flat(&o, &a));
	}
	struct mime_out o;

	mime_out_init(&o, &a);
	f.out = &o;
	MUST(mime_field_begin(&f, SPAN("Content-Disposition"), SPAN("attachment")) == 0);
	MUST(mime_field_param(&f, SPAN("filename"), value) == 0 && mime_field_end(&f) == 0);
	check_field(mime_out_flat(&o, &a));
	mime_out_init(&o, &a);
	if (mime_header_plain(&o, SPAN("References"), value, &e) == 0)
		check_field(mime_out_flat(&o, &a));
	words = mime_words_decode(value, &a);
	MUST(words.n <= 2 * size); /* what it holds is checked by who takes it */
	return 0;
}
