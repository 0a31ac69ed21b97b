/* address_local.c - the left side of the @, and the path it makes with the right side.
 *
 *  1. A local part that was written in pieces ("first."second".third") is joined only where a dot
 *     stood between them; anything else would glue two texts together.
 *  2. It goes plain when it is a dot-atom, else quoted; '<', '>' and controls are in neither, so
 *     whoever reads the path to its first '>' or to its quoted end sees the same.
 * Held by tests/unit/test_model_address.c. */
#include "engine/model/address.h"
#include "engine/model/address_lex.h"
#include "engine/model/address_parts.h"

#include "engine/base/utf8.h"

static int fault_at(struct address_fault *fault, const char *words, size_t at)
{
	fault->words = words;
	fault->at = at;
	return -1;
}

/* Characters that cannot be seen or look like a space: in a local part always a slip. */
static bool invisible(int32_t c)
{
	return c == 0xa0 || c == 0xad || c == 0x34f || c == 0x61c || c == 0x1680 || c == 0x180e ||
	       (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) ||
	       c == 0x3000 || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Dots of the atom at [from, to): none doubled, and at its ends just where a quoted word touches. */
static int check_dots(struct span text, size_t from, size_t to, struct address_fault *fault)
{
	bool first = from == 0, last = to == text.n;

	if (first && text.p[from] == '.')
		return fault_at(fault, "begins with a dot", from);
	if (last && text.p[to - 1] == '.')
		return fault_at(fault, "has a dot before the @", to - 1);
	if ((!first && text.p[from] != '.') || (!last && text.p[to - 1] != '.'))
		return fault_at(fault, "has quotes in the middle of a word", first ? to : from);
	for (size_t i = from + 1; i < to; i++)
		if (text.p[i] == '.' && text.p[i - 1] == '.')
			return fault_at(fault, "has two dots in a row", i);
	return 0;
}

static int check_words(struct span text, struct address_fault *fault)
{
	enum address_token_kind before = ADDRESS_END;
	struct address_lexer lx;
	struct address_token t;

	address_lex_open(&lx, text);
	for (t = address_lex_next(&lx); t.kind != ADDRESS_END; t = address_lex_next(&lx)) {
		if (t.kind == ADDRESS_ATOM && check_dots(text, t.from, t.to, fault) < 0)
			return -1;
		if (t.kind == ADDRESS_QUOTED && before == ADDRESS_QUOTED) /* (1) */
			return fault_at(fault, "has quotes in the middle of a word", t.from);
		before = t.kind;
	}
	return 0;
}

int address_local_check(struct span text, bool *utf8, struct address_fault *fault)
{
	struct span rest = text;

	*utf8 = false;
	if (check_words(text, fault) < 0)
		return -1;
	while (rest.n > 0) {
		size_t at = text.n - rest.n;
		int32_t c = utf8_take(&rest);

		if (c == '<' || c == '>')
			return fault_at(fault, "has a '<' or '>' in quotes before the @", at);
		if (c == '\t')
			return fault_at(fault, "has a tab before the @", at);
		if (invisible(c))
			return fault_at(fault, "has an invisible character", at);
		*utf8 |= c >= 0x80;
	}
	return 0;
}

/* A local part that needs no quotes: atoms with single dots between them. */
static bool is_dot_atom(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.' && !address_is_atext(s.p[i]))
			return false;
		if (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i + 1] == '.'))
			return false;
	}
	return s.n > 0;
}

/* Writes local@ (2); returns the bytes written. out has room for 2 * local.n + 3. */
static size_t write_local(struct span local, char *out)
{
	size_t n = 0;

	if (is_dot_atom(local)) {
		memcpy(out, local.p, local.n);
		n = local.n;
	} else {
		out[n++] = '"';
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				out[n++] = '\\';
			out[n++] = local.p[i];
		}
		out[n++] = '"';
	}
	out[n++] = '@';
	return n;
}

int address_path(struct span local, struct span domain, struct arena *a, struct span *out,
		 struct address_fault *fault)
{
	char *path;
	size_t n;

	if (local.n > ADDRESS_LOCAL_MAX)
		return fault_at(fault, "has more than 64 bytes before the @", 0);
	path = arena_take(a, 2 * local.n + 3 + domain.n);
	if (!path)
		return -2;
	n = write_local(local, path);
	if (n - 1 > ADDRESS_LOCAL_MAX)
		return fault_at(fault, "has more than 64 bytes before the @", 0);
	memcpy(path + n, domain.p, domain.n);
	n += domain.n;
	if (n > ADDRESS_PATH_MAX)
		return fault_at(fault, "is longer than 254 bytes", 0);
	*out = span_of(path, n);
	return 0;
}
