/* address_lex.h - the words of an address header (RFC 5322 3.2), one at a time.
 *
 * Private to engine/model/address*.c. Borrows the text. Pure code, no allocation. */
#ifndef ENGINE_MODEL_ADDRESS_LEX_H
#define ENGINE_MODEL_ADDRESS_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/span.h"

enum address_token_kind {
	ADDRESS_END,
	ADDRESS_ATOM,    /* atext, dots and what is beyond ASCII, without a gap */
	ADDRESS_QUOTED,  /* from the first '"' to behind the last */
	ADDRESS_LITERAL, /* "[...]", nothing inside is looked at */
	ADDRESS_SPECIAL, /* one of < > @ , ; : in `special` */
	ADDRESS_WRONG    /* the lexer's `wrong` says what; reading cannot go on */
};

struct address_token {
	enum address_token_kind kind;
	char special;    /* 0 but for ADDRESS_SPECIAL */
	bool apart;      /* white space or a comment stood before it */
	size_t from, to; /* bytes of the text */
};

struct address_lexer {
	struct span text;
	size_t at;
	struct span comment; /* inside of the last comment skipped; n == 0 when none */
	const char *wrong;   /* static words: "has a comment that is not closed" */
	size_t wrong_at;
};

void address_lex_open(struct address_lexer *lx, struct span text);
/* Skips white space and comments, then takes one token. At the end ADDRESS_END comes again and
 * again. */
struct address_token address_lex_next(struct address_lexer *lx);
/* RFC 5322 atext or beyond ASCII. */
bool address_is_atext(char c);

#endif
