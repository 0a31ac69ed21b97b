/* mime_base64.c - invariants, held by tests/unit/test_mime_base64.c:
 *  1. A text gives the same bytes however it was cut into pieces, but for a CR LF cut apart.
 *  2. Every line but the last has 76 characters, and every line ends with CRLF. */
#include "templates/mime/mime_base64.h"

#include "templates/mime/mime_out.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t mime_base64_size(size_t n)
{
	size_t lines = (n + MIME_BASE64_LINE - 1) / MIME_BASE64_LINE;

	return (n + 2) / 3 * 4 + 2 * lines;
}

static char *put_three(char *out, const unsigned char *p)
{
	unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];

	out[0] = alphabet[v >> 18];
	out[1] = alphabet[v >> 12 & 63];
	out[2] = alphabet[v >> 6 & 63];
	out[3] = alphabet[v & 63];
	return out + 4;
}

char *mime_base64_word(char *out, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t whole = s.n / 3 * 3;
	unsigned char rest[3] = { 0 };

	for (size_t i = 0; i < whole; i += 3)
		out = put_three(out, p + i);
	if (whole == s.n)
		return out;
	rest[0] = p[whole];
	rest[1] = whole + 1 < s.n ? p[whole + 1] : 0;
	out = put_three(out, rest);
	out[-1] = '=';
	if (whole + 1 == s.n)
		out[-2] = '=';
	return out;
}

static char *put_line(char *out, struct span s)
{
	out = mime_base64_word(out, s);
	*out++ = '\r';
	*out++ = '\n';
	return out;
}

char *mime_base64_lines(char *out, struct span s)
{
	for (; s.n > MIME_BASE64_LINE; s = span_skip(s, MIME_BASE64_LINE))
		out = put_line(out, span_sub(s, 0, MIME_BASE64_LINE));
	return s.n ? put_line(out, s) : out;
}

void mime_base64_begin(struct mime_base64 *b, struct mime_out *o)
{
	b->out = o;
	b->n = 0;
	b->line_ended = true;
}

static int flush(struct mime_base64 *b)
{
	char *p = mime_out_room(b->out, 78);

	if (!p)
		return -1;
	mime_out_wrote(b->out, put_line(p, span_of(b->held, b->n)));
	b->n = 0;
	return 0;
}

static int hold(struct mime_base64 *b, struct span s)
{
	while (s.n > 0) {
		size_t n = sizeof b->held - b->n;

		if (n > s.n)
			n = s.n;
		memcpy(b->held + b->n, s.p, n);
		b->n += (unsigned)n;
		s = span_skip(s, n);
		if (b->n == sizeof b->held && flush(b) < 0)
			return -1;
	}
	return 0;
}

int mime_base64_text(struct mime_base64 *b, struct span s)
{
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
			n++;
		if (n > 0) {
			if (hold(b, span_sub(s, 0, n)) < 0)
				return -1;
			b->line_ended = false;
			s = span_skip(s, n);
			continue;
		}
		s = span_skip(s, span_begins(s, SPAN("\r\n")) ? 2 : 1);
		if (hold(b, SPAN("\r\n")) < 0)
			return -1;
		b->line_ended = true;
	}
	return 0;
}

int mime_base64_end(struct mime_base64 *b)
{
	if (!b->line_ended && hold(b, SPAN("\r\n")) < 0)
		return -1;
	b->line_ended = true;
	return b->n ? flush(b) : 0;
}
