/* letter_calendar.h - invitations (RFC 5545, 6047): values as text, lines folded. Inner header. */
#ifndef TEMPLATES_LETTER_LETTER_CALENDAR_H
#define TEMPLATES_LETTER_LETTER_CALENDAR_H

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct mime_out;

/* Appends value as TEXT: \ ; , and line breaks escaped (RFC 5545 3.3.11). -1: no memory. */
int letter_calendar_value(struct mime_out *o, struct span value);
/* Lines of more than 75 octets folded between characters (3.1), empty ones left out; p is NULL when
 * memory ran out. Lives in a. */
struct span letter_calendar_fold(struct span text, struct arena *a);
/* The value of the METHOD line, or an empty one. */
struct span letter_calendar_method(struct span text);

#endif
