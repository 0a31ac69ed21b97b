/* mime_unclear.h - characters that have octets in a charset, and mean another to some readers. Inner header of
 * the room; pure code, safe in any thread. */
#ifndef TEMPLATES_MIME_MIME_UNCLEAR_H
#define TEMPLATES_MIME_MIME_UNCLEAR_H

#include <stdbool.h>

#include "engine/base/span.h"

/* charset by its name in mails, text in UTF-8. */
bool mime_has_unclear(const char *charset, struct span text);

#endif
