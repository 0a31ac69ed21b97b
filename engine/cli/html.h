/* html.h - text into HTML and JSON without a way out of its place. */
#ifndef ENGINE_CLI_HTML_H
#define ENGINE_CLI_HTML_H

#include "engine/base/span.h"

struct buf;

/* & < > " ' become references, what is no UTF-8 and control bytes but tab and line breaks become
 * U+FFFD: fit for text and for a double-quoted attribute. */
void html_text(struct buf *out, struct span s);
/* One byte of an attribute, for callers that walk the text themselves. */
void html_attribute_byte(struct buf *out, char c);
/* A JSON string with its quotes, also fit for a script element or file: < > & and all beyond
 * ASCII's printable part that a script could trip over are \u escapes. */
void html_json(struct buf *out, struct span s);
void html_base64(struct buf *out, struct span s);

#endif
