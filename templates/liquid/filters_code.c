/* filters_code.c - texts in other codes: URL, base64, JSON, digests. */
#include <stdint.h>
#include <stdio.h>

#include "engine/base/digest.h"
#include "engine/base/utf8.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/values.h"

static int done(struct filter_run *run, struct text *t, struct value *out)
{
	return filter_joined(run, t, false, out);
}

/* ---- URL ---- */

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.' || c == '~';
}

static int url_encode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	static const char hex[] = "0123456789ABCDEF";
	struct span s;
	struct text t;

	(void)args, (void)n;
	if (in.kind == VALUE_NIL)
		return 0;
	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (unreserved(s.p[i]))
			text_add_char(&t, s.p[i]);
		else if (c == ' ')
			text_add_char(&t, '+');
		else
			text_add(&t, span_of(code, 3));
	}
	return done(run, &t, out);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static int url_decode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		      struct value *out)
{
	struct span s;
	struct text t;

	(void)args, (void)n;
	if (in.kind == VALUE_NIL)
		return 0;
	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;

		if (low >= 0)
			i += 2;
		text_add_char(&t, low >= 0 ? (char)(high * 16 + low) : s.p[i] == '+' ? ' ' : s.p[i]);
	}
	if (!utf8_valid(text_span(&t)))
		return filter_fail(run, "what url_decode gives is no valid text");
	return done(run, &t, out);
}

/* ---- base64 (RFC 4648) ---- */

static const char plain64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int encode64(struct filter_run *run, struct value in, const char *digits, struct value *out)
{
	struct span s;
	struct text t;

	if (filter_text(run, in, &s) < 0)
		return -1;
	text_begin(&t, run->arena);
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t b = (uint32_t)(unsigned char)s.p[i] << 16;

		b |= left > 1 ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
		b |= left > 2 ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
		const char four[4] = { digits[b >> 18], digits[b >> 12 & 63], left > 1 ? digits[b >> 6 & 63] : '=',
				       left > 2 ? digits[b & 63] : '=' };

		text_add(&t, span_of(four, 4));
	}
	return done(run, &t, out);
}

static int digit64(char c, const char *digits)
{
	for (int i = 0; i < 64; i++)
		if (digits[i] == c)
			return i;
	return -1;
}

static int bad64(struct filter_run *run)
{
	return filter_fail(run, "the value is no base64");
}

static int decode64(struct filter_run *run, struct value in, const char *digits, bool padded, struct value *out)
{
	struct span s;
	struct text t;
	uint32_t bits = 0, have = 0;
	size_t length;

	if (filter_text(run, in, &s) < 0)
		return -1;
	length = s.n;
	for (int i = 0; i < 2 && s.n && s.p[s.n - 1] == '='; i++)
		s.n--;
	if (((padded || length != s.n) && length % 4 != 0) || s.n % 4 == 1)
		return bad64(run);
	text_begin(&t, run->arena);
	for (size_t i = 0; i < s.n; i++) {
		int d = digit64(s.p[i], digits);

		if (d < 0)
			return bad64(run);
		bits = (bits << 6 | (uint32_t)d) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text_add_char(&t, (char)(bits >> have & 255));
		}
	}
	if (bits & ((1u << have) - 1))
		return bad64(run);
	if (!utf8_valid(text_span(&t)))
		return filter_fail(run, "what the base64 holds is no valid text");
	return done(run, &t, out);
}

static int base64_encode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	(void)args, (void)n;
	return encode64(run, in, plain64, out);
}

static int base64_decode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
			 struct value *out)
{
	(void)args, (void)n;
	return decode64(run, in, plain64, true, out);
}

static int base64_url_safe_encode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
				  struct value *out)
{
	(void)args, (void)n;
	return encode64(run, in, url64, out);
}

static int base64_url_safe_decode(struct filter_run *run, struct value in, const struct value *args, unsigned n,
				  struct value *out)
{
	(void)args, (void)n;
	return decode64(run, in, url64, false, out);
}

/* ---- digests ---- */

static int hex_result(struct filter_run *run, const unsigned char *bytes, size_t size, struct value *out)
{
	char *hex = arena_take(run->arena, size * 2 + 1);

	if (size == 0 || !hex)
		return filter_no_memory(run);
	digest_hex(bytes, size, hex);
	*out = value_text(span_of(hex, size * 2));
	return 0;
}

static int digested(struct filter_run *run, struct value in, enum digest_kind kind, struct value *out)
{
	unsigned char bytes[DIGEST_MAX];
	struct span s;

	if (filter_text(run, in, &s) < 0)
		return -1;
	return hex_result(run, bytes, digest_once(kind, s, bytes), out);
}

static int keyed(struct filter_run *run, struct value in, struct value by, enum digest_kind kind, struct value *out)
{
	unsigned char bytes[DIGEST_MAX];
	struct span s, key;

	if (filter_text(run, in, &s) < 0 || filter_text(run, by, &key) < 0)
		return -1;
	return hex_result(run, bytes, digest_hmac(kind, key, s, bytes), out);
}

static int md5(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return digested(run, in, DIGEST_MD5, out);
}

static int sha1(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return digested(run, in, DIGEST_SHA1, out);
}

static int sha256(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	(void)args, (void)n;
	return digested(run, in, DIGEST_SHA256, out);
}

static int hmac_sha1(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		     struct value *out)
{
	(void)n;
	return keyed(run, in, args[0], DIGEST_SHA1, out);
}

static int hmac_sha256(struct filter_run *run, struct value in, const struct value *args, unsigned n,
		       struct value *out)
{
	(void)n;
	return keyed(run, in, args[0], DIGEST_SHA256, out);
}

/* ---- JSON (RFC 8259) ---- */

static void json_text(struct text *t, struct span s)
{
	char code[8];

	text_add_char(t, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\') {
			text_add_char(t, '\\');
			text_add_char(t, (char)c);
		} else if (c == '\n') {
			text_add(t, SPAN("\\n"));
		} else if (c < 0x20) {
			snprintf(code, sizeof code, "\\u%04x", c);
			text_add(t, span_str(code));
		} else {
			text_add_char(t, (char)c);
		}
	}
	text_add_char(t, '"');
}

static void json_value(struct text *t, struct value v)
{
	bool ok = true;

	if (v.kind == VALUE_ARRAY) {
		text_add_char(t, '[');
		for (uint32_t i = 0; i < v.n; i++) {
			text_add(t, i ? SPAN(",") : SPAN(""));
			json_value(t, v.items[i]);
		}
		text_add_char(t, ']');
	} else if (v.kind == VALUE_OBJECT) {
		text_add_char(t, '{');
		for (uint32_t i = 0; i < v.n; i++) {
			text_add(t, i ? SPAN(",") : SPAN(""));
			json_text(t, v.members[i].key);
			text_add_char(t, ':');
			json_value(t, v.members[i].value);
		}
		text_add_char(t, '}');
	} else if (value_is_number(v) || v.kind == VALUE_BOOL) {
		text_add(t, value_shown(t->arena, v, &ok));
	} else if (v.kind == VALUE_NIL) {
		text_add(t, SPAN("null"));
	} else {
		json_text(t, value_shown(t->arena, v, &ok));
	}
	t->failed = t->failed || !ok;
}

static int json(struct filter_run *run, struct value in, const struct value *args, unsigned n, struct value *out)
{
	struct text t;

	(void)args, (void)n;
	text_begin(&t, run->arena);
	json_value(&t, in);
	return done(run, &t, out);
}

const struct filter filters_code[] = {
	{ { "url_encode", 10 }, 0, 0, NULL, url_encode },
	{ { "url_decode", 10 }, 0, 0, NULL, url_decode },
	{ { "base64_encode", 13 }, 0, 0, NULL, base64_encode },
	{ { "base64_decode", 13 }, 0, 0, NULL, base64_decode },
	{ { "base64_url_safe_encode", 22 }, 0, 0, NULL, base64_url_safe_encode },
	{ { "base64_url_safe_decode", 22 }, 0, 0, NULL, base64_url_safe_decode },
	{ { "md5", 3 }, 0, 0, NULL, md5 },
	{ { "sha1", 4 }, 0, 0, NULL, sha1 },
	{ { "sha256", 6 }, 0, 0, NULL, sha256 },
	{ { "hmac_sha1", 9 }, 1, 1, NULL, hmac_sha1 },
	{ { "hmac_sha256", 11 }, 1, 1, NULL, hmac_sha256 },
	{ { "json", 4 }, 0, 0, NULL, json },
	{ { NULL, 0 }, 0, 0, NULL, NULL },
};
