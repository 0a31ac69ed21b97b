/* mime_charset.h - charsets beside UTF-8 that a letter may be written in; the door to iconv.
 *
 * Descriptions are static and shared; a converter belongs to one thread. */
#ifndef TEMPLATES_MIME_MIME_CHARSET_H
#define TEMPLATES_MIME_MIME_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;

struct mime_charset {
	const char *name;  /* as it stands in a mail: its preferred MIME name */
	const char *iconv; /* as iconv calls it */
	bool wide;         /* characters of more than one octet: base64 suits it */
};

bool mime_charset_is_utf8(struct span name); /* or US-ASCII, which is part of it */
/* By any of its usual names; NULL: not one that mails are written in here. */
const struct mime_charset *mime_charset_find(struct span name);

struct mime_converter;
int mime_converter_new(struct mime_converter **out, const struct mime_charset *charset, struct err *e);
void mime_converter_free(struct mime_converter **c);
const struct mime_charset *mime_converter_charset(const struct mime_converter *c);

enum mime_fit { MIME_FITS, MIME_FITS_NOT, MIME_NO_MEMORY };
/* UTF-8 into the charset, begun and ended in its first state. */
enum mime_fit mime_convert(struct mime_converter *c, struct span text, struct arena *a, struct span *out);
/* The same into out; returns the octets, or size + 1 when it does not fit, either way. */
size_t mime_convert_into(struct mime_converter *c, struct span text, char *out, size_t size);

#endif
