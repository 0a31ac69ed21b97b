/* mime_text.h - how a text travels: 7bit, quoted-printable or base64, whichever suits it.
 *
 * Pure code, safe in any thread. */
#ifndef TEMPLATES_MIME_MIME_TEXT_H
#define TEMPLATES_MIME_MIME_TEXT_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

enum mime_encoding { MIME_7BIT, MIME_QUOTED_PRINTABLE, MIME_BASE64, MIME_8BIT };

enum { MIME_LINE_SHOULD = 78, MIME_LINE_MUST = 998 }; /* RFC 5322 2.1.1, without CRLF */

/* "7bit", "quoted-printable", "base64", "8bit". */
struct span mime_encoding_name(enum mime_encoding encoding);
/* Can it stand as it is: ASCII, short lines, nothing that a hop or a mail folder would change. */
bool mime_text_is_plain(struct span text);
/* Encodes a text that is the same in all mails. Lives in a; p is NULL when memory ran out. The
 * result ends with CRLF, or is empty. */
struct span mime_text_encode(struct span text, struct arena *a, enum mime_encoding *encoding);
/* What a text with holes wants, judged by its fixed part: base64 where most of it is not Latin. */
enum mime_encoding mime_text_judge(size_t quoted_printable_octets, size_t octets);

#endif
