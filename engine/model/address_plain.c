/* address_plain.c - the address as nearly every list has it, user.name@example.com, in one pass.
 *
 *  1. Only what the grammar would take with the same result is taken: a dot-atom of ASCII, and labels of
 *     letters, digits and single hyphens. Everything else, and every mistake, is the grammar's.
 * Held by tests/unit/test_model_address.c, against the grammar itself. */
#include "engine/model/address.h"
#include "engine/model/address_parts.h"

enum { LETTER = 1, CAPITAL = 2, DIGIT = 4, HYPHEN = 8, DOT = 16, OTHER = 32, WORD = LETTER | CAPITAL | DIGIT };

/* What each byte can be in a dot-atom; 0: nothing. */
static const unsigned char kinds[256] = {
	['a' ... 'z'] = LETTER, ['A' ... 'Z'] = CAPITAL, ['0' ... '9'] = DIGIT, ['-'] = HYPHEN, ['.'] = DOT,
	['!'] = OTHER, ['#' ... '\''] = OTHER, ['*' ... '+'] = OTHER, ['/'] = OTHER, ['='] = OTHER, ['?'] = OTHER,
	['^' ... '`'] = OTHER, ['{' ... '~'] = OTHER,
};

static inline unsigned kind_of(char c)
{
	return kinds[(unsigned char)c];
}

/* Index of the '@' behind a local part; 0: it is not plain. */
static size_t plain_local(struct span s)
{
	unsigned before = DOT, kind;
	size_t n = 0;

	for (; n < s.n && (kind = kind_of(s.p[n])) != 0; n++) {
		if (kind & before & DOT)
			return 0;
		before = kind;
	}
	return n < s.n && s.p[n] == '@' && before != DOT && n <= ADDRESS_LOCAL_MAX ? n : 0;
}

/* The kinds of all its bytes; 0: it is not plain. */
static unsigned plain_domain(struct span s)
{
	unsigned before = DOT, label = 0, all = 0; /* kinds of the byte before, of the label, of those before it */
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned kind = kind_of(s.p[i]);

		if (!(kind & WORD)) {
			if (!(kind & (DOT | HYPHEN)) || !(before & WORD)) /* "--" may be an A-label: not for us */
				return 0;
			if (kind == DOT) {
				if (i - from > ADDRESS_LABEL_MAX)
					return 0;
				from = i + 1;
				all |= label;
				label = 0;
			}
		}
		label |= kind;
		before = kind;
	}
	if (!(before & WORD) || !(label & (LETTER | CAPITAL | HYPHEN)) || s.n - from > ADDRESS_LABEL_MAX)
		return 0; /* the last one may not be a number */
	return all | label;
}

static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 0x20;
}

int address_plain(struct span text, struct arena *a, struct address *out)
{
	size_t at = plain_local(text);
	unsigned domain = at > 0 && text.n <= ADDRESS_PATH_MAX ? plain_domain(span_skip(text, at + 1)) : 0;
	char *path;

	if (domain == 0)
		return 0;
	path = arena_take(a, text.n);
	if (!path)
		return -1;
	memcpy(path, text.p, text.n);
	if (domain & CAPITAL)
		lower(path + at + 1, text.n - at - 1);
	out->path = span_of(path, text.n);
	out->local = span_sub(out->path, 0, at);
	out->domain = span_skip(out->path, at + 1);
	return 1;
}
