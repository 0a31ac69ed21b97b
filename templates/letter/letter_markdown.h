/* letter_markdown.h - Markdown becomes HTML. Inner header of the room; safe in any thread. */
#ifndef TEMPLATES_LETTER_LETTER_MARKDOWN_H
#define TEMPLATES_LETTER_LETTER_MARKDOWN_H

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;

/* CommonMark with tables, strikethrough, task lists and bare links; a line break of the text is one
 * of the result, as letters want it. HTML of the author's stays. Lives in a. -1 with e (ERR_NOMEM). */
int letter_markdown(struct span text, struct arena *a, struct span *html, struct err *e);

#endif
