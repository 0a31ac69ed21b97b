/* span.c - the parts of span.h that are too long to be inline. ASCII only, whatever the locale. */
#include "engine/base/span.h"

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u - (unsigned)'A' < 26U ? (unsigned char)(u | 0x20) : u;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool span_case_eq(struct span a, struct span b)
{
	return a.n == b.n && span_case_begins(a, b);
}

bool span_case_begins(struct span s, struct span with)
{
	if (s.n < with.n)
		return false;
	for (size_t i = 0; i < with.n; i++)
		if (lower(s.p[i]) != lower(with.p[i]))
			return false;
	return true;
}

size_t span_search(struct span s, struct span what)
{
	const char *at;

	if (what.n == 0)
		return 0;
	at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

struct span span_trim(struct span s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span span_cut(struct span *rest, char c)
{
	struct span all = *rest;
	size_t at = span_find(all, c);

	if (at == all.n) {
		*rest = (struct span){ NULL, 0 };
		return all;
	}
	*rest = (struct span){ all.p + at + 1, all.n - at - 1 };
	return (struct span){ all.p, at };
}

int span_number(struct span s, unsigned long long max, unsigned long long *out)
{
	unsigned long long v = 0;

	if (s.n == 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9 || digit > max || v > (max - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}
