/* html.c - held by tests/system/test_cli_preview.py with letters that try to get out. */
#include "engine/cli/html.h"

#include "engine/base/buf.h"
#include "engine/base/utf8.h"

void html_attribute_byte(struct buf *out, char c)
{
	switch (c) {
	case '&':
		buf_add_str(out, "&amp;");
		break;
	case '<':
		buf_add_str(out, "&lt;");
		break;
	case '>':
		buf_add_str(out, "&gt;");
		break;
	case '"':
		buf_add_str(out, "&quot;");
		break;
	case '\'':
		buf_add_str(out, "&#39;");
		break;
	default:
		buf_add_char(out, c);
	}
}

void html_text(struct buf *out, struct span s)
{
	while (s.n > 0) {
		const char *from = s.p;
		int32_t c = utf8_take(&s);

		if (c < 0 || c == 127 || (c < 32 && c != '\t' && c != '\n' && c != '\r'))
			buf_add_str(out, "\xef\xbf\xbd");
		else if (c < 128)
			html_attribute_byte(out, (char)c);
		else
			buf_add(out, span_of(from, (size_t)(s.p - from)));
	}
}

void html_json(struct buf *out, struct span s)
{
	buf_add_char(out, '"');
	while (s.n > 0) {
		const char *from = s.p;
		int32_t c = utf8_take(&s);

		if (c < 0)
			buf_add_str(out, "\\ufffd");
		else if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", (char)c);
		else if (c < 32 || c == '<' || c == '>' || c == '&' || c == 127 || c == 0x2028 || c == 0x2029)
			buf_addf(out, "\\u%04x", (unsigned)c);
		else
			buf_add(out, span_of(from, (size_t)(s.p - from)));
	}
	buf_add_char(out, '"');
}

void html_base64(struct buf *out, struct span s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = (s.n + 2) / 3 * 4;
	char *p = buf_room(out, length);
	const unsigned char *in = (const unsigned char *)s.p;

	if (!p || s.n == 0)
		return;
	for (size_t i = 0; i < s.n; i += 3) {
		unsigned v = (unsigned)in[i] << 16;

		if (i + 1 < s.n)
			v |= (unsigned)in[i + 1] << 8;
		if (i + 2 < s.n)
			v |= in[i + 2];
		*p++ = letters[v >> 18];
		*p++ = letters[v >> 12 & 63];
		*p++ = i + 1 < s.n ? letters[v >> 6 & 63] : '=';
		*p++ = i + 2 < s.n ? letters[v & 63] : '=';
	}
	buf_grew(out, length);
}
