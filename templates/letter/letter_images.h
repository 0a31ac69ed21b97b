/* letter_images.h - pictures in HTML and Markdown, and the parts they are. Inner header of the room. */
#ifndef TEMPLATES_LETTER_LETTER_IMAGES_H
#define TEMPLATES_LETTER_LETTER_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct letter_compile;
struct letter_files;

/* Notes in c->images the local pictures that the bodies name. -1: no memory (c->e). */
int letter_find_images(struct letter_compile *c);
bool letter_has_image(const struct letter_compile *c, struct span name);
/* "./logo.png" is "logo.png". */
struct span letter_image_name(struct span src);
/* The value of the attribute src=... that s begins with; returns the octets of it all, 0: none. */
size_t letter_image_src(struct span s, struct span *value);

/* text with each cid:NAME and each src=NAME of a file completed to the part's Content-ID (RFC 2392);
 * shown: to the name the author gave. *out lives in a, or is text. -1: no memory. */
int letter_complete_images(struct span text, const struct letter_files *files, bool shown, struct arena *a,
			   struct span *out);

#endif
