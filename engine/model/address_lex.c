/* address_lex.c - words of an address header.
 *
 *  1. Each byte is looked at once: comments are counted, not descended into, so any input takes
 *     linear time and no stack.
 *  2. Tokens that touch have apart == false. The grammar above needs it to refuse what a comment
 *     or a space would glue together.
 * Held by tests/unit/test_model_address_hostile.c. */
#include "engine/model/address_lex.h"

#include <stdint.h>

#include "engine/model/address.h"

void address_lex_open(struct address_lexer *lx, struct span text)
{
	*lx = (struct address_lexer){ .text = text };
}

bool address_is_atext(char c)
{
	/* A bit for each of the ASCII letters, digits and !#$%&'*+-/=?^_`{|}~ */
	static const uint64_t atext[2] = { 0xa3ffacfa00000000, 0x7fffffffc7fffffe };
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || atext[u >> 6] >> (u & 63) & 1;
}

static bool wrong(struct address_lexer *lx, size_t at, const char *words)
{
	lx->wrong = words;
	lx->wrong_at = at;
	return false;
}

/* lx->at stands on '('. */
static bool skip_comment(struct address_lexer *lx)
{
	size_t from = lx->at, depth = 0;

	for (; lx->at < lx->text.n; lx->at++) {
		switch (lx->text.p[lx->at]) {
		case '\\':
			lx->at++;
			break;
		case '(':
			if (++depth > ADDRESS_COMMENTS_MAX)
				return wrong(lx, lx->at, "has comments inside of comments, too deep");
			break;
		case ')':
			if (--depth > 0)
				break;
			lx->at++;
			lx->comment = span_sub(lx->text, from + 1, lx->at - from - 2);
			return true;
		default:
			break;
		}
	}
	return wrong(lx, from, "has a comment that is not closed");
}

/* White space and comments; false when a comment is wrong. */
static bool skip_gap(struct address_lexer *lx)
{
	while (lx->at < lx->text.n) {
		char c = lx->text.p[lx->at];

		if (c == ' ' || c == '\t')
			lx->at++;
		else if (c != '(')
			return true;
		else if (!skip_comment(lx))
			return false;
	}
	return true;
}

/* From an opening quote or bracket to behind `close`; a backslash takes the next byte along. */
static bool skip_enclosed(struct address_lexer *lx, char close, const char *words)
{
	size_t from = lx->at++;

	for (; lx->at < lx->text.n; lx->at++) {
		char c = lx->text.p[lx->at];

		if (c == '\\')
			lx->at++;
		else if (c == close) {
			lx->at++;
			return true;
		}
	}
	return wrong(lx, from, words);
}

static enum address_token_kind take(struct address_lexer *lx, char c)
{
	switch (c) {
	case '"':
		return skip_enclosed(lx, '"', "has a quote that is not closed") ? ADDRESS_QUOTED : ADDRESS_WRONG;
	case '[':
		return skip_enclosed(lx, ']', "has a '[' without a ']'") ? ADDRESS_LITERAL : ADDRESS_WRONG;
	case '<': case '>': case '@': case ',': case ';': case ':':
		lx->at++;
		return ADDRESS_SPECIAL;
	case ')':
		wrong(lx, lx->at, "has a ')' without a '('");
		return ADDRESS_WRONG;
	case ']':
		wrong(lx, lx->at, "has a ']' without a '['");
		return ADDRESS_WRONG;
	case '\\':
		wrong(lx, lx->at, "has a backslash outside of quotes");
		return ADDRESS_WRONG;
	default:
		while (lx->at < lx->text.n && (lx->text.p[lx->at] == '.' || address_is_atext(lx->text.p[lx->at])))
			lx->at++;
		return ADDRESS_ATOM;
	}
}

struct address_token address_lex_next(struct address_lexer *lx)
{
	struct address_token t = { .kind = ADDRESS_WRONG };
	size_t before = lx->at;
	char c;

	if (!skip_gap(lx))
		return t;
	t.apart = lx->at > before;
	t.from = t.to = lx->at;
	if (lx->at == lx->text.n) {
		t.kind = ADDRESS_END;
		return t;
	}
	c = lx->text.p[lx->at];
	t.kind = take(lx, c);
	t.special = t.kind == ADDRESS_SPECIAL ? c : '\0';
	t.to = lx->at;
	return t;
}
