/* address_plain.c - the address as nearly every list has it, user.name@example.com, in one pass.
 *
 *  1. Only what the grammar would take with the same result is taken: a dot-atom of ASCII, and labels of
 *     letters, digits and single hyphens. Everything else, and every mistake, is the grammar's.
 * Held by tests/unit/test_model_address.c, against the grammar itself. */
#include "engine/model/address.h"
#include "engine/model/address_lex.h"
#include "engine/model/address_parts.h"

static bool is_plain_local(struct span s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; before = s.p[i++])
		if (s.p[i] == '.' ? before == '.' : s.p[i] & 0x80 || !address_is_atext(s.p[i]))
			return false;
	return before != '.' && s.n <= ADDRESS_LOCAL_MAX;
}

static bool is_plain_domain(struct span s)
{
	char before = '.';
	size_t label = 0;
	bool number = true; /* the label so far has only digits */

	for (size_t i = 0; i < s.n; before = s.p[i++]) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool edge = before == '.' || before == '-';

		if (c == '.' || c == '-') {
			if (edge) /* "--" may be an A-label: not for us */
				return false;
			label = c == '.' ? i + 1 : label;
		} else if (!letter && !(c >= '0' && c <= '9')) {
			return false;
		}
		number = c == '.' || (number && c >= '0' && c <= '9');
		if (i + 1 - label > ADDRESS_LABEL_MAX)
			return false;
	}
	return before != '.' && before != '-' && !number;
}

static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 0x20;
}

int address_plain(struct span text, struct arena *a, struct address *out)
{
	size_t at = span_find(text, '@');
	char *path;

	if (at == text.n || text.n > ADDRESS_PATH_MAX || !is_plain_local(span_sub(text, 0, at)) ||
	    !is_plain_domain(span_skip(text, at + 1)))
		return 0;
	path = arena_take(a, text.n);
	if (!path)
		return -1;
	memcpy(path, text.p, text.n);
	lower(path + at + 1, text.n - at - 1);
	out->path = span_of(path, text.n);
	out->local = span_sub(out->path, 0, at);
	out->domain = span_skip(out->path, at + 1);
	return 1;
}
