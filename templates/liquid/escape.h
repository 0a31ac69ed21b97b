/* escape.h - text for an HTML body. Private to the room. */
#ifndef TEMPLATES_LIQUID_ESCAPE_H
#define TEMPLATES_LIQUID_ESCAPE_H

#include "templates/liquid/values.h"

/* Index of the first byte that must be escaped, or s.n. */
size_t escape_find(struct span s);
/* & < > " ' escaped; s itself when there are none. ok gets false when memory ran out. */
struct span escape_html(struct arena *a, struct span s, bool *ok);
/* What means something in Markdown or HTML as "&#x0000XX;", which letter_markdown.c knows again; a
 * value prints as it is, wherever it stands. */
struct span escape_markdown(struct arena *a, struct span s, bool *ok);
/* The same as escape_html(), but entities that are there already stay. */
struct span escape_html_once(struct arena *a, struct span s, bool *ok);

#endif
