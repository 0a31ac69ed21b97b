/* text.c - nothing here knows of mail. All growth is by doubling, so a buffer that is reused stops
 * allocating once it has met its largest content. */
#include "tests/fake/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("fake-relay: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

void *need(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		die("no memory");
	return p;
}

void *need_more(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		die("no memory");
	return p;
}

char *need_copy(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = need(n);

	memcpy(p, s, n);
	return p;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool text_case_begins(struct text t, struct text head)
{
	if (t.n < head.n)
		return false;
	for (size_t i = 0; i < head.n; i++)
		if (lower(t.p[i]) != lower(head.p[i]))
			return false;
	return true;
}

bool text_case_eq(struct text a, struct text b)
{
	return a.n == b.n && text_case_begins(a, b);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text t)
{
	while (t.n && is_space(t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n && is_space(t.p[t.n - 1]))
		t.n--;
	return t;
}

struct text text_cut(struct text *rest, char c)
{
	const char *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
	struct text head = *rest;

	if (!at) {
		*rest = (struct text){ NULL, 0 };
		return head;
	}
	head.n = (size_t)(at - rest->p);
	*rest = text_of(at + 1, rest->n - head.n - 1);
	return head;
}

bool text_u64(struct text t, uint64_t *out)
{
	uint64_t v = 0;

	if (t.n == 0 || t.n > 18)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	}
	*out = v;
	return true;
}

bool text_matches(struct text t, const regex_t *re)
{
	char string[4096];

	if (t.n >= sizeof string)
		return false;
	memcpy(string, t.n ? t.p : "", t.n);
	string[t.n] = 0;
	return regexec(re, string, 0, NULL, 0) == 0;
}

void bytes_room(struct bytes *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->p && b->cap - b->n >= more)
		return;
	while (cap - b->n < more)
		cap *= 2;
	b->p = need_more(b->p, cap);
	b->cap = cap;
}

void bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

/* Two digits a step: the record is full of long numbers. */
void bytes_u64(struct bytes *b, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[20];
	size_t at = sizeof digits;

	for (; v >= 100; v /= 100)
		memcpy(digits + (at -= 2), pairs + v % 100 * 2, 2);
	memcpy(digits + (at -= 2), pairs + v * 2, 2);
	if (v < 10)
		at++;
	bytes_add(b, digits + at, sizeof digits - at);
}

void bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("cannot format '%s'", fmt);
	bytes_room(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void bytes_printable(struct bytes *b, struct text t, size_t max)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < t.n && i < max; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c >= 32 && c < 127) {
			bytes_char(b, (char)c);
			continue;
		}
		char esc[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		bytes_add(b, esc, sizeof esc);
	}
	if (t.n > max)
		bytes_str(b, "...");
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void bytes_base64(struct bytes *b, struct text t)
{
	for (size_t i = 0; i < t.n; i += 3) {
		size_t left = t.n - i;
		uint32_t v = (uint32_t)(unsigned char)t.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)t.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)t.p[i + 2];
		char four[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
				 left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=' };

		bytes_add(b, four, sizeof four);
	}
}

static int sextet(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

bool bytes_unbase64(struct bytes *b, struct text t)
{
	if (t.n % 4)
		return false;
	for (size_t i = 0; i < t.n; i += 4) {
		bool last = i + 4 == t.n;
		int pad = last ? (t.p[i + 3] == '=') + (t.p[i + 3] == '=' && t.p[i + 2] == '=') : 0;
		uint32_t v = 0;

		for (int j = 0; j < 4; j++) {
			int s = j >= 4 - pad ? 0 : sextet(t.p[i + (size_t)j]);

			if (s < 0)
				return false;
			v = v << 6 | (uint32_t)s;
		}
		char three[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };

		if (pad && (v & (pad == 1 ? 0xffU : 0xffffU)))
			return false;
		bytes_add(b, three, 3 - (size_t)pad);
	}
	return true;
}
