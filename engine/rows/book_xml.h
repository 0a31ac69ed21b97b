/* book_xml.h - XML parts of a workbook, as events (inside engine/rows only).
 *
 * Names of elements come without their prefix, those of attributes with it. There are no entities
 * but those of XML itself: a part with a document type is refused. */
#ifndef ENGINE_ROWS_BOOK_XML_H
#define ENGINE_ROWS_BOOK_XML_H

#include "engine/base/span.h"

struct err;
struct book_zip;

/* 0 go on, 1 enough of this part, -1 with e. Any may be NULL. */
struct book_xml {
	int (*open)(void *ctx, const char *name, const char **attributes, struct err *e);
	int (*close)(void *ctx, const char *name, struct err *e);
	int (*text)(void *ctx, struct span text, struct err *e);
};

/* Reads the part in pieces. ERR_INPUT: no XML, deeper than BOOK_DEPTH_MAX, a tag without end. */
int book_xml_read(struct book_zip *z, const char *part, const struct book_xml *events, void *ctx, struct err *e);

/* The value of an attribute, by its whole name, or NULL. */
const char *book_xml_attribute(const char **attributes, const char *name);

enum { BOOK_DEPTH_MAX = 200 };

#endif
