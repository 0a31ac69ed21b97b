/* lex.h - the markup of a tag or an output into words, numbers, strings and signs. */
#ifndef TEMPLATES_LIQUID_LEX_H
#define TEMPLATES_LIQUID_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "templates/liquid/source.h"

enum word_kind {
	WORD_END,
	WORD_NAME,    /* letters, digits, _ and -, one ? at its end */
	WORD_NUMBER,
	WORD_STRING,  /* text without the quotes */
	WORD_COMPARE, /* == != <> < > <= >= contains */
	WORD_DOTDOT,
	WORD_SIGN,    /* one of | . : , [ ] ( ) ? - = */
	WORD_BAD_STRING, /* a quote that does not close */
	WORD_BAD         /* a character that means nothing here */
};

struct word {
	enum word_kind kind;
	struct span text;
	uint32_t at; /* byte of the source */
};

struct lex {
	const struct source *source;
	uint32_t at, end;
	struct word now, next; /* next is what follows now */
	bool after_dot;        /* "a.contains" is a member, not the operator */
};

void lex_begin(struct lex *l, const struct source *source, uint32_t at, struct span markup);
void lex_step(struct lex *l);
static inline bool lex_is(const struct lex *l, char sign)
{
	return l->now.kind == WORD_SIGN && l->now.text.p[0] == sign;
}
static inline bool lex_is_name(const struct lex *l, struct span name)
{
	return l->now.kind == WORD_NAME && span_eq(l->now.text, name);
}
/* What now is, in words for a person: "'=='", "the end". Borrowed from out. */
const char *lex_describe(const struct word *w, char out[80]);

#endif
