/* mime_type.c - held by tests/unit/test_mime_type.c. */
#include "templates/mime/mime_type.h"

#include "engine/base/utf8.h"

enum { FILE_NAME_MOST = 200, EXTENSION_MOST = 16 };

static const struct {
	const char *extension, *type;
} types[] = {
	{ "7z", "application/x-7z-compressed" },
	{ "aac", "audio/aac" },
	{ "avif", "image/avif" },
	{ "avi", "video/x-msvideo" },
	{ "bmp", "image/bmp" },
	{ "bz2", "application/x-bzip2" },
	{ "css", "text/css" },
	{ "csv", "text/csv" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "eml", "message/rfc822" },
	{ "epub", "application/epub+zip" },
	{ "flac", "audio/flac" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "heic", "image/heic" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "ics", "text/calendar" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" },
	{ "json", "application/json" },
	{ "m4a", "audio/mp4" },
	{ "md", "text/markdown" },
	{ "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "odp", "application/vnd.oasis.opendocument.presentation" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ "ps", "application/postscript" },
	{ "rtf", "application/rtf" },
	{ "svg", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "txt", "text/plain" },
	{ "vcf", "text/vcard" },
	{ "wav", "audio/wav" },
	{ "webm", "video/webm" },
	{ "webp", "image/webp" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "xml", "application/xml" },
	{ "zip", "application/zip" },
};

/* What follows the last dot; empty when there is none. */
static struct span extension_of(struct span name)
{
	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == '.')
			return span_skip(name, i);
	}
	return (struct span){ NULL, 0 };
}

struct span mime_type_of(struct span file_name)
{
	struct span extension = extension_of(file_name);

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (span_case_eq(extension, span_str(types[i].extension)))
			return span_str(types[i].type);
	}
	return SPAN("application/octet-stream");
}

bool mime_type_ok(struct span type)
{
	unsigned slashes = 0;

	for (size_t i = 0; i < type.n; i++) {
		char c = type.p[i];

		if (c == '/') {
			slashes++;
			if (i == 0 || i + 1 == type.n)
				return false;
		} else if (c <= ' ' || c >= 127 || strchr("()<>@,;:\\\"[]?=", c)) {
			return false;
		}
	}
	return slashes == 1 && type.n <= 127;
}

/* What some system takes for more than a letter of a name. */
static bool is_special(int32_t c)
{
	return c > 0 && c < 127 && strchr("<>:\"|?*/\\", c);
}

static bool is_harmless(int32_t c)
{
	if (c < ' ' || (c >= 127 && c < 160))
		return false;
	if (c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return false;
	return c != 0x61c && c != 0xfeff;
}

static struct span last_component(struct span path)
{
	for (size_t i = path.n; i > 0; i--) {
		if (path.p[i - 1] == '/' || path.p[i - 1] == '\\')
			return span_skip(path, i);
	}
	return path;
}

/* Cuts the middle out of a name that is too long: its extension says what it is. */
static size_t shorten(char *p, size_t n)
{
	struct span extension = extension_of(span_of(p, n)), stem;
	size_t tail;

	if (n <= FILE_NAME_MOST)
		return n;
	tail = extension.n > 0 && extension.n <= EXTENSION_MOST ? extension.n + 1 : 0;
	stem = utf8_cut(span_of(p, n - tail), FILE_NAME_MOST - tail);
	memmove(p + stem.n, p + n - tail, tail);
	return stem.n + tail;
}

struct span mime_file_name_of(struct span path, struct arena *a)
{
	return mime_file_name(last_component(path), a);
}

struct span mime_file_name(struct span rest, struct arena *a)
{
	char *p = arena_take(a, rest.n + 4);
	size_t n = 0;

	if (!p)
		return (struct span){ NULL, 0 };
	while (rest.n > 0) {
		const char *from = rest.p;
		int32_t c = utf8_take(&rest);

		if (!is_harmless(c) || (n == 0 && (c == '.' || c == ' ')))
			continue;
		if (is_special(c)) {
			p[n++] = '_';
			continue;
		}
		memcpy(p + n, from, (size_t)(rest.p - from));
		n += (size_t)(rest.p - from);
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '.'))
		n--;
	if (n == 0)
		return SPAN("file");
	return span_of(p, shorten(p, n));
}

struct span mime_file_name_ascii(struct span name, struct arena *a)
{
	char *p = arena_take(a, name.n);
	size_t n = 0;

	if (!p)
		return (struct span){ NULL, 0 };
	while (name.n > 0) {
		int32_t c = utf8_take(&name);

		p[n++] = c >= ' ' && c < 127 && !is_special(c) ? (char)c : '_';
	}
	return span_of(p, n);
}
