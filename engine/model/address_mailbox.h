/* address_mailbox.h - one mailbox of an address header: [ name ] and local@domain.
 *
 * Private to engine/model/address*.c: address.c has the entries and the lists. */
#ifndef ENGINE_MODEL_ADDRESS_MAILBOX_H
#define ENGINE_MODEL_ADDRESS_MAILBOX_H

#include "engine/model/address.h"
#include "engine/model/address_lex.h"

struct err;

/* Touching or parted atoms and quoted strings, [from, to) of the text. */
struct mailbox_words {
	size_t from, to;
	size_t gap;     /* where the first gap between two of them ends, 0: they all touch */
	size_t literal; /* where a "[...]" stands among them, plus one; 0: none does */
	unsigned n;
	enum address_token_kind first;
};

struct mailbox_parser {
	struct address_lexer lx;
	struct address_token t; /* the token that is looked at */
	struct span text;
	size_t item; /* where the item begins that sentences quote */
	bool list;   /* sentences quote up to the next comma */
	struct arena *a;
	struct err *e;
};

/* Checks the whole text for what no address may have, takes the first token at byte `from`. All
 * of these return 0, or -1 with the parser's err filled. */
int mailbox_open(struct mailbox_parser *p, struct span text, size_t from, bool list, struct arena *a,
		 struct err *e);
int mailbox_next(struct mailbox_parser *p);
/* "'ann@@example.com' has two @ signs (character 5)"; at is a byte of the text. */
int mailbox_fail(struct mailbox_parser *p, size_t at, const char *words);
int mailbox_take_words(struct mailbox_parser *p, struct mailbox_words *w);
/* The words as one text: no quotes, comments, backslashes, one space for a gap. */
int mailbox_name(struct mailbox_parser *p, const struct mailbox_words *w, struct span *out);
/* Words were taken and p->t is no ':'. Ends on ADDRESS_END, ',' or ';'. */
int mailbox_parse(struct mailbox_parser *p, const struct mailbox_words *w, struct address *out);

static inline bool mailbox_on(const struct mailbox_parser *p, char special)
{
	return p->t.special == special;
}

#endif
