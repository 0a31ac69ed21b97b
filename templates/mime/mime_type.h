/* mime_type.h - media types by file name, and names that may be shown to a recipient.
 *
 * Pure code, safe in any thread. */
#ifndef TEMPLATES_MIME_MIME_TYPE_H
#define TEMPLATES_MIME_MIME_TYPE_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

/* By the extension, without case; "application/octet-stream" when it is not known. Static. */
struct span mime_type_of(struct span file_name);
/* "type/subtype", both tokens. */
bool mime_type_ok(struct span type);
/* name without what harms: controls, marks that turn the direction of text, leading dots and
 * blanks; / \ and <>:"|?* as '_'; at most 200 octets, the extension kept; "file" when nothing is
 * left. Lives in a; p is NULL when memory ran out. */
struct span mime_file_name(struct span name, struct arena *a);
/* The same of the last component of path. */
struct span mime_file_name_of(struct span path, struct arena *a);
/* The same in ASCII, each other character as '_'. Lives in a; NULL as above. */
struct span mime_file_name_ascii(struct span name, struct arena *a);

#endif
