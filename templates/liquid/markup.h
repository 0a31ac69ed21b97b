/* markup.h - where in HTML or Markdown a place of a template is: in text, in a tag, in a link. Followed while compiling, over the fixed text; values are taken for characters that close
 * nothing. Private to the room. */
#ifndef TEMPLATES_LIQUID_MARKUP_H
#define TEMPLATES_LIQUID_MARKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"
#include "templates/liquid/link.h"

enum { MARKUP_NAME_MAX = 12 };

enum markup_state {
	MARKUP_TEXT,
	MARKUP_TAG_OPEN,     /* behind < */
	MARKUP_DECLARATION,  /* behind <! */
	MARKUP_REMARK,       /* behind <!-- or <!x */
	MARKUP_TAG_NAME,
	MARKUP_BEFORE_NAME,
	MARKUP_NAME,         /* of an attribute */
	MARKUP_AFTER_NAME,
	MARKUP_BEFORE_VALUE, /* behind = */
	MARKUP_QUOTED,
	MARKUP_BARE,         /* a value without quotes */
	MARKUP_TARGET,       /* of a link in Markdown: until quote, or white space */
	MARKUP_SCRIPT        /* of script and style: until its end */
};

struct markup {
	uint8_t state; /* enum markup_state */
	uint8_t n_name;
	char quote;
	bool markdown; /* text is Markdown: [words](link), <link>, [name]: link */
	bool named;    /* a [ began this line */
	bool closing;  /* the tag is an end tag */
	bool comment;  /* the remark ends with --> */
	bool link;     /* the attribute holds a link */
	bool begun;    /* and the render follows it */
	bool decided;  /* and its scheme is known to be good, or was complained about */
	uint8_t matched; /* of what ends a remark or a script; in Markdown's text the byte before */
	char name[MARKUP_NAME_MAX + 1]; /* of the tag or the attribute, lower case */
	char tag[MARKUP_NAME_MAX + 1];
	struct link guard; /* what the fixed text in front of the first value says */
};

/* Steps over one byte of fixed text. True when it is a character of a link. */
bool markup_step(struct markup *m, char c);
/* Something will be printed here; then it is. */
void markup_before_value(struct markup *m);
void markup_value(struct markup *m);
/* Inside of an attribute that holds a link? */
static inline bool markup_in_link(const struct markup *m)
{
	return m->link && (m->state == MARKUP_BEFORE_VALUE || m->state == MARKUP_QUOTED || m->state == MARKUP_BARE ||
			   m->state == MARKUP_TARGET);
}
/* Where two ways meet. */
struct markup markup_merge(const struct markup *x, const struct markup *y);
bool markup_same(const struct markup *x, const struct markup *y);

#endif
