/* mime_charset.c - nothing is approximated, and nothing left to a reader's choice: a text fits whole, or not.
 *
 * Held by tests/unit/test_mime_charset.c. */
#include "templates/mime/mime_charset.h"

#include <errno.h>
#include <iconv.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "templates/mime/mime_unclear.h"

struct mime_converter {
	const struct mime_charset *charset;
	iconv_t iconv;
};

enum { OCTETS_MOST = 8, ESCAPES = 16 }; /* of one octet of UTF-8, with escapes; of a whole text */

#define NARROW(name) { name, name, false }
#define WIDE(name, iconv) { name, iconv, true }

static const struct mime_charset charsets[] = {
	NARROW("iso-8859-1"), NARROW("iso-8859-2"), NARROW("iso-8859-3"), NARROW("iso-8859-4"), NARROW("iso-8859-5"),
	NARROW("iso-8859-6"), NARROW("iso-8859-7"), NARROW("iso-8859-8"), NARROW("iso-8859-9"), NARROW("iso-8859-10"),
	NARROW("iso-8859-11"), NARROW("iso-8859-13"), NARROW("iso-8859-14"), NARROW("iso-8859-15"), NARROW("iso-8859-16"),
	NARROW("windows-1250"), NARROW("windows-1251"), NARROW("windows-1252"), NARROW("windows-1253"),
	NARROW("windows-1254"), NARROW("windows-1255"), NARROW("windows-1256"), NARROW("windows-1257"),
	NARROW("windows-1258"), NARROW("koi8-r"), NARROW("koi8-u"), WIDE("gb2312", "EUC-CN"), WIDE("gbk", "GBK"),
	WIDE("gb18030", "GB18030"), WIDE("big5", "BIG5"), WIDE("iso-2022-jp", "ISO-2022-JP"),
	WIDE("shift_jis", "SHIFT_JIS"), WIDE("euc-jp", "EUC-JP"), WIDE("euc-kr", "EUC-KR"),
};

static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "latin1", "iso-8859-1" }, { "latin-1", "iso-8859-1" }, { "l1", "iso-8859-1" }, { "latin2", "iso-8859-2" },
	{ "latin9", "iso-8859-15" }, { "tis-620", "iso-8859-11" }, { "euc-cn", "gb2312" }, { "gb_2312-80", "gb2312" },
	{ "cp936", "gbk" }, { "sjis", "shift_jis" }, { "shift-jis", "shift_jis" }, { "eucjp", "euc-jp" },
	{ "euckr", "euc-kr" }, { "ks_c_5601-1987", "euc-kr" },
};

bool mime_charset_is_utf8(struct span name)
{
	return span_case_eq(name, SPAN("utf-8")) || span_case_eq(name, SPAN("utf8")) || span_case_eq(name, SPAN("us-ascii")) ||
	       span_case_eq(name, SPAN("ascii"));
}

static const struct mime_charset *by_name(struct span name)
{
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
		if (span_case_eq(name, span_str(charsets[i].name)))
			return &charsets[i];
	}
	return NULL;
}

const struct mime_charset *mime_charset_find(struct span name)
{
	char windows[16] = "windows-";

	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
		if (span_case_eq(name, span_str(aliases[i].alias)))
			return by_name(span_str(aliases[i].name));
	}
	if (name.n == 6 && span_case_begins(name, SPAN("cp125"))) {
		memcpy(windows + 8, name.p + 2, 4);
		return by_name(span_of(windows, 12));
	}
	return by_name(name);
}

int mime_converter_new(struct mime_converter **out, const struct mime_charset *charset, struct err *e)
{
	struct mime_converter *c = mem_new(sizeof *c);

	*out = NULL;
	if (!c)
		return err_nomem(e, "a charset");
	c->charset = charset;
	c->iconv = iconv_open(charset->iconv, "UTF-8");
	if (c->iconv == (iconv_t)-1) {
		int rc = errno == EINVAL ? err_set(e, ERR_INPUT, "this machine cannot write charset '%s'", charset->name)
					 : err_nomem(e, "a charset");

		mem_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void mime_converter_free(struct mime_converter **c)
{
	if (!*c)
		return;
	iconv_close((*c)->iconv);
	mem_free(*c);
	*c = NULL;
}

const struct mime_charset *mime_converter_charset(const struct mime_converter *c)
{
	return c->charset;
}

/* Vietnamese and Hebrew letters would be taken apart: readers would get another text, if one that looks alike. */
static bool is_taken_apart(const struct mime_charset *charset, struct span text, size_t octets)
{
	return !charset->wide && octets != utf8_length(text);
}

size_t mime_convert_into(struct mime_converter *c, struct span text, char *out, size_t size)
{
	char *in = (char *)(size_t)text.p, *to = out; /* iconv takes its input without const, and leaves it */
	size_t in_n = text.n, left = size;

	if (mime_has_unclear(c->charset->name, text))
		return size + 1;
	iconv(c->iconv, NULL, NULL, NULL, NULL);
	if (in_n > 0 && iconv(c->iconv, &in, &in_n, &to, &left) != 0) /* some were approximated, or it failed */
		return size + 1;
	if (iconv(c->iconv, NULL, NULL, &to, &left) != 0 || is_taken_apart(c->charset, text, (size_t)(to - out)))
		return size + 1;
	return (size_t)(to - out);
}

enum mime_fit mime_convert(struct mime_converter *c, struct span text, struct arena *a, struct span *out)
{
	size_t size = text.n * (c->charset->wide ? OCTETS_MOST : 1) + ESCAPES, n;
	char *p = arena_take(a, size);

	if (!p)
		return MIME_NO_MEMORY;
	n = mime_convert_into(c, text, p, size);
	if (n > size)
		return MIME_FITS_NOT;
	p = arena_grow(a, p, size, n ? n : 1); /* gives the rest back */
	*out = span_of(p, n);
	return p ? MIME_FITS : MIME_NO_MEMORY;
}
