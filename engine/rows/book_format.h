/* book_format.h - a number of a workbook as its cell shows it (inside engine/rows only).
 *
 * Numbers look as their format says, with the separators that format codes themselves have ("." and
 * ","). Dates and times are ISO 8601: 2026-03-01, 09:30, 2026-03-01T09:30; the format says which of
 * the two, and whether there are seconds. */
#ifndef ENGINE_ROWS_BOOK_FORMAT_H
#define ENGINE_ROWS_BOOK_FORMAT_H

#include <stdbool.h>

#include "engine/base/span.h"

struct buf;

/* code: as in a style ("#,##0.00"), "" is General. dates_1904: days count from 1904-01-01. */
void book_format_number(struct buf *out, struct span code, double value, bool dates_1904);
/* The code of one of the formats that have numbers only; NULL: General. */
const char *book_format_built_in(unsigned id);

#endif
