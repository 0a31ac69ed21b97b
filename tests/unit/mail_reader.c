/* mail_reader.c - see mail_reader.h; stays simple rather than fast. */
#include "tests/unit/mail_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct text room(size_t n)
{
	struct text t = { calloc(n + 1, 1), 0 };

	if (!t.p)
		abort();
	return t;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct text read_qp(const char *p, size_t n)
{
	struct text t = room(n);

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '=') {
			t.p[t.n++] = p[i];
		} else if (i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n') {
			i += 2;
		} else if (i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			t.p[t.n++] = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
			i += 2;
		} else {
			t.n = 0; /* broken: nothing will compare equal */
			t.p[t.n] = '\0';
			return t;
		}
	}
	t.p[t.n] = '\0';
	return t;
}

struct text read_base64(const char *p, size_t n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct text t = room(n);
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = p[i] ? strchr(letters, p[i]) : NULL;

		if (!at)
			continue;
		bits = bits << 6 | (unsigned)(at - letters);
		have += 6;
		if (have >= 8) {
			have -= 8;
			t.p[t.n++] = (char)(bits >> have & 255);
		}
	}
	t.p[t.n] = '\0';
	return t;
}

static void add(struct text *t, const char *p, size_t n)
{
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

/* "=?UTF-8?Q?...?=" at p: octets of it with *out decoded, or 0. */
static size_t word(const char *p, size_t n, struct text *out)
{
	const char *end;
	struct text t;
	char kind;

	if (n < 12 || strncasecmp(p, "=?utf-8?", 8) != 0 || p[9] != '?')
		return 0;
	kind = p[8];
	end = memmem(p + 10, n - 10, "?=", 2);
	if (!end || memchr(p + 10, ' ', (size_t)(end - p - 10)))
		return 0;
	if (kind == 'B') {
		t = read_base64(p + 10, (size_t)(end - p - 10));
	} else {
		struct text q = room(n);

		for (const char *c = p + 10; c < end; c++)
			q.p[q.n++] = *c == '_' ? ' ' : *c;
		t = read_qp(q.p, q.n);
		free(q.p);
	}
	add(out, t.p, t.n);
	free(t.p);
	return (size_t)(end + 2 - p);
}

/* Unfolded and trimmed. */
static struct text unfold(const char *p, size_t n)
{
	struct text flat = room(n);
	size_t blanks = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r' && p[i] != '\n')
			flat.p[flat.n++] = p[i];
	}
	while (flat.n > 0 && isspace((unsigned char)flat.p[flat.n - 1]))
		flat.n--;
	while (blanks < flat.n && isspace((unsigned char)flat.p[blanks]))
		blanks++;
	memmove(flat.p, flat.p + blanks, flat.n - blanks);
	flat.n -= blanks;
	return flat;
}

struct text read_header(const char *p, size_t n)
{
	struct text flat = unfold(p, n), t = room(n);
	size_t i = 0, blanks_from = 0; /* of t, after an encoded word */
	int after_word = 0;

	while (i < flat.n) {
		size_t keep = t.n, w = 0;

		if (i == 0 || flat.p[i - 1] == ' ') {
			if (after_word)
				t.n = blanks_from; /* blanks between two words are none */
			w = word(flat.p + i, flat.n - i, &t);
		}
		if (w > 0) {
			i += w;
			after_word = 1;
			blanks_from = t.n;
			continue;
		}
		t.n = keep;
		if (flat.p[i] != ' ')
			after_word = 0;
		t.p[t.n++] = flat.p[i++];
	}
	t.p[t.n] = '\0';
	free(flat.p);
	return t;
}

struct text find_header(const char *p, size_t n, const char *name)
{
	size_t i = 0, len = strlen(name);
	struct text t;

	while (i < n && !(p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')) {
		size_t end = i;

		do {
			const char *nl = memchr(p + end, '\n', n - end);

			end = nl ? (size_t)(nl - p) + 1 : n;
		} while (end < n && (p[end] == ' ' || p[end] == '\t'));
		if (end - i > len && strncasecmp(p + i, name, len) == 0 && p[i + len] == ':') {
			t = room(end - i);
			add(&t, p + i + len + 1, end - i - len - 1);
			return t;
		}
		i = end;
	}
	return room(1);
}

const char *lines_wrong(const char *p, size_t n, size_t max)
{
	size_t begin = 0;

	if (n > 0 && (n < 2 || p[n - 1] != '\n'))
		return "does not end with CRLF";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 128 || c == 0)
			return "an octet that is not 7-bit text";
		if (c == '\r' && (i + 1 == n || p[i + 1] != '\n'))
			return "a bare CR";
		if (c != '\n')
			continue;
		if (i == 0 || p[i - 1] != '\r')
			return "a bare LF";
		size_t len = i - 1 - begin;
		if (len > max)
			return "a line too long";
		if (len > 0 && (p[i - 2] == ' ' || p[i - 2] == '\t'))
			return "white space at the end of a line";
		if (p[begin] == '.' && len > 0)
			return "a line that begins with a dot";
		if (len >= 5 && memcmp(p + begin, "From ", 5) == 0)
			return "a line that begins with From";
		begin = i + 1;
	}
	return NULL;
}
