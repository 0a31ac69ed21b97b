/* fuzz_content.c - any text as a body, in any pieces: quoted-printable and base64 read back as the text, what goes
 * over the line gives it back, and the hash that is signed is that of the canonical form.
 *
 * The first octet says how the rest is cut: into pieces of that many octets and a few, by turns fixed and values.
 * Each reader here is written from its RFC, and as simple as it can be. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/model/mail.h"
#include "templates/dkim/dkim_body.h"
#include "templates/mime/mime_base64.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_qp.h"
#include "templates/mime/mime_text.h"
#include "transport/smtp/smtp_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8192, ROOM = 8 * TEXT_MAX, ARENA = 32 << 20, PIECES_MAX = TEXT_MAX, LINE_MOST = 76 };

struct pieces {
	struct span items[PIECES_MAX];
	uint32_t n;
};

static struct arena a;
static struct pieces pieces;

static void cut(struct span text, unsigned how)
{
	pieces.n = 0;
	while (text.n > 0) {
		size_t n = 1 + (how + 7 * pieces.n) % (how + 3);

		pieces.items[pieces.n++] = span_sub(text, 0, n);
		text = span_skip(text, n);
	}
}

/* The line breaks of a piece as CRLF. */
static size_t canonical(struct span s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n') {
			i += s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
			memcpy(out + n, "\r\n", 2);
			n += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return n;
}

static size_t whole_canonical(char *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < pieces.n; i++)
		n += canonical(pieces.items[i], out + n);
	if (n > 0 && out[n - 1] != '\n') {
		memcpy(out + n, "\r\n", 2);
		n += 2;
	}
	return n;
}

/* Of every body on the line: short lines with CRLF, 7-bit, none that something on the way would change. */
static void check_lines(struct span s, bool blanks_matter)
{
	while (s.n > 0) {
		size_t n = span_find(s, '\n');

		MUST(n < s.n && n > 0 && s.p[n - 1] == '\r' && n - 1 <= LINE_MOST);
		MUST(s.p[0] != '.' && !span_begins(s, SPAN("From ")));
		MUST(!blanks_matter || n < 2 || (s.p[n - 2] != ' ' && s.p[n - 2] != '\t'));
		for (size_t i = 0; i + 1 < n; i++)
			MUST((unsigned char)s.p[i] < 127 && ((unsigned char)s.p[i] >= ' ' || s.p[i] == '\t'));
		s = span_skip(s, n + 1);
	}
}

static int hex(char c)
{
	const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	MUST(at);
	return (int)(at - digits);
}

static size_t read_quoted(struct span s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '=') {
			out[n++] = s.p[i];
			continue;
		}
		MUST(i + 2 < s.n);
		if (s.p[i + 1] != '\r')
			out[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
		i += 2;
	}
	return n;
}

static size_t read_base64(struct span s, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		if (!at) {
			MUST(s.p[i] == '=' || s.p[i] == '\r' || s.p[i] == '\n');
			continue;
		}
		bits = bits << 6 | (uint32_t)(at - digits);
		have += 6;
		if (have >= 8)
			out[n++] = (char)(bits >> (have -= 8));
	}
	return n;
}

static void check_quoted(struct span want)
{
	static char back[ROOM];
	struct mime_out o;
	struct mime_qp q;
	struct span out;

	mime_out_init(&o, &a);
	mime_qp_begin(&q, &o);
	for (uint32_t i = 0; i < pieces.n; i++) {
		struct mime_qp_piece piece;

		if (i % 2 == 0) {
			MUST(mime_qp_value(&q, pieces.items[i]) == 0);
			continue;
		}
		MUST(mime_qp_piece(&piece, pieces.items[i], &a) == 0);
		MUST(mime_qp_fixed(&q, &piece) == 0);
	}
	MUST(mime_qp_end(&q) == 0);
	out = mime_out_flat(&o, &a);
	check_lines(out, true);
	MUST(out.n < ROOM && span_eq(span_of(back, read_quoted(out, back)), want));
}

static void check_base64(struct span want)
{
	static char back[ROOM];
	struct mime_base64 b;
	struct mime_out o;
	struct span out;

	mime_out_init(&o, &a);
	mime_base64_begin(&b, &o);
	for (uint32_t i = 0; i < pieces.n; i++)
		MUST(mime_base64_text(&b, pieces.items[i]) == 0);
	MUST(mime_base64_end(&b) == 0);
	out = mime_out_flat(&o, &a);
	check_lines(out, true);
	MUST(span_eq(span_of(back, read_base64(out, back)), want));
}

static void check_fixed(struct span text)
{
	static char back[ROOM], want[ROOM];
	enum mime_encoding encoding;
	struct span out = mime_text_encode(text, &a, &encoding);
	size_t n = canonical(text, want);

	if (n > 0 && want[n - 1] != '\n') {
		memcpy(want + n, "\r\n", 2);
		n += 2;
	}
	MUST(out.p && encoding != MIME_8BIT);
	if (encoding == MIME_QUOTED_PRINTABLE)
		out = span_of(back, read_quoted(out, back));
	else if (encoding == MIME_BASE64)
		out = span_of(back, read_base64(out, back));
	MUST(span_eq(out, span_of(want, n)));
}

/* Over the line with DATA and back: RFC 5321 4.5.2. */
static void check_line(struct span text)
{
	static char wire[ROOM];
	const struct mail m = { .content = pieces.items, .n_content = pieces.n, .needs = MAIL_MAY_HAVE_DOTS };
	struct smtp_content c;
	struct span piece;
	size_t n = 0, got = 0;
	bool line_start = true;

	smtp_content_begin(&c, &m, true);
	while (smtp_content_next(&c, &piece)) {
		MUST(piece.n > 0 && n + piece.n <= sizeof wire);
		memcpy(wire + n, piece.p, piece.n);
		n += piece.n;
	}
	MUST(smtp_content_ended(&c) && n >= 3 && memcmp(wire + n - 3, ".\r\n", 3) == 0);
	n -= 3;
	for (size_t i = 0; i < n; i++) {
		if (line_start && wire[i] == '.')
			MUST(++i < n && (wire[i] == '.')); /* no line is a dot by itself */
		if (got < text.n)
			MUST(wire[i] == text.p[got++]);
		else
			MUST(wire[i] == '\r' || wire[i] == '\n');
		line_start = wire[i] == '\n';
	}
	MUST(got == text.n);
}

/* RFC 6376 3.4.3 and 3.4.4, of a body with CRLF only. */
static size_t dkim_form(struct span s, bool relaxed, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool blank = relaxed && (s.p[i] == ' ' || s.p[i] == '\t');

		if (relaxed && s.p[i] == '\r')
			n -= n > 0 && out[n - 1] == ' ';
		if (!blank)
			out[n++] = s.p[i];
		else if (n == 0 || out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n >= 4 && memcmp(out + n - 4, "\r\n\r\n", 4) == 0)
		n -= 2;
	if (n == 2 && relaxed && memcmp(out, "\r\n", 2) == 0)
		n = 0;
	if (n == 0 && !relaxed)
		n = (size_t)(memcpy(out, "\r\n", 2), 2);
	return n;
}

static void check_hash(struct span body, unsigned how)
{
	static struct digest *d;
	static char form[ROOM];
	unsigned char want[SHA256_SIZE], got[SHA256_SIZE];
	struct dkim_body b;

	MUST(d || digest_new(&d, DIGEST_SHA256, NULL) == 0);
	cut(body, how);
	for (int relaxed = 0; relaxed < 2; relaxed++) {
		MUST(digest_sha256(span_of(form, dkim_form(body, relaxed, form)), want) == 0);
		dkim_body_begin(&b, d, relaxed ? DKIM_RELAXED : DKIM_SIMPLE, NULL);
		for (uint32_t i = 0; i < pieces.n; i++)
			dkim_body_add(&b, pieces.items[i]);
		MUST(dkim_body_end(&b, got) == 0 && memcmp(got, want, sizeof got) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char want[ROOM];
	struct span text;
	size_t n;

	if (!a.chunk_bytes)
		arena_init(&a, 1 << 16, ARENA);
	if (size < 1 || size > TEXT_MAX)
		return 0;
	arena_reset(&a);
	text = span_of(data + 1, size - 1);
	cut(text, data[0]);
	n = whole_canonical(want);
	check_quoted(span_of(want, n));
	check_base64(span_of(want, n));
	check_fixed(text);
	check_line(text);
	check_hash(span_of(want, n), data[0]);
	return 0;
}
