/* scan.h - template text into literal text, {{ outputs }} and {% tags %}.
 *
 * The lines of a {% liquid %} tag are tags too: a scan with lines set gives them one by one.
 * Never fails: what is not closed is a token of its own. */
#ifndef TEMPLATES_LIQUID_SCAN_H
#define TEMPLATES_LIQUID_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "templates/liquid/source.h"

enum token_kind {
	TOKEN_TEXT,
	TOKEN_OUTPUT,
	TOKEN_TAG,
	TOKEN_BROKEN_OUTPUT, /* "{{" without "}}" */
	TOKEN_BROKEN_TAG,    /* "{%" without "%}" */
	TOKEN_NAMELESS_TAG,  /* "{% %}", "{% ! %}" */
	TOKEN_END
};

struct token {
	enum token_kind kind;
	uint32_t from, to;         /* bytes of the source */
	struct span name;          /* tags: "if", "#"; empty else */
	struct span markup;        /* between name and end, without white space at the ends */
	uint32_t markup_at;        /* where markup begins */
	bool trim_before, trim_after; /* "{%-", "-%}" */
};

struct scan {
	const struct source *source;
	uint32_t at, end;
	bool lines; /* inside {% liquid %} */
};

void scan_begin(struct scan *s, const struct source *source);
/* The tags in the markup of a liquid tag. */
void scan_lines(struct scan *s, const struct scan *around, const struct token *liquid);
void scan_next(struct scan *s, struct token *out);
/* Reads on to {% end %}, whatever stands before it (raw, doc). True with *body and *end, the tag
 * that closes; false, and nothing is read, when there is none. */
bool scan_verbatim(struct scan *s, struct span end_name, struct span *body, struct token *end);

/* The white space of the language: space, \t \r \n \v \f. */
bool scan_white(char c);

#endif
